//! What ties the connection slots together, apart from the slots so that a look-up touches little memory.

use super::deadlines::Entry;
use super::event::Tuple;
use super::list::Node;
use super::table::Bucket;

/// A position in the array of slots.
pub(super) type Index = u16;

/// No position.
pub(super) const NONE: Index = Index::MAX;

/// The node of the list of slots with work to do, or that wait for a neighbour's hardware address.
pub(super) const WORK: usize = 0;

/// The node of the list of a slot's place in life: free, half-open, waiting in a backlog, in TIME-WAIT.
pub(super) const PLACE: usize = 1;

/// One slot's links: its place in the connection table, the lists and the queue of deadlines.
#[derive(Clone, Copy, Debug)]
pub struct Links {
    pub(super) tuple: Option<Tuple>,
    pub(super) bucket: Bucket,
    pub(super) nodes: [Node; 2],
    pub(super) deadline: Entry,
}

impl Links {
    /// Links of a slot that was never used.
    pub const EMPTY: Links =
        Links { tuple: None, bucket: Bucket::EMPTY, nodes: [Node::EMPTY; 2], deadline: Entry::EMPTY };
}
