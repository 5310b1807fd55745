//! Decides what may leave: new data, and what was lost.

use smoltcp::time::{Duration, Instant};
use smoltcp::wire::TcpSeqNumber;

use super::{Block, Recovery, Repeat, SMALL_WINDOW_DELAY, Segment, distance};

/// How much of a segment that smoltcp made leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::stack) enum Leave {
    /// A segment without data takes its place: its bytes need not go again, its acknowledgement is new.
    Acknowledgement,
    /// The bytes before this sequence number leave: the peer has the others.
    Front(TcpSeqNumber),
    Nothing,
    Whole,
}

impl Block {
    /// The peer's window scale (shift count), as smoltcp is told it.
    pub(in crate::stack) fn shown_scale(&self) -> u8 {
        self.recovery.shown_scale
    }

    /// The window field of a copy that smoltcp is shown: never zero while it has data in flight, because its timer would stop.
    pub(in crate::stack::control) fn shown_field(&self, segment: &Segment) -> u16 {
        if self.recovery.frontier > self.una { segment.window.max(1) } else { segment.window }
    }

    /// Notes the window field of a segment that smoltcp saw. It has taken in every acknowledgement.
    pub(in crate::stack) fn shown(&mut self, field: u16, syn: bool) {
        self.recovery.shown = u32::from(field) << if syn { 0 } else { self.recovery.shown_scale };
        self.recovery.shown_ack = self.una;
    }

    /// Whether all `queue` bytes of the send buffer may leave at once: the peer's window and the congestion window have room, and
    /// smoltcp was shown so.
    pub(in crate::stack) fn has_window_for(&self, queue: usize) -> bool {
        let unsent = (queue as u32).saturating_sub(self.flight());
        let offered = self.window.min(self.recovery.shown) as usize >= queue;
        offered && self.hole().is_none() && self.recovery.frontier >= self.nxt && unsent <= self.room()
    }

    /// Whether smoltcp has not taken in an acknowledgement yet.
    pub(in crate::stack) fn has_news(&self) -> bool {
        self.recovery.shown_ack != self.una
    }

    /// The first range to be sent again.
    fn hole(&self) -> Option<(TcpSeqNumber, TcpSeqNumber)> {
        let r = &self.recovery;
        match r.tail {
            Some(tail) => Some((tail, self.nxt)),
            None => r.board.first_hole(r.resent.max(self.una), r.lost_below),
        }
    }

    /// The number of bytes that are on their way (RFC 6675 section 4, `SetPipe`).
    fn pipe(&self) -> u32 {
        let r = &self.recovery;
        let lost = r.board.missing(r.resent.max(self.una), r.lost_below);
        let held = if r.sack { 0 } else { r.duplicates.saturating_mul(r.mss) };
        r.board.missing(self.una, self.nxt).saturating_sub(lost).saturating_sub(held)
    }

    /// The number of bytes that the congestion window leaves.
    fn room(&self) -> u32 {
        let (r, pipe) = (&self.recovery, self.pipe());
        let room = r.window.bytes().saturating_sub(pipe);
        let first = pipe == 0 || r.tail.is_some() || (r.point.is_some() && r.resent <= self.una);
        if first { room.max(r.mss) } else { room }
    }

    /// The first range to be sent again, if the congestion window has room for its first segment.
    fn allowed_hole(&self) -> Option<(TcpSeqNumber, TcpSeqNumber)> {
        self.hole().filter(|&(start, end)| self.room() >= distance(start, end).min(self.recovery.mss))
    }

    /// Whether smoltcp must send again from SND.UNA on.
    pub(in crate::stack) fn wants_rewind(&self) -> bool {
        self.allowed_hole().is_some_and(|(start, _)| start < self.recovery.frontier)
    }

    /// smoltcp begins at SND.UNA again.
    pub(in crate::stack) fn rewound(&mut self) {
        self.recovery.frontier = self.una;
    }

    /// Returns whether smoltcp's segments may be longer than the path takes. smoltcp is then shown a window of one segment at a
    /// time.
    pub(in crate::stack) fn sends_singly(&self) -> bool {
        self.recovery.singly
    }

    /// SND.NXT, if a segment without data has another number because smoltcp is sending again.
    pub(in crate::stack) fn right_number(&self, segment: &Segment) -> Option<TcpSeqNumber> {
        let empty = !segment.rst && !segment.syn && segment.end() == segment.seq;
        (empty && self.una <= segment.seq && segment.seq < self.nxt).then_some(self.nxt)
    }

