//! The queue of deadlines: a binary heap with one entry a slot at most, through the slots.

use smoltcp::time::Instant;

use super::links::{Index, Links, NONE};

/// A slot's part of the heap: its own position, and what stands at the heap position of its number: a deadline and its slot.
///
/// The deadline stands there, not with its slot, so that finding the earlier of two children touches one place in memory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    due: Instant,
    holds: Index,
    position: Index,
}

impl Entry {
    pub(super) const EMPTY: Entry = Entry { due: Instant::ZERO, holds: NONE, position: NONE };
}

/// The heap's length; its entries stand in the links that every call names.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadlines {
    len: usize,
}

impl Deadlines {
    pub(super) const EMPTY: Deadlines = Deadlines { len: 0 };

    /// The earliest deadline.
    pub(super) fn first(&self, links: &[Links]) -> Option<Instant> {
        (self.len > 0).then(|| due(links, 0))
    }

    /// The slot with the earliest deadline, if that has come.
    pub(super) fn past(&self, links: &[Links], now: Instant) -> Option<usize> {
        (self.len > 0 && due(links, 0) <= now).then(|| at(links, 0))
    }

    /// A slot's deadline.
    pub(super) fn of(&self, links: &[Links], index: usize) -> Option<Instant> {
        let position = links[index].deadline.position;
        (position != NONE).then(|| due(links, position.into()))
    }

    /// Gives a slot a deadline, or takes its away.
    pub(super) fn set(&mut self, links: &mut [Links], index: usize, due: Option<Instant>) {
        match (due, links[index].deadline.position) {
            (None, NONE) => {}
            (None, position) => self.take(links, index, position.into()),
            (Some(due), NONE) => {
                let position = self.len;
                self.len += 1;
                place(links, position, due, index);
                up(links, position);
            }
            (Some(due), position) => {
                let before = core::mem::replace(&mut links[usize::from(position)].deadline.due, due);
                if due < before {
                    up(links, position.into());
                } else if due > before {
                    self.down(links, position.into());
                }
            }
        }
    }

    fn take(&mut self, links: &mut [Links], index: usize, position: usize) {
        self.len -= 1;
        links[index].deadline.position = NONE;
        if position != self.len {
            let last = at(links, self.len);
            place(links, position, due(links, self.len), last);
            up(links, position);
            let position = links[last].deadline.position;
            self.down(links, position.into());
        }
    }

    fn down(&self, links: &mut [Links], mut position: usize) {
        loop {
            let mut child = 2 * position + 1;
            if child >= self.len {
                return;
            }
            if child + 1 < self.len && due(links, child + 1) < due(links, child) {
                child += 1;
            }
            if due(links, position) <= due(links, child) {
                return;
            }
            swap(links, position, child);
            position = child;
        }
    }
}

fn up(links: &mut [Links], mut position: usize) {
    while position > 0 {
        let parent = (position - 1) / 2;
        if due(links, parent) <= due(links, position) {
            return;
        }
        swap(links, position, parent);
        position = parent;
    }
}

fn swap(links: &mut [Links], a: usize, b: usize) {
    let (due_a, at_a) = (due(links, a), at(links, a));
    place(links, a, due(links, b), at(links, b));
    place(links, b, due_a, at_a);
}

fn place(links: &mut [Links], position: usize, due: Instant, index: usize) {
    links[position].deadline.due = due;
    links[position].deadline.holds = index as Index;
    links[index].deadline.position = position as Index;
}

fn at(links: &[Links], position: usize) -> usize {
    links[position].deadline.holds.into()
}

fn due(links: &[Links], position: usize) -> Instant {
    links[position].deadline.due
}

/// The earlier of two times, if there is one.
pub(super) fn sooner(a: Option<Instant>, b: Option<Instant>) -> Option<Instant> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (one, none) => one.or(none),
    }
}

#[cfg(test)]
mod tests {
    use smoltcp::time::Duration;

    use super::*;

    /// Against a plain search for the minimum, over a long run of random settings.
    #[test]
    fn agrees_with_a_plain_search() {
        let (mut heap, mut links, mut plain) = (Deadlines::EMPTY, [Links::EMPTY; 64], [None; 64]);
        let mut random = 7u64;
        for round in 0..20_000 {
            random = random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let index = (random >> 33) as usize % 64;
            let due = (random >> 60 != 0).then(|| Instant::from_millis((random >> 40) as i64 % 500));
            plain[index] = due;
            heap.set(&mut links, index, due);
            let first = heap.first(&links);
            assert_eq!(first, plain.iter().flatten().min().copied(), "round {round}");
            let past = first.and_then(|due| heap.past(&links, due));
            assert!(past.map(|index| plain[index]) == first.map(Some), "round {round}");
            let before = first.and_then(|due| heap.past(&links, due - Duration::from_micros(1)));
            assert_eq!(before, None, "round {round}");
        }
    }
}
