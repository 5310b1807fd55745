//! Lets smoltcp send the segments of one connection.

use smoltcp::iface::PollResult;
use smoltcp::phy::Device;
#[cfg(feature = "recovery")]
use smoltcp::socket::tcp::Socket;
use smoltcp::time::Instant;

use crate::stack::event::{Io, Probe};
#[cfg(feature = "recovery")]
use crate::stack::ingress::WatchedTx;
use crate::stack::ingress::{Out, Outgoing, Sent, Watch};
use crate::stack::link::Header;
use crate::stack::{Session, Stack, UdpSession};

/// The largest number of segments that one turn withholds because the peer already has their bytes.
#[cfg(feature = "recovery")]
const WITHHELD_PER_TURN: usize = 64;

impl<S: Session + Clone, U: UdpSession> Stack<'_, S, U> {
    /// Fills in `header`, the Ethernet header for a connection's frames. Returns whether the hardware address of the
    /// next hop is known.
    fn resolve(&mut self, now: Instant, index: usize, header: &mut Header) -> bool {
        let Some(tuple) = self.connections.tuple(index) else { return false };
        match self.next_hop(tuple.remote.addr) {
            Some(hop) => self.link.resolve(now, &hop, header),
            // A link without Ethernet needs no next hop. On Ethernet, a destination without a route cannot be resolved.
            None => self.link.hardware().is_none(),
        }
    }

    /// Sends an ARP or NDP request for the next hop to a connection's peer. Returns whether a frame was sent.
    pub(super) fn ask_for<D: Device, C, P: Probe>(&mut self, now: Instant, index: usize, io: &mut Io<D, C, P>) -> bool {
        let hop = self.connections.tuple(index).and_then(|tuple| self.next_hop(tuple.remote.addr));
        hop.is_some_and(|hop| self.ask(now, hop, io))
    }

    /// Lets smoltcp send one frame for a connection. Returns whether smoltcp built a frame, and what became of the
    /// frame.
    #[cfg(not(feature = "recovery"))]
    pub(super) fn transmit<D: Device, C, P: Probe>(
        &mut self,
        now: Instant,
        index: usize,
        io: &mut Io<D, C, P>,
    ) -> (bool, Sent) {
        let mut header = None;
        let resolved = self.resolve(now, index, &mut header);
        let slot = &mut self.connections.slots[index];
        let (Some((set, _)), block) = (&mut slot.set, &mut slot.control) else { return (false, Sent::default()) };
        let mut out = Out::new(&mut io.probe, now, header);
        out.outgoing = Some(Outgoing { block });
        let mut watch = Watch::new(&mut io.device, resolved, &mut out);
        let changed = self.iface.poll_egress(now, &mut watch, set) == PollResult::SocketStateChanged;
        // The set has only this connection's socket. Its state also changes if the frame could not be sent.
        let sent = out.sent;
        if sent.frames > 0 {
            // If the next hop's hardware address is stale, this call schedules a request for it.
            self.link.on_sent(now);
        }
        (changed, sent)
    }

    /// Lets smoltcp send one frame for a connection. Withholds frames whose data the peer already has. Returns whether
    /// smoltcp built a frame, and what became of the frames.
    #[cfg(feature = "recovery")]
    pub(super) fn transmit<D: Device, C, P: Probe>(
        &mut self,
        now: Instant,
        index: usize,
        io: &mut Io<D, C, P>,
    ) -> (bool, Sent) {
        let (mut changed, mut total) = (false, Sent::default());
        self.connections.slots[index].control.expire(now);
        #[cfg(feature = "fragments")]
        let path = self.follow_path(now, index);
        // The fragmenter still sends another packet, so this connection waits as if the device were full.
        #[cfg(feature = "fragments")]
        if path.needs_fragmenter() && self.fragmenter.is_busy() {
            return (false, Sent { exhausted: true, ..total });
        }
        total.idle_until = self.idle_until(now, index);
        if total.idle_until.is_some() {
            return (false, total);
        }
        let mut header = None;
        let resolved = self.resolve(now, index, &mut header);
        for _ in 0..WITHHELD_PER_TURN {
            // Before each segment, tell smoltcp from which byte and how far it may send.
            self.rewind(now, index);
            self.show_news_between_frames(now, index, io);
            self.connections.close_now(index);
            let slot = &mut self.connections.slots[index];
            let (Some((set, _)), block) = (&mut slot.set, &mut slot.control) else { break };
            let mut out = Out::new(&mut io.probe, now, header);
            out.outgoing = Some(Outgoing { block, scratch: self.scratch, checksums: &self.checksums });
            #[cfg(feature = "fragments")]
            path.prepare(&mut out, &mut self.fragmenter);
            let mut watch = Watch::new(&mut io.device, resolved, &mut out);
            changed |= self.iface.poll_egress(now, &mut watch, set) == PollResult::SocketStateChanged;
            let Sent { frames, withheld, exhausted, unresolved, .. } = out.sent;
            total.frames += frames;
            total.withheld += withheld;
            (total.exhausted, total.unresolved) = (exhausted, unresolved);
            // Try again only if every frame so far was withheld.
            if withheld == 0 || frames > 0 {
                break;
            }
        }
        let block = &self.connections.slots[index].control;
        if changed && (block.recovers() || block.sends_singly()) {
            // The window might have changed. smoltcp must get the new window before `poll_at` computes the next poll
            // time.
            self.show_news_between_frames(now, index, io);
        }
        if total.frames > 0 {
            // If the next hop's hardware address is stale, this call schedules a request for it.
            self.link.on_sent(now);
        }
        (changed, total)
    }

    /// Returns the time of smoltcp's next work for an established connection that has nothing to send before that time.
    /// Such a turn is common, because a program has a turn after it has read. `None` if smoltcp must be polled now.
    #[cfg(feature = "recovery")]
    fn idle_until(&mut self, now: Instant, index: usize) -> Option<Instant> {
        let slot = &mut self.connections.slots[index];
        let (set, handle) = slot.set.as_ref()?;
        let (socket, block) = (set.get::<Socket>(*handle), &slot.control);
        let has_unsent = socket.send_queue() > block.flight() as usize;
        let acks_now = block.owes_ack() && self.config.tcp.ack_delay.is_none();
        // `news` also updates the persist timer and, after an idle time, the congestion window.
        if has_unsent || acks_now || !slot.is_established() || block.wants_rewind() || slot.news(now).is_some() {
            return None;
        }
        // smoltcp ends a connection whose local address is gone, but only when it is polled to send.
        if !self.iface.has_ip_addr(self.connections.index[index].tuple.as_ref()?.local.addr) {
            return None;
        }
        self.iface.poll_at(now, slot.set()?).filter(|&at| at > now)
    }

    /// Passes smoltcp the latest acknowledgement and window, between two frames.
    #[cfg(feature = "recovery")]
    fn show_news_between_frames<D: Device, C, P: Probe>(&mut self, now: Instant, index: usize, io: &mut Io<D, C, P>) {
        let Some(window_field) = self.connections.slots[index].news(now) else { return };
        let token: Option<D::TxToken<'_>> = None;
        let mut out = Out::new(&mut io.probe, now, None);
        self.show_ack(index, window_field, &mut WatchedTx { token, out: &mut out });
    }
}
