//! Decides which new data and which retransmissions may be sent.

use smoltcp::time::{Duration, Instant};
use smoltcp::wire::TcpSeqNumber;

use super::{Block, Recovery, Repeat, SMALL_WINDOW_DELAY, Segment, distance};

/// The decision about which part of a segment from smoltcp is sent to the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::stack) enum Leave {
    /// A pure ACK is sent instead of the segment, because the peer needs only the acknowledgement number.
    Acknowledgement,
    /// Only the bytes before this sequence number are sent. The peer has the bytes after it.
    Front(TcpSeqNumber),
    /// Nothing is sent.
    Nothing,
    /// The whole segment is sent.
    Whole,
}

impl Block {
    /// Returns the peer's window scale (shift count) that is passed to smoltcp.
    pub(in crate::stack) fn shown_scale(&self) -> u8 {
        self.recovery.shown_scale
    }

    /// Returns the window field for the copy of `segment` that is passed to smoltcp.
    ///
    /// The field is never zero while smoltcp has data in flight, because smoltcp would then stop its retransmission
    /// timer.
    pub(in crate::stack::control) fn shown_field(&self, segment: &Segment) -> u16 {
        if self.recovery.frontier > self.una { segment.window.max(1) } else { segment.window }
    }

    /// Records the window field of a segment passed to smoltcp. The segment's acknowledgement number was SND.UNA.
    pub(in crate::stack) fn shown(&mut self, field: u16, syn: bool) {
        self.recovery.shown = u32::from(field) << if syn { 0 } else { self.recovery.shown_scale };
        self.recovery.shown_ack = self.una;
    }

    /// Returns whether all `queue` bytes of the send buffer may be sent immediately.
    ///
    /// The peer's window and the congestion window must have room for these bytes. The window most recently passed to
    /// smoltcp must also be large enough.
    pub(in crate::stack) fn has_window_for(&self, queue: usize) -> bool {
        let unsent = (queue as u32).saturating_sub(self.flight());
        let offered = self.window.min(self.recovery.shown) as usize >= queue;
        offered && self.hole().is_none() && self.recovery.frontier >= self.nxt && unsent <= self.room(None)
    }

    /// Returns whether SND.UNA has moved since an acknowledgement was most recently passed to smoltcp.
    pub(in crate::stack) fn has_news(&self) -> bool {
        self.recovery.shown_ack != self.una
    }

    /// Returns the first range to retransmit, or `None` if nothing needs to be retransmitted.
    #[inline]
    pub(super) fn hole(&self) -> Option<(TcpSeqNumber, TcpSeqNumber)> {
        if self.nothing_is_lost() { None } else { self.find_hole() }
    }

