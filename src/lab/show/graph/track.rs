//! The values that the graphs record about one direction of a connection, as the sender of the data sees them.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use smoltcp::wire::{IpEndpoint, TcpSeqNumber};

use crate::stack::Control;
use crate::trace::Segment;

/// A sent segment that occupies sequence numbers. Times are in microseconds since the start of the run. Sequence
/// numbers are relative to the initial sequence number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sent {
    pub(super) at: u64,
    pub(super) from: i64,
    /// The sequence number after the segment.
    pub(super) to: i64,
    /// Whether the segment is a retransmission.
    pub(super) is_again: bool,
    pub(super) is_lost: bool,
}

/// An acknowledgement that has arrived at the sender of the data. Units are as in [`Sent`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Acked {
    pub(super) at: u64,
    pub(super) number: i64,
    /// The right edge of the window: the first sequence number that must not be sent.
    pub(super) edge: i64,
    pub(super) is_duplicate: bool,
    pub(super) sacks: [Option<(i64, i64)>; 3],
}

/// The sender's variables from the time `at` on. Sizes are in bytes, and times are in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) at: u64,
    pub(super) cwnd: Option<u32>,
    pub(super) ssthresh: Option<u32>,
    pub(super) in_flight: u32,
    pub(super) srtt: Option<u64>,
    pub(super) rto: u64,
}

/// One direction of a connection.
pub(super) struct Track {
    /// The sender and the receiver of the data.
    pub(super) ends: [IpEndpoint; 2],
    /// The window scales that the sender and the receiver announced.
    pub(super) scales: [Option<u8>; 2],
    pub(super) sent: Vec<Sent>,
    pub(super) acked: Vec<Acked>,
    /// The payload that arrived for the first time: the time and the number of bytes.
    pub(super) delivered: Vec<(u64, u64)>,
    /// The ranges of payload that have arrived, which neither overlap nor touch.
    arrived: Vec<(i64, i64)>,
    pub(super) kept: Vec<Kept>,
    /// The measured round trips: the time of the acknowledgement, and the round trip.
    pub(super) round_trips: Vec<(u64, u64)>,
    /// The segments that are not acknowledged yet: the sequence number after the segment, the time of its first
    /// transmission, and whether the segment was sent again.
    pending: VecDeque<(i64, u64, bool)>,
}

impl Track {
    /// Makes an empty track for the data from `ends[0]` to `ends[1]`.
    pub(super) fn new(ends: [IpEndpoint; 2]) -> Self {
        Track {
            ends,
            scales: [None; 2],
            sent: Vec::new(),
            acked: Vec::new(),
            delivered: Vec::new(),
            arrived: Vec::new(),
            kept: Vec::new(),
            round_trips: Vec::new(),
            pending: VecDeque::new(),
        }
    }

    /// Returns the number of payload bytes that have arrived.
    pub(super) fn payload(&self) -> u64 {
        self.delivered.iter().map(|(_, len)| len).sum()
    }

    /// Records that a segment is sent. `isn` is the initial sequence number of its sender. A segment with new sequence
    /// numbers then waits for its acknowledgement, which measures the round trip.
    pub(super) fn sent(&mut self, at: u64, segment: &Segment, isn: TcpSeqNumber, is_again: bool, is_lost: bool) {
        // A pure ACK takes no sequence numbers.
        if segment.space() == 0 {
            return;
        }
        let from = relative(segment.seq, isn);
        let to = from + segment.space() as i64;
        self.sent.push(Sent { at, from, to, is_again, is_lost });
        if is_again {
            // The answer to a segment that was sent twice does not measure a round trip (RFC 6298 section 3).
            // `same`: the waiting segments that end within the segment that is sent again.
            let same = self.pending.iter_mut().filter(|(end, ..)| from < *end && *end <= to);
            same.for_each(|(_, _, is_again)| *is_again = true);
        } else if self.pending.back().is_none_or(|(end, ..)| *end < to) {
            // Only a segment with new sequence numbers waits for its acknowledgement.
            self.pending.push_back((to, at, is_again));
        }
    }

