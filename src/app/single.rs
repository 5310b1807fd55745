//! Programs whose server receives one message, replies and closes. This file contains the servers of ack and thanks,
//! and the client of ack, thanks and upper.

use smoltcp::socket::tcp::Socket;

use super::client::{ClientProgram, Failure, Run};
use super::input::Advance;
use super::message::{self, Arrived};
use super::text::print_received;
use crate::stack::{Context, MESSAGE, Next, Session};

/// A server that prints the first message and its sender, replies and closes. The server ignores all later data.
#[derive(Clone, Debug)]
pub struct Server {
    reply: &'static [u8],
    /// The length of the first message, once a message has arrived.
    message: Option<usize>,
}

impl Server {
    /// Creates a server that replies with `reply`. The send buffer must have room for `reply`.
    pub fn new(reply: &'static [u8]) -> Self {
        Server { reply, message: None }
    }
}

impl Session for Server {
    /// Replies to the first message once the reply fits, then prints the message and closes.
    fn poll(&mut self, socket: &mut Socket<'_>, cx: &mut Context<'_>) -> Next {
        let len = match (self.message, message::arrived(socket)) {
            (Some(len), _) | (None, Arrived::Message(len)) => len,
            (None, Arrived::Nothing) => return Next::Wait,
            (None, Arrived::EndOfStream) => return Next::Close,
        };
        // Store the length: data that arrives while the reply waits for room is not part of the message.
        self.message = Some(len);
        // The reply is queued once all of it fits.
        if !message::send_whole(socket, self.reply) {
            return Next::Wait;
        }
        print_received(cx.console, socket.remote_endpoint(), message::peek(socket, cx.scratch, len));
        message::consume(socket, len);
        Next::Close
    }
}

/// A client that sends the first non-empty text, then prints the reply and a newline. The reply ends when the server
/// closes.
#[derive(Clone, Debug, Default)]
#[doc(hidden)]
pub struct Client {
    stage: Stage,
    replied: bool,
}

/// The progress of the client.
#[derive(Clone, Copy, Debug, Default)]
enum Stage {
    /// Waiting for a message.
    #[default]
    Input,
    /// Sending the text. The field is the number of bytes queued so far.
    Sending(usize),
    /// Receiving the reply: all of the text is queued.
    Reply,
}

impl Client {
    /// Prints all received data, and records in `replied` whether any has arrived. Returns the number of bytes.
    fn print(&mut self, socket: &mut Socket<'_>, cx: &mut Context<'_>) -> usize {
        let len = message::receive(socket, usize::MAX, |piece| cx.console.print(piece));
        self.replied |= len > 0;
        len
    }
}

impl ClientProgram for Client {
    /// Sends the first text that is not empty, and prints the reply until the server closes. The client fails if all
    /// texts are empty, or if the server closes before the text is sent and answered.
    fn poll(&mut self, run: &mut Run<'_>, socket: &mut Socket<'_>, cx: &mut Context<'_>) -> Next {
        loop {
            match self.stage {
                Stage::Input => match run.input.advance(cx.console) {
                    Advance::Text if run.input.text().is_empty() => {}
                    Advance::Text => {
                        if run.input.is_cut() {
                            log::warn!("the line is long: only its first {MESSAGE} bytes are sent");
                        }
                        run.deadline.restart(cx.now);
                        self.stage = Stage::Sending(0);
                    }
                    Advance::End => return run.fail(Failure::NoText),
                    Advance::NotYet if message::arrived(socket) == Arrived::EndOfStream => {
                        return run.fail(Failure::NotReplied);
                    }
                    Advance::NotYet => return Next::Wait,
                },
                Stage::Sending(mut position) => {
                    let text = run.input.text();
                    let sent = message::stream(socket, &mut position, |write| write(text));
                    self.stage = if sent { Stage::Reply } else { Stage::Sending(position) };
                    // `print` prints what has arrived, because the server can reply before it has received all of a
                    // long message. If nothing has arrived, the client must wait.
                    if !sent && self.print(socket, cx) == 0 {
                        return match message::arrived(socket) {
                            Arrived::EndOfStream => run.fail(Failure::TooEarly),
                            Arrived::Message(_) | Arrived::Nothing => run.wait(cx.now),
                        };
                    }
                }
                Stage::Reply => {
                    self.print(socket, cx);
                    return match message::arrived(socket) {
                        Arrived::EndOfStream if self.replied => {
                            cx.console.print(b"\n");
                            run.complete()
                        }
                        Arrived::EndOfStream => run.fail(Failure::NotReplied),
                        Arrived::Message(_) | Arrived::Nothing => run.wait(cx.now),
                    };
                }
            }
        }
    }
}
