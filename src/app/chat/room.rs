//! What a chat room's members share: the lines said last.

use core::cell::Cell;

use smoltcp::time::{Duration, Instant};

use super::desk::Desk;
use crate::app::message::Write;

use crate::app::timing::later;

/// The longest name of a member, in bytes.
pub const NAME: usize = 16;

/// A member's name: UTF-8 with zeros after it, or zeros alone where there is none.
pub type Name = [u8; NAME];

/// How long a quarter of the ring may wait for those who have not read it.
pub const HOLD: Duration = Duration::from_secs(2);

/// The lines that were said last in a room, in a ring of bytes.
///
/// Each member reads at its own pace. A line that does not fit waits for those who have not read the oldest ones, up to 2
/// seconds for each quarter of the ring, so that nobody holds the rest by reading a line now and then; then that quarter is
/// gone, and members that have not read it have fallen behind. An eighth of the ring is kept for who comes and goes, which does not
/// wait. A line takes its bytes and 6 more; one that is longer than the ring is cut.
#[derive(Debug)]
pub struct Room<'a> {
    ring: &'a [Cell<u8>],
    names: &'a [Cell<Name>],
    desk: Option<&'a Desk>,
    ends: Cell<Ends>,
    next_member: Cell<u16>,
    members: Cell<u16>,
    /// Some line waits.
    waiting: Cell<bool>,
    /// Since when lines wait without a quarter of the ring having been read by all.
    held: Cell<Option<Hold>>,
}

/// A wait's beginning, and the oldest line then.
#[derive(Clone, Copy, Debug)]
struct Hold {
    since: Instant,
    oldest: u64,
}

/// Positions in all that was ever said.
#[derive(Clone, Copy, Debug, Default)]
struct Ends {
    oldest: u64,
    newest: u64,
}

/// One line in the ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// The member who said it; 0 for the person at the console.
    pub by: u16,
    /// Where the next one is.
    pub next: u64,
    at: u64,
    /// How many members have not read it.
    readers: u16,
}

/// The oldest line that a member has not read is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FallenBehind;

/// Why a member does not get a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameRefused {
    /// It is the console's, or an address, or there is nothing of it.
    NoName,
    /// All places for names are taken.
    NoPlace,
    /// Another member has it.
    Taken,
}

/// Who said it, its length, and how many members have not read it: 2 bytes each.
const HEADER: u64 = 6;

/// The longest line, in bytes: a number of 16 bits counts it and its end.
const LONGEST: u64 = 65_534;

impl<'a> Room<'a> {
    /// No name: what a place for one begins with.
    pub const NO_NAME: Name = [0; NAME];

    /// A room where nothing was said, with its memory for lines: 1,024 bytes hold the longest line that is written in letters. As
    /// many members as there are places for names can have one. Whoever types at the desk, if there is one, talks too.
    pub fn new(ring: &'a [Cell<u8>], names: &'a [Cell<Name>], desk: Option<&'a Desk>) -> Self {
        let ends = Cell::new(Ends { oldest: 0, newest: 0 });
        let (waiting, held) = (Cell::new(false), Cell::new(None));
        Room { ring, names, desk, ends, next_member: Cell::new(1), members: Cell::new(0), waiting, held }
    }