    /// Returns the first range to retransmit. A tail loss probe comes first, then lost retransmissions, then lost data.
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
    fn allowed_hole(&self) -> Option<(TcpSeqNumber, TcpSeqNumber)> {
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
        // The window of a SYN begins after our SYN.
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
    /// A peer that has received everything ignores an RST with a lower number (RFC 5961 section 3.2).
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

    /// Returns the window field to pass to smoltcp before smoltcp sends, or `None` if smoltcp's window still applies.
    ///
    /// `queue` is the number of bytes in the send buffer. Also reduces the congestion window after an idle time, and
    /// can start or stop the persist timer (see `allowance`).
    pub(in crate::stack) fn changed_field(&mut self, now: Instant, queue: usize) -> Option<u16> {
        let queue = queue as u32;
        // Restart after an idle time (RFC 5681 section 4.1): nothing was sent for an RTO, so the congestion window
        // might be outdated.
        if self.flight() == 0 && now - self.recovery.sent_at >= self.recovery.rtt.timeout(0) {
            self.recovery.window.on_idle();
        }
        if self.may_send_all(queue) {
            return None;
        }
        let field = self.field(now, queue);
        let window = u32::from(field) << self.recovery.shown_scale;
        // smoltcp sends no byte beyond the queue, so a change of the window beyond the queue does not matter.
        (window.min(queue) != self.recovery.shown.min(queue)).then_some(field)
    }

    /// Returns whether all `queue` bytes of the send buffer may be sent immediately, and smoltcp's window covers them.
    ///
    /// This is usually so, and then `field` would only do what this function does: stop the persist timer, if there is
    /// new data. The function is quicker than `field`, and returns false in doubtful cases.
    #[inline]
    fn may_send_all(&mut self, queue: u32) -> bool {
        let (r, flight) = (&self.recovery, self.flight());
        let is_usual = !r.singly && r.frontier >= self.nxt && r.shown >= queue && self.nothing_is_lost();
        // At most `flight` bytes are on their way, so the congestion window has room for the other bytes, too.
        let fits = queue <= flight || queue <= self.window.min(r.window.bytes());
        if is_usual && fits && queue > flight {
            self.recovery.persist = None;
        }
        is_usual && fits
    }

    /// Returns the window field to pass to smoltcp, so that smoltcp sends only what may be sent now.
    ///
    /// smoltcp sends from its own SND.NXT (`frontier`) up to the edge of this window. In this function, an edge is a
    /// number of bytes from SND.UNA.
    pub(in crate::stack) fn field(&mut self, now: Instant, queue: u32) -> u16 {
        let (scale, mss) = (self.recovery.shown_scale, self.recovery.mss);
        let frontier = self.recovery.frontier;
        let unit = 1 << scale;
        let una = self.una;
        let up_to = |edge: TcpSeqNumber| distance(una, edge);
        let flight = self.flight();
        let hole = self.allowed_hole();
        let must_repeat = hole.is_some_and(|(_, end)| frontier < end);
        // If smoltcp still has to skip less than a unit of the window, those bytes are sent once more, ahead of new
        // data.
        let bytes = if up_to(frontier) >= flight / unit * unit && !must_repeat {
            let allowance = self.allowance(now, queue);
            let edge = flight + if self.recovery.singly { allowance.min(mss) } else { allowance };
            // The edge is rounded down, so that smoltcp does not send a few bytes after a full segment, or a few bytes
            // that are not allowed.
            let rounded = edge / unit * unit;
            if edge < queue && (allowance == 0 || rounded > flight) { rounded } else { edge }
        } else {
            match hole {
                // First let smoltcp skip the bytes before the hole, because the peer already has those bytes.
                Some((start, _)) if up_to(start) / unit * unit > up_to(frontier) => up_to(start) / unit * unit,
                Some((start, end)) => {
                    let first = start.max(frontier);
                    let room = if self.recovery.singly { mss } else { self.room(self.hole()) };
                    let edge = up_to(end.min(first + (room / mss * mss).max(mss) as usize));
                    // New data fills up the final segment of the retransmission.
                    let full = up_to(first + mss as usize).min(self.window).min(queue);
                    let edge = if end == self.nxt && room >= mss { edge.max(full) } else { edge };
                    // The edge is rounded down, so that no segment exceeds the path's limit by a few bytes.
                    if self.recovery.singly && edge / unit * unit > up_to(first) {
                        edge / unit * unit
                    } else {
                        edge.next_multiple_of(unit)
                    }
                }
                // Let smoltcp skip the rest of the sent data only if new data can follow.
                None if self.allowance(now, queue) == 0 => up_to(frontier),
                None => flight / unit * unit,
            }
        };
        let least = u32::from(self.recovery.frontier > self.una);
        bytes.div_ceil(unit).max(least).min(u16::MAX.into()) as u16
    }

    /// Returns the window field in LAST-ACK: the window that the peer offers, but at least one unit.
    ///
    /// In LAST-ACK, smoltcp reads the window only from an ACK for new data, so smoltcp must always have something in
    /// flight.
    pub(in crate::stack) fn field_in_last_ack(&mut self, now: Instant, queue: u32) -> u16 {
        let offered = self.window.min(self.room(self.hole()).saturating_add(self.flight())).min(queue);
        let units = offered.div_ceil(1 << self.recovery.shown_scale).min(u16::MAX.into()) as u16;
        self.field(now, queue).max(units).max(1)
    }

    /// Returns how many new bytes may be sent now.
    ///
    /// If there is no new data, or if lost data must be sent first, returns 0 and changes nothing. Otherwise, there are
    /// two side effects:
    ///
    /// - If the congestion window is the limit, `limited_until` records this.
    /// - If nothing may be sent and the retransmission timer is not running, the persist timer starts, unless it is
    ///   already running. In all other cases the persist timer stops.
    fn allowance(&mut self, now: Instant, queue: u32) -> u32 {
        let unsent = queue.saturating_sub(self.flight());
        if unsent == 0 || self.hole().is_some() {
            return 0;
        }
        let offered = self.window.saturating_sub(self.flight());
        // `None`: nothing must be retransmitted.
        let limit = offered.min(self.room(None));
        let whole = limit / self.recovery.mss * self.recovery.mss;
        // Silly-window avoidance by the sender (RFC 9293 section 3.8.6.2.1).
        let allowance = if unsent <= limit {
            unsent
        } else if whole > 0 {
            whole
        } else if offered == limit && limit > 0 && limit >= self.largest_window / 2 {
            limit
        } else if self.recovery.persisting {
            // The persist timer has expired: send what fits. If nothing fits, one byte probes the window.
            limit.max(1)
        } else {
            0
        };
        let r = &mut self.recovery;
        if unsent > limit && limit < offered {
            r.limited_until = self.nxt + allowance as usize;
        }
        if allowance > 0 || r.retransmission.is_some() {
            r.persist = None;
        } else if r.persist.is_none() {
            let wait = if offered == 0 { r.rtt.timeout(r.backoff) } else { SMALL_WINDOW_DELAY };
            r.persist = Some(now + wait);
        }
        allowance
    }

    /// Processes a segment that smoltcp created and decides which part of the segment is sent.
    ///
    /// A segment that [`is_wanted`](Self::is_wanted) rejects is not sent. If such a segment carries a new
    /// acknowledgement number, a pure ACK with this number is sent instead.
    pub(in crate::stack) fn leaves(&mut self, now: Instant, segment: &Segment, frame: &[u8]) -> Leave {
        let new_ack = segment.ack.filter(|&ack| ack != self.announced_ack && !segment.rst);
        self.announced_ack = new_ack.unwrap_or(self.announced_ack);
        self.read_announcement(segment, frame);
        // The window passed to smoltcp is a whole number of units of several bytes. The window can thus end after the
        // lost range, and so can a retransmitted segment. In that case, only the bytes up to the end of the lost range
        // are sent.
        let is_retransmission = segment.end() <= self.nxt;
        // Unlike `segment.end()`, this number does not count FIN.
        let payload_end = segment.seq + segment.len;
        let hole = if is_retransmission { self.allowed_hole() } else { None };
        let hole = hole.filter(|&(start, to)| start < to && segment.seq < to && to < payload_end);
        let cut_at = hole.map(|(_, to)| to);
        match (self.is_wanted(now, segment), new_ack) {
            (true, _) => cut_at.map_or(Leave::Whole, Leave::Front),
            (false, Some(_)) => Leave::Acknowledgement,
            (false, None) => Leave::Nothing,
        }
    }

    /// Records the bytes of a segment that smoltcp created. Returns whether to send the segment: either the peer lacks
    /// these bytes, or the segment has none, such as a pure ACK.
    fn is_wanted(&mut self, now: Instant, segment: &Segment) -> bool {
        let end = segment.end() + usize::from(segment.syn);
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
            if segment.seq >= self.nxt {
                // The peer might acknowledge a super-segment in parts. The first part's acknowledgement completes the
                // measurement.
                r.samples.add(end.min(segment.seq + r.mss as usize), now);
            }
            if is_first {
                r.heard_at = now;
            }
            if segment.seq < self.nxt {
                r.repeat = Some(r.why_again(segment));
                if r.tail.take().is_none() {
                    r.resends.add(segment.seq, self.nxt, now);
                }
                r.samples.skip(segment.seq, self.nxt);
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
        if self.allowed_hole().is_none_or(|(start, to)| to <= segment.seq || end <= start) {
            return false;
        }
        let r = &mut self.recovery;
        r.repeat = Some(r.why_again(segment));
        if r.tail.take().is_some() {
            r.probed_range = (segment.seq, end);
        } else {
            r.resent = r.resent.max(end);
            r.repeated = r.repeated.saturating_add(distance(segment.seq, end));
            r.resends.add(segment.seq, end, now);
        }
        r.samples.skip(segment.seq, end);
        if segment.seq <= self.una {
            r.nxt_at_resend = Some(self.nxt);
        }
        true
    }
}

impl Recovery {
    /// Returns why `segment` is sent again, and clears `expired`. Must be called before the retransmission is recorded.
    fn why_again(&mut self, segment: &Segment) -> Repeat {
        let is_lost_again = self.is_lost_again(segment.seq);
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
