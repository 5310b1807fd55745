//! Processes a received frame for a connection, a new connection or the shared sockets.
//!
//! The folder link/ extracts the packet from the frame. The file whole.rs reassembles fragments. The file admission.rs
//! drops the packet, or decides which part of the stack handles the packet. The file deliver.rs delivers a segment to
//! its connection. The file icmp.rs passes an ICMP error to the connection or program that caused it.

mod admission;
mod deliver;
mod demux;
#[cfg(feature = "fragments")]
mod extensions;
mod frame;
#[cfg(any(feature = "ping", feature = "recovery"))]
mod icmp;
#[cfg(feature = "fragments")]
mod icmp_reply;
#[cfg(feature = "fragments")]
mod reassembly;
#[cfg(feature = "fragments")]
mod whole;

#[cfg(feature = "fragments")]
pub use reassembly::Reassembly;
#[cfg(all(feature = "alloc", feature = "fragments"))]
pub(super) use reassembly::SHARE as REASSEMBLY_SHARE;
#[cfg(feature = "fragments")]
pub(super) use whole::Front;

pub(super) use frame::{NoToken, OneFrame, Out, Outgoing, Sent, Watch, WatchedTx};

use smoltcp::phy::{Device, PacketMeta, RxToken, TxToken};
use smoltcp::time::Instant;

use super::connections::Cause;
use super::control::Segment;
use super::event::{ConnectionId, Direction, Io, Probe, Step, Tuple};
#[cfg(all(feature = "slaac", not(feature = "fragments")))]
use super::event::{DropReason, Event};
#[cfg(any(feature = "ping", feature = "recovery"))]
use super::icmp_errors;
use super::link::{self, Contents};
#[cfg(feature = "ping")]
use super::ping;
use super::{Console, Session, Stack, UdpSession};
use crate::phy::EthernetAddress;
use admission::Target;
use demux::Flow;

#[cfg(any(feature = "ping", feature = "recovery"))]
use super::icmp_errors::Quote;
/// The ICMP error in a frame. Without the features `ping` and `recovery`, the stack reads no ICMP errors.
#[cfg(not(any(feature = "ping", feature = "recovery")))]
type Quote = ();

