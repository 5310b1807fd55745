//! The TCP client of chat, for a conversation with one partner or in a room.

use smoltcp::socket::tcp::{Socket, State};
use smoltcp::time::{Duration, Instant};

use super::lines::{Framing, Lines};
use super::{END, PAUSE, PROMPT, is_goodbye};
use crate::app::client::{ClientProgram, Failure, Run};
use crate::app::input::Advance;
use crate::app::message::{self, Arrived, Write};
use crate::app::text::write_escaped;
use crate::app::timing::{later, sooner};
use crate::stack::{Console, Context, End, Next};

/// Sends typed lines and prints received lines at the same time. `q` ends the conversation.
///
/// At the end of input the client closes its side. The client then prints further lines until the server also closes.
///
/// The client can send its first line before it knows whether the server ends messages with LF. So the client holds
/// back the LF of its first line until the server has sent a message. If that message ends with LF, the client sends
/// the LF, otherwise the client drops the LF. If the server stays silent, the client sends the LF before its next line
/// or before FIN. After the server's first message, the client's lines end as the server's most recent message did. `q`
/// is always sent without LF.
#[derive(Clone, Debug)]
#[doc(hidden)]
pub struct Client {
    lines: Lines,
    stage: Stage,
    /// Whether the LF of the most recently sent line is held back.
    holds_end: bool,
    /// The end of the pause after a message. The next message is not sent before this time.
    pause: Option<Instant>,
    /// The time at which the client stops after it has sent `q`, even if the server has not closed. A simple server can
    /// keep the connection open until its next client connects.
    leaves_at: Option<Instant>,
    /// Whether the end of the conversation has been printed.
    reported: bool,
}

/// The progress of the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The client has not been polled yet.
    Begin,
    /// Waiting for a line.
    Input,
    /// Sending the line. The field is the number of bytes queued so far.
    Sending(usize),
    /// The client has closed its side.
    Closed,
}

/// The largest number of lines that one poll prints. The limit keeps one connection from delaying the others.
const LINES_A_TURN: usize = 16;

/// The longest time that the server may take to close after the client's `q`.
const PARTING: Duration = Duration::from_secs(1);

impl Default for Client {
    /// Creates a client whose conversation has not begun.
    fn default() -> Self {
        // `reported` says whether the end has been printed. A conversation that never began has no end to print.
        Client {
            lines: Lines::default(),
            stage: Stage::Begin,
            holds_end: false,
            pause: None,
            leaves_at: None,
            reported: true,
        }
    }
}

impl Client {
    /// Sends as many typed lines as fit into the send buffer. Closes this side after `q` and at the end of input. After
    /// `q`, the server has the time [`PARTING`] to close, too.
    ///
    /// The LF of the first line is held back (`holds_end`) while it is unknown whether the server ends messages with
    /// LF. If the server stays silent, this LF is sent before the next line or before FIN.
    fn speak(&mut self, run: &mut Run<'_>, socket: &mut Socket<'_>, cx: &mut Context<'_>) {
        loop {
            match self.stage {
                Stage::Begin | Stage::Closed => return,
                Stage::Input => {
                    // Send or drop the LF that is held back, as soon as the server's framing is known.
                    match self.lines.framing() {
                        Framing::Lines if self.holds_end => self.holds_end = !message::send_whole(socket, b"\n"),
                        Framing::Messages => self.holds_end = false,
                        Framing::Lines | Framing::Unknown => {}
                    }
                    // A server without line endings needs a silence after each message: see `PAUSE`.
                    if self.pause.is_some_and(|until| cx.now < until) {
                        return;
                    }
                    self.pause = None;
                    match run.input.advance(cx.console) {
                        Advance::NotYet => return,
                        Advance::Text => self.stage = Stage::Sending(0),
                        // At the end of input, the LF that is held back must leave before FIN. If it does not fit yet,
                        // the next poll tries again.
                        Advance::End if self.holds_end && !message::send_whole(socket, b"\n") => return,
                        Advance::End => self.close(run, socket, cx),
                    }
                }
                Stage::Sending(mut position) => {
                    let (text, framing) = (run.input.text(), self.lines.framing());
                    // A cut line continues in the next text, and `q` is always sent without LF.
                    let has_end = !run.input.is_cut() && !is_goodbye(text);
                    let sent = message::stream(socket, &mut position, |write| {
                        // The LF of the previous line, if the server has not sent a message since.
                        write(if self.holds_end { b"\n" } else { b"" });
                        write(text);
                        write(if has_end && framing == Framing::Lines { b"\n" } else { b"" });
                    });
                    if !sent {
                        self.stage = Stage::Sending(position);
                        return;
                    }
                    if is_goodbye(text) {
                        self.leaves_at = Some(later(cx.now, PARTING));
                        self.close(run, socket, cx);
                        return;
                    }
                    self.stage = Stage::Input;
                    self.holds_end = has_end && framing == Framing::Unknown;
                    self.pause = (framing == Framing::Messages).then(|| later(cx.now, PAUSE));
                }
            }
        }
    }

