//! discard: throws away what comes (RFC 863).

use smoltcp::socket::tcp::Socket;
use smoltcp::socket::udp::UdpMetadata;

use super::chargen::Pattern;
use super::client::{ClientOptions, ClientProgram, Failure, Run};
use super::input::Advance;
use super::message::{self, Arrived};
use crate::stack::{Answer, Context, Input, Next, Responder, Session};

/// The TCP server of one connection: reads to the end of stream, and closes.
#[derive(Clone, Debug, Default)]
pub struct Server;

impl Session for Server {
    fn poll(&mut self, socket: &mut Socket<'_>, _cx: &mut Context<'_>) -> Next {
        message::receive(socket, usize::MAX, |_| ());
        match message::arrived(socket) {
            Arrived::EndOfStream => Next::Close,
            Arrived::Message(_) | Arrived::Nothing => Next::Wait,
        }
    }
}

/// The UDP server of one port: answers nothing.
#[derive(Clone, Debug, Default)]
pub struct Datagrams;

impl Responder for Datagrams {
    fn datagram(&mut self, _from: UdpMetadata, _data: &[u8], _reply: &mut [u8], _cx: &mut Context<'_>) -> Answer {
        Answer::Silence
    }
}

/// The TCP client of one connection: sends its texts one after another with nothing between them, or the console's bytes as
/// they are, or generated ones; then closes its side and waits for the server to close the other.
#[derive(Clone, Debug)]
#[doc(hidden)]
pub struct Client {
    source: Source,
    /// How much was queued after the last poll: a change is progress.
    queued: usize,
}

/// What is sent.
#[derive(Clone, Copy, Debug)]
enum Source {
    /// Nothing more: this side is closed.
    Closed,
    /// What the console reads.
    Console,
    /// A number of bytes of chargen's pattern.
    Pattern { left: u64, pattern: Pattern },
    /// The texts, and the number of bytes of the current one that are queued, if there is one.
    Texts { position: Option<usize> },
}

impl Client {
    /// A client that has not begun.
    pub fn new(options: &ClientOptions<'_>) -> Self {
        let source = match options {
            ClientOptions { bytes: 1.., .. } => Source::Pattern { left: options.bytes, pattern: Pattern::default() },
            ClientOptions { texts: [], .. } => Source::Console,
            _ => Source::Texts { position: None },
        };
        Client { source, queued: 0 }
    }

    /// Queues as much as there is and has room, and closes this side at the end.
    fn feed(&mut self, run: &mut Run<'_>, socket: &mut Socket<'_>, cx: &mut Context<'_>) {
        while message::room(socket) > 0 {
            match &mut self.source {
                Source::Closed => return,
                Source::Console => {
                    let len = message::room(socket).min(cx.scratch.len());
                    match cx.console.read(&mut cx.scratch[..len]) {
                        Input::Bytes(read) => {
                            // There is room for all of them.
                            let _ = socket.send_slice(&cx.scratch[..read.min(len)]);
                        }
                        Input::End => self.close(socket),
                        Input::NotYet => return,
                    }
                }
                Source::Pattern { left: 0, .. } => self.close(socket),
                Source::Pattern { left, pattern } => {
                    let sent = socket.send(|buffer| {
                        let len = buffer.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                        pattern.fill(&mut buffer[..len]);
                        (len, len)
                    });
                    match sent {
                        Ok(len) if len > 0 => *left -= len as u64,
                        _ => return,
                    }
                }
                Source::Texts { position: Some(queued) } => {
                    let text = run.input.text();
                    if message::stream(socket, queued, |write| write(text)) {
                        self.source = Source::Texts { position: None };
                    }
                }
                Source::Texts { position } => match run.input.advance(cx.console) {
                    Advance::Text => *position = Some(0),
                    Advance::End => self.close(socket),
                    Advance::NotYet => return,
                },
            }
        }
    }

    fn close(&mut self, socket: &mut Socket<'_>) {
        socket.close();
        self.source = Source::Closed;
    }
}

impl ClientProgram for Client {
    fn poll(&mut self, run: &mut Run<'_>, socket: &mut Socket<'_>, cx: &mut Context<'_>) -> Next {
        let acknowledged = socket.send_queue() < self.queued;
        self.feed(run, socket, cx);
        message::receive(socket, usize::MAX, |_| ());
        self.queued = socket.send_queue();

        let open = !matches!(self.source, Source::Closed);
        match message::arrived(socket) {
            Arrived::EndOfStream if open => return run.fail(Failure::TooEarly),
            Arrived::EndOfStream => return run.complete(),
            Arrived::Message(_) | Arrived::Nothing => {}
        }
        if open && self.queued == 0 {
            // What is waited for is a person.
            run.deadline.clear();
        } else if acknowledged {
            run.deadline.restart(cx.now);
        } else {
            run.deadline.arm(cx.now);
        }
        run.wait(cx.now)
    }
}
