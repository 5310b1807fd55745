//! echo: sends back all received data (RFC 862).

use smoltcp::socket::tcp::Socket;
use smoltcp::socket::udp::UdpMetadata;

use super::client::{ClientOptions, ClientProgram, Failure, Run};
use super::input::{Advance, PROMPT};
use super::message::{self, Arrived, copy_into};

use crate::stack::{Answer, Context, Input, Next, Responder, Session};

/// The TCP server of one connection: sends all received data back.
///
/// The server closes once the peer has closed.
#[derive(Clone, Debug, Default)]
pub struct Server;

impl Session for Server {
    /// Sends back as much received data as fits into the send buffer.
    fn poll(&mut self, socket: &mut Socket<'_>, cx: &mut Context<'_>) -> Next {
        loop {
            // The server reads only as much as it can send. Other data stays in the receive buffer, so that the peer
            // slows down.
            let len = socket.recv_queue().min(message::room(socket)).min(cx.scratch.len());
            if len == 0 {
                break;
            }
            let len = socket.recv_slice(&mut cx.scratch[..len]).unwrap_or(0);
            // The send buffer has room for all `len` bytes.
            let _ = socket.send_slice(&cx.scratch[..len]);
        }
        match message::arrived(socket) {
            Arrived::EndOfStream => Next::Close,
            Arrived::Message(_) | Arrived::Nothing => Next::Wait,
        }
    }
}

/// The UDP server of one port: sends each datagram back.
#[derive(Clone, Debug, Default)]
pub struct Datagrams;

impl Responder for Datagrams {
    fn datagram(&mut self, _from: UdpMetadata, data: &[u8], reply: &mut [u8], _cx: &mut Context<'_>) -> Answer {
        copy_into(reply, data).map_or(Answer::Silence, Answer::Reply)
    }
}

/// The TCP client of one connection: sends messages or console input, and prints the echo.
///
/// If there are messages, the client sends each message after the whole previous message has come back. The client
/// prints received data, and a newline after the echo of each message. If there are no messages, the client sends the
/// console's input and at the same time prints received data, both unchanged. At the end of input the client closes
/// its side.
#[derive(Clone, Debug)]
#[doc(hidden)]
pub struct Client {
    stage: Stage,
}

/// The progress of the client.
#[derive(Clone, Copy, Debug)]
enum Stage {
    /// Waiting for a message.
    Next,
    /// Exchanging a message: `sent` bytes are queued, `back` bytes have come back.
    Text { sent: usize, back: usize },
    /// Exchanging bytes between console and connection.
    Raw(Raw),
    /// The client has closed its side. `missing` bytes have not come back yet.
    Closed { missing: u64 },
}

/// The state of an exchange between console and connection.
#[derive(Clone, Copy, Debug, Default)]
struct Raw {
    /// The number of bytes queued so far.
    sent: u64,
    /// The number of bytes that have come back so far.
    back: u64,
    /// Whether the most recently typed byte is not a newline.
    mid_line: bool,
    /// Whether the prompt for the next line has been printed.
    prompted: bool,
}

impl Client {
    /// Creates a client that has not started.
    pub fn new(options: &ClientOptions<'_>) -> Self {
        Client { stage: if options.texts.is_empty() { Stage::Raw(Raw::default()) } else { Stage::Next } }
    }

