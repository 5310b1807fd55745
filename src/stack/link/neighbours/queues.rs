//! The queues of neighbours: doubly linked lists, so that a neighbour is removed from its queue in constant time.

use smoltcp::time::Instant;

use super::{ASKED, INTERVAL, Neighbours, READY};
use crate::stack::buckets::{Index, NONE};

/// The entries before and after an entry in a queue. `NONE` marks both ends of the queue.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Links {
    previous: Index,
    next: Index,
}

impl Links {
    pub(super) const EMPTY: Links = Links { previous: NONE, next: NONE };
}

impl Links {
    /// Returns whether a queue with these ends is empty.
    pub(super) fn is_empty(&self) -> bool {
        self.next == NONE
    }
}

impl Neighbours<'_> {
    /// Returns whether no work is pending.
    pub(in crate::stack::link) fn is_idle(&self) -> bool {
        let [asked, ready] = &self.queues;
        asked.is_empty() && ready.is_empty()
    }

    /// Returns the time of the next work.
    #[inline(never)]
    pub(in crate::stack::link) fn due(&self) -> Option<Instant> {
        // Not inlined, because even a busy board rarely has due work.
        let due = match self.front(READY) {
            // Pending packets can be sent immediately.
            Some(_) => Some(Instant::ZERO),
            None => self.front(ASKED).map(|index| self.entries[index].asked_at + INTERVAL),
        };
        // All work waits until `blocked_until`. If no work is scheduled, the result stays `None`.
        due.max(due.and(Some(self.blocked_until)))
    }

    /// Returns the index of the first entry in the queue `kind`.
    pub(super) fn front(&self, kind: usize) -> Option<usize> {
        let first = self.queues[kind].next;
        (first != NONE).then_some(first.into())
    }

    /// Adds an entry at the end of a queue. If the entry is in the queue already, moves the entry to the end.
    pub(super) fn push(&mut self, kind: usize, index: usize) {
        self.unlink(kind, index);
        // The field `previous` of a queue is its last entry.
        let last = core::mem::replace(&mut self.queues[kind].previous, index as Index);
        self.links(kind, last).next = index as Index;
        self.entries[index].queued[kind] = true;
        self.entries[index].links[kind] = Links { previous: last, next: NONE };
    }

    /// Removes an entry from a queue, if the entry is in the queue.
    pub(super) fn unlink(&mut self, kind: usize, index: usize) {
        let entry = &mut self.entries[index];
        // `take` also clears the flag.
        if core::mem::take(&mut entry.queued[kind]) {
            let Links { previous, next } = entry.links[kind];
            self.links(kind, previous).next = next;
            self.links(kind, next).previous = previous;
        }
    }

    /// Returns the links of an entry, or the ends of the queue if `index` is `NONE`.
    fn links(&mut self, kind: usize, index: Index) -> &mut Links {
        match self.entries.get_mut(usize::from(index)) {
            Some(entry) => &mut entry.links[kind],
            None => &mut self.queues[kind],
        }
    }
}