impl<S: Session + Clone, U: UdpSession> Stack<'_, S, U> {
    /// Processes one received frame. Returns `None` if no frame is waiting, or if no reply could be sent now.
    pub(super) fn ingress<D: Device, C: Console, P: Probe>(
        &mut self,
        now: Instant,
        io: &mut Io<D, C, P>,
    ) -> Option<Step> {
        // If the fragmenter is still busy with another datagram, do not receive a frame: the reply could need the
        // fragmenter.
        #[cfg(feature = "fragments")]
        if self.fragmenter.is_busy() {
            return None;
        }
        let Io { device, probe, .. } = io;
        let (rx, token) = device.receive(now)?;
        let (meta, mut segment, mut quote) = (rx.meta(), None, None);
        let target = rx.consume(|frame| {
            probe.frame(now, Direction::In, frame);
            #[cfg(feature = "dhcp")]
            if self.autoconf.is_some() && self.autoconf_process(now, frame) {
                return Target::Nowhere;
            }
            let Some(contents) = link::read(frame, self.link.hardware()) else { return Target::Nowhere };
            let Contents::Packet { packet, from, to_us } = contents else {
                self.process_neighbour(now, contents, &mut Some(token), probe);
                return Target::Nowhere;
            };
            #[cfg(feature = "ipv6")]
            if link::may_be_group_query(packet) && self.link.process_group_query(now, packet, self.random.next()) {
                return Target::Nowhere;
            }
            let mut out = Out::new(probe, now, self.link.answer_to(from));
            let mut tx = WatchedTx { token: Some(token), out: &mut out };
            let received = Received { packet, from, to_us, meta };
            #[cfg(feature = "fragments")]
            if !whole::is_whole(packet) {
                return self.take_whole(now, received, &mut segment, &mut tx, &mut quote);
            }
            self.take_in(now, received, &mut segment, &mut tx, &mut quote)
        });
        #[cfg(feature = "dhcp")]
        if self.autoconf.is_some() {
            self.apply_changes(now, &mut io.probe);
        }
        #[cfg(any(feature = "ping", feature = "recovery"))]
        if let Some(quote) = quote {
            self.process_icmp_error(now, &quote, io);
        }
        #[cfg(not(any(feature = "ping", feature = "recovery")))]
        let _: Option<Quote> = quote;
        match target {
            Target::Closed | Target::Nowhere | Target::TimeWait(..) => Some(Step::Ingress(None)),
            Target::Shared => {
                self.datagrams_arrived();
                Some(Step::Ingress(None))
            }
            Target::Slot(index) => {
                #[cfg(feature = "std")]
                self.connections.found(index);
                let id = self.connections.id(index);
                if self.check_state(now, index, Cause::Segment { rst: segment.is_some_and(|segment| segment.rst) }, io)
                {
                    self.connections.slots[index].run = true;
                    self.connections.enqueue(index);
                }
                Some(Step::Ingress(Some(id)))
            }
        }
    }

    /// Processes a whole packet. Returns the part of the stack that has handled the packet.
    ///
    /// Stores the segment in `segment` if the packet contains one, and the ICMP error in `_quote` if the packet
    /// contains one.
    fn take_in<T: TxToken, P: Probe>(
        &mut self,
        now: Instant,
        Received { packet, from, to_us, meta }: Received<'_>,
        segment: &mut Option<Segment>,
        tx: &mut WatchedTx<'_, '_, T, P>,
        _quote: &mut Option<Quote>,
    ) -> Target {
        // Messages between IPv6 neighbours are IP packets. IPv4 neighbours use ARP, whose messages are not IP packets.
        if cfg!(feature = "ipv6")
            && packet.first().is_some_and(|first| first >> 4 == 6)
            && self.process_neighbour(now, Contents::Packet { packet, from, to_us }, &mut tx.token, tx.out.probe)
        {
            return Target::Nowhere;
        }
        let target = self.target(now, packet, to_us, segment, tx.out.probe);
        #[cfg(any(feature = "ping", feature = "recovery"))]
        if matches!(target, Target::Shared) {
            *_quote = icmp_errors::read(packet, &self.checksums, |address| self.iface.has_ip_addr(address));
        }
        // Only the shared sockets answer with packets that can be too long: an answer to an echo request is as long as
        // the request.
        #[cfg(feature = "fragments")]
        let limit = if matches!(target, Target::Shared) { self.limit_to_source(now, packet) } else { usize::MAX };
        #[cfg(feature = "ping")]
        if matches!(target, Target::Shared)
            && let Some(pings) = &mut self.pings
            && let Some(hop_limit) = ping::icmp_hop_limit(packet)
        {
            #[cfg(feature = "fragments")]
            let mut out = tx.out.of_long(self.fragmenter.lend_for(limit));
            #[cfg(feature = "fragments")]
            let tx = &mut WatchedTx { token: tx.token.take(), out: &mut out };
            if demux::header_holds(packet, &self.checksums) {
                self.iface.poll_ingress_single(now, &mut OneFrame::new(packet, meta, tx.take()), pings.set());
            }
            pings.arrived(now, hop_limit);
            return target;
        }
        match (target, segment) {
            (Target::Closed, Some(segment)) => self.refuse(segment, tx),
            (Target::Shared, _) => {
                #[cfg(all(feature = "slaac", not(feature = "fragments")))]
                if link::source(packet).is_some_and(|to| packet.len() > self.mtu_to(now, to))
                    && packet.get(6) == Some(&58)
                {
                    // Next header 58 is ICMPv6. The reply to an echo request is as long as the request, and cannot be
                    // sent in fragments.
                    tx.out.probe.event(now, &Event::Dropped(DropReason::TooLong));
                    return Target::Nowhere;
                }
                if to_us && let Some(source) = link::source(packet) {
                    self.link.heard(now, from, source);
                }
                #[cfg(feature = "fragments")]
                let mut out = tx.out.of_long(self.fragmenter.lend_for(limit));
                #[cfg(feature = "fragments")]
                let tx = &mut WatchedTx { token: tx.token.take(), out: &mut out };
                let set = &mut self.datagrams.set;
                if demux::header_holds(packet, &self.checksums) {
                    self.iface.poll_ingress_single(now, &mut OneFrame::new(packet, meta, tx.take()), set);
                }
            }
            (Target::TimeWait(seq, ack), Some(segment)) => self.acknowledge(&segment.tuple, (seq, ack, 0), tx),
            (Target::Slot(index), Some(segment)) => {
                self.link.heard(now, from, segment.tuple.remote.addr);
                self.deliver(now, index, segment, (packet, meta), tx);
            }
            _ => {}
        }
        target
    }

    /// Returns the connection that a frame belongs to, from the frame's headers alone.
    ///
    /// Returns `None` if the frame belongs to no connection. A SYN that opens a new connection does not belong to a
    /// connection yet.
    pub fn connection_of(&self, frame: &[u8]) -> Option<ConnectionId> {
        let own = |address| self.iface.has_ip_addr(address);
        let broadcast = |address| self.is_broadcast(address);
        let known = |tuple: &Tuple| self.connections.find(tuple);
        let mut segment = None;
        let Contents::Packet { packet, to_us, .. } = link::read(frame, self.link.hardware())? else { return None };
        let Flow::Tcp(known) = demux::flow(packet, to_us, &mut segment, own, broadcast, known) else { return None };
        known.map(|index| self.connections.id(index))
    }
}

/// An IP packet from a device.
#[derive(Clone, Copy)]
struct Received<'p> {
    packet: &'p [u8],
    /// The hardware address of the packet's sender.
    from: EthernetAddress,
    /// Whether the packet's frame was addressed to this host alone.
    to_us: bool,
    meta: PacketMeta,
}
