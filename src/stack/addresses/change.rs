//! Changes of the interface that autoconfiguration asks for.

use smoltcp::wire::{IpAddress, IpCidr};

use crate::stack::event::{AddressEvent, DropReason};

/// The largest number of changes from one frame or timer: a router's advertisement makes the most.
pub(super) const CHANGES: usize = 12;
/// The number of changes that a lease makes.
pub(super) const GRANT: usize = 3;

/// Changes of the interface, in order.
pub(super) type Changes = heapless::Deque<Change, CHANGES>;

/// One change of the interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::stack) enum Change {
    Add(IpCidr),
    Remove(IpAddress),
    /// A router. It is reached directly, even if no network of the interface contains its address.
    Router(IpAddress),
    RouterGone(IpAddress),
    /// No change, but something to report to the probe.
    Report(AddressEvent),
    /// A frame was dropped. The addresses do not change.
    Dropped(DropReason),
}

/// Who wants an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    Dhcp,
    #[cfg(feature = "slaac")]
    Slaac,
    Static,
}

/// Queues a change. There is room: the queue is emptied after each frame and each advance.
pub(super) fn push(changes: &mut Changes, change: Change) {
    let _ = changes.push_back(change);
}
