//! Decides which frames reach smoltcp and which are dropped, a SYN above all. Answers some segments in smoltcp's place.

use smoltcp::phy::{PacketMeta, TxToken};
use smoltcp::socket::tcp::State;
use smoltcp::time::Instant;
use smoltcp::wire::TcpSeqNumber;

use super::demux::{self, Flow, Segment};
use super::frame::{Held, OneFrame};
use crate::stack::event::{DropReason, Event, Probe, Tuple};
use crate::stack::{End, Overflow, Phase, Session, Stack, UdpSession};

/// The destination of a frame.
pub(super) enum Target {
    /// To a slot in a synchronized state that received a SYN.
    Challenge(usize),
    Nowhere,
    Shared,
    /// To a slot, and whether the segment is an RST.
    Slot(usize, bool),
}

impl<S: Session + Clone, U: UdpSession> Stack<'_, S, U> {
    /// Decides where a frame goes.
    pub(super) fn target<P: Probe>(&mut self, now: Instant, frame: &[u8], probe: &mut P) -> Target {
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
            Some(index) if segment.opens && self.is_its_own_syn_unsent(now, index) => Target::Nowhere,
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

    /// Whether a SYN for this slot's endpoints begins a new connection.
    ///
    /// In TIME-WAIT it does (RFC 9293 section 3.6.1). In SYN-RECEIVED it does unless it is a retransmission: then the peer has
    /// started anew.
    fn is_superseded_by(&self, index: usize, segment: &Segment) -> bool {
        let slot = &self.connections.slots[index];
        match slot.phase {
            Phase::TimeWait => true,
            Phase::HalfOpen => slot.peer_isn != segment.seq,
            _ => false,
        }
    }

    /// False for a half-open connection whose listener has no room for it.
    fn may_be_established(&self, index: usize) -> bool {
        let slot = &self.connections.slots[index];
        let has_room = |listener: u8| self.connections.listener_has_room(listener.into());
        slot.phase != Phase::HalfOpen || slot.listener.is_none_or(has_room)
    }

    /// Whether a connection that this side began has yet to send its own SYN: the neighbour is not resolved, or it had no turn.
    ///
    /// A SYN that arrives then makes smoltcp subtract sequence numbers with underflow, which panics: it has told no window yet. It is
    /// dropped. A peer that opens at the same time repeats it.
    fn is_its_own_syn_unsent(&mut self, now: Instant, index: usize) -> bool {
        let slot = &mut self.connections.slots[index];
        if slot.phase != Phase::Connecting || slot.state != State::SynSent {
            return false;
        }
        slot.unresolved || slot.set().is_some_and(|set| self.iface.poll_at(now, set).is_some_and(|at| at <= now))
    }

    /// Whether a SYN is answered with a challenge ACK: in every synchronized state, except TIME-WAIT that a new connection may
    /// replace.
    fn is_challenged_by_syn(&self, index: usize) -> bool {
        let slot = &self.connections.slots[index];
        let synchronized = !matches!(
            slot.state,
            State::Closed | State::Listen | State::SynSent | State::SynReceived | State::TimeWait
        );
        synchronized && !matches!(slot.phase, Phase::Aborting(_))
    }

    /// Answers a SYN in a synchronized state with a challenge ACK (RFC 9293 section 3.10.7.4, RFC 5961 section 4). A peer that has
    /// restarted replies with RST, and its next SYN is accepted.
    ///
    /// smoltcp is silent in this case, but it answers an acknowledgement of unsent data, at most once a second. So the SYN is
    /// passed on with such an acknowledgement. smoltcp does not expose its sequence numbers, so two acknowledgement numbers half the
    /// sequence space apart are tried: one of them is for unsent data. The SYN flag stays set: no segment with it changes anything
    /// in these states.
    pub(super) fn challenge<T: TxToken>(
        &mut self,
        now: Instant,
        index: usize,
        frame: &[u8],
        meta: PacketMeta,
        token: T,
    ) {
        let medium = self.medium();
        let Some(set) = self.connections.slots[index].set() else { return };
        let (syn, reply) = self.scratch.split_at_mut(self.scratch.len() / 2);
        let Some(syn) = syn.get_mut(..frame.len()) else { return };
        syn.copy_from_slice(frame);
        let mut len = 0;
        for number in [0, i32::MIN] {
            demux::acknowledge(syn, medium, TcpSeqNumber(number));
            let held = Held { memory: reply, len: &mut len };
            self.iface.poll_ingress_single(now, &mut OneFrame::new(syn, meta, held), set);
            if len > 0 {
                return token.consume(len, |out| out.copy_from_slice(&reply[..len]));
            }
        }
    }
}