    /// Where the person sits who talks with the members.
    pub(super) fn desk(&self) -> Option<&'a Desk> {
        self.desk
    }

    /// A new member's number, and from where on it reads.
    pub(super) fn join(&self) -> (u16, u64) {
        let number = self.next_member.get();
        self.next_member.set(number.checked_add(1).unwrap_or(1));
        self.members.set(self.members.get().saturating_add(1));
        (number, self.ends.get().newest)
    }

    /// A member has left, who would have read from this position on.
    pub(super) fn leave(&self, position: u64) {
        self.members.set(self.members.get().saturating_sub(1));
        let Ends { oldest, newest } = self.ends.get();
        let mut position = position.max(oldest);
        while position < newest {
            let line = self.line_at(position);
            self.pass(line);
            position = line.next;
        }
    }

    /// Where a name would be kept. Two that differ in their capitals (of ASCII) are the same.
    ///
    /// # Errors
    /// Why it is not to be had.
    pub(super) fn place_for(&self, name: &Name) -> Result<u16, NameRefused> {
        if self.names.iter().any(|other| other.get().eq_ignore_ascii_case(name)) {
            return Err(NameRefused::Taken);
        }
        let place = self.names.iter().position(|other| other.get() == Self::NO_NAME);
        place.and_then(|place| place.try_into().ok()).ok_or(NameRefused::NoPlace)
    }

    /// The name at a place that a member has.
    pub(super) fn name(&self, place: u16) -> Name {
        self.names.get(usize::from(place)).map_or(Self::NO_NAME, Cell::get)
    }

    /// Keeps a name at a place, or none once nobody has it any more.
    pub(super) fn set_name(&self, place: u16, name: Name) {
        if let Some(kept) = self.names.get(usize::from(place)) {
            kept.set(name);
        }
    }

    /// How many members there are.
    pub(super) fn members(&self) -> u16 {
        self.members.get()
    }

    /// Adds a line that waits for those who read; `compose` is called twice.
    ///
    /// # Errors
    /// When it is to be tried again at the latest. It is not there then, and every program is run once there is room.
    pub(super) fn say_in_turn(&self, by: u16, now: Instant, compose: &dyn Fn(&mut Write<'_>)) -> Result<(), Instant> {
        if !self.make_room(self.length(compose)) {
            let (Ends { mut oldest, newest }, quarter) = (self.ends.get(), self.ring.len() as u64 / 4);
            let held = self.held.get().filter(|held| oldest - held.oldest < quarter);
            let held = held.unwrap_or(Hold { since: now, oldest });
            let until = later(held.since, HOLD);
            if now < until {
                self.held.set(Some(held));
                self.waiting.set(true);
                return Err(until);
            }
            while oldest < newest && oldest - held.oldest < quarter {
                oldest = self.line_at(oldest).next;
            }
            self.ends.set(Ends { oldest, newest });
            self.held.set(None);
        }
        self.say(by, compose);
        Ok(())
    }

    /// Adds a line at once; `compose` is called twice.
    pub(super) fn say(&self, by: u16, compose: &dyn Fn(&mut Write<'_>)) {
        let (capacity, len) = (self.ring.len() as u64, self.length(compose));
        if capacity < HEADER {
            return;
        }
        let Ends { mut oldest, newest } = self.ends.get();
        let next = newest + HEADER + len;
        while next - oldest > capacity {
            oldest = self.line_at(oldest).next;
        }
        let (mut at, mut left) = (newest, HEADER + len);
        let mut write = |piece: &[u8]| {
            for &byte in piece.iter().take(usize::try_from(left).unwrap_or(usize::MAX)) {
                self.cell(at).set(byte);
                at += 1;
                left -= 1;
            }
        };
        write(&by.to_be_bytes());
        write(&(len as u16).to_be_bytes());
        write(&self.members.get().to_be_bytes());
        compose(&mut write);
        self.ends.set(Ends { oldest, newest: next });
    }

    /// Forgets lines that all have read, the oldest first, until one of `len` bytes has room; false if that does not suffice.
    fn make_room(&self, len: u64) -> bool {
        let Ends { mut oldest, newest } = self.ends.get();
        let most = self.ring.len() as u64 - self.ring.len() as u64 / 8;
        let fits = loop {
            if oldest == newest || newest + HEADER + len - oldest <= most {
                break true;
            }
            let line = self.line_at(oldest);
            if line.readers > 0 {
                break false;
            }
            oldest = line.next;
        };
        self.ends.set(Ends { oldest, newest });
        fits
    }

    /// How long a line is, once it is cut to what the ring can hold.
    fn length(&self, compose: &dyn Fn(&mut Write<'_>)) -> u64 {
        let mut len = 0u64;
        compose(&mut |piece| len += piece.len() as u64);
        len.min((self.ring.len() as u64).saturating_sub(HEADER)).min(LONGEST)
    }

    /// The line at a member's position, if there is one.
    ///
    /// # Errors
    /// [`FallenBehind`]: it was there and is gone.
    pub(super) fn read(&self, position: u64) -> Result<Option<Line>, FallenBehind> {
        let Ends { oldest, newest } = self.ends.get();
        match position {
            position if position < oldest => Err(FallenBehind),
            position if position < newest => Ok(Some(self.line_at(position))),
            _ => Ok(None),
        }
    }

    /// A member is done with a line that was just read. Whether a line waits that may fit now: then every program is to run.
    pub(super) fn pass(&self, line: Line) -> bool {
        let readers = line.readers.saturating_sub(1);
        for (at, byte) in (line.at - 2..).zip(readers.to_be_bytes()) {
            self.cell(at).set(byte);
        }
        if readers == 0 && line.next == self.ends.get().newest {
            self.held.set(None);
        }
        readers == 0 && self.waiting.replace(false)
    }

    /// Puts the text of a line that was just read.
    pub(super) fn write(&self, line: Line, write: &mut Write<'_>) {
        let mut piece = [0; 64];
        let mut at = line.at;
        while at < line.next {
            let mut len = 0;
            for (byte, at) in piece.iter_mut().zip(at..line.next) {
                *byte = self.cell(at).get();
                len += 1;
            }
            write(piece.get(..len).unwrap_or_default());
            at += len as u64;
        }
    }

    fn line_at(&self, position: u64) -> Line {
        let number = |k| u16::from_be_bytes([self.cell(position + k).get(), self.cell(position + k + 1).get()]);
        let (at, len) = (position + HEADER, number(2));
        Line { by: number(0), next: at + u64::from(len), at, readers: number(4) }
    }

    /// The ring is not empty where this is asked for.
    fn cell(&self, position: u64) -> &Cell<u8> {
        &self.ring[(position % self.ring.len() as u64) as usize]
    }
}
