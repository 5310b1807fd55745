//! Tracks one TCP connection by its frames, to infer values that smoltcp keeps private.

use core::fmt;

use smoltcp::time::{Duration, Instant};
use smoltcp::wire::TcpSeqNumber;

use super::summary::Segment;

/// Why a segment was sent, other than to carry new data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// A delayed acknowledgement, which waited this long for data to travel with.
    DelayedAck(Duration),
    /// A repeat of the last acknowledgement.
    DuplicateAck,
    /// A retransmission after three duplicate acknowledgements (RFC 5681 section 3.2), or in the recovery that they began.
    FastRetransmission,
    /// A keep-alive probe: nothing arrived for the keep-alive time.
    KeepAlive,
    /// The retransmission timer expired, for the n-th time for this segment.
    Retransmission {
        /// The time since the segment was last sent, or since the last acknowledgement of new data if that is later.
        rto: Duration,
        /// The number of this retransmission, from 1.
        count: u32,
    },
    /// The last segment again, before the retransmission timer expires: its acknowledgement shows what was lost (RFC 8985 section 7).
    TailProbe,
    /// An acknowledgement that reports a larger window.
    WindowUpdate,
    /// A probe of one byte: the peer's window is closed, and may have opened.
    ZeroWindowProbe,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cause::DelayedAck(time) => write!(f, "delayed ACK, {time}"),
            Cause::DuplicateAck => f.write_str("duplicate ACK"),
            Cause::FastRetransmission => f.write_str("fast retransmission"),
            Cause::KeepAlive => f.write_str("keep-alive"),
            Cause::Retransmission { rto, count } => write!(f, "retransmission {count}, RTO {rto}"),
            Cause::TailProbe => f.write_str("tail loss probe"),
            Cause::WindowUpdate => f.write_str("window update"),
            Cause::ZeroWindowProbe => f.write_str("zero-window probe"),
        }
    }
}

/// The number of transmissions remembered for each side. They show how long a retransmission waited.
const REMEMBERED: usize = 16;

/// A retransmission this soon after an arrival answers it: no retransmission timer is that short.
const PROMPT: Duration = Duration::from_millis(50);

/// One side of a connection: its sequence numbers, windows and timers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Side {
    /// The initial sequence number, once this side has sent SYN.
    pub iss: Option<TcpSeqNumber>,
    /// SND.UNA: the oldest number that is not acknowledged.
    pub una: TcpSeqNumber,
    /// SND.NXT: the next number to be sent, the highest so far.
    pub nxt: TcpSeqNumber,
    /// RCV.NXT: the last acknowledgement number that this side sent.
    pub rcv_nxt: Option<TcpSeqNumber>,
    /// The window that this side offered last, in bytes.
    pub offered: usize,
    /// SND.WND: the window that the peer offered last, in bytes.
    pub snd_wnd: usize,
    /// The window scale that this side announced.
    pub scale: Option<u8>,
    /// How long the last retransmission waited.
    pub rto: Option<Duration>,
    duplicates: u32,
    /// What began the retransmissions, and SND.NXT at that time: they end once it is acknowledged.
    recovery: Option<(Trigger, TcpSeqNumber)>,
    /// When the last segment arrived.
    heard: Option<Instant>,
    sent: [Option<Transmission>; REMEMBERED],
    /// When this side's data was last acknowledged.
    advanced: Option<Instant>,
    /// When the oldest payload arrived that this side has not acknowledged yet.
    unacknowledged_since: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trigger {
    Duplicates,
    Timer,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Transmission {
    seq: TcpSeqNumber,
    at: Instant,
    count: u32,
}

impl Side {
    /// The bytes and control flags that are sent and not acknowledged.
    pub fn in_flight(&self) -> usize {
        self.nxt.0.wrapping_sub(self.una.0).max(0) as usize
    }
}

/// Both sides of a connection, in the order in which the caller numbers them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flow {
    /// The two sides.
    pub sides: [Side; 2],
}

impl Flow {
    /// Notes that a side sends a segment. Returns the cause, or `None` if the segment carries new data or acknowledges data
    /// that just arrived.
    pub fn sent(&mut self, side: usize, now: Instant, segment: &Segment) -> Option<Cause> {
        let peer_scale = self.sides[1 - side].scale;
        let me = &mut self.sides[side];
        if segment.syn {
            // A retransmitted SYN has the same number.
            if me.iss != Some(segment.seq) {
                me.begin_sending(segment.seq);
            }
            me.scale = segment.scale;
        }
        let offered = window(segment, me.scale, peer_scale);
        let cause = if segment.rst {
            None
        } else if segment.space() > 0 {
            me.sent_space(now, segment)
        } else {
            me.sent_ack(now, segment, offered)
        };
        if segment.ack.is_some() {
            me.unacknowledged_since = None;
            me.rcv_nxt = segment.ack;
        }
        me.offered = offered;
        cause
    }

    /// Notes that a segment arrives at a side.
    pub fn arrived(&mut self, side: usize, now: Instant, segment: &Segment) {
        let other = self.sides[1 - side];
        let me = &mut self.sides[side];
        let window = window(segment, other.scale, me.scale);
        me.heard = Some(now);
        if let Some(ack) = segment.ack
            && me.iss.is_some()
        {
            if ack > me.una {
                me.una = ack;
                me.advanced = Some(now);
                // The first acknowledgement after a loss may be delayed, so that it is new and tells of the gap as well.
                me.duplicates = u32::from(segment.sacks);
                me.recovery = me.recovery.filter(|(_, point)| ack < *point);
            } else if ack == me.una && segment.space() == 0 && me.in_flight() > 0 && window == me.snd_wnd {
                me.duplicates += 1;
            }
            me.snd_wnd = window;
        }
        if segment.syn && segment.ack.is_none() {
            me.snd_wnd = window;
        }
        if segment.len > 0 {
            me.unacknowledged_since.get_or_insert(now);
        }
    }
}

