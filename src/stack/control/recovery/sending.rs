//! Decides which retransmissions may be sent, and which part of each segment from smoltcp is sent. window.rs decides
//! how much new data may be sent.

use smoltcp::time::{Duration, Instant};
use smoltcp::wire::TcpSeqNumber;

use super::{Block, Recovery, Repeat, Segment, distance};

/// The decision about which part of a segment from smoltcp is sent to the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::stack) enum Leave {
    /// A pure ACK is sent instead of the segment, because the peer needs only the acknowledgement number.
    Acknowledgement,
    /// Nothing is sent.
    Nothing,
    /// Only the bytes between these sequence numbers are sent. The other bytes need not be sent now.
    Part(TcpSeqNumber, TcpSeqNumber),
    /// The whole segment is sent.
    Whole,
}

impl Block {
    /// Returns the first range to retransmit, or `None` if nothing needs to be retransmitted.
    #[inline]
    pub(super) fn hole(&self) -> Option<(TcpSeqNumber, TcpSeqNumber)> {
        if self.nothing_is_lost() { None } else { self.find_hole() }
    }

    /// Returns the first range to retransmit, or `None`. A tail loss probe comes first, then lost retransmissions, then
    /// lost data. [`hole`](Self::hole) skips this slower search if nothing is lost.
    fn find_hole(&self) -> Option<(TcpSeqNumber, TcpSeqNumber)> {
        let r = &self.recovery;
        match r.tail {
            Some(tail) => Some((tail, self.nxt)),
            None => {
                let first = r.lost_again(self.una);
                first.or_else(|| r.board.first_hole(r.resent.max(self.una), r.lost_below))
            }
        }
    }

    /// Returns the number of bytes on their way to the peer (RFC 6675 section 4, `SetPipe`).
    fn pipe(&self) -> u32 {
        let r = &self.recovery;
        if r.board.is_empty() && r.duplicates == 0 && self.nothing_is_lost() {
            return self.flight();
        }
        // Lost bytes that were not sent again are not on their way.
        let lost = r.board.missing(r.resent.max(self.una), r.lost_below) + r.bytes_lost_again(self.una);
        // Without SACK, each duplicate acknowledgement means that a segment has arrived.
        let held = if r.sack { 0 } else { r.duplicates.saturating_mul(r.mss) };
        r.board.missing(self.una, self.nxt).saturating_sub(lost).saturating_sub(held)
    }

    /// Returns how many more bytes the congestion window allows. `hole` is the first range to retransmit.
    pub(super) fn room(&self, hole: Option<(TcpSeqNumber, TcpSeqNumber)>) -> u32 {
        let (r, pipe) = (&self.recovery, self.pipe());
        let room = r.window.bytes().saturating_sub(pipe);
        // Three kinds of segment are always allowed: the first segment of a flight, a tail loss probe, and a lost
        // segment at SND.UNA.
        let first = pipe == 0 || r.tail.is_some() || hole.is_some_and(|(start, _)| start <= self.una);
        if first { room.max(r.mss) } else { room }
    }

    /// Returns the first range to retransmit, if the congestion window has room for its first segment.
    #[inline]
    pub(super) fn allowed_hole(&self) -> Option<(TcpSeqNumber, TcpSeqNumber)> {
        let hole = self.hole();
        hole.filter(|&(start, end)| self.room(hole) >= distance(start, end).min(self.recovery.mss))
    }

    /// Returns whether smoltcp must retransmit from SND.UNA on.
    #[inline]
    pub(in crate::stack) fn wants_rewind(&self) -> bool {
        self.allowed_hole().is_some_and(|(start, _)| start < self.recovery.frontier)
    }

    /// Records that smoltcp has started to send again from SND.UNA.
    pub(in crate::stack) fn rewound(&mut self) {
        self.recovery.frontier = self.una;
    }

    /// Returns whether smoltcp's segments might be too long for the path, so that smoltcp must send one segment at a
    /// time.
    pub(in crate::stack) fn sends_singly(&self) -> bool {
        self.recovery.singly
    }

