//! The clients of UDP programs: one text, one datagram, one reply, for all but chat.

use smoltcp::socket::udp::{SendError, Socket};
use smoltcp::wire::IpEndpoint;

use super::chargen::Pattern;
use super::chat;
use super::client::{ClientOptions, Failure};
use super::input::{Advance, Input};
use super::timing::Deadline;
use crate::stack::{Context, MESSAGE, Next, UdpSession};

crate::udp_sessions! {
    /// A client on UDP.
    #[derive(Clone, Debug)]
    pub enum UdpClient<'a> {
        /// Of a program that replies to each datagram, or to none.
        Asker(Asker<'a>),
        /// Of chat.
        Chat(chat::UdpClient<'a>),
    }
}

impl UdpClient<'_> {
    /// How it went, once it is over.
    pub fn result(&self) -> Option<Result<(), Failure>> {
        match self {
            UdpClient::Asker(client) => client.result,
            UdpClient::Chat(client) => client.result(),
        }
    }
}

/// Sends each text as a datagram once the one before is replied to, and prints each reply and a newline.
///
/// Only datagrams from the endpoint it asks are replies. A datagram or a reply that is lost makes it fail at its timeout; it
/// sends nothing twice. Where no reply is waited for, empty texts are passed over.
#[derive(Clone, Debug)]
pub struct Asker<'a> {
    remote: IpEndpoint,
    input: Input<'a>,
    fallback: &'a [&'a [u8]],
    /// Bytes still to be generated instead of texts.
    generate: Option<u64>,
    pattern: Pattern,
    replies: bool,
    deadline: Deadline,
    stage: Stage,
    sent_any: bool,
    result: Option<Result<(), Failure>>,
}

/// The most data a datagram holds over IPv4 (RFC 791: 65,535 bytes with both headers).
const LONGEST: usize = 65_507;

/// How far it is.
#[derive(Clone, Copy, Debug)]
enum Stage {
    /// Looking for a text.
    Input,
    /// There is a text to send.
    Send,
    /// It is queued, and a reply to come.
    Reply,
    /// No more texts: what is queued is to leave.
    Rest,
}

impl<'a> Asker<'a> {
    /// A client that asks `remote`; if the program there never replies, `replies` is false.
    pub(super) fn new(options: &ClientOptions<'a>, remote: IpEndpoint, replies: bool) -> Self {
        Asker {
            remote,
            input: Input::new(options.texts).with_dash(options.dash),
            fallback: options.fallback,
            generate: (options.bytes > 0 && !replies).then_some(options.bytes),
            pattern: Pattern::default(),
            replies: replies && !options.no_wait,
            deadline: Deadline::new(options.timeout),
            stage: Stage::Input,
            sent_any: false,
            result: None,
        }
    }

    /// What there is to send next.
    fn advance(&mut self, cx: &mut Context<'_>) -> Advance {
        match self.generate {
            Some(0) => Advance::End,
            Some(_) => Advance::Text,
            None => self.input.advance(cx.console),
        }
    }

    /// Queues one datagram.
    fn send(&mut self, socket: &mut Socket<'_>) -> Result<(), SendError> {
        if self.replies {
            // What is here already replies to an earlier text.
            while socket.recv().is_ok() {}
        }
        match &mut self.generate {
            None => socket.send_slice(self.input.text(), self.remote),
            Some(left) => {
                let len = MESSAGE.min(socket.payload_send_capacity()).min(usize::try_from(*left).unwrap_or(usize::MAX));
                self.pattern.fill(socket.send(len, self.remote)?);
                *left -= len as u64;
                Ok(())
            }
        }
    }

    fn is_empty(&self) -> bool {
        self.generate.is_none() && self.input.text().is_empty()
    }

    fn is_too_long(&self, socket: &Socket<'_>) -> bool {
        self.generate.is_none() && self.input.text().len() > socket.payload_send_capacity().min(LONGEST)
    }

    /// Prints the reply, if it has come.
    fn print_reply(&self, socket: &mut Socket<'_>, cx: &mut Context<'_>) -> bool {
        while let Ok((data, from)) = socket.recv() {
            if from.endpoint == self.remote {
                cx.console.print(data);
                cx.console.print(b"\n");
                return true;
            }
            log::debug!("a datagram from {} is not the reply", from.endpoint);
        }
        false
    }

    fn wait(&mut self, socket: &Socket<'_>, cx: &Context<'_>) -> Next {
        self.deadline.arm(cx.now);
        match self.deadline.at() {
            Some(at) if cx.now >= at => self.finish(Err(Failure::silence(socket))),
            Some(at) => Next::WakeAt(at),
            None => Next::Wait,
        }
    }

    fn finish(&mut self, result: Result<(), Failure>) -> Next {
        self.result = Some(result);
        Next::Close
    }
}

impl UdpSession for Asker<'_> {
    fn unreachable(&mut self) {
        self.result = Some(Err(Failure::Unreachable));
    }

    fn poll(&mut self, socket: &mut Socket<'_>, cx: &mut Context<'_>) -> Next {
        loop {
            self.stage = match self.stage {
                _ if self.result.is_some() => return Next::Close,
                Stage::Input => {
                    self.deadline.clear();
                    match self.advance(cx) {
                        // Nothing tells whether an empty datagram that nobody replies to has left its queue.
                        Advance::Text if self.is_empty() && !self.replies => Stage::Input,
                        Advance::Text if self.is_too_long(socket) => return self.finish(Err(Failure::TooLong)),
                        Advance::Text => Stage::Send,
                        Advance::End if self.sent_any => Stage::Rest,
                        Advance::End if !self.fallback.is_empty() => {
                            self.input = Input::new(core::mem::take(&mut self.fallback));
                            Stage::Input
                        }
                        Advance::End => return self.finish(Err(Failure::NoText)),
                        Advance::NotYet => return Next::Wait,
                    }
                }
                Stage::Send => match self.send(socket) {
                    Ok(()) => {
                        self.sent_any = true;
                        if self.replies { Stage::Reply } else { Stage::Input }
                    }
                    Err(SendError::BufferFull) => return self.wait(socket, cx),
                    Err(SendError::Unaddressable) => return self.finish(Err(Failure::Unaddressable)),
                },
                Stage::Reply if self.print_reply(socket, cx) => Stage::Input,
                Stage::Rest if socket.send_queue() == 0 => return self.finish(Ok(())),
                Stage::Reply | Stage::Rest => return self.wait(socket, cx),
            }
        }
    }
}