    /// Records the bytes of payload that arrive for the first time. `isn` is the initial sequence number of their
    /// sender.
    pub(super) fn delivered(&mut self, at: u64, segment: &Segment, isn: TcpSeqNumber) {
        // SYN takes the sequence number before the payload.
        let from = relative(segment.seq, isn) + i64::from(segment.syn);
        let (mut start, mut end) = (from, from + segment.len as i64);
        // The number of these bytes that have arrived before.
        let known: i64 = self.arrived.iter().map(|(a, b)| (end.min(*b) - start.max(*a)).max(0)).sum();
        let new_len = segment.len as i64 - known;
        if new_len <= 0 {
            return;
        }
        self.delivered.push((at, new_len as u64));
        // Merge the new range with each range that it overlaps or touches.
        self.arrived.retain(|&(a, b)| {
            let is_apart = b < start || end < a;
            if !is_apart {
                (start, end) = (start.min(a), end.max(b));
            }
            is_apart
        });
        self.arrived.push((start, end));
    }

    /// Records the acknowledgement, window and SACK blocks of a segment that arrives at this direction's sender, and
    /// measures the round trip. `isn` is this sender's initial sequence number.
    pub(super) fn acknowledged(&mut self, at: u64, segment: &Segment, isn: TcpSeqNumber) {
        // An RST ends the connection, so its window has no meaning.
        let Some(ack) = segment.ack.filter(|_| !segment.rst) else { return };
        let number = relative(ack, isn);
        // The window of a SYN is never scaled. Other windows are scaled only if both sides announced a scale (RFC 7323
        // section 2.2). The segment comes from the receiver of the data, so the second scale applies.
        let shift = match self.scales {
            [Some(_), Some(shift)] if !segment.syn => shift,
            _ => 0,
        };
        let edge = number + (i64::from(segment.window) << shift);
        let last = self.acked.last();
        let is_duplicate = last.is_some_and(|last| last.number == number && last.edge == edge) && segment.space() == 0;
        let sacks = segment.sacks.map(|block| block.map(|(from, to)| (relative(from, isn), relative(to, isn))));
        self.acked.push(Acked { at, number, edge, is_duplicate, sacks });
        // The round trip is measured from the newest segment whose arrival this acknowledgement reports.
        let mut reported = None;
        while let Some(first) = self.pending.pop_front_if(|(end, ..)| *end <= number) {
            reported = Some(first);
        }
        // If a segment lies after a gap, a SACK block reports it first, and the acknowledgement number covers it later.
        self.pending.retain(|segment| {
            let (end, ..) = *segment;
            let is_reported = sacks.iter().flatten().any(|(from, to)| *from < end && end <= *to);
            if is_reported {
                reported = Some(*segment);
            }
            !is_reported
        });
        // A segment that was sent again does not measure a round trip: see `sent`.
        if let Some((_, sent_at, false)) = reported {
            self.round_trips.push((at, at - sent_at));
        }
    }

    /// Records the sender's variables, if they have changed. Returns whether this added an entry to `kept`.
    pub(super) fn record_control(&mut self, at: u64, control: &Control) -> bool {
        let kept = Kept {
            at,
            cwnd: control.cwnd,
            ssthresh: control.ssthresh,
            in_flight: control.nxt.0.wrapping_sub(control.una.0).max(0) as u32,
            srtt: control.srtt.map(|time| time.total_micros()),
            rto: control.rto.total_micros(),
        };
        match self.kept.last_mut() {
            // Only the time differs, so there is nothing new to draw.
            Some(last) if (Kept { at, ..*last }) == kept => false,
            // Only the last value of an instant is drawn.
            Some(last) if last.at == at => {
                *last = kept;
                false
            }
            _ => {
                self.kept.push(kept);
                true
            }
        }
    }
}

/// Returns a sequence number relative to the initial sequence number. The result is negative for a number before `isn`.
fn relative(number: TcpSeqNumber, isn: TcpSeqNumber) -> i64 {
    i64::from(number.0.wrapping_sub(isn.0))
}
