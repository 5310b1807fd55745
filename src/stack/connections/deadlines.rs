//! The queue of deadlines: a binary heap, stored in the slot index, with at most one entry for each slot.

use smoltcp::time::Instant;

use super::slot_index::SlotIndex;
use crate::stack::buckets::{Index, NONE};

/// The heap of deadlines. The entries are in the slot index, which the caller passes to every call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadlines {
    len: usize,
    /// The earliest deadline, if `len` is not 0. It is also at the heap's root, but every step asks for it, and this
    /// copy is faster to read.
    earliest: Instant,
}

impl Deadlines {
    pub(super) const EMPTY: Deadlines = Deadlines { len: 0, earliest: Instant::ZERO };

    /// Returns the earliest deadline.
    pub(super) fn first(&self) -> Option<Instant> {
        (self.len > 0).then_some(self.earliest)
    }

    /// Returns the slot with the earliest deadline, if this deadline has passed.
    pub(super) fn past(&self, slots: &[SlotIndex], now: Instant) -> Option<usize> {
        (self.len > 0 && self.earliest <= now).then(|| at(slots, 0))
    }

    /// Returns the deadline of the slot `index`.
    pub(super) fn of(&self, slots: &[SlotIndex], index: usize) -> Option<Instant> {
        let position = slots[index].deadline.position;
        (position != NONE).then(|| due(slots, position.into()))
    }

    /// Sets or removes a slot's deadline.
    pub(super) fn set(&mut self, slots: &mut [SlotIndex], index: usize, due: Option<Instant>) {
        match (due, slots[index].deadline.position) {
            (None, NONE) => {}
            (None, position) => self.take(slots, index, position.into()),
            (Some(due), NONE) => {
                // A new deadline starts at the end of the heap.
                self.len += 1;
                self.settle(slots, self.len - 1, due, index);
            }
            (Some(due), position) => self.settle(slots, position.into(), due, index),
        }
        if self.len > 0 {
            self.earliest = self::due(slots, 0);
        }
    }

    /// Removes the deadline at `position`, which belongs to the slot `index`. The heap's last deadline fills the gap.
    fn take(&mut self, slots: &mut [SlotIndex], index: usize, position: usize) {
        self.len -= 1;
        slots[index].deadline.position = NONE;
        if position != self.len {
            self.settle(slots, position, due(slots, self.len), at(slots, self.len));
        }
    }

    /// Puts a slot's deadline at `position`, then moves the deadline until the heap is in order.
    fn settle(&self, slots: &mut [SlotIndex], position: usize, due: Instant, index: usize) {
        place(slots, position, due, index);
        up(slots, position);
        // `up` might have changed the position.
        self.down(slots, slots[index].deadline.position.into());
    }

    /// Moves the deadline at `position` towards the leaves until no child is earlier.
    fn down(&self, slots: &mut [SlotIndex], mut position: usize) {
        loop {
            // The children are at `2 * position + 1` and `2 * position + 2`. The earlier child moves up if necessary.
            let mut child = 2 * position + 1;
            if child >= self.len {
                return;
            }
            if child + 1 < self.len && due(slots, child + 1) < due(slots, child) {
                child += 1;
            }
            if due(slots, position) <= due(slots, child) {
                return;
            }
            swap(slots, position, child);
            position = child;
        }
    }
}

/// Moves the deadline at `position` towards the root until its parent is not later.
fn up(slots: &mut [SlotIndex], mut position: usize) {
    while position > 0 {
        let parent = (position - 1) / 2;
        if due(slots, parent) <= due(slots, position) {
            return;
        }
        swap(slots, position, parent);
        position = parent;
    }
}

/// Exchanges the deadlines at two positions.
fn swap(slots: &mut [SlotIndex], a: usize, b: usize) {
    let (due_a, at_a) = (due(slots, a), at(slots, a));
    place(slots, a, due(slots, b), at(slots, b));
    place(slots, b, due_a, at_a);
}

/// Stores the deadline of the slot `index` at `position`.
fn place(slots: &mut [SlotIndex], position: usize, due: Instant, index: usize) {
    slots[position].deadline.due = due;
    slots[position].deadline.slot = index as Index;
    slots[index].deadline.position = position as Index;
}

/// Returns the slot whose deadline is at `position`.
fn at(slots: &[SlotIndex], position: usize) -> usize {
    slots[position].deadline.slot.into()
}

/// Returns the deadline at `position`.
fn due(slots: &[SlotIndex], position: usize) -> Instant {
    slots[position].deadline.due
}

/// Returns the earlier of two optional times.
pub(in crate::stack) fn sooner(a: Option<Instant>, b: Option<Instant>) -> Option<Instant> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        // At most one of the two times is set.
        (one, none) => one.or(none),
    }
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use smoltcp::time::Duration;

    use super::*;
    use crate::testing::random::Random;

    /// Compares the heap with a linear search for the minimum, over many random changes.
    #[test]
    fn agrees_with_a_plain_search() {
        let (mut heap, mut slots, mut plain) = (Deadlines::EMPTY, [SlotIndex::default(); 64], [None; 64]);
        let mut random = Random(7);
        for round in 0..20_000 {
            let index = random.below(64);
            let due = (!random.one_in(16)).then(|| Instant::from_millis(random.below(500) as i64));
            plain[index] = due;
            heap.set(&mut slots, index, due);
            let first = heap.first();
            assert_eq!(first, plain.iter().flatten().min().copied(), "round {round}");
            // At the time of the first deadline, this deadline has passed. Just before that time, none has.
            let past = first.and_then(|due| heap.past(&slots, due));
            assert!(past.map(|index| plain[index]) == first.map(Some), "round {round}");
            let before = first.and_then(|due| heap.past(&slots, due - Duration::from_micros(1)));
            assert_eq!(before, None, "round {round}");
        }
    }
}