    /// Returns the sequence number for a segment without data or FIN: SND.NXT, but not beyond the peer's window.
    ///
    /// A window probe is beyond the window. A peer that has not accepted the probe ignores an ACK or RST with a higher
    /// number (RFC 9293 section 3.10.7.4).
    pub(in crate::stack) fn bare_number(&self) -> TcpSeqNumber {
        // The window that the peer announced in its SYN begins after our SYN.
        let edge = self.una.max(self.iss + 1) + self.window as usize;
        self.nxt.min(edge)
    }

    /// Returns whether data was sent beyond the peer's window.
    pub(in crate::stack) fn exceeds_window(&self) -> bool {
        self.bare_number() < self.nxt
    }

    /// Returns the right sequence number for a segment without data if smoltcp gave the segment another number. smoltcp
    /// does so while it retransmits and after it has probed the peer's window.
    ///
    /// If the peer has received all data, it ignores an RST whose sequence number is lower than the next one that it
    /// expects (RFC 5961 section 3.2).
    pub(in crate::stack) fn right_number(&self, segment: &Segment) -> Option<TcpSeqNumber> {
        let empty = !segment.syn && segment.end() == segment.seq;
        let number = self.bare_number();
        (empty && self.una <= segment.seq && segment.seq != number).then_some(number)
    }

    /// Returns whether smoltcp's next segment might be a retransmission.
    pub(in crate::stack) fn may_repeat(&self, now: Instant) -> bool {
        let r = &self.recovery;
        r.frontier < self.nxt || (self.flight() > 0 && now >= r.rests_until) || self.may_probe()
    }

    /// Returns whether smoltcp might send a window probe.
    fn may_probe(&self) -> bool {
        self.recovery.shown == 0 && self.flight() == 0
    }

    /// Processes a segment that smoltcp created and decides which part of the segment is sent.
    ///
    /// A segment that [`is_wanted`](Self::is_wanted) rejects is not sent. If such a segment carries a new
    /// acknowledgement number, a pure ACK with this number is sent instead.
    pub(in crate::stack) fn leaves(&mut self, now: Instant, segment: &Segment, frame: &[u8]) -> Leave {
        let new_ack = segment.ack.filter(|&ack| ack != self.announced_ack && !segment.rst);
        self.announced_ack = new_ack.unwrap_or(self.announced_ack);
        self.read_announcement(segment, frame);
        let (from, to) = self.lacking_part(segment);
        // Unlike `segment.end()`, this number does not count FIN.
        let payload_end = segment.seq + segment.len;
        match (self.is_wanted(now, segment, (from, to)), new_ack) {
            (true, _) if segment.seq < from || to < payload_end => Leave::Part(from, to),
            (true, _) => Leave::Whole,
            (false, Some(_)) => Leave::Acknowledgement,
            (false, None) => Leave::Nothing,
        }
    }

    /// Returns the part of a segment's data that the peer lacks.
    ///
    /// The window passed to smoltcp is a whole number of units of several bytes. When smoltcp skips the bytes that the
    /// peer has, or ends a retransmission, it can therefore be off by a few bytes.
    fn lacking_part(&self, segment: &Segment) -> (TcpSeqNumber, TcpSeqNumber) {
        let whole = (segment.seq, segment.seq + segment.len);
        // Usually the segment contains only new data.
        if segment.len == 0 || segment.syn || segment.seq >= self.nxt || segment.seq < self.una {
            return whole;
        }
        let (seq, end) = whole;
        match self.allowed_hole().filter(|&(start, to)| start < end && seq < to) {
            // A retransmission contains new data only if the hole reaches up to that data.
            Some((start, to)) => (start.max(seq), if segment.end() <= self.nxt { to.min(end) } else { end }),
            None if self.nxt < end => (self.nxt, end),
            None => whole,
        }
    }

