//! Takes in a frame: for its connection, for a new one, or for the shared sockets.

mod demux;
mod frame;
mod police;

pub(super) use frame::{OneFrame, Watch, WatchedTx};

use smoltcp::phy::{Device, RxToken};
use smoltcp::socket::tcp::State;
use smoltcp::time::Instant;

use super::connections::Cause;
use super::event::{ConnectionId, Direction, DropReason, Event, Io, Probe, Step, Tuple};
#[cfg(feature = "ping")]
use super::ping;
use super::{Console, End, Overflow, Phase, Session, Stack, UdpSession};
use demux::{Flow, Segment};

/// Where the demultiplexer sends a frame.
enum Target {
    /// To a slot in a synchronized state that received a SYN.
    Challenge(usize),
    Nowhere,
    Shared,
    /// To a slot, and whether the segment is an RST.
    Slot(usize, bool),
}

impl<S: Session + Clone, U: UdpSession> Stack<'_, S, U> {
    /// Takes in one frame, if one is waiting.
    pub(super) fn ingress<D: Device, C: Console, P: Probe>(
        &mut self,
        now: Instant,
        io: &mut Io<D, C, P>,
    ) -> Option<Step> {
        let Io { device, probe, .. } = io;
        let (rx, token) = device.receive(now)?;
        let meta = rx.meta();
        #[cfg(feature = "ping")]
        let medium = self.medium();
        let target = rx.consume(|frame| {
            probe.frame(now, Direction::In, frame);
            #[cfg(feature = "dhcp")]
            if let Some(autoconf) = &mut self.autoconf
                && autoconf.process(now, frame, self.iface.ip_addrs())
            {
                return Target::Nowhere;
            }
            let target = self.target(now, frame, probe);
            #[cfg(feature = "ping")]
            if matches!(target, Target::Shared)
                && let Some(pings) = &mut self.pings
            {
                pings.try_again();
                if let Some(hop_limit) = ping::icmp(frame, medium) {
                    pings.refused(frame, medium, &self.checksums, |address| self.iface.has_ip_addr(address));
                    let token = WatchedTx { token, probe, now, frames: &mut 0 };
                    self.iface.poll_ingress_single(now, &mut OneFrame::new(frame, meta, token), pings.set());
                    pings.arrived(now, hop_limit);
                    return target;
                }
            }
            let set = match target {
                Target::Nowhere => return target,
                Target::Challenge(index) => {
                    self.challenge(now, index, frame, meta, WatchedTx { token, probe, now, frames: &mut 0 });
                    return target;
                }
                Target::Shared => Some(&mut self.datagrams.set),
                Target::Slot(index, _) => self.connections.slots[index].set(),
            };
            if let Some(set) = set {
                let token = WatchedTx { token, probe, now, frames: &mut 0 };
                self.iface.poll_ingress_single(now, &mut OneFrame::new(frame, meta, token), set);
            }
            target
        });
        #[cfg(feature = "dhcp")]
        self.apply_changes(now, &mut io.probe);
        match target {
            Target::Challenge(index) => Some(Step::Ingress(Some(self.connections.id(index)))),
            Target::Nowhere => Some(Step::Ingress(None)),
            Target::Shared => {
                self.datagrams_arrived();
                // The rest of a long reply must leave before the next frame can ask for another one.
                if self.has_fragments(now) {
                    self.send_fragments();
                }
                Some(Step::Ingress(None))
            }
            Target::Slot(index, rst) => {
                let id = self.connections.id(index);
                if self.check_state(now, index, Cause::Segment { rst }, io) {
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
        let known = |tuple: &Tuple| self.connections.find(tuple);
        let Flow::Tcp(segment) = demux::flow(frame, self.medium(), self.config.hardware, own, known) else {
            return None;
        };
        segment.known.map(|index| self.connections.id(index))
    }

    fn target<P: Probe>(&mut self, now: Instant, frame: &[u8], probe: &mut P) -> Target {
        let iface = &self.iface;
        let own = |address| iface.has_ip_addr(address);
        let known = |tuple: &Tuple| self.connections.find(tuple);
        let segment = match demux::flow(frame, self.medium(), self.config.hardware, own, known) {
            Flow::Drop(why) => {
                probe.event(now, &Event::Dropped(why));
                return Target::Nowhere;
            }
            Flow::Neighbour => {
                self.connections.neighbours_may_be_known();
                return Target::Shared;
            }
            Flow::Shared => return Target::Shared,
            Flow::Tcp(segment) => segment,
        };
        match segment.known {
            // A segment that would complete a handshake is dropped, as if lost on the way, until there is room.
            Some(index) if !segment.opens && !segment.rst && !self.may_be_established(index) => {
                if self.config.tcp.overflow == Overflow::Reset {
                    self.connections.drop_unserved(now, index, End::Aborted, probe);
                }
                self.overflow(now, &segment, DropReason::BacklogFull, probe)
            }
            Some(index)
                if segment.opens
                    && self.is_challenged_by_syn(index)
                    && demux::checksums_hold(frame, self.medium(), &self.checksums) =>
            {
                Target::Challenge(index)
            }
            Some(index) if !(segment.opens && self.is_superseded_by(index, &segment)) => {
                Target::Slot(index, segment.rst)
            }
            None if !segment.opens => Target::Shared,
            _ => self.admit(now, &segment, frame, probe),
        }
    }

    /// Finds a slot for a SYN.
    fn admit<P: Probe>(&mut self, now: Instant, segment: &Segment, frame: &[u8], probe: &mut P) -> Target {
        let Some(listener) = self.connections.listener_on(segment.tuple.local.port) else { return Target::Shared };
        // A damaged SYN must not take a slot; the interface drops and counts it.
        let room = segment.known.is_none() && self.connections.free_slot().is_some();
        if !room && !demux::checksums_hold(frame, self.medium(), &self.checksums) {
            return Target::Shared;
        }
        if let Some(index) = segment.known {
            self.connections.drop_unserved(now, index, End::Reset, probe);
        }
        if !self.connections.listener_has_room(listener) {
            return self.overflow(now, segment, DropReason::BacklogFull, probe);
        }
        if self.connections.free_slot().is_none() {
            match self.connections.to_recycle() {
                Some(oldest) => self.connections.drop_unserved(now, oldest, End::Recycled, probe),
                None => return self.overflow(now, segment, DropReason::SlotsFull, probe),
            }
        }
        match self.connections.free_slot() {
            Some(index) if self.open(now, index, listener, segment) => Target::Slot(index, false),
            _ => Target::Shared,
        }
    }

    /// Applies the overflow policy, because there is no room for a connection.
    fn overflow<P: Probe>(&mut self, now: Instant, segment: &Segment, why: DropReason, probe: &mut P) -> Target {
        match self.config.tcp.overflow {
            Overflow::Drop => {
                probe.event(now, &Event::Dropped(why));
                Target::Nowhere
            }
            // No shared socket listens on the port, so the interface answers with RST.
            Overflow::Reset => {
                probe.event(now, &Event::Refused { tuple: segment.tuple, why });
                Target::Shared
            }
        }
    }

    /// Makes a free slot listen for this SYN only.
    fn open(&mut self, now: Instant, index: usize, listener: usize, segment: &Segment) -> bool {
        let Some(socket) = self.connections.fresh_socket(index) else { return false };
        if socket.listen(segment.tuple.local).is_err() {
            return false;
        }
        let slot = &mut self.connections.slots[index];
        slot.state = State::Listen;
        slot.listener = Some(listener as u8);
        slot.peer_isn = segment.seq;
        let give_up_at = now + self.config.tcp.half_open_timeout;
        self.connections.occupy(index, segment.tuple, Phase::HalfOpen, give_up_at);
        true
    }
}
