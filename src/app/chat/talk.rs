//! A conversation between one partner and the operator at the console.

use core::net::SocketAddr;

use smoltcp::socket::tcp::Socket;
use smoltcp::time::Instant;
use smoltcp::wire::IpEndpoint;

use super::lines::{Framing, Lines};
use super::operator::{Asker, Operator, Typed};
use super::{PAUSE, say_goodbye};
use crate::app::message::{self, Arrived, Write};
use crate::app::text::{split_line_end, write_display, write_escaped};
use crate::app::timing::{later, sooner};
use crate::stack::{Context, End, Next, Session};

/// The server of one TCP connection: a conversation with the operator. The listener serves one connection at a time.
///
/// Other connections, and their data, wait until the conversation has ended.
///
/// A partner who closes its side receives a note that a final reply can follow, and then at most one more line. If the
/// partner's host no longer has the connection, the host answers the note with an RST, which ends the conversation.
#[derive(Clone, Debug)]
pub struct Talk<'a> {
    operator: Option<&'a Operator>,
    lines: Lines,
    partner: Option<IpEndpoint>,
    stage: Stage,
    /// How many bytes of the typed line are already in the send buffer.
    queued: u16,
    /// The end of the pause after a message. The next message is not sent before this time.
    pause: Option<Instant>,
}

/// The progress of the conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Begin,
    Talking,
    /// The partner has closed its side.
    LastReply,
    Over,
}

/// The note to a partner who has closed its side.
const LAST_REPLY: &[u8] = b"(waiting for the last reply)\n";

/// The largest number of lines that one poll prints. The limit keeps one connection from delaying the others.
const LINES_A_TURN: usize = 16;

impl<'a> Talk<'a> {
    /// Creates a conversation that has not begun. Without an operator, no line is sent to the partner.
    pub fn new(operator: Option<&'a Operator>) -> Self {
        Talk { operator, lines: Lines::default(), partner: None, stage: Stage::Begin, queued: 0, pause: None }
    }

    /// Begins the conversation, and prints how to end it. Lines that a person typed earlier are discarded.
    fn begin(&mut self, socket: &Socket<'_>, cx: &mut Context<'_>) {
        self.stage = Stage::Talking;
        self.partner = socket.remote_endpoint();
        if let Some(operator) = self.operator {
            operator.begin(cx.console);
        }
        self.note(cx, format_args!("talking with "), format_args!(": q ends the talk"));
    }

    /// Prints lines from the partner. Returns why the printing stopped.
    fn process(&mut self, socket: &mut Socket<'_>, cx: &mut Context<'_>) -> Processed {
        for _ in 0..LINES_A_TURN {
            let Some(line) = self.lines.first(socket, cx.scratch, cx.now) else {
                return match message::arrived(socket) {
                    Arrived::EndOfStream => Processed::End,
                    Arrived::Message(_) | Arrived::Nothing => Processed::All,
                };
            };
            if line.goodbye {
                self.lines.take(socket, line);
                return Processed::Goodbye;
            }
            let write: &mut Write<'_> = &mut |piece| cx.console.print(piece);
            if let Some(partner) = self.partner {
                write_display(write, format_args!("{} ", SocketAddr::from(partner)));
            }
            write_escaped(write, cx.scratch.get(..line.len).unwrap_or_default());
            write(b"\n");
            self.lines.take(socket, line);
        }
        // The limit for one poll is reached.
        Processed::Some
    }

    /// Sends typed lines. Returns whether the conversation must now end.
    fn speak(&mut self, socket: &mut Socket<'_>, cx: &mut Context<'_>) -> bool {
        let Some(operator) = self.operator else { return false };
        loop {
            // A partner without line endings needs a silence after each message: see `PAUSE`.
            if self.pause.is_some_and(|until| cx.now < until) {
                return false;
            }
            self.pause = None;
            match operator.typed(Asker::Talk, cx) {
                Typed::NotYet => return false,
                // Without input, there is no final reply to wait for.
                Typed::End => return self.stage == Stage::LastReply,
                Typed::Goodbye => {
                    operator.take();
                    return true;
                }
                Typed::Line => {
                    let mut queued = self.queued.into();
                    let in_messages = self.lines.framing() == Framing::Messages;
                    let sent = operator.read(|text, cut| {
                        message::stream(socket, &mut queued, |write| {
                            write(text);
                            write(if cut || in_messages { b"" } else { b"\n" });
                        })
                    });
                    // The send buffer is full. The next poll sends the rest of the line.
                    if sent != Some(true) {
                        // A line is at most 1,025 bytes long, with its LF.
                        self.queued = u16::try_from(queued).unwrap_or(u16::MAX);
                        return false;
                    }
                    self.queued = 0;
                    self.pause = in_messages.then(|| later(cx.now, PAUSE));
                    operator.take();
                    // The partner has closed its side, and this line was the final reply.
                    if self.stage == Stage::LastReply {
                        return true;
                    }
                }
            }
        }
    }

