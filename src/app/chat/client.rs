//! The client of a talk or a room.

use smoltcp::socket::tcp::Socket;

use super::lines::Lines;
use super::{END, is_goodbye};
use crate::app::client::{Failure, Run};
use crate::app::input::Advance;
use crate::app::message::{self, Arrived};
use crate::app::text::{Put, put_escaped};
use crate::stack::{Console, Context, Next};

/// Sends lines and prints lines, both at the same time. The end of input closes its side; it then waits for what the other side
/// still says, until that closes too. `q` ends the talk.
#[derive(Clone, Debug)]
pub struct Client {
    lines: Lines,
    stage: Stage,
    /// The end has been printed.
    told: bool,
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Begin,
    /// Looking for a line.
    Input,
    /// So many bytes of it are queued.
    Sending(usize),
    /// This side is closed.
    Closed,
}

/// How many lines are printed before others have a turn.
const LINES_A_TURN: usize = 16;

impl Client {
    /// A client that has not begun.
    pub fn new() -> Self {
        // A talk that never began has no end.
        Client { lines: Lines::default(), stage: Stage::Begin, told: true }
    }

    /// See [`Session::poll`](crate::stack::Session::poll).
    pub fn poll(&mut self, run: &mut Run<'_>, socket: &mut Socket<'_>, cx: &mut Context<'_>) -> Next {
        if self.stage == Stage::Begin {
            (self.stage, self.told) = (Stage::Input, false);
        }
        for _ in 0..LINES_A_TURN {
            let Some(line) = self.lines.first(socket, cx.scratch) else { break };
            let text = cx.scratch.get(..line.len).unwrap_or_default();
            if line.goodbye {
                self.tell(cx.console);
                // The other side wants no more: what it had not read is no failure.
                return run.complete_without_sending();
            }
            let put: &mut Put<'_> = &mut |piece| cx.console.print(piece);
            put_escaped(put, text);
            put(b"\n");
            self.told = END.strip_suffix(b"\n") == Some(text);
            self.lines.take(socket, line);
            if self.stage == Stage::Closed {
                run.deadline.restart(cx.now);
            }
        }
        match message::arrived(socket) {
            Arrived::EndOfStream => {
                self.tell(cx.console);
                return match self.stage {
                    Stage::Sending(_) => run.fail(Failure::TooEarly),
                    Stage::Begin | Stage::Closed | Stage::Input => run.complete(),
                };
            }
            Arrived::Message(_) if self.lines.first(socket, cx.scratch).is_some() => return Next::WakeAt(cx.now),
            Arrived::Message(_) | Arrived::Nothing => {}
        }
        self.speak(run, socket, cx);
        if self.stage == Stage::Closed { run.wait(cx.now) } else { Next::Wait }
    }

    /// The connection is over.
    pub fn ended(&mut self, console: &mut dyn Console) {
        self.tell(console);
    }

    /// Sends as many lines as there is room for.
    fn speak(&mut self, run: &mut Run<'_>, socket: &mut Socket<'_>, cx: &mut Context<'_>) {
        loop {
            match self.stage {
                Stage::Begin | Stage::Closed => return,
                Stage::Input => match run.input.advance(cx.console) {
                    Advance::NotYet => return,
                    Advance::Text => self.stage = Stage::Sending(0),
                    Advance::End => self.close(run, socket, cx),
                },
                Stage::Sending(mut position) => {
                    let (text, end) = (run.input.text(), if run.input.is_cut() { &b""[..] } else { b"\n" });
                    let sent = message::stream(socket, &mut position, |put| {
                        put(text);
                        put(end);
                    });
                    if !sent {
                        self.stage = Stage::Sending(position);
                        return;
                    }
                    if is_goodbye(text) {
                        self.close(run, socket, cx);
                    } else {
                        self.stage = Stage::Input;
                    }
                }
            }
        }
    }

    fn close(&mut self, run: &mut Run<'_>, socket: &mut Socket<'_>, cx: &Context<'_>) {
        socket.close();
        run.deadline.restart(cx.now);
        self.stage = Stage::Closed;
    }

    fn tell(&mut self, console: &mut dyn Console) {
        if !core::mem::replace(&mut self.told, true) {
            console.print(END);
        }
    }
}
