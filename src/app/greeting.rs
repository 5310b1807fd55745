//! greeting: sends a welcome, then a greeting for each message. `exit` or the end of the stream closes the connection.

use core::fmt;

use smoltcp::socket::tcp::Socket;
use smoltcp::socket::udp::UdpMetadata;
use smoltcp::time::{Duration, Instant};

use super::Options;
use super::client::{ClientProgram, Failure, Run};
use super::input::Advance;
use super::message::{self, Arrived, Write, compose_into};
use super::text::split_line_end;
use super::timing::later;
use crate::stack::{Answer, Context, Next, Responder, Session};

const WELCOME: &[u8] = b"Welcome!";
const EXIT: &[u8] = b"exit";

/// The reply of a greeting server: text in which `{}` stands for the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Template<'a>(&'a [u8]);

impl<'a> Template<'a> {
    const TCP: Template<'static> = Template(b"Hello,{}!");
    const UDP: Template<'static> = Template(b"hello {}!");
    const PLACEHOLDER: &'static [u8] = b"{}";

    /// Creates a template from bytes with at least one `{}`.
    ///
    /// # Errors
    /// Returns [`TemplateError::NoPlace`] if `text` contains no `{}`. Put `{}` where the message belongs.
    pub fn new(text: &'a [u8]) -> Result<Self, TemplateError> {
        let has_placeholder = text.windows(Self::PLACEHOLDER.len()).any(|w| w == Self::PLACEHOLDER);
        if has_placeholder { Ok(Template(text)) } else { Err(TemplateError::NoPlace) }
    }

    /// Writes the reply to `message`. The message's line ending moves to the end of the reply.
    ///
    /// This function is never inlined, which saves 200 bytes of a board's flash.
    #[inline(never)]
    fn greet(&self, message: &[u8], write: &mut Write<'_>) {
        let (text, line_end) = split_line_end(message);
        // `rest` is the part of the template that is not written yet.
        let mut rest = self.0;
        while let Some(at) = rest.windows(Self::PLACEHOLDER.len()).position(|w| w == Self::PLACEHOLDER) {
            let (before, from_placeholder) = rest.split_at(at);
            write(before);
            write(text);
            rest = from_placeholder.strip_prefix(Self::PLACEHOLDER).unwrap_or_default();
        }
        write(rest);
        write(line_end);
    }
}

/// Why a template is not valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum TemplateError {
    /// The template has no `{}`.
    NoPlace,
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the template has no {} to put the message in, as in 'Hello, {}!'")
    }
}

impl core::error::Error for TemplateError {}

/// The TCP server of one connection: sends a welcome and a reply to each message.
#[derive(Clone, Debug)]
pub struct Server<'a> {
    template: Template<'a>,
    delay: Duration,
    state: State,
}

/// The next action of the server.
#[derive(Clone, Copy, Debug)]
enum State {
    /// Send the welcome.
    Welcome,
    /// Wait for a message.
    Message,
    /// Reply to a message of `len` bytes, not before `due`. The first `position` bytes of the reply are queued.
    Reply { len: usize, due: Instant, position: usize },
}

impl<'a> Server<'a> {
    /// Creates a server with these options.
    pub fn new(options: &Options<'a>) -> Self {
        Server { template: options.template.unwrap_or(Template::TCP), delay: options.delay, state: State::Welcome }
    }
}

impl Session for Server<'_> {
    /// Sends the welcome, then a reply to each message until `exit` or the end of the stream.
    fn poll(&mut self, socket: &mut Socket<'_>, cx: &mut Context<'_>) -> Next {
        loop {
            self.state = match self.state {
                State::Welcome => match message::send_whole(socket, WELCOME) {
                    true => State::Message,
                    false => return Next::Wait,
                },
                State::Message => match message::arrived(socket) {
                    Arrived::Message(len) => State::Reply { len, due: later(cx.now, self.delay), position: 0 },
                    Arrived::Nothing => return Next::Wait,
                    Arrived::EndOfStream => return Next::Close,
                },
                State::Reply { len, due, mut position } => {
                    let message = message::peek(socket, cx.scratch, len);
                    // `exit` gets no reply, so the connection closes without the delay before a reply.
                    if split_line_end(message).0 == EXIT {
                        message::consume(socket, len);
                        return Next::Close;
                    }
                    if cx.now < due {
                        return Next::WakeAt(due);
                    }
                    if message::stream(socket, &mut position, |write| self.template.greet(message, write)) {
                        message::consume(socket, len);
                        State::Message
                    } else {
                        self.state = State::Reply { len, due, position };
                        return Next::Wait;
                    }
                }
            }
        }
    }
}

