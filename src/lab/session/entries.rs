//! The entries of a recorded run, in blocks of memory that are never moved.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::lab::Snapshot;
use crate::stack::Control;

/// The number of entries in a block. Blocks are used because a single growing vector would temporarily take twice the
/// memory. A block is small because the memory limit does not include the free part of a block.
const BLOCK: usize = 64;

/// A recorded entry.
pub(super) struct Recorded {
    pub(super) snapshot: Snapshot,
    /// The [`Control`] of the connection on the client and on the server, if it has changed since the previous entry.
    pub(super) holds: [Option<Box<Control>>; 2],
}

/// Stores the recorded entries of a run.
#[derive(Default)]
pub(super) struct Entries {
    blocks: Vec<Vec<Recorded>>,
}

impl Entries {
    /// Adds an entry, in a new block if the last one is full. The entries in the other blocks are not moved.
    pub(super) fn push(&mut self, recorded: Recorded) {
        match self.blocks.last_mut() {
            Some(block) if block.len() < BLOCK => block.push(recorded),
            _ => {
                let mut block = Vec::with_capacity(BLOCK);
                block.push(recorded);
                self.blocks.push(block);
            }
        }
    }

    /// Returns the number of entries.
    pub(super) fn len(&self) -> usize {
        self.blocks.last().map_or(0, |last| (self.blocks.len() - 1) * BLOCK + last.len())
    }

    /// Returns the entry with index `index`.
    pub(super) fn get(&self, index: usize) -> Option<&Recorded> {
        self.blocks.get(index / BLOCK)?.get(index % BLOCK)
    }

    /// Returns all entries, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Recorded> {
        self.blocks.iter().flatten()
    }

    /// Returns at most `count` entries from index `from` on, each with its index.
    pub(super) fn part(&self, from: usize, count: usize) -> impl Iterator<Item = (usize, &Recorded)> {
        let end = from.saturating_add(count).min(self.len());
        (from.min(end)..end).filter_map(|index| Some((index, self.get(index)?)))
    }
}
