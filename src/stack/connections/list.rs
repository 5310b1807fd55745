//! Doubly linked lists of slots, stored in the slot index. Removal takes constant time.

use super::slot_index::{Node, SlotIndex};
use crate::stack::buckets::{Index, NONE};

/// A list of slots. `KIND` is [`RUN_QUEUE`](super::slot_index::RUN_QUEUE) or
/// [`PHASE_LIST`](super::slot_index::PHASE_LIST).
///
/// A slot is in at most one list of each kind.
#[derive(Clone, Copy, Debug)]
pub(super) struct List<const KIND: usize> {
    head: Index,
    tail: Index,
    len: usize,
}

impl<const KIND: usize> List<KIND> {
    pub(super) const EMPTY: Self = List { head: NONE, tail: NONE, len: 0 };

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Returns the first slot of the list.
    pub(super) fn front(&self) -> Option<usize> {
        (self.head != NONE).then_some(self.head.into())
    }

    /// Returns the second slot of the list.
    pub(super) fn second(&self, slots: &[SlotIndex]) -> Option<usize> {
        let next = slots[self.front()?].nodes[KIND].next;
        (next != NONE).then_some(next.into())
    }

    /// Appends the slot `index`, which must not be in a list of this kind. `KIND` selects the slot's links for this
    /// kind of list.
    pub(super) fn push_back(&mut self, slots: &mut [SlotIndex], index: usize) {
        let previous = self.tail;
        slots[index].nodes[KIND] = Node { previous, next: NONE };
        self.tail = index as Index;
        match previous {
            NONE => self.head = self.tail,
            _ => slots[usize::from(previous)].nodes[KIND].next = self.tail,
        }
        self.len += 1;
    }

    /// Adds the slot `index` to the front. The slot must not be in a list of this kind. `KIND` selects the slot's links
    /// for this kind of list.
    pub(super) fn push_front(&mut self, slots: &mut [SlotIndex], index: usize) {
        let next = self.head;
        slots[index].nodes[KIND] = Node { previous: NONE, next };
        self.head = index as Index;
        match next {
            NONE => self.tail = self.head,
            _ => slots[usize::from(next)].nodes[KIND].previous = self.head,
        }
        self.len += 1;
    }

    /// Removes the slot `index`, which must be in this list. `KIND` selects the slot's links for this kind of list.
    pub(super) fn remove(&mut self, slots: &mut [SlotIndex], index: usize) {
        let Node { previous, next } = core::mem::replace(&mut slots[index].nodes[KIND], Node::EMPTY);
        match previous {
            NONE => self.head = next,
            _ => slots[usize::from(previous)].nodes[KIND].next = next,
        }
        match next {
            NONE => self.tail = previous,
            _ => slots[usize::from(next)].nodes[KIND].previous = previous,
        }
        self.len -= 1;
    }
}
