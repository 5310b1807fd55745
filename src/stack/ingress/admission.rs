//! Decides whether a SYN is admitted, dropped or refused. Also decides which other packets reach a connection.
//!
//! control/acceptance.rs decides what happens to the segments of a known connection.

use smoltcp::socket::tcp::State;
use smoltcp::time::Instant;
use smoltcp::wire::TcpSeqNumber;

use super::demux::{self, Flow};
use crate::stack::connections::{self, Late};
use crate::stack::control::Segment;
use crate::stack::event::{DropReason, Event, Probe, Tuple};
use crate::stack::isn::isn_above;
use crate::stack::{End, Overflow, Phase, Session, Stack, UdpSession};

/// The part of the stack that handles a packet.
#[derive(Clone, Copy)]
pub(super) enum Target {
    /// No part. The packet is a segment without ACK to a closed port, and the answer is RST.
    Closed,
    /// No part. The packet needs no further processing.
    Nowhere,
    /// The interface and the shared sockets.
    Shared,
    /// The connection in this slot.
    Slot(usize),
    /// No part. The connection is in TIME-WAIT, and the answer is an ACK with this sequence number and acknowledgement
    /// number.
    TimeWait(TcpSeqNumber, TcpSeqNumber),
}

impl<S: Session + Clone, U: UdpSession> Stack<'_, S, U> {
    /// Decides which part of the stack handles a packet. Reads a TCP packet's segment into `segment`.
    ///
    /// `to_us` says whether the packet's frame was addressed to this host alone.
    pub(super) fn target<P: Probe>(
        &mut self,
        now: Instant,
        packet: &[u8],
        to_us: bool,
        segment: &mut Option<Segment>,
        probe: &mut P,
    ) -> Target {
        let iface = &self.iface;
        let own = |address| iface.has_ip_addr(address);
        let broadcast = |address| self.is_broadcast(address);
        let find = |tuple: &Tuple| self.connections.find(tuple);
        let known = match demux::flow(packet, to_us, segment, own, broadcast, find) {
            Flow::Drop(why) => {
                probe.event(now, &Event::Dropped(why));
                return Target::Nowhere;
            }
            Flow::Shared => return Target::Shared,
            Flow::Tcp(known) => known,
        };
        let Some(segment) = segment else { return Target::Nowhere };
        // The interface does not check TCP checksums: see `Stack::new`.
        if !demux::checksums_hold(packet, segment, &self.checksums) {
            probe.event(now, &Event::Dropped(DropReason::Checksum));
            return Target::Nowhere;
        }
        // If this call ends the connection, the segment belongs to no connection any more.
        let known = known.filter(|&index| !self.end_old_duplicate(now, index, segment, probe));
        let (records, time_wait) = (&mut self.connections.time_wait_records, self.config.tcp.time_wait);
        if known.is_none()
            && let Some(late) = records.arrives(now, time_wait, segment)
        {
            return match late {
                Late::Superseded(last) => self.admit(now, Some(last), segment, probe),
                Late::Answer(seq, ack) => Target::TimeWait(seq, ack),
                Late::Drop(why) => {
                    probe.event(now, &Event::Dropped(why));
                    Target::Nowhere
                }
            };
        }
        match known {
            // If the backlog is full, the segment that completes a handshake is dropped, and the peer sends it again.
            // With the policy `Overflow::Reset`, the connection ends and the segment is answered with RST.
            Some(index) if !segment.opens() && !segment.rst && !self.may_be_established(index) => {
                if self.config.tcp.overflow == Overflow::Reset {
                    self.connections.drop_unserved(now, index, End::Aborted, probe);
                }
                self.overflow(now, segment, DropReason::BacklogFull, probe)
            }
            Some(index) if !(segment.opens() && self.is_superseded_by(index, segment)) => Target::Slot(index),
            // The interface ignores an RST, and answers any other segment with RST.
            None if segment.rst || segment.ack.is_some() => Target::Shared,
            None if !segment.syn => self.without_ack(now, segment, probe),
            // The SYN starts a new connection in place of this connection, which is in TIME-WAIT.
            Some(index) => {
                let last = self.connections.remember(now, index);
                self.connections.drop_unserved(now, index, End::Reset, probe);
                self.admit(now, Some(last), segment, probe)
            }
            None => self.admit(now, None, segment, probe),
        }
    }

    /// Handles a segment that has neither ACK, SYN nor RST and belongs to no connection (RFC 9293 sections 3.10.7.1,
    /// 3.10.7.2).
    fn without_ack<P: Probe>(&self, now: Instant, segment: &Segment, probe: &mut P) -> Target {
        if self.connections.listener_on(segment.tuple.local.port).is_none() {
            // The stack answers a segment to a closed port with RST.
            return Target::Closed;
        }
        probe.event(now, &Event::Dropped(DropReason::NoAck));
        Target::Nowhere
    }

    /// Finds a slot for a SYN, and returns the part of the stack that handles the SYN. If the SYN replaces a connection
    /// in TIME-WAIT, `last` is SND.NXT of that connection.
    fn admit<P: Probe>(
        &mut self,
        now: Instant,
        last: Option<TcpSeqNumber>,
        segment: &Segment,
        probe: &mut P,
    ) -> Target {
        // If nothing listens on the port, the interface answers with RST.
        let Some(listener) = self.connections.listener_on(segment.tuple.local.port) else { return Target::Shared };
        if !self.connections.listener_has_room(listener) {
            return self.overflow(now, segment, DropReason::BacklogFull, probe);
        }
        // If every slot is taken, `slot_or_time_wait` frees the slot of the oldest connection in TIME-WAIT. Without
        // such a connection, the oldest connection in SYN-RECEIVED loses its slot.
        if self.connections.slot_or_time_wait(now).is_none() {
            match self.connections.oldest_handshake() {
                Some(oldest) => self.connections.drop_unserved(now, oldest, End::Recycled, probe),
                None => return self.overflow(now, segment, DropReason::SlotsFull, probe),
            }
        }
        // `open` makes the slot listen for this SYN.
        match self.connections.free_slot() {
            Some(index) if self.open(now, index, listener, last, segment) => Target::Slot(index),
            // If the slot cannot listen, the interface answers with RST.
            _ => Target::Shared,
        }
    }

    /// Drops a segment or lets the interface answer it with RST, as the overflow policy says, because there is no room
    /// for its connection. `why` is the reason to report.
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

    /// Makes a free slot listen, so that its socket accepts this SYN, and chooses the ISN for the answer. Returns false
    /// if the slot cannot listen.
    fn open(
        &mut self,
        now: Instant,
        index: usize,
        listener: usize,
        last: Option<TcpSeqNumber>,
        segment: &Segment,
    ) -> bool {
        let isn = self.isn(now, &segment.tuple);
        let local = segment.tuple.local.addr;
        let mss = connections::mss(self.mtu_to(now, segment.tuple.remote.addr), local);
        let Some(socket) = self.connections.fresh_socket(index, mss) else { return false };
        if socket.listen(segment.tuple.local).is_err() {
            return false;
        }
        let slot = &mut self.connections.slots[index];
        slot.state = State::Listen;
        // The cast is lossless, because a stack has at most `MAX_PROGRAMS` listeners.
        slot.listener = Some(listener as u8);
        // If the SYN replaces a connection in TIME-WAIT, the new ISN must be above that connection's numbers.
        slot.control.set_isn(last.map_or(isn, |last| isn_above(isn, last)));
        let give_up_at = now + self.config.tcp.handshake_timeout;
        self.connections.occupy(index, segment.tuple, Phase::Handshake, give_up_at);
        true
    }

    /// Returns whether a SYN between the endpoints of slot `index` starts a new connection. The caller passes only
    /// SYNs.
    ///
    /// In TIME-WAIT, a SYN starts a new connection if its sequence number is above RCV.NXT. Any other SYN is treated as
    /// an old duplicate, which must not end TIME-WAIT (RFC 9293 section 3.6.1). All numbers that the old connection has
    /// received are below RCV.NXT. The comparison is strict, as on Linux and BSD: a SYN with RCV.NXT itself starts no
    /// connection. In all other phases, no SYN starts a new connection.
    fn is_superseded_by(&self, index: usize, segment: &Segment) -> bool {
        let slot = &self.connections.slots[index];
        match slot.phase {
            Phase::TimeWait => segment.seq > slot.control.next_expected(),
            _ => false,
        }
    }

    /// Ends a connection in SYN-RECEIVED if a segment shows that its SYN was an old duplicate or a forgery. Returns
    /// whether the connection has ended.
    ///
    /// Such a segment acknowledges SND.NXT of the previous connection between these endpoints, which has a TIME-WAIT
    /// record. The peer thus still has the previous connection, and its TIME-WAIT continues on this host (RFC 9293
    /// section 3.6.1).
    fn end_old_duplicate<P: Probe>(&mut self, now: Instant, index: usize, segment: &Segment, probe: &mut P) -> bool {
        let in_handshake = self.connections.slots[index].phase == Phase::Handshake;
        let is_old = in_handshake && self.connections.time_wait_records.owns(now, segment);
        if is_old {
            self.connections.drop_unserved(now, index, End::Reset, probe);
        }
        is_old
    }

    /// Returns false for a connection in SYN-RECEIVED if its listener's backlog is full.
    fn may_be_established(&self, index: usize) -> bool {
        let slot = &self.connections.slots[index];
        let has_room = |listener: u8| self.connections.listener_has_room(listener.into());
        slot.phase != Phase::Handshake || slot.listener.is_none_or(has_room)
    }
}
