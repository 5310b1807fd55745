//! Tracks a TCP connection by its frames, to infer values that smoltcp keeps private.

mod cause;

pub use cause::{Cause, Mark};

use smoltcp::time::{Duration, Instant};
use smoltcp::wire::TcpSeqNumber;

use super::summary::Segment;
use crate::stack::Repeat;

/// The number of transmissions stored for each side. The stored times show how long a retransmission waited.
const REMEMBERED: usize = 16;

/// A retransmission within this time after a segment arrives is treated as an answer to that segment, because every
/// retransmission timer is longer.
const PROMPT: Duration = Duration::from_millis(50);

/// One side of a connection: its sequence numbers, windows and timers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Side {
    /// The initial sequence number, or `None` until this side has sent SYN.
    pub iss: Option<TcpSeqNumber>,
    /// SND.UNA: the oldest unacknowledged sequence number.
    pub una: TcpSeqNumber,
    /// SND.NXT: the sequence number after the highest byte sent so far.
    pub nxt: TcpSeqNumber,
    /// RCV.NXT: the most recent acknowledgement number that this side sent.
    pub rcv_nxt: Option<TcpSeqNumber>,
    /// The receive window that this side most recently announced, in bytes.
    pub offered: usize,
    /// SND.WND: the receive window that the peer most recently announced, in bytes.
    pub snd_wnd: usize,
    /// The window scale that this side announced.
    pub scale: Option<u8>,
    /// The time that the most recent retransmission waited for its timer.
    pub rto: Option<Duration>,
    /// The number of duplicate ACKs that have arrived since new data was acknowledged. A retransmission can set this
    /// number to 0 earlier.
    duplicates: u32,
    /// The event that began the current recovery, and SND.NXT at that time. The recovery ends once that sequence number
    /// is acknowledged.
    recovery: Option<(Trigger, TcpSeqNumber)>,
    /// The time at which the most recent segment arrived.
    heard: Option<Instant>,
    /// The latest transmissions, in no particular order.
    sent: [Option<Transmission>; REMEMBERED],
    /// The time at which new data from this side was most recently acknowledged.
    advanced: Option<Instant>,
    /// The arrival time of the oldest payload that this side has not acknowledged.
    unacknowledged_since: Option<Instant>,
    /// The next sequence number that this side expects, inferred from the frames.
    expected: Option<TcpSeqNumber>,
    /// Why this side must answer the most recently received segment.
    asked: Option<Asked>,
}

/// A segment without new data that its receiver must acknowledge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    KeepAlive,
    Repeated,
    WindowProbe,
}

/// The kind of event that began a recovery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trigger {
    Duplicates,
    Timer,
}

/// The most recent transmission of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Transmission {
    seq: TcpSeqNumber,
    at: Instant,
    /// The number of times that the segment has been sent.
    count: u32,
}

impl Side {
    /// Returns how many sequence numbers have been sent and not yet acknowledged.
    pub fn in_flight(&self) -> usize {
        self.nxt.0.wrapping_sub(self.una.0).max(0) as usize
    }
}

/// Both sides of a connection. The caller decides which side is 0 and which is 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flow {
    /// The two sides of the connection.
    pub sides: [Side; 2],
}

impl Flow {
    /// Records that a side sends a segment. Returns the cause of the segment.
    ///
    /// Returns `None` if the segment carries new data, acknowledges data that just arrived, or is an RST.
    pub fn sent(&mut self, side: usize, now: Instant, segment: &Segment) -> Option<Cause> {
        self.sent_again(side, now, segment, None)
    }

