//! The server's side of the connection to a member of a chat room.

use core::net::SocketAddr;

use smoltcp::socket::tcp::Socket;
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::IpEndpoint;

use super::lines::Lines;
use super::operator::{Asker, Typed};
use super::room::{CONSOLE, FallenBehind, NAME, Name, NameRefused, Room};
use super::say_goodbye;
use crate::app::message::{self, Arrived, Write};
use crate::app::text::{is_invisible, print_line, write_display, write_escaped};
use crate::app::timing::{later, sooner};
use crate::stack::{Console, Context, End, Next, Session};

/// The server of one connection: passes a member's lines to all other members.
///
/// Each line that is passed on begins with the member's name or address.
///
/// A first line `/name NAME` sets a name of up to 16 bytes, without spaces, colons or invisible characters. `console`,
/// names that look like addresses, and other members' names are refused. The member then receives a note, and the
/// member's next line may set another name.
///
/// The room stores lines in a ring of bytes. If the ring is full of unread lines, a member's new line stays in that
/// member's receive buffer. If not all members read the oldest quarter of the ring within 2 s, the room drops that
/// quarter. A member that has not read the dropped lines receives a note and is disconnected.
#[derive(Clone, Debug)]
pub struct Member<'a> {
    room: &'a Room<'a>,
    lines: Lines,
    who: Who,
    number: u16,
    /// How many bytes of the text that is being sent are already in the send buffer.
    queued: u16,
    /// If a name was refused: the refusal, which must be sent to the member next. Until the refusal is sent, `queued`
    /// counts its bytes, and other members' lines wait.
    refused: Option<NameRefused>,
    stage: Stage,
}

/// A member's name, or the member's address while the member has no name.
#[derive(Clone, Copy, Debug)]
enum Who {
    Nobody,
    Address(IpEndpoint),
    /// A name, which the room stores at this index.
    Name(u16),
}

/// The progress of the member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Begin,
    /// The member is in the room. `position` is the position of the next line to send to the member. `first` says
    /// whether the next line from the member may set a name.
    Talking {
        position: u64,
        first: bool,
    },
    /// The member has fallen behind. If the note [`TOO_SLOW`] cannot be queued before this time, the connection is
    /// reset.
    Dropped(Instant),
    Over,
}

const WELCOME: &[u8] = b"this is a chat room: '/name NAME' as the first line gives you a name, q leaves\n";
const NO_NAME: &[u8] =
    b"this cannot be a name, nor can 'console' or an address: send '/name NAME' again as the next line\n";
const NO_SLOT: &[u8] = b"no room for another name: you keep your address\n";
const TAKEN: &[u8] = b"this name is taken: '/name NAME' as the next line gives you another\n";
const TOO_SLOW: &[u8] = b"\nyou have read too slowly and missed lines: goodbye\n";

/// The time limit for queueing the note [`TOO_SLOW`] to a member that has fallen behind.
const FAREWELL: Duration = Duration::from_secs(10);

impl<'a> Member<'a> {
    /// Creates a member that has not joined yet.
    pub fn new(room: &'a Room<'a>) -> Self {
        let (lines, who, stage) = (Lines::default(), Who::Nobody, Stage::Begin);
        Member { room, lines, who, number: 0, queued: 0, refused: None, stage }
    }

    /// Joins the room. Sends the welcome to the member, and a note to the console and all other members.
    fn join(&mut self, socket: &mut Socket<'_>, cx: &mut Context<'_>) {
        // The operator's conversation begins when the first member joins.
        if let (Some(operator), 0) = (self.room.operator(), self.room.members()) {
            operator.begin(cx.console);
        }
        let (number, position) = self.room.join();
        self.number = number;
        self.stage = Stage::Talking { position, first: true };
        self.who = socket.remote_endpoint().map_or(Who::Nobody, Who::Address);
        message::send_whole(socket, WELCOME);
        self.report(cx.console, &|member, write| {
            member.write_name(write);
            write(b" has joined");
        });
        // Wake the other members, so that they send this note.
        cx.wake_programs();
    }

