//! The only place where smoltcp sees a connection: frames for it, frames from it, and the time.
//!
//! A control block beside smoltcp's needs these three seams: before a frame reaches smoltcp, after one has left, and a time that
//! need not be the same for all connections.

use smoltcp::iface::{Interface, PollResult};
use smoltcp::phy::{Device, PacketMeta, TxToken};
use smoltcp::time::Instant;

use super::Slot;
use crate::stack::ingress::OneFrame;

impl<S> Slot<'_, S> {
    /// Shows smoltcp a frame for this connection. A reply leaves with `token`.
    pub(in crate::stack) fn receive(
        &mut self,
        now: Instant,
        iface: &mut Interface,
        frame: &[u8],
        meta: PacketMeta,
        token: impl TxToken,
    ) {
        if let Some((set, _)) = &mut self.set {
            iface.poll_ingress_single(now, &mut OneFrame::new(frame, meta, token), set);
        }
    }

    /// Lets smoltcp send, and returns whether a segment left.
    pub(super) fn transmit(&mut self, now: Instant, iface: &mut Interface, device: &mut impl Device) -> bool {
        let Some((set, _)) = &mut self.set else { return false };
        iface.poll_egress(now, device, set) == PollResult::SocketStateChanged
    }

    /// When smoltcp has something to send, unless a frame arrives before.
    pub(super) fn poll_at(&self, now: Instant, iface: &mut Interface) -> Option<Instant> {
        let (set, _) = self.set.as_ref()?;
        iface.poll_at(now, set)
    }
}