    /// Like [`sent`](Self::sent). `repeat` is the stack's reason for a retransmission, if known.
    pub(crate) fn sent_again(
        &mut self,
        side: usize,
        now: Instant,
        segment: &Segment,
        repeat: Option<Repeat>,
    ) -> Option<Cause> {
        let peer = self.sides[1 - side];
        let peer_scale = peer.scale;
        let me = &mut self.sides[side];
        if segment.syn {
            // If the SYN is a retransmission, it has the same sequence number. Any other SYN begins a new connection.
            if me.iss != Some(segment.seq) {
                me.begin_sending(segment.seq);
            }
            me.scale = segment.scale;
        }
        let offered = window(segment, me.scale, peer_scale);
        let cause = if segment.rst {
            None
        } else if segment.space() > 0 {
            // The segment carries payload, SYN or FIN.
            me.sent_space(now, segment, &peer, repeat)
        } else {
            me.sent_ack(now, segment, offered, &peer)
        };
        // The segment acknowledges everything received so far, so nothing waits for an answer any more.
        if let Some(ack) = segment.ack {
            me.unacknowledged_since = None;
            me.asked = None;
            me.rcv_nxt = segment.ack;
            // If a segment filled a gap, the acknowledgement number also covers the data after the gap.
            me.expected = Some(me.expected.map_or(ack, |expected| expected.max(ack)));
        }
        me.offered = offered;
        cause
    }

    /// Records that a segment arrives at a side.
    ///
    /// Returns the receiver's view of the segment, or `None` if the segment is in order.
    pub fn arrived(&mut self, side: usize, now: Instant, segment: &Segment) -> Option<Mark> {
        let peer = self.sides[1 - side];
        let me = &mut self.sides[side];
        // The window that the peer announces, in bytes.
        let window = window(segment, peer.scale, me.scale);
        me.heard = Some(now);
        let mut mark = me.compare_with_expected(segment);
        // If an acknowledgement is for data that was never sent, it belongs to an earlier connection and is ignored.
        if let Some(ack) = segment.ack.filter(|ack| *ack <= me.nxt && !segment.rst)
            && me.iss.is_some()
        {
            if ack > me.una {
                if segment.space() == 0 && matches!(me.recovery, Some((Trigger::Duplicates, point)) if ack < point) {
                    mark = Some(Mark::PartialAck);
                }
                me.una = ack;
                me.advanced = Some(now);
                // The first ACK after a loss may be a delayed ACK. Such an ACK acknowledges new data, but also reports
                // the gap, so it is counted as a duplicate.
                me.duplicates = u32::from(segment.sacks[0].is_some());
                me.recovery = me.recovery.filter(|(_, point)| ack < *point);
            } else if ack == me.una && segment.space() == 0 && me.in_flight() > 0 && window == me.snd_wnd {
                // A duplicate: a pure ACK that repeats the number and the window while data is in flight.
                me.duplicates += 1;
            }
            me.snd_wnd = window;
        }
        // A SYN without ACK announces a window, too.
        if segment.syn && segment.ack.is_none() {
            me.snd_wnd = window;
        }
        if segment.len > 0 {
            me.unacknowledged_since.get_or_insert(now);
        }
        mark
    }
}

/// Returns the window that a segment announces, in bytes. `sender` and `receiver` are the window scales of both sides.
///
/// The window is scaled only if both sides sent a window scale option, and never in a SYN (RFC 7323 section 2.2).
fn window(segment: &Segment, sender: Option<u8>, receiver: Option<u8>) -> usize {
    let shift = match (sender, receiver) {
        (Some(scale), Some(_)) if !segment.syn => scale,
        _ => 0,
    };
    usize::from(segment.window) << shift
}

impl Side {
    /// Starts the send sequence at `iss`. The receive state is kept, because the peer's SYN may have arrived earlier.
    fn begin_sending(&mut self, iss: TcpSeqNumber) {
        (self.iss, self.una, self.nxt) = (Some(iss), iss, iss);
        (self.sent, self.recovery, self.advanced) = ([None; REMEMBERED], None, None);
    }

    /// Compares a received segment with the sequence number that this side expects. Returns a [`Mark`] if the segment
    /// is not in order, and records in `asked` why this side must answer the segment, if it must.
    fn compare_with_expected(&mut self, segment: &Segment) -> Option<Mark> {
        self.asked = None;
        if segment.syn && !segment.rst {
            self.expected = Some(segment.seq + 1);
            return None;
        }
        let expected = self.expected.filter(|_| !segment.rst)?;
        let end = segment.seq + segment.space();
        if segment.len <= 1 && !segment.fin && segment.seq.0 == expected.0.wrapping_sub(1) {
            // A keep-alive probe, or a byte that is sent again: the frames alone do not show which.
            self.asked = Some(Asked::KeepAlive);
            return (segment.len == 1).then_some(Mark::Repeated);
        }
        if segment.space() == 0 {
            return None;
        }
        if end <= expected {
            self.asked = Some(Asked::Repeated);
            return Some(Mark::Repeated);
        }
        if segment.seq > expected {
            return Some(Mark::OutOfOrder);
        }
        match self.offered {
            // The closed window has no room for the payload.
            0 if segment.len > 0 => self.asked = Some(Asked::WindowProbe),
            _ => self.expected = Some(end),
        }
        None
    }

