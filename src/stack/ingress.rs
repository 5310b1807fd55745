//! A frame comes in: to its connection, to a new one, or to the sockets that all share.

use smoltcp::phy::{Device, PacketMeta, RxToken, TxToken};
use smoltcp::socket::tcp::State;
use smoltcp::time::Instant;
use smoltcp::wire::TcpSeqNumber;

use super::demux::{self, Flow, Segment};
use super::event::{ConnectionId, Direction, Drop, Event, Io, Probe, Step, Tuple};
use super::frame::{Held, OneFrame, WatchedTx};
use super::life::Cause;
#[cfg(feature = "ping")]
use super::ping;
use super::{Console, End, Overflow, Phase, Session, Stack, UdpSession};

/// Where the demultiplexer sends a frame.
enum Target {
    /// A slot that a SYN reached in a synchronized state.
    Challenge(usize),
    Nowhere,
    Shared,
    /// A slot, and whether the segment is an RST.
    Slot(usize, bool),
}

impl<S: Session + Clone, U: UdpSession> Stack<'_, S, U> {
    /// Takes in one frame, if one waits.
    pub(super) fn ingress<D: Device, C: Console, P: Probe>(
        &mut self,
        now: Instant,
        io: &mut Io<D, C, P>,
    ) -> Option<Step> {
        let Io { device, probe, .. } = io;
        let (rx, token) = device.receive(now)?;
        let meta = rx.meta();
        let target = rx.consume(|frame| {
            probe.frame(now, Direction::In, frame);
            #[cfg(feature = "dhcp")]
            if let Some(autoconf) = &mut self.autoconf
                && autoconf.hear(now, frame, self.iface.ip_addrs())
            {
                return Target::Nowhere;
            }
            let target = self.target(now, frame, probe);
            #[cfg(feature = "ping")]
            if matches!(target, Target::Shared)
                && let Some(pings) = &mut self.pings
            {
                pings.try_again();
                if let Some(hop_limit) = ping::icmp(frame, self.medium) {
                    pings.refused(frame, self.medium, &self.checksums, |address| self.iface.has_ip_addr(address));
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
                Target::Shared => Some(&mut self.shared),
                Target::Slot(index, _) => self.slots[index].set.as_mut().map(|(set, _)| set),
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
            Target::Challenge(index) => Some(Step::Ingress(Some(self.id(index)))),
            Target::Nowhere => Some(Step::Ingress(None)),
            Target::Shared => {
                self.datagrams_arrived();
                // The rest of a long reply leaves before the next frame can ask for another one.
                if self.has_fragments(now) {
                    self.send_fragments();
                }
                Some(Step::Ingress(None))
            }
            Target::Slot(index, rst) => {
                let id = self.id(index);
                if self.settle(now, index, Cause::Segment { rst }, io) {
                    self.slots[index].run = true;
                    self.enqueue(index);
                }
                Some(Step::Ingress(Some(id)))
            }
        }
    }

    /// The connection that a frame is for, told from its headers alone: none of a SYN for a new one. Changes nothing.
    pub fn connection_of(&self, frame: &[u8]) -> Option<ConnectionId> {
        let own = |address| self.iface.has_ip_addr(address);
        let known = |tuple: &Tuple| self.table.find(self.links, tuple);
        let Flow::Tcp(segment) = demux::flow(frame, self.medium, self.hardware, own, known) else { return None };
        segment.known.map(|index| self.id(index))
    }

    fn target<P: Probe>(&mut self, now: Instant, frame: &[u8], probe: &mut P) -> Target {
        let iface = &self.iface;
        let own = |address| iface.has_ip_addr(address);
        let known = |tuple: &Tuple| self.table.find(self.links, tuple);
        let segment = match demux::flow(frame, self.medium, self.hardware, own, known) {
            Flow::Drop(why) => {
                probe.event(now, &Event::Dropped(why));
                return Target::Nowhere;
            }
            Flow::Neighbour => {
                self.neighbours_may_be_known();
                return Target::Shared;
            }
            Flow::Shared => return Target::Shared,
            Flow::Tcp(segment) => segment,
        };
        match segment.known {
            // What would complete a handshake waits until there is room, as if it had been lost on the way.
            Some(index) if !segment.opens && !segment.rst && !self.may_be_established(index) => {
                if self.settings.overflow == Overflow::Reset {
                    self.drop_unserved(now, index, End::Aborted, probe);
                }
                self.overflow(now, &segment, Drop::BacklogFull, probe)
            }
            Some(index)
                if segment.opens
                    && self.is_challenged_by_syn(index)
                    && demux::checksums_hold(frame, self.medium, &self.checksums) =>
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

    /// Whether a SYN for this slot's two ends begins a new connection: in TIME-WAIT (RFC 9293 section 3.6.1), and in
    /// SYN-RECEIVED if it is not the same SYN again, since then the peer has started anew.
    fn is_superseded_by(&self, index: usize, segment: &Segment) -> bool {
        let slot = &self.slots[index];
        match slot.phase {
            Phase::TimeWait => true,
            Phase::HalfOpen => slot.peer_isn != segment.seq,
            _ => false,
        }
    }

    /// False for a half-open connection whose listener has no room for it.
    fn may_be_established(&self, index: usize) -> bool {
        let slot = &self.slots[index];
        let listening = slot.listener.and_then(|l| self.listeners.get(usize::from(l)));
        slot.phase != Phase::HalfOpen || listening.is_none_or(super::Listening::has_room)
    }

    /// Whether a SYN is answered with a challenge ACK: in every synchronized state, but for TIME-WAIT that another connection
    /// may take the place of.
    fn is_challenged_by_syn(&self, index: usize) -> bool {
        let slot = &self.slots[index];
        let synchronized = !matches!(
            slot.state,
            State::Closed | State::Listen | State::SynSent | State::SynReceived | State::TimeWait
        );
        synchronized && !matches!(slot.phase, Phase::Aborting(_))
    }

    /// Answers a SYN in a synchronized state with a challenge ACK (RFC 9293 section 3.10.7.4, RFC 5961 section 4): a peer that
    /// has restarted replies with RST, and its next SYN finds room.
    ///
    /// smoltcp is silent there, but answers an acknowledgement of what was never sent, at most once a second. So it is shown
    /// the SYN with such an acknowledgement. Which number that is only smoltcp knows: of two that lie half the sequence space
    /// apart, one. The SYN flag stays set, and no segment with it changes anything in these states.
    fn challenge<T: TxToken>(&mut self, now: Instant, index: usize, frame: &[u8], meta: PacketMeta, token: T) {
        let Some((set, _)) = &mut self.slots[index].set else { return };
        let (syn, reply) = self.scratch.split_at_mut(self.scratch.len() / 2);
        let Some(syn) = syn.get_mut(..frame.len()) else { return };
        syn.copy_from_slice(frame);
        let mut len = 0;
        for number in [0, i32::MIN] {
            demux::acknowledge(syn, self.medium, TcpSeqNumber(number));
            let held = Held { memory: reply, len: &mut len };
            self.iface.poll_ingress_single(now, &mut OneFrame::new(syn, meta, held), set);
            if len > 0 {
                return token.consume(len, |out| out.copy_from_slice(&reply[..len]));
            }
        }
    }

    /// Finds a slot for a SYN.
    fn admit<P: Probe>(&mut self, now: Instant, segment: &Segment, frame: &[u8], probe: &mut P) -> Target {
        let port = segment.tuple.local.port;
        let Some(listener) = self.listeners.iter().position(|l| l.listener.port == port) else {
            return Target::Shared;
        };
        // A damaged SYN must not cost anyone a slot; the interface drops it and counts it.
        let room = segment.known.is_none() && self.free.front().is_some();
        if !room && !demux::checksums_hold(frame, self.medium, &self.checksums) {
            return Target::Shared;
        }
        if let Some(index) = segment.known {
            self.drop_unserved(now, index, End::Reset, probe);
        }
        if !self.listeners[listener].has_room() {
            return self.overflow(now, segment, Drop::BacklogFull, probe);
        }
        if self.free.front().is_none() {
            match self.time_wait.front().or(self.half_open.front()) {
                Some(oldest) => self.drop_unserved(now, oldest, End::Recycled, probe),
                None => return self.overflow(now, segment, Drop::SlotsFull, probe),
            }
        }
        match self.free.front() {
            Some(index) if self.open(now, index, listener, segment) => Target::Slot(index, false),
            _ => Target::Shared,
        }
    }

    fn overflow<P: Probe>(&mut self, now: Instant, segment: &Segment, why: Drop, probe: &mut P) -> Target {
        match self.settings.overflow {
            Overflow::Drop => {
                probe.event(now, &Event::Dropped(why));
                Target::Nowhere
            }
            // Among the shared sockets nobody listens, so the interface answers with RST.
            Overflow::Reset => {
                probe.event(now, &Event::Refused { tuple: segment.tuple, why });
                Target::Shared
            }
        }
    }

    /// Makes a free slot listen for this one SYN.
    fn open(&mut self, now: Instant, index: usize, listener: usize, segment: &Segment) -> bool {
        let Some(socket) = self.fresh_socket(index) else { return false };
        if socket.listen(segment.tuple.local).is_err() {
            return false;
        }
        self.free.remove(self.links, index);
        let slot = &mut self.slots[index];
        slot.state = State::Listen;
        slot.listener = Some(listener as u8);
        slot.peer_isn = segment.seq;
        slot.guard = Some(now + self.settings.half_open_timeout);
        self.occupy(index, segment.tuple, Phase::HalfOpen);
        self.half_open.push_back(self.links, index);
        true
    }
}

impl<S> super::Listening<S> {
    /// Whether one more established connection would be served, or find room in the backlog. Half-open ones do not count: they
    /// find out when they are established.
    fn has_room(&self) -> bool {
        let limit = self.listener.serve_at_once.saturating_add(self.listener.backlog);
        self.serving + self.waiting.len() < limit
    }
}