    /// Whether what smoltcp sends next may have been sent before.
    pub(in crate::stack) fn may_repeat(&self, now: Instant) -> bool {
        let r = &self.recovery;
        r.frontier < self.nxt || (self.flight() > 0 && now >= r.rests_until) || self.may_probe()
    }

    /// Whether smoltcp may probe a closed window.
    fn may_probe(&self) -> bool {
        self.recovery.shown == 0 && self.flight() == 0
    }

    /// The window that smoltcp must be shown before it sends, as a field, if it differs from the one shown. `queue` is the number of
    /// bytes in its send buffer.
    pub(in crate::stack) fn changed_field(&mut self, now: Instant, queue: usize) -> Option<u16> {
        let queue = queue as u32;
        if self.flight() == 0 && now - self.recovery.sent_at >= self.recovery.rtt.timeout(0) {
            self.recovery.window.on_idle();
        }
        let field = self.field(now, queue);
        let window = u32::from(field) << self.recovery.shown_scale;
        (window.min(queue) != self.recovery.shown.min(queue)).then_some(field)
    }

    /// The window that smoltcp is shown, as a field.
    pub(in crate::stack) fn field(&mut self, now: Instant, queue: u32) -> u16 {
        let (scale, mss) = (self.recovery.shown_scale, self.recovery.mss);
        let frontier = self.recovery.frontier;
        let unit = 1 << scale;
        let una = self.una;
        let up_to = |edge: TcpSeqNumber| distance(una, edge);
        let bytes = if frontier >= self.nxt {
            let flight = distance(una, self.nxt);
            let allowance = self.allowance(now, queue);
            let edge = flight + if self.recovery.singly { allowance.min(mss) } else { allowance };
            // Rounded down, so that a full segment is not followed by a few bytes.
            if edge < queue && edge / unit * unit > flight { edge / unit * unit } else { edge }
        } else {
            match self.allowed_hole() {
                // First what need not be sent again, up to the hole.
                Some((start, _)) if up_to(start) / unit * unit > up_to(frontier) => up_to(start) / unit * unit,
                Some((start, end)) => {
                    let first = start.max(frontier);
                    let room = if self.recovery.singly { mss } else { self.room() };
                    let edge = up_to(end.min(first + (room / mss * mss).max(mss) as usize));
                    // New data fills the last segment up.
                    let full = up_to(first + mss as usize).min(self.window).min(queue);
                    let edge = if end == self.nxt && room >= mss { edge.max(full) } else { edge };
                    // The edge is rounded down, so that no segment exceeds the path by a few bytes.
                    if self.recovery.singly && edge / unit * unit > up_to(first) {
                        edge / unit * unit
                    } else {
                        edge.next_multiple_of(unit)
                    }
                }
                // The rest need not go again, unless new data waits behind it.
                None if self.allowance(now, queue) == 0 => up_to(frontier),
                None => up_to(self.nxt),
            }
        };
        let least = u32::from(self.recovery.frontier > self.una);
        bytes.div_ceil(unit).max(least).min(u16::MAX.into()) as u16
    }

    /// The window field in LAST-ACK: all that the peer offers, and at least one unit.
    ///
    /// smoltcp takes a window only from an acknowledgement with news then. So something must always be in flight.
    pub(in crate::stack) fn last_field(&mut self, now: Instant, queue: u32) -> u16 {
        let offered = self.window.min(self.room().saturating_add(self.flight())).min(queue);
        let units = offered.div_ceil(1 << self.recovery.shown_scale).min(u16::MAX.into()) as u16;
        self.field(now, queue).max(units).max(1)
    }

    /// The number of new bytes that may leave. Starts the timer of a window that is too small.
    fn allowance(&mut self, now: Instant, queue: u32) -> u32 {
        let unsent = queue.saturating_sub(self.flight());
        if unsent == 0 || self.hole().is_some() {
            return 0;
        }
        let offered = self.window.saturating_sub(self.flight());
        let limit = offered.min(self.room());
        let whole = limit / self.recovery.mss * self.recovery.mss;
        // The sender's avoidance of silly windows (RFC 9293 section 3.8.6.2.1).
        let allowance = match () {
            () if unsent <= limit => unsent,
            () if whole > 0 => whole,
            () if offered == limit && limit > 0 && limit >= self.largest_window / 2 => limit,
            () if self.recovery.persisting => limit.max(1),
            () => 0,
        };
        let r = &mut self.recovery;
        if unsent > limit && limit < offered {
            r.limited_until = self.nxt + allowance as usize;
        }
        if allowance > 0 || r.timer.is_some() {
            r.persist = None;
        } else if r.persist.is_none() {
            let wait = if offered == 0 { r.rtt.timeout(r.backoff) } else { SMALL_WINDOW_DELAY };
            r.persist = Some(now + wait);
        }
        allowance
    }