    /// Records that a segment with payload, SYN or FIN is sent. Returns its cause, or `None` for a first transmission.
    fn sent_space(&mut self, now: Instant, segment: &Segment, peer: &Side, repeat: Option<Repeat>) -> Option<Cause> {
        // A probe changes neither `nxt` nor the stored transmissions.
        if let Some(cause) = self.probe_cause(segment) {
            return Some(cause);
        }
        let end = segment.seq + segment.space();
        if segment.syn && segment.ack.is_some() && self.rcv_nxt.is_none() {
            // The segment answers a SYN. In a simultaneous open, this side has already sent its own SYN.
            self.nxt = end;
            self.remember(Transmission { seq: segment.seq, at: now, count: 1 });
            return None;
        }
        let before = self.transmission_of(segment.seq);
        // A SYN that was sent before is never new.
        let is_new = segment.seq >= self.nxt && !(segment.syn && before.is_some());
        let count = before.map_or(0, |transmission| transmission.count);
        self.remember(Transmission { seq: segment.seq, at: now, count: count + 1 });
        self.nxt = self.nxt.max(end);
        if is_new {
            return None;
        }
        Some(match self.why_again(now, segment, before, repeat) {
            // The peer has already sent an acknowledgement of the segment.
            Cause::Retransmission { rto, count } if peer.rcv_nxt.is_some_and(|ack| ack >= end) => {
                Cause::SpuriousRetransmission { rto, count }
            }
            cause => cause,
        })
    }

    /// Returns the cause of a keep-alive probe or zero-window probe, or `None` for any other segment.
    fn probe_cause(&self, segment: &Segment) -> Option<Cause> {
        let all_acknowledged = self.una == self.nxt && self.iss.is_some();
        // smoltcp's probes carry one byte.
        if segment.len != 1 {
            return None;
        }
        // A keep-alive probe repeats the byte before SND.NXT (RFC 9293 section 3.8.4).
        if !segment.fin && all_acknowledged && segment.seq.0 == self.nxt.0.wrapping_sub(1) {
            return Some(Cause::KeepAlive);
        }
        (!segment.syn && self.snd_wnd == 0 && segment.seq == self.una).then_some(Cause::ZeroWindowProbe)
    }

    /// Returns why a segment is retransmitted, and updates the recovery. `before` is the segment's previous
    /// transmission.
    fn why_again(
        &mut self,
        now: Instant,
        segment: &Segment,
        before: Option<Transmission>,
        repeat: Option<Repeat>,
    ) -> Cause {
        // The stack has reported the reason. Otherwise the reason is inferred from the frames.
        if let Some(repeat) = repeat {
            return self.known_cause(repeat, before);
        }
        let answers_ack = self.heard.is_some_and(|at| now < at + PROMPT);
        let continues_recovery = answers_ack && matches!(self.recovery, Some((Trigger::Duplicates, _)));
        if self.duplicates >= 3 || continues_recovery {
            self.duplicates = 0;
            self.recovery = Some((Trigger::Duplicates, self.nxt));
            return Cause::FastRetransmission;
        }
        // The final segment is sent again, although earlier segments are not acknowledged. After a timeout, the
        // earliest segment would be sent first, so this segment is a tail loss probe.
        let count = before.map_or(0, |transmission| transmission.count);
        let is_final = segment.seq + segment.space() == self.nxt && self.una < segment.seq;
        if self.recovery.is_none() && count == 1 && is_final {
            return Cause::TailProbe;
        }
        // An acknowledgement of new data restarts the timer (RFC 6298 section 5.3).
        let started = before.map(|sent| self.advanced.map_or(sent.at, |at| at.max(sent.at)));
        let rto = started.map_or(Duration::ZERO, |at| now - at);
        self.recovery = Some((Trigger::Timer, self.nxt));
        self.rto = Some(rto);
        Cause::Retransmission { rto, count: count.max(1) }
    }