    /// Closes this side, and starts the wait for the server to close.
    fn close(&mut self, run: &mut Run<'_>, socket: &mut Socket<'_>, cx: &Context<'_>) {
        socket.close();
        run.deadline.restart(cx.now);
        self.stage = Stage::Closed;
    }

    /// Prints the end of the conversation, unless it has been printed before.
    fn report(&mut self, console: &mut dyn Console) {
        if !core::mem::replace(&mut self.reported, true) {
            console.print(END);
        }
    }
}

impl ClientProgram for Client {
    /// Prints received lines, then sends typed lines. The client is done after a goodbye from either side, or once the
    /// server has closed. The client fails if the server closes before a typed line is sent.
    fn poll(&mut self, run: &mut Run<'_>, socket: &mut Socket<'_>, cx: &mut Context<'_>) -> Next {
        // The conversation begins, so its end must be printed later.
        if self.stage == Stage::Begin {
            (self.stage, self.reported) = (Stage::Input, false);
        }
        for _ in 0..LINES_A_TURN {
            let Some(line) = self.lines.first(socket, cx.scratch, cx.now) else { break };
            let text = cx.scratch.get(..line.len).unwrap_or_default();
            if line.goodbye {
                self.report(cx.console);
                // The server has ended the conversation, so the run succeeds even if the server has not read all data
                // from the client.
                return run.complete_without_sending();
            }
            let write: &mut Write<'_> = &mut |piece| cx.console.print(piece);
            write_escaped(write, text);
            write(b"\n");
            // If the server's line is the same as `END`, the end has been printed.
            self.reported = END.strip_suffix(b"\n") == Some(text);
            self.lines.take(socket, line);
            // While the client waits for the server to close, each line from the server restarts the wait.
            if self.stage == Stage::Closed {
                run.deadline.restart(cx.now);
            }
        }
        match message::arrived(socket) {
            Arrived::EndOfStream => {
                self.report(cx.console);
                return match self.stage {
                    Stage::Sending(_) => run.fail(Failure::TooEarly),
                    Stage::Begin | Stage::Closed | Stage::Input => run.complete(),
                };
            }
            // The limit for one poll is reached, so continue in the next poll.
            Arrived::Message(_) if self.lines.first(socket, cx.scratch, cx.now).is_some() => {
                return Next::WakeAt(cx.now);
            }
            Arrived::Message(_) | Arrived::Nothing => {}
        }
        self.speak(run, socket, cx);
        // After the client's `q`, the server has not closed in time. In FIN-WAIT-2 the server has acknowledged all
        // data, so the run can succeed.
        if self.leaves_at.is_some_and(|at| cx.now >= at) && socket.state() == State::FinWait2 {
            self.report(cx.console);
            return run.leave();
        }
        let waits = if self.stage == Stage::Closed { run.wait(cx.now) } else { Next::Wait };
        // A time in the past would wake the client again immediately, without end.
        let leaves_at = self.leaves_at.filter(|at| cx.now < *at);
        sooner(sooner(sooner(waits, self.lines.complete_at(cx.now)), self.pause), leaves_at)
    }

    fn prompt(&self) -> Option<&'static str> {
        Some(PROMPT)
    }

    fn ended(&mut self, _end: End, cx: &mut Context<'_>) {
        self.report(cx.console);
    }
}