    /// Takes in a segment that smoltcp made, and decides whether it leaves.
    pub(in crate::stack) fn leaves(&mut self, now: Instant, segment: &Segment, frame: &[u8]) -> Leave {
        let news = segment.ack.filter(|&ack| ack != self.told_ack && !segment.rst);
        self.told_ack = news.unwrap_or(self.told_ack);
        self.take_told(segment, frame);
        // smoltcp's window has units of several bytes, so a segment that is sent again may reach beyond the hole that it fills.
        let (end, old) = (segment.seq + segment.len, segment.end() <= self.nxt);
        let hole = self.allowed_hole().filter(|&(start, to)| old && start < to && segment.seq < to && to < end);
        let front = hole.map(|(_, to)| to);
        match (self.is_wanted(now, segment), news) {
            (true, _) => front.map_or(Leave::Whole, Leave::Front),
            (false, Some(_)) => Leave::Acknowledgement,
            (false, None) => Leave::Nothing,
        }
    }

    /// Takes in the bytes of a segment that smoltcp made. Returns whether the peer lacks them.
    fn is_wanted(&mut self, now: Instant, segment: &Segment) -> bool {
        let end = segment.end() + usize::from(segment.syn);
        if segment.rst || end == segment.seq || (!segment.syn && segment.seq < self.una) {
            return true;
        }
        if segment.syn && self.flight() == 0 {
            (self.iss, self.una, self.nxt) = (segment.seq, segment.seq, segment.seq);
            let r = &mut self.recovery;
            (r.resent, r.lost_below, r.frontier) = (segment.seq, segment.seq, segment.seq);
        }
        // smoltcp probes a closed window at once, and does not count the byte as sent. While the block's own timer runs, that
        // probe is withheld: the timer decides when to probe.
        let probes = self.may_probe() && segment.len == 1 && segment.seq == self.nxt;
        if probes && self.recovery.persist.is_some() {
            return false;
        }
        let hole = self.allowed_hole().filter(|&(start, to)| segment.seq < to && start < end);
        let is_first = self.flight() == 0;
        let r = &mut self.recovery;
        if end > r.frontier || segment.seq < r.frontier {
            r.rests_until = now + Duration::from_secs(1);
        }
        if !probes {
            r.frontier = end;
        }
        if end > self.nxt {
            if r.sample.is_none() && segment.seq >= self.nxt {
                // The first that a super-segment's acknowledgement can be.
                r.sample = Some((end.min(segment.seq + r.mss as usize), now));
            }
            if is_first {
                r.heard_at = now;
            }
            if segment.seq < self.nxt {
                r.repeat = Some(r.why_again(segment));
                (r.resent, r.tail) = (r.resent.max(self.nxt), None);
            }
            if r.persisting && self.window <= distance(self.una, self.nxt) {
                // It is a probe of the closed window: the next one waits twice as long (SHLD-30).
                r.backoff = r.backoff.saturating_add(1);
            }
            self.nxt = end;
            (r.sent_at, r.persisting, r.persist) = (now, false, None);
            let (timer, armed_at) = (r.timer, r.armed_at);
            self.arm(now);
            if timer.is_some() {
                (self.recovery.timer, self.recovery.armed_at) = (timer, armed_at);
            }
            return true;
        }
        if hole.is_none() {
            return false;
        }
        r.repeat = Some(r.why_again(segment));
        if r.tail.take().is_some() {
            r.probed_range = (segment.seq, end);
        } else {
            r.resent = r.resent.max(end);
            r.repeated = r.repeated.saturating_add(distance(segment.seq, end));
        }
        if segment.seq <= self.una {
            r.nxt_at_resend = Some(self.nxt);
        }
        // Its acknowledgement may be that of the first transmission.
        r.sample = r.sample.filter(|&(seq, _)| seq <= segment.seq);
        true
    }
}

impl Recovery {
    /// Why a segment leaves again that left before.
    fn why_again(&mut self, segment: &Segment) -> Repeat {
        match self.expired.take() {
            _ if self.tail.is_some() => Repeat::TailProbe,
            Some(ran) if self.timed_out => Repeat::Timer(ran),
            _ if segment.syn => Repeat::RepeatedSyn,
            _ if self.timed_out => Repeat::AfterTimer,
            _ if self.point.is_some() => Repeat::Duplicates,
            _ => Repeat::WindowOpened,
        }
    }
}