/// Returns the window that a segment offers, in bytes. The window is scaled only if both sides announced a scale, and never in
/// a SYN (RFC 7323 section 2.2).
fn window(segment: &Segment, sender: Option<u8>, receiver: Option<u8>) -> usize {
    let shift = match (sender, receiver) {
        (Some(scale), Some(_)) if !segment.syn => scale,
        _ => 0,
    };
    usize::from(segment.window) << shift
}

impl Side {
    /// Starts the send sequence at `iss`. The state of the receive side stays: the peer's SYN may have arrived before this
    /// side's.
    fn begin_sending(&mut self, iss: TcpSeqNumber) {
        (self.iss, self.una, self.nxt) = (Some(iss), iss, iss);
        (self.sent, self.recovery) = ([None; REMEMBERED], None);
    }

    /// Notes that a segment with payload, SYN or FIN is sent. Returns its cause unless it is sent for the first time.
    fn sent_space(&mut self, now: Instant, segment: &Segment) -> Option<Cause> {
        if let Some(probe) = self.probe(segment) {
            return Some(probe);
        }
        let end = segment.seq + segment.space();
        if segment.syn && segment.ack.is_some() && self.rcv_nxt.is_none() {
            // The segment answers a SYN, even if this side sent its own SYN before: a simultaneous open.
            self.nxt = end;
            self.remember(Transmission { seq: segment.seq, at: now, count: 1 });
            return None;
        }
        let before = self.transmission_of(segment.seq);
        let is_new = segment.seq >= self.nxt && !(segment.syn && before.is_some());
        let count = before.map_or(0, |transmission| transmission.count);
        self.remember(Transmission { seq: segment.seq, at: now, count: count + 1 });
        self.nxt = self.nxt.max(end);
        if is_new { None } else { Some(self.why_again(now, segment, before)) }
    }

    /// Returns the cause of a segment of one byte that only asks the peer for an answer. The byte is not new data.
    fn probe(&self, segment: &Segment) -> Option<Cause> {
        let all_acknowledged = self.una == self.nxt && self.iss.is_some();
        if segment.len != 1 {
            return None;
        }
        // A keep-alive repeats the last byte before SND.NXT (RFC 9293 section 3.8.4).
        if !segment.fin && all_acknowledged && segment.seq.0 == self.nxt.0.wrapping_sub(1) {
            return Some(Cause::KeepAlive);
        }
        (!segment.syn && self.snd_wnd == 0 && segment.seq == self.una).then_some(Cause::ZeroWindowProbe)
    }

    /// Returns the cause of a retransmitted segment. `before` is the segment's last transmission.
    fn why_again(&mut self, now: Instant, segment: &Segment, before: Option<Transmission>) -> Cause {
        let answers_ack = self.heard.is_some_and(|at| now < at + PROMPT);
        let goes_on = answers_ack && matches!(self.recovery, Some((Trigger::Duplicates, _)));
        if self.duplicates >= 3 || goes_on {
            self.duplicates = 0;
            self.recovery = Some((Trigger::Duplicates, self.nxt));
            return Cause::FastRetransmission;
        }
        // Only the last segment is sent again, and only once, while earlier segments are not acknowledged. A timer would begin
        // with the first of the earlier segments.
        let count = before.map_or(0, |transmission| transmission.count);
        let is_last = segment.seq + segment.space() == self.nxt && self.una < segment.seq;
        if self.recovery.is_none() && count == 1 && is_last {
            return Cause::TailProbe;
        }
        // An acknowledgement of new data restarts the timer (RFC 6298 section 5.3).
        let started = before.map(|sent| self.advanced.map_or(sent.at, |at| at.max(sent.at)));
        let rto = started.map_or(Duration::ZERO, |at| now - at);
        self.recovery = Some((Trigger::Timer, self.nxt));
        self.rto = Some(rto);
        Cause::Retransmission { rto, count: count.max(1) }
    }

    /// The transmission that covers `seq`: the one that starts at `seq`, or nearest below. A FIN that was sent with payload can
    /// be retransmitted alone, so a transmission may start below `seq`.
    fn transmission_of(&self, seq: TcpSeqNumber) -> Option<Transmission> {
        let sent = self.sent.iter().flatten().filter(|t| t.seq == seq || (t.seq < seq && seq < self.nxt));
        sent.min_by_key(|t| seq.0.wrapping_sub(t.seq.0)).copied()
    }

    /// Returns the cause of a segment that only acknowledges, or `None` if it acknowledges data that just arrived.
    fn sent_ack(&self, now: Instant, segment: &Segment, offered: usize) -> Option<Cause> {
        if segment.ack == self.rcv_nxt && self.rcv_nxt.is_some() {
            return Some(if offered > self.offered { Cause::WindowUpdate } else { Cause::DuplicateAck });
        }
        match self.unacknowledged_since {
            Some(since) if now > since => Some(Cause::DelayedAck(now - since)),
            _ => None,
        }
    }

    /// Stores a transmission: in the entry of the same segment, in a free or acknowledged entry, or in place of the oldest.
    fn remember(&mut self, new: Transmission) {
        let una = self.una;
        let rank = |t: &Option<Transmission>| match t {
            Some(t) if t.seq == new.seq => (0, Instant::ZERO),
            None => (1, Instant::ZERO),
            Some(t) if t.seq < una => (2, t.at),
            Some(t) => (3, t.at),
        };
        if let Some(place) = self.sent.iter_mut().min_by_key(|t| rank(t)) {
            *place = Some(new);
        }
    }
}

#[cfg(test)]
mod tests;
