//! A chat room: stores the most recent lines until all members have read these lines.

use core::cell::Cell;

use smoltcp::time::{Duration, Instant};

use super::operator::Operator;
use crate::app::message::Write;
use crate::app::timing::later;

/// The number that stands for the operator at the console as a sender of lines. Members have numbers from 1.
pub const CONSOLE: u16 = 0;

/// The maximum length of a member's name, in bytes.
pub const NAME: usize = 16;

/// A member's name: UTF-8 padded with zeros. All zeros mean no name.
pub type Name = [u8; NAME];

/// How long a new line that does not fit waits for the members to read the oldest quarter of the ring. If not all
/// members have read that quarter in time, the room drops it.
pub const HOLD: Duration = Duration::from_secs(2);

/// The most recent lines of a chat room, in a ring of bytes.
///
/// Each member reads at its own pace. A new line that does not fit must wait until all members have read the oldest
/// lines. If the members take more than 2 seconds to read the oldest quarter of the ring, the room drops this quarter.
/// Members that have not read it have fallen behind. So a slow reader cannot block the room.
///
/// An eighth of the ring is reserved for the notes that a member has joined or left. These notes never wait. A line
/// needs 6 bytes more than its text. A line longer than the ring is cut.
#[derive(Debug)]
pub struct Room<'a> {
    ring: &'a [Cell<u8>],
    names: &'a [Cell<Name>],
    operator: Option<&'a Operator>,
    ends: Cell<Ends>,
    next_member: Cell<u16>,
    members: Cell<u16>,
    /// Whether a line waits until it fits into the ring.
    waiting: Cell<bool>,
    /// The current wait for space in the ring. The wait ends when all members have read the quarter of the ring that
    /// was the oldest when the wait began.
    wait: Cell<Option<Wait>>,
}

/// The time at which a wait for space began, and the position of the oldest line at that time.
#[derive(Clone, Copy, Debug)]
struct Wait {
    since: Instant,
    oldest: u64,
}

/// The positions, in bytes since the room began, of the oldest stored line and of the next new line.
#[derive(Clone, Copy, Debug, Default)]
struct Ends {
    oldest: u64,
    newest: u64,
}

/// One line in the ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// The number of the member who sent the line, or [`CONSOLE`].
    pub by: u16,
    /// The position of the next line.
    pub next: u64,
    /// The position of the line's text.
    at: u64,
    /// The number of members that have not read the line.
    readers: u16,
}

/// The error if a line was dropped before the member read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FallenBehind;

/// Why a name is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameRefused {
    /// The name is the console's, an address, or empty.
    NoName,
    /// The room has no free slot for a name.
    NoSlot,
    /// Another member has this name.
    Taken,
}

/// The length of a line's header: member, length and number of readers, 2 bytes each.
const HEADER: u64 = 6;

/// The maximum length of a line in bytes. A 16-bit number stores the length of a line with its LF.
const LONGEST: u64 = 65_534;

impl<'a> Room<'a> {
    /// The value of a free slot for a name.
    pub const NO_NAME: Name = [0; NAME];

    /// Creates an empty room that stores lines in `ring` and names in `names`.
    ///
    /// A `ring` of 1,024 bytes can store the longest line, if none of the line's characters is escaped. At most
    /// `names.len()` members can have a name. With an `operator`, the person at the console takes part.
    pub fn new(ring: &'a [Cell<u8>], names: &'a [Cell<Name>], operator: Option<&'a Operator>) -> Self {
        let ends = Cell::new(Ends { oldest: 0, newest: 0 });
        let (waiting, wait) = (Cell::new(false), Cell::new(None));
        Room { ring, names, operator, ends, next_member: Cell::new(1), members: Cell::new(0), waiting, wait }
    }