/// The UDP server of one port: answers each datagram, if the answer fits into a datagram.
#[derive(Clone, Debug)]
pub struct Datagrams<'a> {
    template: Template<'a>,
}

impl<'a> Datagrams<'a> {
    /// Creates a server with these options.
    pub fn new(options: &Options<'a>) -> Self {
        Datagrams { template: options.template.unwrap_or(Template::UDP) }
    }
}

impl Responder for Datagrams<'_> {
    fn datagram(&mut self, _from: UdpMetadata, data: &[u8], reply: &mut [u8], _cx: &mut Context<'_>) -> Answer {
        compose_into(reply, |write| self.template.greet(data, write)).map_or(Answer::Silence, Answer::Reply)
    }
}

/// The TCP client of one connection: sends messages and prints all received data.
///
/// The client waits for the welcome, and sends each message after the reply to the previous message. After the final
/// reply, the client sends `exit` and reads to the end of the stream.
///
/// A reply is the data that one read returns. A reply that arrives in pieces is printed in pieces, each on its own
/// line. Empty messages are skipped. Messages after the message `exit` are not sent.
#[derive(Clone, Debug, Default)]
#[doc(hidden)]
pub struct Client {
    stage: Stage,
}

/// The progress of the client.
#[derive(Clone, Copy, Debug, Default)]
enum Stage {
    /// Waiting for the welcome.
    #[default]
    Welcome,
    /// Waiting for a message.
    Input,
    /// Sending the text. The field is the number of bytes queued so far.
    Sending(usize),
    /// Waiting for the reply: all of the text is queued.
    Reply,
    /// Sending `exit`: there are no more messages.
    Exit,
    /// Reading to the end of the stream: `exit` is queued.
    Rest,
}

impl ClientProgram for Client {
    /// Sends each message after the reply to the previous one, and prints all received data. The client fails if the
    /// server closes while a message or a reply can still follow.
    fn poll(&mut self, run: &mut Run<'_>, socket: &mut Socket<'_>, cx: &mut Context<'_>) -> Next {
        loop {
            if let Stage::Input = self.stage {
                let advance = run.input.advance(cx.console);
                // While a person types, there is no deadline.
                run.deadline.clear();
                self.stage = match advance {
                    Advance::Text if run.input.text() == EXIT => Stage::Exit,
                    // An empty message is skipped.
                    Advance::Text if run.input.text().is_empty() => Stage::Input,
                    Advance::Text => Stage::Sending(0),
                    Advance::End => Stage::Exit,
                    Advance::NotYet => match message::arrived(socket) {
                        // The rest of a reply that arrives in pieces.
                        Arrived::Message(len) => {
                            message::print(socket, len, cx.console);
                            Stage::Input
                        }
                        Arrived::Nothing => return Next::Wait,
                        Arrived::EndOfStream => return run.fail(Failure::NotReplied),
                    },
                };
                continue;
            }
            run.deadline.arm(cx.now);
            if let Stage::Sending(mut position) = self.stage {
                let text = run.input.text();
                let sent = message::stream(socket, &mut position, |write| write(text));
                self.stage = if sent { Stage::Reply } else { Stage::Sending(position) };
            }
            let arrived = message::arrived(socket);
            // If the server has already closed, `exit` is not needed.
            if let Stage::Exit = self.stage
                && arrived != Arrived::EndOfStream
            {
                let sent = message::send_whole(socket, EXIT);
                self.stage = if sent { Stage::Rest } else { Stage::Exit };
            }
            match (arrived, self.stage) {
                (Arrived::Nothing, _) => return run.wait(cx.now),
                (Arrived::EndOfStream, Stage::Exit | Stage::Rest) => return run.complete(),
                (Arrived::EndOfStream, _) => return run.fail(Failure::NotReplied),
                (Arrived::Message(len), stage) => {
                    message::print(socket, len, cx.console);
                    // The server can reply to the beginning of a long message before the end of the message is sent.
                    if let Stage::Welcome | Stage::Reply = stage {
                        self.stage = Stage::Input;
                    }
                }
            }
        }
    }
}
