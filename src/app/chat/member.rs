//! A member of a chat room.

use core::net::SocketAddr;

use smoltcp::socket::tcp::Socket;
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::IpEndpoint;

use super::desk::{Typed, Voice};
use super::lines::Lines;
use super::room::{FallenBehind, Room};
use super::say_goodbye;
use crate::app::message::{self, Arrived};
use crate::app::text::{Put, put_display, put_escaped};
use crate::app::timing::later;
use crate::stack::{Console, Context, End, Next, Session};

/// The longest name, in bytes.
pub const NAME: usize = 16;

/// The server of one connection: what a member says goes to all the others, with its name or address before it.
///
/// A first line `/name NAME` gives a name of up to 16 bytes, without spaces; two may have the same. Whoever has not read what
/// the room still holds is told so and dropped.
#[derive(Clone, Debug)]
pub struct Member<'a> {
    room: &'a Room<'a>,
    lines: Lines,
    who: Who,
    number: u16,
    /// How much is queued of what is being sent.
    queued: u16,
    stage: Stage,
}

/// A member's name, or its address while it has none.
#[derive(Clone, Copy, Debug)]
enum Who {
    Nobody,
    Address(IpEndpoint),
    /// UTF-8, with zeros after it.
    Name([u8; NAME]),
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Begin,
    /// It reads the line at this position next. Its first line may be its name.
    Talking {
        position: u64,
        first: bool,
    },
    /// It has fallen behind: it is being told so, until this time.
    Dropped(Instant),
    Over,
}

const WELCOME: &[u8] = b"this is a chat room: '/name NAME' as the first line gives you a name, q leaves\n";
const TOO_SLOW: &[u8] = b"\nyou have read too slowly and missed lines: goodbye\n";

/// How long a member that has fallen behind may take to read that it has.
const FAREWELL: Duration = Duration::from_secs(10);

impl<'a> Member<'a> {
    /// A member that has not joined yet.
    pub fn new(room: &'a Room<'a>) -> Self {
        Member { room, lines: Lines::default(), who: Who::Nobody, number: 0, queued: 0, stage: Stage::Begin }
    }

    fn join(&mut self, socket: &mut Socket<'_>, cx: &mut Context<'_>) {
        if let (Some(desk), 0) = (self.room.desk(), self.room.members()) {
            desk.begin(cx.console);
        }
        let (number, position) = self.room.join();
        self.number = number;
        self.stage = Stage::Talking { position, first: true };
        self.who = socket.remote_endpoint().map_or(Who::Nobody, Who::Address);
        message::send_whole(socket, WELCOME);
        self.tell(cx.console, |member, put| {
            member.put_name(put);
            put(b" has joined");
        });
        cx.wake_programs();
    }

