//! What a chat room's members share: the lines said last.

use core::cell::Cell;

use super::desk::Desk;
use crate::app::text::Put;

/// The lines that were said last in a room, in a ring of bytes.
///
/// Each member reads at its own pace. A line that does not fit replaces the oldest ones; whoever has not read those has fallen
/// behind. A line takes its bytes and 4 more; one that is longer than the ring is cut.
#[derive(Debug)]
pub struct Room<'a> {
    ring: &'a [Cell<u8>],
    desk: Option<&'a Desk>,
    ends: Cell<Ends>,
    next_member: Cell<u16>,
    members: Cell<u16>,
}

/// Positions in all that was ever said.
#[derive(Clone, Copy, Debug, Default)]
struct Ends {
    oldest: u64,
    newest: u64,
}

/// One line in the ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Said {
    /// The member who said it; 0 for the person at the console.
    pub by: u16,
    /// Where the next one is.
    pub next: u64,
    at: u64,
}

/// The oldest line that a member has not read is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FallenBehind;

/// Who said it, 2 bytes, and its length, 2 bytes.
const HEADER: u64 = 4;

/// The longest line, in bytes: a number of 16 bits counts it and its end.
const LONGEST: u64 = 65_534;

impl<'a> Room<'a> {
    /// A room where nothing was said, with its memory for lines: 1,024 bytes hold the longest line that is written in letters.
    /// Whoever types at the desk, if there is one, talks too.
    pub fn new(ring: &'a [Cell<u8>], desk: Option<&'a Desk>) -> Self {
        let ends = Cell::new(Ends { oldest: 0, newest: 0 });
        Room { ring, desk, ends, next_member: Cell::new(1), members: Cell::new(0) }
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

    /// A member has left.
    pub(super) fn leave(&self) {
        self.members.set(self.members.get().saturating_sub(1));
    }

    /// How many members there are.
    pub(super) fn members(&self) -> u16 {
        self.members.get()
    }

    /// Adds a line; `compose` is called twice.
    pub(super) fn say(&self, by: u16, compose: impl Fn(&mut Put<'_>)) {
        let capacity = self.ring.len() as u64;
        let most = capacity.saturating_sub(HEADER).min(LONGEST);
        let mut len = 0u64;
        compose(&mut |piece| len += piece.len() as u64);
        let len = len.min(most);
        let Ends { mut oldest, newest } = self.ends.get();
        if capacity < HEADER {
            return;
        }
        let next = newest + HEADER + len;
        while next - oldest > capacity {
            oldest = self.said(oldest).next;
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
        compose(&mut write);
        self.ends.set(Ends { oldest, newest: next });
    }

    /// The line at a member's position, if there is one.
    ///
    /// # Errors
    /// [`FallenBehind`]: it was there and is gone.
    pub(super) fn read(&self, position: u64) -> Result<Option<Said>, FallenBehind> {
        let Ends { oldest, newest } = self.ends.get();
        match position {
            position if position < oldest => Err(FallenBehind),
            position if position < newest => Ok(Some(self.said(position))),
            _ => Ok(None),
        }
    }

    /// Puts the text of a line that was just read.
    pub(super) fn put(&self, said: Said, put: &mut Put<'_>) {
        let mut piece = [0; 64];
        let mut at = said.at;
        while at < said.next {
            let mut len = 0;
            for (byte, at) in piece.iter_mut().zip(at..said.next) {
                *byte = self.cell(at).get();
                len += 1;
            }
            put(piece.get(..len).unwrap_or_default());
            at += len as u64;
        }
    }

    fn said(&self, position: u64) -> Said {
        let [a, b, c, d] = [0, 1, 2, 3].map(|k| self.cell(position + k).get());
        let len = u16::from_be_bytes([c, d]);
        let at = position + HEADER;
        Said { by: u16::from_be_bytes([a, b]), next: at + u64::from(len), at }
    }

    /// The ring is not empty where this is asked for.
    fn cell(&self, position: u64) -> &Cell<u8> {
        &self.ring[(position % self.ring.len() as u64) as usize]
    }
}
