//! Computes the window field that is passed to smoltcp. The field limits how much new data smoltcp may send.

use smoltcp::time::Instant;
use smoltcp::wire::TcpSeqNumber;

use super::{Block, SMALL_WINDOW_DELAY, Segment, distance};

impl Block {
    /// Returns the window scale (shift count) that smoltcp sees in place of the peer's.
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
    /// This requires that nothing must be retransmitted, and that the peer's window and the congestion window have room
    /// for these bytes. The window most recently passed to smoltcp must also be large enough.
    pub(in crate::stack) fn has_window_for(&self, queue: usize) -> bool {
        let unsent = (queue as u32).saturating_sub(self.flight());
        let offered = self.window.min(self.recovery.shown) as usize >= queue;
        offered && self.hole().is_none() && self.recovery.frontier >= self.nxt && unsent <= self.room(None)
    }

    /// Returns whether SND.UNA has moved since an acknowledgement was most recently passed to smoltcp.
    pub(in crate::stack) fn has_news(&self) -> bool {
        self.recovery.shown_ack != self.una
    }

    /// Returns the window field to pass to smoltcp before smoltcp sends, or `None` if smoltcp's window still applies.
    /// The field takes the place of the peer's window, so that smoltcp sends only what loss recovery and congestion
    /// control allow.
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

    /// Returns whether smoltcp's window already lets smoltcp send all that may be sent, because everything was sent or
    /// may be sent immediately. If so, and if there is new data, the persist timer stops.
    ///
    /// The result is usually true. The caller then skips the slower call of `field`, which would not change smoltcp's
    /// window.
    #[inline]
    fn may_send_all(&mut self, queue: u32) -> bool {
        let r = &self.recovery;
        let has_unsent = queue > self.flight();
        let is_covered = if has_unsent {
            self.has_window_for(queue as usize)
        } else {
            r.shown >= queue && r.frontier >= self.nxt && self.hole().is_none()
        };
        // With `singly`, smoltcp gets a new window for each segment, so `field` must run.
        let may_send = is_covered && !r.singly;
        if may_send && has_unsent {
            self.recovery.persist = None;
        }
        may_send
    }

    /// Returns the window field to pass to smoltcp, so that smoltcp sends only what may be sent now.
    ///
    /// smoltcp sends from its own SND.NXT (`frontier`) up to the edge of this window. In this function, an edge is a
    /// number of bytes from SND.UNA.
    ///
    /// If nothing must be retransmitted, the edge admits the new data that `allowance` allows. Otherwise, the edge lets
    /// smoltcp first skip the bytes that the peer has (smoltcp creates their segments, but the stack withholds them),
    /// then send the hole: the bytes that the peer lacks.
    pub(in crate::stack) fn field(&mut self, now: Instant, queue: u32) -> u16 {
        let (scale, mss) = (self.recovery.shown_scale, self.recovery.mss);
        let frontier = self.recovery.frontier;
        let unit = 1 << scale;
        let una = self.una;
        let up_to = |edge: TcpSeqNumber| distance(una, edge);
        let flight = self.flight();
        let hole = self.allowed_hole();
        let must_repeat = hole.is_some_and(|(_, end)| frontier < end);
        // If smoltcp has less than a unit of the window left to skip, it cannot skip those bytes. It sends them again,
        // ahead of new data, and `lacking_part` then cuts them off.
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
                // Let smoltcp skip the sent data above its own SND.NXT only if new data can follow.
                None if self.allowance(now, queue) == 0 => up_to(frontier),
                None => flight / unit * unit,
            }
        };
        // While smoltcp has data in flight, the field must not be 0: see `shown_field`.
        let least = u32::from(self.recovery.frontier > self.una);
        bytes.div_ceil(unit).max(least).min(u16::MAX.into()) as u16
    }

    /// Returns the window field in LAST-ACK: all that the peer's window and the congestion window allow, but at least
    /// one unit.
    ///
    /// In LAST-ACK, smoltcp reads the window only from an ACK for new data. smoltcp must therefore always have
    /// something in flight, because otherwise no such ACK would arrive.
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
    /// - If the congestion window is the limit, `limited_until` records this. An acknowledgement enlarges the
    ///   congestion window only if that window has limited the sender (RFC 9438 section 5.8).
    /// - If nothing may be sent and the retransmission timer is not running, the persist timer starts or keeps running.
    ///   In all other cases, the persist timer stops.
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
}