    /// Records the bytes `from..to` of a segment that smoltcp created. Returns whether to send the segment: either the
    /// peer lacks these bytes, or the segment has none, such as a pure ACK.
    fn is_wanted(&mut self, now: Instant, segment: &Segment, (from, to): (TcpSeqNumber, TcpSeqNumber)) -> bool {
        let end = segment.end() + usize::from(segment.syn);
        // Always sent: an RST, a segment without data, SYN and FIN, and a segment that begins below SND.UNA, such as a
        // keep-alive probe.
        if segment.rst || end == segment.seq || (!segment.syn && segment.seq < self.una) {
            return true;
        }
        if segment.syn && self.flight() == 0 {
            (self.iss, self.una, self.nxt) = (segment.seq, segment.seq, segment.seq);
            let r = &mut self.recovery;
            (r.resent, r.lost_below, r.frontier) = (segment.seq, segment.seq, segment.seq);
            r.limited_until = segment.seq;
        }
        // smoltcp probes a closed window immediately and does not count the byte of the window probe as sent. While
        // `persist` is set, the window probe is withheld, because the persist timer decides when to probe.
        let probes = self.may_probe() && segment.len == 1 && segment.seq == self.nxt;
        if probes && self.recovery.persist.is_some() {
            return false;
        }
        let is_first = self.flight() == 0;
        let r = &mut self.recovery;
        if end > r.frontier || segment.seq < r.frontier {
            r.rests_until = now + Duration::from_secs(1);
        }
        if !probes {
            r.frontier = end;
        }
        // If `end` is after SND.NXT, the segment contains new bytes, perhaps after bytes that were sent before.
        if end > self.nxt {
            if from >= self.nxt {
                // The peer might acknowledge a super-segment in parts. The first part's acknowledgement completes the
                // measurement.
                r.samples.add(end.min(from + r.mss as usize), now);
            }
            if is_first {
                r.heard_at = now;
            }
            if from < self.nxt {
                r.repeat = Some(r.why_again(segment, from));
                if r.tail.take().is_none() {
                    r.resends.add(from, self.nxt, now);
                }
                r.samples.skip(from, self.nxt);
                r.resent = r.resent.max(self.nxt);
            }
            if r.persisting && self.window <= distance(self.una, self.nxt) {
                // The segment probes the closed window. The next window probe waits twice as long (SHLD-30).
                r.backoff = r.backoff.saturating_add(1);
            }
            self.nxt = end;
            (r.sent_at, r.persisting, r.persist) = (now, false, None);
            let timer = r.retransmission;
            self.arm(now);
            self.recovery.retransmission = timer.or(self.recovery.retransmission);
            return true;
        }
        // Here, all bytes of the segment were sent before. The peer needs only the bytes in a hole.
        if self.allowed_hole().is_none_or(|(start, to)| to <= from || end <= start) {
            return false;
        }
        // Without a cut, a FIN is sent again, too.
        let end = if to < segment.seq + segment.len { to } else { end };
        let r = &mut self.recovery;
        r.repeat = Some(r.why_again(segment, from));
        if r.tail.take().is_some() {
            r.probed_range = (from, end);
        } else {
            r.resent = r.resent.max(end);
            r.repeated = r.repeated.saturating_add(distance(from, end));
            r.resends.add(from, end, now);
        }
        r.samples.skip(from, end);
        if from <= self.una {
            r.nxt_at_resend = Some(self.nxt);
        }
        true
    }
}

impl Recovery {
    /// Returns why the bytes of `segment` from `from` on are sent again, and clears `expired`. Must be called before
    /// the retransmission is recorded.
    fn why_again(&mut self, segment: &Segment, from: TcpSeqNumber) -> Repeat {
        let is_lost_again = self.is_lost_again(from);
        match self.expired.take() {
            _ if self.tail.is_some() => Repeat::TailProbe,
            Some(ran) if self.timed_out => Repeat::Timer(ran),
            _ if segment.syn => Repeat::RepeatedSyn,
            _ if is_lost_again => Repeat::LostAgain,
            _ if self.by_path => Repeat::PathMtu,
            _ if self.timed_out => Repeat::AfterTimer,
            _ if self.point.is_some() => Repeat::Duplicates,
            _ => Repeat::WindowOpened,
        }
    }
}
