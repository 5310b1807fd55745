//! A connection of one message and one reply, after which the server closes: the servers whose reply is fixed, and the client
//! of all such programs.

use smoltcp::socket::tcp::Socket;

use super::client::{ClientProgram, Failure, Run};
use super::input::Advance;
use super::message::{self, Arrived};
use super::text::print_received;
use crate::stack::{Context, MESSAGE, Next, Session};

/// Prints the first message and its sender, replies, closes. What a peer sends after that is not looked at.
#[derive(Clone, Debug)]
pub struct Server {
    reply: &'static [u8],
    message: Option<usize>,
}

impl Server {
    /// A server that replies with `reply`, for which the send buffer must have room.
    pub fn new(reply: &'static [u8]) -> Self {
        Server { reply, message: None }
    }
}

impl Session for Server {
    fn poll(&mut self, socket: &mut Socket<'_>, cx: &mut Context<'_>) -> Next {
        let len = match (self.message, message::arrived(socket)) {
            (Some(len), _) | (None, Arrived::Message(len)) => len,
            (None, Arrived::Nothing) => return Next::Wait,
            (None, Arrived::EndOfStream) => return Next::Close,
        };
        self.message = Some(len);
        if !message::send_whole(socket, self.reply) {
            return Next::Wait;
        }
        print_received(cx.console, socket.remote_endpoint(), message::peek(socket, cx.scratch, len));
        message::consume(socket, len);
        Next::Close
    }
}

/// Sends the first text that is not empty, prints what comes until the server closes, and a newline.
#[derive(Clone, Debug, Default)]
#[doc(hidden)]
pub struct Client {
    stage: Stage,
    replied: bool,
}

/// How far it is.
#[derive(Clone, Copy, Debug, Default)]
enum Stage {
    /// Looking for a text.
    #[default]
    Input,
    /// The number of its bytes that are queued.
    Sending(usize),
    /// All of it is.
    Reply,
}

impl Client {
    fn print(&mut self, socket: &mut Socket<'_>, cx: &mut Context<'_>) -> usize {
        let len = message::receive(socket, usize::MAX, |piece| cx.console.print(piece));
        self.replied |= len > 0;
        len
    }
}

impl ClientProgram for Client {
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
                    // A server may reply before it has all of a long text.
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