    /// Queues the refusal of a name, if there is one, then as many lines from other members as fit into the send
    /// buffer. Returns whether all of this output is queued.
    ///
    /// # Errors
    /// Returns [`FallenBehind`] if the room has dropped a line that was not yet sent to this member.
    fn queue_lines(&mut self, socket: &mut Socket<'_>, cx: &mut Context<'_>) -> Result<bool, FallenBehind> {
        while let Stage::Talking { position, first } = self.stage {
            let room = self.room;
            // Look for dropped lines first, so that a member that does not read its refusal falls behind too.
            let said = room.read(position)?;
            if let Some(refused) = self.refused {
                if !self.send(socket, |write| write(refused.why())) {
                    return Ok(false);
                }
                (self.queued, self.refused) = (0, None);
            }
            // All lines are in the send buffer.
            let Some(said) = said else { break };
            let line = |write: &mut Write<'_>| {
                room.write(said, write);
                write(b"\n");
            };
            // If the line is the member's own, it is not sent back.
            if said.by != self.number && !self.send(socket, line) {
                return Ok(false);
            }
            self.queued = 0;
            self.stage = Stage::Talking { position: said.next, first };
            // A line that waits for space in the ring might fit now.
            if room.mark_read(said) {
                cx.wake_programs();
            }
        }
        Ok(true)
    }

    /// Queues as much of the rest of a message as fits. `compose` writes the whole message, of which `queued` bytes are
    /// queued already. Returns whether all of the message is queued.
    fn send(&mut self, socket: &mut Socket<'_>, compose: impl FnOnce(&mut Write<'_>)) -> bool {
        let mut queued = self.queued.into();
        let sent = message::stream(socket, &mut queued, compose);
        // No message is longer than a line in the room, and the length of a line fits in 16 bits.
        self.queued = u16::try_from(queued).unwrap_or(u16::MAX);
        sent
    }

    /// Handles one line from the member: sets the name, ends the conversation, or passes the line to the room. Returns
    /// `None` if no line has arrived, or if a `/name` line must wait until its reply can be sent.
    fn speak(&mut self, socket: &mut Socket<'_>, cx: &mut Context<'_>) -> Option<Spoken> {
        let line = self.lines.first(socket, cx.scratch, cx.now)?;
        if line.goodbye {
            self.lines.take(socket, line);
            return Some(Spoken::Goodbye);
        }
        let text = cx.scratch.get(..line.len)?;
        let first = matches!(self.stage, Stage::Talking { first: true, .. });
        // `Ok(true)` means that the line has been handled. `Ok(false)` means that a name is refused. `Err` says when to
        // try again.
        let said = match text.strip_prefix(b"/name ") {
            // A line to this member is partly sent. The reply to `/name` must wait until that line is complete.
            Some(_) if first && self.queued > 0 => return None,
            Some(name) if first => self.take_name(name, cx.now, cx.console),
            _ => {
                let line = |member: &Self, write: &mut Write<'_>| {
                    member.write_name(write);
                    write(b": ");
                    write_escaped(write, text);
                };
                self.tell_in_turn(cx.now, cx.console, &line).map(|()| true)
            }
        };
        // After a refusal, `first` stays true, so that the next line may set another name.
        match (said, &mut self.stage) {
            (Err(again), _) => return Some(Spoken::NotYet(again)),
            (Ok(true), Stage::Talking { first, .. }) => *first = false,
            (Ok(_), _) => {}
        }
        // Wake the other members, so that they send the new line.
        cx.wake_programs();
        self.lines.take(socket, line);
        Some(Spoken::Line)
    }

    /// Sets the member's name, and tells the console and all other members. Returns false if the name is refused, and
    /// stores the reason in `refused`.
    ///
    /// # Errors
    /// Returns the time at which to try again, if the ring has no space yet for the note about the new name.
    fn take_name(&mut self, text: &[u8], now: Instant, console: &mut dyn Console) -> Result<bool, Instant> {
        let (name, len) = name_in(text);
        let chosen = name.get(..len).unwrap_or_default();
        let slot = if is_name(chosen) { self.room.slot_for(&name) } else { Err(NameRefused::NoName) };
        let slot = match slot {
            Ok(slot) => slot,
            Err(refused) => {
                self.refused = Some(refused);
                return Ok(false);
            }
        };
        // The member still has its old name or its address, which begins the note.
        self.tell_in_turn(now, console, &|member, write| {
            member.write_name(write);
            write(b" is now ");
            write(chosen);
        })?;
        self.room.set_name(slot, name);
        self.who = Who::Name(slot);
        Ok(true)
    }

    /// Sends the operator's lines to all members. If a line has to wait, returns the time at which to try again. The
    /// operator has no session of its own, so each member's poll calls this method.
    fn console_speaks(&self, cx: &mut Context<'_>) -> Option<Instant> {
        let operator = self.room.operator()?;
        loop {
            match operator.typed(Asker::Talk, cx) {
                Typed::NotYet | Typed::End => return None,
                Typed::Goodbye => cx.console.print(b"only Ctrl-C can close the room\n"),
                Typed::Line => {
                    let said = operator.read(|text, _| {
                        self.room.say_in_turn(CONSOLE, cx.now, &|write| {
                            write(b"console: ");
                            write_escaped(write, text);
                        })
                    });
                    // The room has no space for the line. The line is not removed, and is tried again at `again`.
                    if let Some(Err(again)) = said {
                        return Some(again);
                    }
                    cx.wake_programs();
                }
            }
            // The line has been handled: remove it, so that the operator can type another line.
            operator.take();
        }
    }

    /// Sends a line to all other members, and prints the line on the console.
    fn report(&self, console: &mut dyn Console, compose: &dyn Fn(&Self, &mut Write<'_>)) {
        self.room.say(self.number, &|write| compose(self, write));
        print_line(console, |write| compose(self, write));
    }

    /// Sends a line to all other members and prints the line, if the room has space for it. See [`Room::say_in_turn`].
    fn tell_in_turn(
        &self,
        now: Instant,
        console: &mut dyn Console,
        compose: &dyn Fn(&Self, &mut Write<'_>),
    ) -> Result<(), Instant> {
        self.room.say_in_turn(self.number, now, &|write| compose(self, write))?;
        print_line(console, |write| compose(self, write));
        Ok(())
    }

    /// Leaves the room and frees the member's name. Tells the console and all other members that the member leaves.
    /// `how` is the text after the member's name.
    fn leave(&mut self, cx: &mut Context<'_>, how: core::fmt::Arguments<'_>) {
        if let Stage::Talking { position, .. } = self.stage {
            self.room.leave(position);
        }
        self.stage = Stage::Over;
        self.report(cx.console, &|member, write| {
            member.write_name(write);
            write_display(write, how);
        });
        if let Who::Name(slot) = core::mem::replace(&mut self.who, Who::Nobody) {
            self.room.set_name(slot, Room::NO_NAME);
        }
        // The operator's conversation ends when the last member leaves.
        if let (Some(operator), 0) = (self.room.operator(), self.room.members()) {
            operator.leave(cx.console);
        }
        // Wake the other members: they send the note, and a line that waits for space might fit now.
        cx.wake_programs();
    }

    fn say_goodbye(&self, socket: &mut Socket<'_>) -> Next {
        say_goodbye(socket, self.queued > 0, self.lines.framing())
    }

    /// Writes the member's name, or the member's address while the member has no name.
    fn write_name(&self, write: &mut Write<'_>) {
        // The room pads names with zeros.
        match self.who {
            Who::Address(address) => write_display(write, format_args!("{}", SocketAddr::from(address))),
            Who::Name(slot) => write(self.room.name(slot).split(|&b| b == 0).next().unwrap_or_default()),
            Who::Nobody => {}
        }
    }
}

/// Returns the name at the beginning of `text` and the name's length. The name ends at the first character that is not
/// allowed or does not fit.
fn name_in(text: &[u8]) -> (Name, usize) {
    let (mut name, mut len) = ([0; NAME], 0);
    let valid = text.utf8_chunks().next().map_or("", |chunk| chunk.valid());
    for c in valid.chars().take_while(|&c| is_in_names(c)) {
        let Some(free) = name.get_mut(len..len + c.len_utf8()) else { break };
        c.encode_utf8(free);
        len += c.len_utf8();
    }
    (name, len)
}

/// Returns whether a name may contain this character.
fn is_in_names(c: char) -> bool {
    !(is_invisible(c) || c.is_whitespace() || matches!(c, ':' | '\u{200c}' | '\u{200d}'))
}

/// Returns whether a name is allowed: not empty, not `console`, not an address. The only address to check for is an
/// IPv4 address without a port (digits and dots). All other addresses contain a colon, and names never contain a colon.
fn is_name(chosen: &[u8]) -> bool {
    let is_address = chosen.contains(&b'.') && chosen.iter().all(|b| b.is_ascii_digit() || *b == b'.');
    !(chosen.is_empty() || is_address || chosen.eq_ignore_ascii_case(b"console"))
}

impl NameRefused {
    /// Returns the note that tells the member why the name is refused.
    fn why(self) -> &'static [u8] {
        match self {
            NameRefused::NoName => NO_NAME,
            NameRefused::NoSlot => NO_SLOT,
            NameRefused::Taken => TAKEN,
        }
    }
}

