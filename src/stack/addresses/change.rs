//! Changes to the interface that autoconfiguration requests.

use smoltcp::wire::{IpAddress, IpCidr};

use crate::stack::event::{AddressEvent, DropReason};

/// The largest number of changes that one frame or timer causes. A router advertisement causes the most changes.
pub(super) const CHANGES: usize = 12;
/// The largest number of changes that one granted address causes.
pub(super) const GRANT: usize = 3;

/// Changes to the interface, in order.
pub(super) type Changes = heapless::Deque<Change, CHANGES>;

/// One change to the interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::stack) enum Change {
    Add(IpCidr),
    Remove(IpAddress),
    /// A new default router. The router is on the link, even if its address is outside the interface's networks.
    Router(IpAddress),
    RouterGone(IpAddress),
    /// An event for the [`Probe`](crate::stack::Probe). The interface does not change.
    Report(AddressEvent),
    /// A frame was dropped. The addresses do not change.
    Dropped(DropReason),
}

/// Where an address comes from: DHCP, SLAAC or the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    Dhcp,
    #[cfg(feature = "slaac")]
    Slaac,
    Static,
}

/// Queues a change. The queue always has room: the stack empties it after each frame and each call to
/// `Autoconf::advance`.
pub(super) fn push(changes: &mut Changes, change: Change) {
    let _ = changes.push_back(change);
}
