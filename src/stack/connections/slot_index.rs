//! What ties the connection slots together, apart from the slots so that a look-up touches little memory.

use super::deadlines::Entry;
use super::list::Node;
use super::table::Bucket;
use crate::stack::event::Tuple;

/// A position in the array of slots.
pub(in crate::stack) type Index = u16;

/// No position.
pub(super) const NONE: Index = Index::MAX;

/// The node of the queue of slots with work to do, or of those that wait for a neighbour's hardware address.
pub(super) const RUN_QUEUE: usize = 0;

/// The node of the list of the slot's phase: free, half-open, in a backlog, in TIME-WAIT.
pub(super) const PHASE_LIST: usize = 1;

/// A slot's place in the connection table, the lists and the queue of deadlines.
#[derive(Clone, Copy, Debug)]
pub struct SlotIndex {
    pub(super) tuple: Option<Tuple>,
    pub(super) bucket: Bucket,
    pub(super) nodes: [Node; 2],
    pub(super) deadline: Entry,
}

impl SlotIndex {
    /// The index of a slot that was never used.
    pub const EMPTY: SlotIndex =
        SlotIndex { tuple: None, bucket: Bucket::EMPTY, nodes: [Node::EMPTY; 2], deadline: Entry::EMPTY };
}
