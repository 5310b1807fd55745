//! Links between the connection slots. The links are stored separately from the slots, so that a look-up touches little
//! memory.

use smoltcp::time::Instant;

use crate::stack::buckets::{Bucket, Hashed, Index, NONE};
use crate::stack::event::Tuple;

/// The index of the node for the run queue. The queue of connections awaiting address resolution uses the same node.
pub(super) const RUN_QUEUE: usize = 0;

/// The index of the node for the list of the slot's phase. The phases `Free`, `Handshake`, `Backlog` and `TimeWait`
/// have such lists.
pub(super) const PHASE_LIST: usize = 1;

/// The links of one slot: in the connection table, the lists and the queue of deadlines.
#[derive(Clone, Copy, Debug)]
pub struct SlotIndex {
    pub(super) tuple: Option<Tuple>,
    pub(super) bucket: Bucket,
    pub(super) nodes: [Node; 2],
    pub(super) deadline: Entry,
}

/// The links of a slot that was never used.
impl Default for SlotIndex {
    fn default() -> Self {
        SlotIndex { tuple: None, bucket: Bucket::EMPTY, nodes: [Node::EMPTY; 2], deadline: Entry::EMPTY }
    }
}

impl Hashed for SlotIndex {
    fn bucket(&self) -> &Bucket {
        &self.bucket
    }

    fn bucket_mut(&mut self) -> &mut Bucket {
        &mut self.bucket
    }
}

/// The links of one slot in a list.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    pub(super) previous: Index,
    pub(super) next: Index,
}

impl Node {
    pub(super) const EMPTY: Node = Node { previous: NONE, next: NONE };
}

/// Two independent facts, stored in element `i`: the deadline at heap position `i`, and the heap position of slot `i`.
///
/// A deadline is stored at its heap position, not with its slot. The two children of a heap position are therefore
/// neighbours in memory, and comparing them touches little memory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    /// The deadline at heap position `i`.
    pub(super) due: Instant,
    /// The slot at heap position `i`.
    pub(super) slot: Index,
    /// The heap position of slot `i`.
    pub(super) position: Index,
}

impl Entry {
    pub(super) const EMPTY: Entry = Entry { due: Instant::ZERO, slot: NONE, position: NONE };
}