    /// Waits until the connection changes, a message is complete, or the pause ends.
    fn wait(&self, now: Instant) -> Next {
        sooner(sooner(Next::Wait, self.lines.complete_at(now)), self.pause)
    }

    /// Ends the conversation, and reports the end on the console. `why` is empty, or a colon and the reason.
    fn end(&mut self, cx: &mut Context<'_>, why: core::fmt::Arguments<'_>) {
        self.stage = Stage::Over;
        self.note(cx, format_args!("the talk with "), format_args!(" has ended{why}"));
        if let Some(operator) = self.operator {
            operator.leave(cx.console);
        }
    }

    /// Prints the partner's address between `before` and `after`.
    fn note(&self, cx: &mut Context<'_>, before: core::fmt::Arguments<'_>, after: core::fmt::Arguments<'_>) {
        let Some(partner) = self.partner else { return };
        let write: &mut Write<'_> = &mut |piece| cx.console.print(piece);
        write_display(write, format_args!("{before}{}{after}\n", SocketAddr::from(partner)));
    }
}

/// Why reading from the partner stopped.
enum Processed {
    /// All complete lines have been printed.
    All,
    /// All lines have been printed, and the partner has closed its side.
    End,
    /// The partner has ended the conversation.
    Goodbye,
    /// The limit for one poll is reached, and more lines can follow.
    Some,
}

impl Session for Talk<'_> {
    /// Prints lines from the partner, and sends typed lines, until one side ends the conversation.
    fn poll(&mut self, socket: &mut Socket<'_>, cx: &mut Context<'_>) -> Next {
        if self.stage == Stage::Begin {
            // If the operator has only one conversation and it is over, later connections are reset.
            if self.operator.is_some_and(Operator::is_over) {
                return Next::Abort;
            }
            self.begin(socket, cx);
        }
        let processed = self.process(socket, cx);
        // After the partner's goodbye, no typed line is sent.
        let ends = matches!(processed, Processed::Goodbye) || self.speak(socket, cx);
        // Call `can_type` only after `speak`, because `speak` reads the console and finds the end of input.
        let can_answer = self.operator.is_some_and(Operator::can_type);
        // If the partner has closed its side and nobody can type, there is no last reply to wait for.
        if ends || (matches!(processed, Processed::End) && !can_answer) {
            self.end(cx, format_args!(""));
            return say_goodbye(socket, self.queued > 0, self.lines.framing());
        }
        match processed {
            Processed::End if self.stage == Stage::Talking => {
                let in_messages = self.lines.framing() == Framing::Messages;
                self.stage = Stage::LastReply;
                let note = if in_messages { split_line_end(LAST_REPLY).0 } else { LAST_REPLY };
                // A pause must follow the note, because silence ends a message without a line ending.
                if message::send_whole(socket, note) && in_messages {
                    self.pause = Some(later(cx.now, PAUSE));
                }
                self.note(cx, format_args!(""), format_args!(" has closed its side: send one more line, or q"));
                self.wait(cx.now)
            }
            // `Goodbye` cannot occur here: the conversation has ended above.
            Processed::All | Processed::End | Processed::Goodbye => self.wait(cx.now),
            Processed::Some => Next::WakeAt(cx.now),
        }
    }

    /// Ends the conversation if it has begun and has not ended yet, and queues the goodbye.
    fn shut_down(&mut self, socket: &mut Socket<'_>, cx: &mut Context<'_>) {
        if matches!(self.stage, Stage::Talking | Stage::LastReply) {
            self.end(cx, format_args!(""));
            say_goodbye(socket, self.queued > 0, self.lines.framing());
        }
    }

    /// Ends the conversation, unless it has not begun or has already ended.
    fn ended(&mut self, end: End, cx: &mut Context<'_>) {
        match (self.stage, end) {
            (Stage::Begin | Stage::Over, _) => {}
            (_, End::Closed) => self.end(cx, format_args!("")),
            (_, end) => self.end(cx, format_args!(": {end}")),
        }
    }
}
