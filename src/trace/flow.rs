//! Tracks a TCP connection by its frames, to infer values that smoltcp keeps private.

use core::fmt;

use smoltcp::time::{Duration, Instant};
use smoltcp::wire::TcpSeqNumber;

use super::summary::Segment;

/// Why a segment was sent, if not only to carry new data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// A delayed ACK, which waited this long for data that could carry it.
    DelayedAck(Duration),
    /// An ACK that repeats the previous ACK.
    DuplicateAck,
    /// A retransmission because of three duplicate ACKs (RFC 5681 section 3.2), or a later retransmission in the same
    /// recovery.
    FastRetransmission,
    /// A keep-alive probe: nothing arrived for the keep-alive interval.
    KeepAlive,
    /// A retransmission because the retransmission timer expired.
    Retransmission {
        /// The time since the segment was previously sent or since new data was acknowledged, whichever was later.
        rto: Duration,
        /// The number of times that the segment has been retransmitted, including this time.
        count: u32,
    },
    /// A tail loss probe: the final segment is sent again before the retransmission timer expires.
    ///
    /// The answer shows whether earlier data was lost (RFC 8985 section 7).
    TailProbe,
    /// An ACK that announces a larger window.
    WindowUpdate,
    /// A zero-window probe: one byte that checks whether the peer's closed window has opened.
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

/// The number of transmissions stored for each side. The stored times show how long a retransmission waited.
const REMEMBERED: usize = 16;

/// A retransmission within this time after a segment arrives is an answer to that segment. Every retransmission timer
/// is longer.
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
    /// How long the most recent retransmission waited for its timer.
    pub rto: Option<Duration>,
    duplicates: u32,
    /// The event that began the current recovery and SND.NXT at that time. The recovery ends once that number is
    /// acknowledged.
    recovery: Option<(Trigger, TcpSeqNumber)>,
    /// When the most recent segment arrived.
    heard: Option<Instant>,
    sent: [Option<Transmission>; REMEMBERED],
    /// When new data from this side was most recently acknowledged.
    advanced: Option<Instant>,
    /// When the oldest payload that this side has not yet acknowledged arrived.
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
    /// Returns how many sequence numbers are sent and not yet acknowledged.
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
    /// Returns `None` if the segment carries new data or acknowledges data that just arrived.
    pub fn sent(&mut self, side: usize, now: Instant, segment: &Segment) -> Option<Cause> {
        let peer_scale = self.sides[1 - side].scale;
        let me = &mut self.sides[side];
        if segment.syn {
            // A retransmitted SYN has the same sequence number.
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

    /// Records that a segment arrives at a side.
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
                // The first ACK after a loss may be a delayed ACK. Such an ACK acknowledges new data, but also reports
                // the gap, so it counts as a duplicate.
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

/// Returns the window that a segment announces, in bytes.
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
        (self.sent, self.recovery) = ([None; REMEMBERED], None);
    }

    /// Records that a segment with payload, SYN or FIN is sent. Returns its cause, or `None` for a first transmission.
    fn sent_space(&mut self, now: Instant, segment: &Segment) -> Option<Cause> {
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
        let is_new = segment.seq >= self.nxt && !(segment.syn && before.is_some());
        let count = before.map_or(0, |transmission| transmission.count);
        self.remember(Transmission { seq: segment.seq, at: now, count: count + 1 });
        self.nxt = self.nxt.max(end);
        if is_new { None } else { Some(self.why_again(now, segment, before)) }
    }

    /// Returns the cause of a keep-alive probe or zero-window probe, or `None` for any other segment.
    fn probe_cause(&self, segment: &Segment) -> Option<Cause> {
        let all_acknowledged = self.una == self.nxt && self.iss.is_some();
        if segment.len != 1 {
            return None;
        }
        // A keep-alive probe repeats the byte before SND.NXT (RFC 9293 section 3.8.4).
        if !segment.fin && all_acknowledged && segment.seq.0 == self.nxt.0.wrapping_sub(1) {
            return Some(Cause::KeepAlive);
        }
        (!segment.syn && self.snd_wnd == 0 && segment.seq == self.una).then_some(Cause::ZeroWindowProbe)
    }

    /// Returns why a segment is retransmitted. `before` is the segment's previous transmission.
    fn why_again(&mut self, now: Instant, segment: &Segment, before: Option<Transmission>) -> Cause {
        let answers_ack = self.heard.is_some_and(|at| now < at + PROMPT);
        let continues_recovery = answers_ack && matches!(self.recovery, Some((Trigger::Duplicates, _)));
        if self.duplicates >= 3 || continues_recovery {
            self.duplicates = 0;
            self.recovery = Some((Trigger::Duplicates, self.nxt));
            return Cause::FastRetransmission;
        }
        // The final segment is sent again, although earlier segments are not acknowledged. A timer would begin with the
        // earliest segment, so this segment is a tail loss probe.
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

    /// Returns the transmission that covers `seq`, which may start below `seq`.
    ///
    /// For example, a FIN that was sent with payload can be retransmitted alone.
    fn transmission_of(&self, seq: TcpSeqNumber) -> Option<Transmission> {
        let sent = self.sent.iter().flatten().filter(|t| t.seq == seq || (t.seq < seq && seq < self.nxt));
        sent.min_by_key(|t| seq.0.wrapping_sub(t.seq.0)).copied()
    }

    /// Returns why a pure ACK is sent, or `None` if it acknowledges data that just arrived.
    fn sent_ack(&self, now: Instant, segment: &Segment, offered: usize) -> Option<Cause> {
        if segment.ack == self.rcv_nxt && self.rcv_nxt.is_some() {
            return Some(if offered > self.offered { Cause::WindowUpdate } else { Cause::DuplicateAck });
        }
        match self.unacknowledged_since {
            Some(since) if now > since => Some(Cause::DelayedAck(now - since)),
            _ => None,
        }
    }

    /// Stores a transmission. The transmission replaces the entry of the same segment. If there is none, it replaces a
    /// free entry, an acknowledged entry or the oldest entry, in this order.
    fn remember(&mut self, new: Transmission) {
        let una = self.una;
        let rank = |t: &Option<Transmission>| match t {
            Some(t) if t.seq == new.seq => (0, Instant::ZERO),
            None => (1, Instant::ZERO),
            Some(t) if t.seq < una => (2, t.at),
            Some(t) => (3, t.at),
        };
        if let Some(entry) = self.sent.iter_mut().min_by_key(|t| rank(t)) {
            *entry = Some(new);
        }
    }
}

#[cfg(test)]
mod tests;