    /// Returns the operator who talks with the members.
    pub(super) fn operator(&self) -> Option<&'a Operator> {
        self.operator
    }

    /// Adds a member. Returns the member's number and the position of the first line that the member reads.
    pub(super) fn join(&self) -> (u16, u64) {
        let number = self.next_member.get();
        // After 65,535, the numbers begin again at 1, because 0 is `CONSOLE`.
        self.next_member.set(number.checked_add(1).unwrap_or(1));
        self.members.set(self.members.get().saturating_add(1));
        (number, self.ends.get().newest)
    }

    /// Removes a member. `position` is the position of the next line that the member would have read.
    pub(super) fn leave(&self, position: u64) {
        self.members.set(self.members.get().saturating_sub(1));
        let Ends { oldest, newest } = self.ends.get();
        // This member reads no more lines. Mark its unread lines as read, so that no line waits for this member. Lines
        // before `oldest` are no longer stored.
        let mut position = position.max(oldest);
        while position < newest {
            let line = self.line_at(position);
            self.mark_read(line);
            position = line.next;
        }
    }

    /// Returns the index of a free slot for `name`. Names that differ only in ASCII case are treated as equal.
    ///
    /// # Errors
    /// Returns [`NameRefused::Taken`] if another member has this name, and [`NameRefused::NoSlot`] if no slot is free.
    pub(super) fn slot_for(&self, name: &Name) -> Result<u16, NameRefused> {
        if self.names.iter().any(|other| other.get().eq_ignore_ascii_case(name)) {
            return Err(NameRefused::Taken);
        }
        let slot = self.names.iter().position(|other| other.get() == Self::NO_NAME);
        slot.and_then(|slot| slot.try_into().ok()).ok_or(NameRefused::NoSlot)
    }

    /// Returns the name in a slot. Call this only for a slot that a member uses.
    pub(super) fn name(&self, slot: u16) -> Name {
        self.names.get(usize::from(slot)).map_or(Self::NO_NAME, Cell::get)
    }

    /// Stores a name in a slot. Pass [`NO_NAME`](Self::NO_NAME) to free the slot.
    pub(super) fn set_name(&self, slot: u16, name: Name) {
        if let Some(kept) = self.names.get(usize::from(slot)) {
            kept.set(name);
        }
    }

    /// Returns the number of members.
    pub(super) fn members(&self) -> u16 {
        self.members.get()
    }

    /// Adds a line if the line fits into the ring. Otherwise the line must wait until it fits. If the members do not
    /// read the oldest quarter of the ring within [`HOLD`], this method drops that quarter to make room.
    ///
    /// Calls `compose` twice: to measure the line, and to write the line.
    ///
    /// # Errors
    /// Returns the latest time at which to try again if the line does not fit yet. All programs are also polled as soon
    /// as the line might fit.
    pub(super) fn say_in_turn(&self, by: u16, now: Instant, compose: &dyn Fn(&mut Write<'_>)) -> Result<(), Instant> {
        // `make_room` removes lines that all members have read. Without enough room, the line must wait.
        if !self.make_room(self.length(compose)) {
            let Ends { mut oldest, newest } = self.ends.get();
            let quarter = self.ring.len() as u64 / 4;
            // A wait is over once all members have read a quarter of the ring, counted from the line that was the
            // oldest when the wait began. A new wait then begins.
            let current = self.wait.get().filter(|wait| oldest - wait.oldest < quarter);
            let wait = current.unwrap_or(Wait { since: now, oldest });
            let until = later(wait.since, HOLD);
            if now < until {
                self.wait.set(Some(wait));
                // The next call of `mark_read` that frees a line reports that this line might fit.
                self.waiting.set(true);
                return Err(until);
            }
            // The wait took too long: drop the lines of this quarter, although some members have not read them. If the
            // new line needs more room, `say` drops more lines.
            while oldest < newest && oldest - wait.oldest < quarter {
                oldest = self.line_at(oldest).next;
            }
            self.ends.set(Ends { oldest, newest });
            self.wait.set(None);
        }
        self.say(by, compose);
        Ok(())
    }

    /// Adds a line immediately, and drops old lines if the ring is full. Notes that a member has joined or left are
    /// added in this way, because they must not wait. Calls `compose` twice, as [`say_in_turn`](Self::say_in_turn)
    /// does.
    pub(super) fn say(&self, by: u16, compose: &dyn Fn(&mut Write<'_>)) {
        let (capacity, len) = (self.ring.len() as u64, self.length(compose));
        // The ring is too small for any line.
        if capacity < HEADER {
            return;
        }
        let Ends { mut oldest, newest } = self.ends.get();
        let next = newest + HEADER + len;
        // Drop old lines, even if some members have not read them.
        while next - oldest > capacity {
            oldest = self.line_at(oldest).next;
        }
        // `left` cuts a line that is longer than the ring.
        let (mut at, mut left) = (newest, HEADER + len);
        let mut write = |piece: &[u8]| {
            for &byte in piece.iter().take(usize::try_from(left).unwrap_or(usize::MAX)) {
                self.cell(at).set(byte);
                at += 1;
                left -= 1;
            }
        };
        // The header: the sender, the length of the text, and the number of members that must read the line.
        write(&by.to_be_bytes());
        write(&(len as u16).to_be_bytes());
        write(&self.members.get().to_be_bytes());
        compose(&mut write);
        self.ends.set(Ends { oldest, newest: next });
    }

    /// Removes lines that all members have read, oldest first, until a line of `len` bytes fits. Returns whether that
    /// line fits.
    fn make_room(&self, len: u64) -> bool {
        let Ends { mut oldest, newest } = self.ends.get();
        // Lines may fill seven eighths of the ring. The rest is reserved for notes that a member has joined or left.
        let limit = self.ring.len() as u64 - self.ring.len() as u64 / 8;
        let fits = loop {
            // An empty ring takes every line: `say` cuts a line that is longer than the ring.
            if oldest == newest || newest + HEADER + len - oldest <= limit {
                break true;
            }
            let line = self.line_at(oldest);
            // Some members have not read this line, so it must stay.
            if line.readers > 0 {
                break false;
            }
            oldest = line.next;
        };
        self.ends.set(Ends { oldest, newest });
        fits
    }

    /// Returns the length in bytes of the line that `compose` writes, limited to what fits into the ring.
    fn length(&self, compose: &dyn Fn(&mut Write<'_>)) -> u64 {
        let mut len = 0u64;
        compose(&mut |piece| len += piece.len() as u64);
        len.min((self.ring.len() as u64).saturating_sub(HEADER)).min(LONGEST)
    }

    /// Returns the line at `position`, or `None` if the member has read all lines.
    ///
    /// # Errors
    /// Returns [`FallenBehind`] if the line was dropped.
    pub(super) fn read(&self, position: u64) -> Result<Option<Line>, FallenBehind> {
        let Ends { oldest, newest } = self.ends.get();
        match position {
            position if position < oldest => Err(FallenBehind),
            position if position < newest => Ok(Some(self.line_at(position))),
            _ => Ok(None),
        }
    }

    /// Records that one more member has read a line. Returns whether a waiting line might fit now. If true, the caller
    /// must wake all programs.
    pub(super) fn mark_read(&self, line: Line) -> bool {
        let readers = line.readers.saturating_sub(1);
        // The number of readers is the final field of the header, so it ends where the text begins.
        for (at, byte) in (line.at - 2..).zip(readers.to_be_bytes()) {
            self.cell(at).set(byte);
        }
        // All members have read all lines, so nothing has to wait.
        if readers == 0 && line.next == self.ends.get().newest {
            self.wait.set(None);
        }
        // If the waiting line does not fit after all, `say_in_turn` sets `waiting` again.
        readers == 0 && self.waiting.replace(false)
    }

    /// Writes the text of a line that [`read`](Self::read) has just returned.
    pub(super) fn write(&self, line: Line, write: &mut Write<'_>) {
        // The line is copied in pieces of up to 64 bytes, because it is stored in cells and can wrap around the end of
        // the ring.
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

    /// Reads the header of the line at `position`.
    fn line_at(&self, position: u64) -> Line {
        // Reads one of the header's numbers: the member at offset 0, the length at 2, the number of readers at 4.
        let number = |offset| {
            let first = position + offset;
            u16::from_be_bytes([self.cell(first).get(), self.cell(first + 1).get()])
        };
        let (at, len) = (position + HEADER, number(2));
        Line { by: number(0), next: at + u64::from(len), at, readers: number(4) }
    }

    /// Returns the cell of the ring for a position. Callers ensure that the ring has at least one cell.
    fn cell(&self, position: u64) -> &Cell<u8> {
        &self.ring[(position % self.ring.len() as u64) as usize]
    }
}