    /// Moves as many bytes as possible between console and connection. Returns `None` at the end of input, after
    /// closing this side.
    fn exchange(
        &mut self,
        mut raw: Raw,
        run: &mut Run<'_>,
        socket: &mut Socket<'_>,
        cx: &mut Context<'_>,
    ) -> Option<Next> {
        // `raw.sent` and `raw.back` count all bytes queued and all bytes that have come back. `sent` and `back` count
        // the bytes of one iteration.
        let mut ended = false;
        loop {
            let back = message::receive(socket, usize::MAX, |piece| cx.console.print(piece)) as u64;
            raw.back += back;
            let len = message::room(socket).min(cx.scratch.len());
            // Without room in the send buffer, the input stays in the console.
            let typed = match &mut cx.scratch[..len] {
                [] => Input::NotYet,
                buffer => cx.console.read(buffer),
            };
            let sent = match typed {
                Input::Bytes(len) => {
                    let bytes = &cx.scratch[..len.min(cx.scratch.len())];
                    raw.mid_line = bytes.last() != Some(&b'\n');
                    raw.prompted = false;
                    socket.send_slice(bytes).unwrap_or(0)
                }
                Input::End => {
                    ended = true;
                    0
                }
                Input::NotYet => 0,
            };
            raw.sent += sent as u64;
            if back > 0 || sent > 0 {
                run.deadline.restart(cx.now);
            }
            // Continue until neither direction has moved a byte.
            if ended || (back, sent) == (0, 0) {
                break;
            }
        }
        // After the end of input, the rest of the echo must still come back.
        if ended {
            self.half_close(raw.sent.saturating_sub(raw.back), run, socket, cx);
            return None;
        }
        let next = if message::arrived(socket) == Arrived::EndOfStream {
            run.fail(Failure::TooEarly)
        } else if raw.back < raw.sent {
            run.wait(cx.now)
        } else {
            // All bytes have come back, so the client waits for a person to type.
            run.deadline.clear();
            if !raw.prompted && !raw.mid_line {
                cx.console.prompt(PROMPT);
                raw.prompted = true;
            }
            Next::Wait
        };
        self.stage = Stage::Raw(raw);
        Some(next)
    }

    /// Closes this side. The server must send back `missing` bytes and then close.
    fn half_close(&mut self, missing: u64, run: &mut Run<'_>, socket: &mut Socket<'_>, cx: &Context<'_>) {
        socket.close();
        run.deadline.restart(cx.now);
        self.stage = Stage::Closed { missing };
    }
}

impl ClientProgram for Client {
    /// Sends messages or console input, and prints the echo, until there is nothing to send or to print. The client
    /// fails if the server closes before the end of the input, or before the whole echo has come back.
    fn poll(&mut self, run: &mut Run<'_>, socket: &mut Socket<'_>, cx: &mut Context<'_>) -> Next {
        loop {
            match self.stage {
                Stage::Next => match run.input.advance(cx.console) {
                    Advance::Text => {
                        run.deadline.restart(cx.now);
                        self.stage = Stage::Text { sent: 0, back: 0 };
                    }
                    // Each text has come back before the next one is read, so no bytes are missing.
                    Advance::End => self.half_close(0, run, socket, cx),
                    Advance::NotYet if message::arrived(socket) == Arrived::EndOfStream => {
                        return run.fail(Failure::TooEarly);
                    }
                    Advance::NotYet => {
                        // While a person types, there is no deadline.
                        run.deadline.clear();
                        return Next::Wait;
                    }
                },
                Stage::Text { mut sent, mut back } => {
                    let text = run.input.text();
                    let before = (sent, back);
                    message::stream(socket, &mut sent, |write| write(text));
                    // Data beyond the length of the message is not its echo, and stays in the receive buffer.
                    back += message::receive(socket, text.len() - back, |piece| cx.console.print(piece));
                    self.stage = Stage::Text { sent, back };
                    if (sent, back) == (text.len(), text.len()) {
                        cx.console.print(b"\n");
                        self.stage = Stage::Next;
                    } else if (sent, back) != before {
                        run.deadline.restart(cx.now);
                    } else if message::arrived(socket) == Arrived::EndOfStream {
                        return run.fail(Failure::TooEarly);
                    } else {
                        return run.wait(cx.now);
                    }
                }
                Stage::Raw(raw) => {
                    // At the end of input, `exchange` returns `None`, and the stage is now `Closed`.
                    if let Some(next) = self.exchange(raw, run, socket, cx) {
                        return next;
                    }
                }
                // The client has closed its side, and `missing` bytes have not come back yet.
                Stage::Closed { missing } => {
                    let back = message::receive(socket, usize::MAX, |piece| cx.console.print(piece)) as u64;
                    let missing = missing.saturating_sub(back);
                    self.stage = Stage::Closed { missing };
                    if back > 0 {
                        run.deadline.restart(cx.now);
                    }
                    return match message::arrived(socket) {
                        Arrived::EndOfStream if missing > 0 => run.fail(Failure::TooEarly),
                        Arrived::EndOfStream => run.complete(),
                        Arrived::Message(_) | Arrived::Nothing => run.wait(cx.now),
                    };
                }
            }
        }
    }
}