    /// Queues what the others have said, as far as there is room; true where that is all.
    fn hear(&mut self, socket: &mut Socket<'_>) -> Result<bool, FallenBehind> {
        while let Stage::Talking { position, first } = self.stage
            && let Some(said) = self.room.read(position)?
        {
            let room = self.room;
            let line = |put: &mut Put<'_>| {
                room.put(said, put);
                put(b"\n");
            };
            if said.by != self.number && !self.send(socket, line) {
                return Ok(false);
            }
            self.queued = 0;
            self.stage = Stage::Talking { position: said.next, first };
        }
        Ok(true)
    }

    /// Queues the rest of a text as far as there is room; true once it is all queued.
    fn send(&mut self, socket: &mut Socket<'_>, compose: impl FnOnce(&mut Put<'_>)) -> bool {
        let mut queued = self.queued.into();
        let sent = message::stream(socket, &mut queued, compose);
        // No text is longer than the room's lines, whose length is such a number.
        self.queued = u16::try_from(queued).unwrap_or(u16::MAX);
        sent
    }

    /// Passes one line of the member's on, if there is one. The others read it before the next.
    fn speak(&mut self, socket: &mut Socket<'_>, cx: &mut Context<'_>) -> Option<Spoken> {
        let line = self.lines.first(socket, cx.scratch)?;
        if line.goodbye {
            return Some(Spoken::Goodbye);
        }
        let text = cx.scratch.get(..line.len)?;
        let was_first = match &mut self.stage {
            Stage::Talking { first, .. } => core::mem::replace(first, false),
            _ => false,
        };
        match text.strip_prefix(b"/name ") {
            Some(name) if was_first => self.take_name(name, cx.console),
            _ => self.tell(cx.console, |member, put| {
                member.put_name(put);
                put(b": ");
                put_escaped(put, text);
            }),
        }
        cx.wake_programs();
        self.lines.take(socket, line);
        Some(Spoken::Line)
    }

    fn take_name(&mut self, text: &[u8], console: &mut dyn Console) {
        let mut name = [0; NAME];
        let mut len = 0;
        let valid = text.utf8_chunks().next().map_or("", |chunk| chunk.valid());
        for c in valid.chars().take_while(|c| !c.is_control() && !c.is_whitespace()) {
            let Some(place) = name.get_mut(len..len + c.len_utf8()) else { break };
            c.encode_utf8(place);
            len += c.len_utf8();
        }
        let Some(chosen) = name.get(..len).filter(|chosen| !chosen.is_empty()) else { return };
        self.tell(console, |member, put| {
            member.put_name(put);
            put(b" is now ");
            put(chosen);
        });
        self.who = Who::Name(name);
    }

    /// Sends what the person at the console types.
    fn console_speaks(&mut self, cx: &mut Context<'_>) {
        let Some(desk) = self.room.desk() else { return };
        loop {
            match desk.typed(Voice::Talk, cx) {
                Typed::NotYet | Typed::End => return,
                Typed::Goodbye => cx.console.print(b"the room has no end but Ctrl-C\n"),
                Typed::Line => {
                    desk.read(|text, _| {
                        self.room.say(0, |put| {
                            put(b"console: ");
                            put_escaped(put, text);
                        });
                    });
                    cx.wake_programs();
                }
            }
            desk.take();
        }
    }

    /// Says a line to all the others, and to the console.
    fn tell(&self, console: &mut dyn Console, compose: impl Fn(&Self, &mut Put<'_>)) {
        self.room.say(self.number, |put| compose(self, put));
        compose(self, &mut |piece| console.print(piece));
        console.print(b"\n");
    }

    fn leave(&mut self, cx: &mut Context<'_>, how: core::fmt::Arguments<'_>) {
        self.stage = Stage::Over;
        self.room.leave();
        self.tell(cx.console, |member, put| {
            member.put_name(put);
            put_display(put, how);
        });
        cx.wake_programs();
    }

    fn put_name(&self, put: &mut Put<'_>) {
        match &self.who {
            Who::Address(address) => put_display(put, format_args!("{}", SocketAddr::from(*address))),
            Who::Name(name) => put(name.split(|&b| b == 0).next().unwrap_or_default()),
            Who::Nobody => {}
        }
    }
}

/// What a member said.
enum Spoken {
    Goodbye,
    Line,
}

impl Session for Member<'_> {
    fn poll(&mut self, socket: &mut Socket<'_>, cx: &mut Context<'_>) -> Next {
        if self.stage == Stage::Begin {
            self.join(socket, cx);
        }
        let heard = self.hear(socket);
        if heard.is_err() {
            self.leave(cx, format_args!(" has read too slowly and is dropped"));
            // A line that was begun is ended first.
            self.queued = u16::from(self.queued == 0);
            self.stage = Stage::Dropped(later(cx.now, FAREWELL));
        }
        if let Stage::Dropped(until) = self.stage {
            return match self.send(socket, |put| put(TOO_SLOW)) {
                true => Next::Close,
                false if cx.now >= until => Next::Abort,
                false => Next::WakeAt(until),
            };
        }
        self.console_speaks(cx);
        match self.speak(socket, cx) {
            Some(Spoken::Line) => Next::WakeAt(cx.now),
            Some(Spoken::Goodbye) => {
                self.leave(cx, format_args!(" has left"));
                say_goodbye(socket)
            }
            // What was said before its end of stream still reaches it.
            None if message::arrived(socket) == Arrived::EndOfStream && heard == Ok(true) => {
                self.leave(cx, format_args!(" has left"));
                say_goodbye(socket)
            }
            None => Next::Wait,
        }
    }

    fn ended(&mut self, end: End, cx: &mut Context<'_>) {
        match (self.stage, end) {
            (Stage::Begin | Stage::Dropped(_) | Stage::Over, _) => {}
            (_, End::Closed) => self.leave(cx, format_args!(" has left")),
            (_, end) => self.leave(cx, format_args!(" has left: {end}")),
        }
    }
}