    /// Returns the cause of a retransmission whose reason the stack has reported. Updates the recovery, but the arms
    /// that return early leave the recovery as it is.
    fn known_cause(&mut self, repeat: Repeat, before: Option<Transmission>) -> Cause {
        let count = before.map_or(0, |transmission| transmission.count).max(1);
        let (trigger, cause) = match repeat {
            Repeat::AfterTimer => (Trigger::Timer, Cause::AfterTimeout(count)),
            Repeat::Duplicates => (Trigger::Duplicates, Cause::FastRetransmission),
            Repeat::LostAgain => (Trigger::Duplicates, Cause::LostRetransmission),
            Repeat::PathMtu => return Cause::PathMtu,
            Repeat::RepeatedSyn => return Cause::RepeatedSyn,
            Repeat::TailProbe => return Cause::TailProbe,
            Repeat::Timer(rto) => {
                self.rto = Some(rto);
                (Trigger::Timer, Cause::Retransmission { rto, count })
            }
            Repeat::WindowOpened => return Cause::WindowOpened,
        };
        self.duplicates = 0;
        self.recovery = match self.recovery {
            // The retransmission belongs to the current recovery, which keeps its end.
            Some((current, point)) if current == trigger => Some((trigger, point)),
            // A new recovery ends once all data sent so far is acknowledged.
            _ => Some((trigger, self.nxt)),
        };
        cause
    }

    /// Returns the stored transmission that covers `seq`. If several do, returns the one that starts last.
    ///
    /// For example, a FIN that was sent with payload can be retransmitted alone.
    fn transmission_of(&self, seq: TcpSeqNumber) -> Option<Transmission> {
        let sent = self.sent.iter().flatten().filter(|t| t.seq == seq || (t.seq < seq && seq < self.nxt));
        sent.min_by_key(|t| seq.0.wrapping_sub(t.seq.0)).copied()
    }

    /// Returns why a pure ACK is sent, or `None` if it acknowledges data that just arrived.
    fn sent_ack(&self, now: Instant, segment: &Segment, offered: usize, peer: &Side) -> Option<Cause> {
        if let Some(ack) = segment.ack.filter(|_| segment.ack == self.rcv_nxt) {
            // RFC 5681 section 2 defines a duplicate ACK: (a) data is outstanding, and (e) the window is unchanged.
            // Conditions (b) to (d) hold here: no data, no SYN or FIN, and the same acknowledgement number.
            let is_duplicate = ack < peer.nxt && offered == self.offered;
            return match self.asked {
                Some(Asked::KeepAlive) => Some(Cause::KeepAliveAck),
                Some(Asked::WindowProbe) if offered == 0 => Some(Cause::ZeroWindowProbeAck),
                _ if offered > self.offered => Some(Cause::WindowUpdate),
                Some(Asked::Repeated) => Some(Cause::RepeatedAck),
                _ => is_duplicate.then_some(Cause::DuplicateAck),
            };
        }
        match self.unacknowledged_since {
            Some(since) if now > since => Some(Cause::DelayedAck(now - since)),
            _ => None,
        }
    }

    /// Stores a transmission. Replaces the entry of the same segment, or else a free entry, an acknowledged entry or
    /// the oldest entry, in this order.
    fn remember(&mut self, new: Transmission) {
        let una = self.una;
        // The entry with the lowest rank is replaced.
        let rank = |entry: &Option<Transmission>| match entry {
            Some(stored) if stored.seq == new.seq => (0, Instant::ZERO),
            None => (1, Instant::ZERO),
            Some(stored) if stored.seq < una => (2, stored.at),
            Some(stored) => (3, stored.at),
        };
        if let Some(entry) = self.sent.iter_mut().min_by_key(|entry| rank(entry)) {
            *entry = Some(new);
        }
    }
}

#[cfg(test)]
mod tests;
