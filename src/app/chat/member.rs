//! A member of a chat room.

use core::net::SocketAddr;

use smoltcp::socket::tcp::Socket;
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::IpEndpoint;

use super::desk::{Desk, Typed, Voice};
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
    room: &'a Room,
    desk: Option<&'a Desk>,
    lines: Lines,
    address: Option<IpEndpoint>,
    name: heapless::String<NAME>,
    number: u16,
    /// The line it reads next, and how much of that is queued.
    position: u64,
    queued: usize,
    stage: Stage,
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Begin,
    /// Its first line may be its name.
    First,
    Talking,
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
    pub fn new(room: &'a Room, desk: Option<&'a Desk>) -> Self {
        Member {
            room,
            desk,
            lines: Lines::default(),
            address: None,
            name: heapless::String::new(),
            number: 0,
            position: 0,
            queued: 0,
            stage: Stage::Begin,
        }
    }

    fn join(&mut self, socket: &mut Socket<'_>, cx: &mut Context<'_>) {
        if let (Some(desk), 0) = (self.desk, self.room.members()) {
            desk.begin(cx.console);
        }
        self.stage = Stage::First;
        self.address = socket.remote_endpoint();
        (self.number, self.position) = self.room.join();
        message::send_whole(socket, WELCOME);
        self.tell(cx.console, |member, put| {
            member.put_name(put);
            put(b" has joined");
        });
        cx.wake_programs();
    }

    /// Queues what the others have said, as far as there is room.
    fn hear(&mut self, socket: &mut Socket<'_>) -> Result<(), FallenBehind> {
        while let Some(said) = self.room.read(self.position)? {
            let line = |put: &mut Put<'_>| {
                self.room.put(said, put);
                put(b"\n");
            };
            if said.by != self.number && !message::stream(socket, &mut self.queued, line) {
                break;
            }
            (self.position, self.queued) = (said.next, 0);
        }
        Ok(())
    }

    /// Passes one line of the member's on, if there is one. The others read it before the next.
    fn speak(&mut self, socket: &mut Socket<'_>, cx: &mut Context<'_>) -> Option<Spoken> {
        let line = self.lines.first(socket, cx.scratch)?;
        if line.goodbye {
            return Some(Spoken::Goodbye);
        }
        let text = cx.scratch.get(..line.len)?;
        let first = core::mem::replace(&mut self.stage, Stage::Talking) == Stage::First;
        match text.strip_prefix(b"/name ") {
            Some(name) if first => self.take_name(name, cx.console),
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
        let mut name = heapless::String::new();
        let valid = text.utf8_chunks().next().map_or("", |chunk| chunk.valid());
        for c in valid.chars().take_while(|c| !c.is_control() && !c.is_whitespace()) {
            if name.push(c).is_err() {
                break;
            }
        }
        self.tell(console, |member, put| {
            member.put_name(put);
            put(b" is now ");
            put(name.as_bytes());
        });
        self.name = name;
    }

    /// Sends what the person at the console types.
    fn console_speaks(&mut self, cx: &mut Context<'_>) {
        let Some(desk) = self.desk else { return };
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
        match self.address {
            Some(address) if self.name.is_empty() => put_display(put, format_args!("{}", SocketAddr::from(address))),
            _ => put(self.name.as_bytes()),
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
        if let Stage::First | Stage::Talking = self.stage
            && self.hear(socket).is_err()
        {
            self.leave(cx, format_args!(" has read too slowly and is dropped"));
            // A line that was begun is ended first.
            self.queued = usize::from(self.queued == 0);
            self.stage = Stage::Dropped(later(cx.now, FAREWELL));
        }
        if let Stage::Dropped(until) = self.stage {
            return match message::stream(socket, &mut self.queued, |put| put(TOO_SLOW)) {
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
            None if message::arrived(socket) == Arrived::EndOfStream && self.room.read(self.position) == Ok(None) => {
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
