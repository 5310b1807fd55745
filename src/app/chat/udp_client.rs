//! The client of chat over UDP.

use smoltcp::socket::udp::{SendError, Socket};
use smoltcp::wire::IpEndpoint;

use super::{END, PROMPT, is_goodbye};
use crate::app::client::{ClientOptions, Failure};
use crate::app::input::{Advance, Input};
use crate::app::message::compose_into;
use crate::app::text::{print_line, split_line_end, write_escaped};
use crate::app::timing::Deadline;
use crate::stack::{Context, IcmpError, Next, UdpSession};

/// The client on one UDP port. It sends each line as a datagram, and prints received datagrams at the same time.
///
/// After the end of input the client waits for an answer to the final line. `q` from either side ends the conversation.
/// A line is sent with LF if the server's most recent datagram had a line ending. `q` is always sent without LF.
#[derive(Clone, Debug)]
#[doc(hidden)]
pub struct Client<'a> {
    remote: IpEndpoint,
    input: Input<'a>,
    deadline: Deadline,
    stage: Stage,
    /// Whether a datagram has arrived since the most recent line was sent.
    answered: bool,
    /// Whether the server's most recent datagram had a line ending.
    in_lines: bool,
    /// The failure that an ICMP error reported for the most recent line.
    noted: Option<Failure>,
    result: Option<Result<(), Failure>>,
}

/// The progress of the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Waiting for a line to be typed. `has_sent` says whether any line has been sent.
    Input { has_sent: bool },
    /// Queueing the typed line as a datagram.
    Sending,
    /// Waiting for an answer after the end of input.
    LastReply,
    /// Waiting until the queued `q` is sent. The client then stops.
    SendingGoodbye,
}

impl<'a> Client<'a> {
    /// Creates a client that talks with `remote`.
    pub fn new(options: &ClientOptions<'a>, remote: IpEndpoint) -> Self {
        Client {
            remote,
            input: Input::with_prompt(options.texts, PROMPT).with_dash(options.dash),
            deadline: Deadline::new(options.timeout),
            stage: Stage::Input { has_sent: false },
            answered: false,
            in_lines: false,
            noted: None,
            result: None,
        }
    }

    /// Returns the client's result, or `None` while the client runs.
    pub fn result(&self) -> Option<Result<(), Failure>> {
        self.result
    }

    /// Prints received datagrams. Returns whether one of the datagrams ends the conversation.
    fn process(&mut self, socket: &mut Socket<'_>, cx: &mut Context<'_>) -> bool {
        while let Ok((data, from)) = socket.recv() {
            if from.endpoint != self.remote {
                log::debug!("a datagram from {} is not from the partner", from.endpoint);
                continue;
            }
            let (text, line_end) = split_line_end(data);
            if is_goodbye(text) {
                return true;
            }
            print_line(cx.console, |write| write_escaped(write, text));
            // The client's next line ends as this datagram did: with or without LF.
            (self.answered, self.in_lines) = (true, !line_end.is_empty());
            // After the end of input, the first answer ends the conversation.
            if self.stage == Stage::LastReply {
                return true;
            }
        }
        false
    }

    /// Queues the typed line as a datagram, and returns the client's next stage.
    ///
    /// # Errors
    /// Returns `Err(None)` if the send buffer has no room yet. Returns the [`Failure`] if this line can never be sent.
    fn send(&mut self, socket: &mut Socket<'_>) -> Result<Stage, Option<Failure>> {
        let text = self.input.text();
        let line_end: &[u8] = if self.in_lines && !is_goodbye(text) { b"\n" } else { b"" };
        let len = text.len() + line_end.len();
        if len > socket.payload_send_capacity() {
            return Err(Some(Failure::TooLong));
        }
        let datagram = socket.send(len, self.remote).map_err(|error| match error {
            SendError::BufferFull => None,
            SendError::Unaddressable => Some(Failure::Unaddressable),
        })?;
        compose_into(datagram, |write| {
            write(text);
            write(line_end);
        });
        // From now on, answers and errors concern this line.
        (self.answered, self.noted) = (false, None);
        Ok(if is_goodbye(text) { Stage::SendingGoodbye } else { Stage::Input { has_sent: true } })
    }

    /// Waits until a line is typed, or until an earlier line is sent.
    ///
    /// While an earlier line is unsent, the wait ends at the client's deadline. Without a deadline, the client would
    /// wait for ever if the receiver did not answer ARP or NDP: see [`UdpSession::waits_for_neighbour`].
    fn idle(&mut self, socket: &Socket<'_>, cx: &mut Context<'_>) -> Next {
        if !cx.is_unsent(socket) {
            self.deadline.clear();
            return Next::Wait;
        }
        self.wait(cx)
    }

    /// Waits until something arrives or the client's deadline passes. At the deadline, the client fails.
    fn wait(&mut self, cx: &mut Context<'_>) -> Next {
        self.deadline.arm(cx.now);
        match self.deadline.at() {
            Some(at) if cx.now >= at => self.finish(Err(Failure::silence(cx.held_back, self.noted)), cx),
            Some(at) => Next::WakeAt(at),
            None => Next::Wait,
        }
    }

    /// Stores the result, prints the end of the conversation, and stops the client.
    fn finish(&mut self, result: Result<(), Failure>, cx: &mut Context<'_>) -> Next {
        self.result = Some(result);
        cx.console.print(END);
        Next::Close
    }
}

impl UdpSession for Client<'_> {
    fn waits_for_neighbour(&self) -> bool {
        true
    }

    /// Handles an ICMP error about a datagram to `remote`. Returns whether the error is about this client's unanswered
    /// text.
    fn undelivered(&mut self, remote: IpEndpoint, error: &IcmpError) -> bool {
        // The error matters only while the most recent line has no answer. `Refused` ends the client at the next poll,
        // and any other failure is reported at the deadline.
        let has_sent = self.stage != Stage::Input { has_sent: false };
        if remote != self.remote || !has_sent || self.answered || self.result.is_some() {
            return false;
        }
        match Failure::undelivered(error) {
            Failure::Refused => self.result = Some(Err(Failure::Refused)),
            failure => self.noted = Some(failure),
        }
        true
    }

    /// Prints received datagrams, then sends typed lines until one of them has to wait.
    fn poll(&mut self, socket: &mut Socket<'_>, cx: &mut Context<'_>) -> Next {
        // An ICMP error has ended the client.
        if let Some(result) = self.result {
            return self.finish(result, cx);
        }
        // A received datagram has ended the conversation.
        if self.process(socket, cx) {
            return self.finish(Ok(()), cx);
        }
        loop {
            self.stage = match self.stage {
                Stage::Input { has_sent } => match self.input.advance(cx.console) {
                    Advance::Text => Stage::Sending,
                    Advance::End if has_sent && self.answered => return self.finish(Ok(()), cx),
                    Advance::End if has_sent => Stage::LastReply,
                    Advance::End => return self.finish(Err(Failure::NoText), cx),
                    Advance::NotYet => return self.idle(socket, cx),
                },
                // Only one datagram can wait for ARP or NDP. A second datagram would replace the first.
                Stage::Sending if cx.held_back => return self.idle(socket, cx),
                Stage::Sending => match self.send(socket) {
                    Ok(stage) => stage,
                    Err(Some(failure)) => return self.finish(Err(failure), cx),
                    Err(None) => return self.idle(socket, cx),
                },
                Stage::SendingGoodbye if !cx.is_unsent(socket) => return self.finish(Ok(()), cx),
                Stage::LastReply | Stage::SendingGoodbye => return self.wait(cx),
            }
        }
    }
}
