//! Takes in a frame: for its connection, for a new one, or for the shared sockets.
//!
//! police.rs decides which, or drops it. deliver.rs passes a segment to its connection. icmp.rs does so with ICMP errors.

mod deliver;
mod demux;
mod frame;
#[cfg(any(feature = "ping", feature = "recovery"))]
mod icmp;
mod police;

pub(super) use frame::{NoToken, OneFrame, Out, Outgoing, Sent, Watch, WatchedTx};

use smoltcp::phy::{Device, RxToken};
use smoltcp::time::Instant;

use super::connections::Cause;
use super::control::Segment;
use super::event::{ConnectionId, Direction, Io, Probe, Step, Tuple};
#[cfg(any(feature = "ping", feature = "recovery"))]
use super::icmp_errors;
use super::link::{self, Contents};
#[cfg(feature = "ping")]
use super::ping;
use super::{Console, Session, Stack, UdpSession};
use demux::Flow;
use police::Target;

impl<S: Session + Clone, U: UdpSession> Stack<'_, S, U> {
    /// Takes in one frame, if one is waiting.
    pub(super) fn ingress<D: Device, C: Console, P: Probe>(
        &mut self,
        now: Instant,
        io: &mut Io<D, C, P>,
    ) -> Option<Step> {
        let Io { device, probe, .. } = io;
        let (rx, token) = device.receive(now)?;
        let (meta, mut segment) = (rx.meta(), Segment::EMPTY);
        #[cfg(any(feature = "ping", feature = "recovery"))]
        let mut quote = None;
        let target = rx.consume(|frame| {
            probe.frame(now, Direction::In, frame);
            #[cfg(feature = "dhcp")]
            if let Some(autoconf) = &mut self.autoconf
                && autoconf.process(now, frame, self.iface.ip_addrs())
            {
                return Target::Nowhere;
            }
            let Some(contents) = link::read(frame, self.link.hardware()) else { return Target::Nowhere };
            let mut token = Some(token);
            if self.process_neighbour(now, contents, &mut token, probe) {
                return Target::Nowhere;
            }
            let Contents::Packet { packet, from, to_us } = contents else { return Target::Nowhere };
            let target = self.target(now, packet, to_us, &mut segment, probe);
            #[cfg(any(feature = "ping", feature = "recovery"))]
            if matches!(target, Target::Shared) {
                quote = icmp_errors::read(packet, &self.checksums, |address| self.iface.has_ip_addr(address));
            }
            let mut out = Out::new(probe, now, self.link.answer_to(from), self.fragment_ids);
            let mut tx = WatchedTx { token, out: &mut out };
            #[cfg(feature = "ping")]
            if matches!(target, Target::Shared)
                && let Some(pings) = &mut self.pings
                && let Some(hop_limit) = ping::icmp(packet)
            {
                self.iface.poll_ingress_single(now, &mut OneFrame::new(packet, meta, tx), pings.set());
                pings.arrived(now, hop_limit);
                return target;
            }
            match target {
                Target::Nowhere => {}
                Target::Closed => self.refuse(&segment, &mut tx),
                Target::Shared => {
                    let set = &mut self.datagrams.set;
                    self.iface.poll_ingress_single(now, &mut OneFrame::new(packet, meta, tx), set);
                }
                Target::TimeWait(seq, ack) => self.acknowledge(&segment.tuple, (seq, ack, 0), &mut tx),
                Target::Slot(index) => {
                    self.link.heard(now, from, segment.tuple.remote.addr);
                    self.deliver(now, index, &segment, (packet, meta), &mut tx);
                }
            }
            target
        });
        #[cfg(feature = "dhcp")]
        self.apply_changes(now, &mut io.probe);
        #[cfg(any(feature = "ping", feature = "recovery"))]
        if let Some(quote) = quote {
            self.process_icmp_error(now, &quote, io);
        }
        match target {
            Target::Closed | Target::Nowhere | Target::TimeWait(..) => Some(Step::Ingress(None)),
            Target::Shared => {
                self.datagrams_arrived();
                // The rest of a long reply must leave before the next frame can ask for another one.
                if self.has_fragments(now) {
                    self.send_fragments();
                }
                Some(Step::Ingress(None))
            }
            Target::Slot(index) => {
                let id = self.connections.id(index);
                if self.check_state(now, index, Cause::Segment { rst: segment.rst }, io) {
                    self.connections.slots[index].run = true;
                    self.connections.enqueue(index);
                }
                Some(Step::Ingress(Some(id)))
            }
        }
    }

    /// The connection that a frame is for, from its headers alone; a SYN for a new connection has none. Changes nothing.
    pub fn connection_of(&self, frame: &[u8]) -> Option<ConnectionId> {
        let own = |address| self.iface.has_ip_addr(address);
        let broadcast = |address| self.is_broadcast(address);
        let known = |tuple: &Tuple| self.connections.find(tuple);
        let Contents::Packet { packet, to_us, .. } = link::read(frame, self.link.hardware())? else { return None };
        let Flow::Tcp(known) = demux::flow(packet, to_us, &mut Segment::EMPTY.clone(), own, broadcast, known) else {
            return None;
        };
        known.map(|index| self.connections.id(index))
    }
}