/// The line that a member has sent: an ordinary line, a goodbye, or a line that must wait.
enum Spoken {
    Goodbye,
    Line,
    /// The line must wait. Try again no later than this time.
    NotYet(Instant),
}

impl Session for Member<'_> {
    /// Sends lines from other members to this member, then passes one line from this member to the room. The first poll
    /// joins the room. A member that has fallen behind is dropped.
    fn poll(&mut self, socket: &mut Socket<'_>, cx: &mut Context<'_>) -> Next {
        if self.stage == Stage::Begin {
            self.join(socket, cx);
        }
        let all_queued = self.queue_lines(socket, cx);
        if all_queued.is_err() {
            self.leave(cx, format_args!(" has read too slowly and is dropped"));
            // `TOO_SLOW` begins with LF, which ends a partly sent line. If no line is partly sent, the LF is treated as
            // already queued, so that it is not sent.
            let skips_lf = self.queued == 0;
            self.queued = u16::from(skips_lf);
            self.stage = Stage::Dropped(later(cx.now, FAREWELL));
        }
        if let Stage::Dropped(until) = self.stage {
            return match self.send(socket, |write| write(TOO_SLOW)) {
                true => Next::Close,
                false if cx.now >= until => Next::Abort,
                false => Next::WakeAt(until),
            };
        }
        let console_waits = self.console_speaks(cx);
        match self.speak(socket, cx) {
            // More lines can be waiting in the receive buffer.
            Some(Spoken::Line) => Next::WakeAt(cx.now),
            Some(Spoken::NotYet(again)) => Next::WakeAt(console_waits.map_or(again, |at| at.min(again))),
            Some(Spoken::Goodbye) => {
                self.leave(cx, format_args!(" has left"));
                self.say_goodbye(socket)
            }
            // A member that has closed its side leaves the room only after all lines from the other members are in its
            // send buffer.
            None if message::arrived(socket) == Arrived::EndOfStream && all_queued == Ok(true) => {
                self.leave(cx, format_args!(" has left"));
                self.say_goodbye(socket)
            }
            None => sooner(sooner(Next::Wait, console_waits), self.lines.complete_at(cx.now)),
        }
    }

    /// Leaves the room if the member is in it, and queues the goodbye.
    fn shut_down(&mut self, socket: &mut Socket<'_>, cx: &mut Context<'_>) {
        if matches!(self.stage, Stage::Talking { .. }) {
            self.leave(cx, format_args!(" has left"));
            self.say_goodbye(socket);
        }
    }

    /// Leaves the room, unless the member has not joined it or has already left it.
    fn ended(&mut self, end: End, cx: &mut Context<'_>) {
        match (self.stage, end) {
            (Stage::Begin | Stage::Dropped(_) | Stage::Over, _) => {}
            (_, End::Closed) => self.leave(cx, format_args!(" has left")),
            (_, end) => self.leave(cx, format_args!(" has left: {end}")),
        }
    }
}
