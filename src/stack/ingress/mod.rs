//! Takes in a frame: for its connection, for a new one, or for the shared sockets.
//!
//! whole.rs makes a whole packet of it first, if it is a fragment. police.rs decides which, or drops it. deliver.rs passes a segment to its connection. icmp.rs does so with ICMP errors.

mod deliver;
mod demux;
#[cfg(feature = "fragments")]
mod extensions;
mod frame;
#[cfg(any(feature = "ping", feature = "recovery"))]
mod icmp;
#[cfg(feature = "fragments")]
mod icmp_reply;
mod police;
#[cfg(feature = "fragments")]
mod reassembly;
#[cfg(feature = "fragments")]
mod vlan;
#[cfg(feature = "fragments")]
mod whole;

#[cfg(feature = "fragments")]
pub use reassembly::Reassembly;
#[cfg(feature = "std")]
pub(crate) use reassembly::SHARE as REASSEMBLY_SHARE;
#[cfg(feature = "fragments")]
pub(super) use whole::Front;

pub(super) use frame::{NoToken, OneFrame, Outgoing, Sent, Watch, WatchedTx};

use smoltcp::phy::{Device, PacketMeta, RxToken, TxToken};
use smoltcp::time::Instant;

use super::connections::Cause;
use super::event::{ConnectionId, Direction, Io, Probe, Step, Tuple};
#[cfg(any(feature = "ping", feature = "recovery"))]
use super::icmp_errors;
#[cfg(feature = "ping")]
use super::ping;
use super::{Console, Session, Stack, UdpSession};
use demux::Flow;
use police::Target;
#[cfg(feature = "fragments")]
use whole::Whole;

#[cfg(any(feature = "ping", feature = "recovery"))]
use super::icmp_errors::Quote;
/// The ICMP error that a frame brings: none is read.
#[cfg(not(any(feature = "ping", feature = "recovery")))]
type Quote = ();

impl<S: Session + Clone, U: UdpSession> Stack<'_, S, U> {
    /// Takes in one frame, if one is waiting.
    pub(super) fn ingress<D: Device, C: Console, P: Probe>(
        &mut self,
        now: Instant,
        io: &mut Io<D, C, P>,
    ) -> Option<Step> {
        // The reply to a frame might be another datagram that must leave in fragments.
        #[cfg(feature = "fragments")]
        if self.fragmenter.is_busy() {
            return None;
        }
        let Io { device, probe, .. } = io;
        let (rx, token) = device.receive(now)?;
        let meta = rx.meta();
        let mut quote = None;
        let target = rx.consume(|frame| {
            probe.frame(now, Direction::In, frame);
            let (mut sent, mut fragmenter) = (Sent::default(), core::mem::take(&mut self.fragmenter));
            let mut tx = WatchedTx::new(Some(token), probe, now, &mut sent, fragmenter.lend());
            #[cfg(not(feature = "fragments"))]
            let target = self.take_in(now, frame, meta, &mut tx, &mut quote);
            #[cfg(feature = "fragments")]
            let target = {
                let mut front = core::mem::take(&mut self.front);
                let target = match self.whole(now, frame, &mut front, tx.probe) {
                    Whole::Frame(frame) => self.take_in(now, frame, meta, &mut tx, &mut quote),
                    Whole::Answer(answer) => {
                        tx.take().consume(answer.len(), |out| out.copy_from_slice(answer));
                        Target::Nowhere
                    }
                    Whole::Nothing => Target::Nowhere,
                };
                self.front = front;
                target
            };
            self.fragmenter = fragmenter;
            target
        });
        #[cfg(feature = "dhcp")]
        self.apply_changes(now, &mut io.probe);
        #[cfg(any(feature = "ping", feature = "recovery"))]
        if let Some(quote) = quote {
            self.process_icmp_error(now, &quote, io);
        }
        match target {
            Target::Closed(_) | Target::Nowhere | Target::TimeWait(..) => Some(Step::Ingress(None)),
            Target::Shared => {
                self.datagrams_arrived();
                Some(Step::Ingress(None))
            }
            Target::Slot(index, segment) => {
                let id = self.connections.id(index);
                if self.check_state(now, index, Cause::Segment { rst: segment.rst }, io) {
                    self.connections.slots[index].run = true;
                    self.connections.enqueue(index);
                }
                Some(Step::Ingress(Some(id)))
            }
        }
    }

    /// Takes in a frame with a whole packet. Notes the ICMP error that it brings.
    fn take_in<T: TxToken, P: Probe>(
        &mut self,
        now: Instant,
        frame: &[u8],
        meta: PacketMeta,
        tx: &mut WatchedTx<'_, T, P>,
        _quote: &mut Option<Quote>,
    ) -> Target {
        #[cfg(feature = "dhcp")]
        if let Some(autoconf) = &mut self.autoconf
            && autoconf.process(now, frame, self.iface.ip_addrs())
        {
            return Target::Nowhere;
        }
        let target = self.target(now, frame, tx.probe);
        #[cfg(any(feature = "ping", feature = "recovery"))]
        if matches!(target, Target::Shared) {
            let own = |address| self.iface.has_ip_addr(address);
            *_quote = icmp_errors::read(frame, self.medium(), &self.checksums, own);
        }
        #[cfg(feature = "ping")]
        if matches!(target, Target::Shared) {
            let medium = self.medium();
            if let Some(pings) = &mut self.pings {
                pings.try_again();
                if let Some(hop_limit) = ping::icmp(frame, medium) {
                    self.iface.poll_ingress_single(now, &mut OneFrame::new(frame, meta, tx), pings.set());
                    pings.arrived(now, hop_limit);
                    return target;
                }
            }
        }
        match target {
            Target::Nowhere => {}
            Target::Closed(ref segment) => self.refuse(segment, frame, tx),
            Target::Shared => {
                let set = &mut self.datagrams.set;
                self.iface.poll_ingress_single(now, &mut OneFrame::new(frame, meta, tx), set);
            }
            Target::TimeWait(tuple, (seq, ack)) => {
                self.acknowledge(frame, &tuple, (seq, ack, 0), tx);
            }
            Target::Slot(index, ref segment) => self.deliver(now, index, segment, (frame, meta), tx),
        }
        target
    }

    /// The connection that a frame is for, from its headers alone; a SYN for a new connection has none. Changes nothing.
    pub fn connection_of(&self, frame: &[u8]) -> Option<ConnectionId> {
        let own = |address| self.iface.has_ip_addr(address);
        let broadcast = |address| self.is_broadcast(address);
        let known = |tuple: &Tuple| self.connections.find(tuple);
        let flow = demux::flow(frame, self.medium(), self.config.hardware, own, broadcast, known);
        let Flow::Tcp(known, _) = flow else { return None };
        known.map(|index| self.connections.id(index))
    }
}
