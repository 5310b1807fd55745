//! The timers of loss recovery: retransmission (RFC 6298), tail loss probe (RFC 8985 section 7) and window probe.

use smoltcp::time::{Duration, Instant};
use smoltcp::wire::TcpSeqNumber;

use super::{Block, PEER_ACK_DELAY, distance};

/// smoltcp's shortest retransmission timeout.
const SMOLTCP_TIMEOUT: Duration = Duration::from_secs(1);

/// The retransmission timer while it is running.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timer {
    /// The time at which the timer was started.
    started: Instant,
    /// The time at which the timer expires.
    pub(super) due: Instant,
}

impl Timer {
    fn start(now: Instant, timeout: Duration) -> Self {
        Timer { started: now, due: now + timeout }
    }
}

impl Block {
    /// Restarts the retransmission timer and the timer of the tail loss probe.
    ///
    /// The probe is scheduled only if the peer supports SACK, no recovery is running, no data probes the window, and
    /// the probe comes before the retransmission timeout. Otherwise the timer of the probe stops. At most one probe is
    /// sent until new data is acknowledged.
    pub(super) fn arm(&mut self, now: Instant) {
        let flight = self.flight();
        // Data that probes the window is beyond the window. A FIN, which counts as one byte, may be one byte beyond the
        // window without being a probe.
        let probes_window = self.window == 0 || flight > self.window + 1;
        let r = &mut self.recovery;
        let timeout = r.rtt.timeout(r.backoff);
        r.retransmission = Some(Timer::start(now, timeout));
        r.probe = r.rtt.smoothed().and_then(|smoothed| {
            // A peer can delay the acknowledgement of a single segment. For more segments, a short margin is enough.
            let delay = if flight <= r.mss { PEER_ACK_DELAY } else { Duration::from_millis(2) };
            let wait = smoothed * 2 + delay;
            // Without SACK, an ACK for a tail loss probe cannot be distinguished from a duplicate ACK after a loss (RFC
            // 8985 sections 4 and 7.4.2). The probe is also sent while the timeout is backed off. Without the probe,
            // the loss of the next data would then be found late.
            (r.sack && wait < timeout && r.point.is_none() && !probes_window && !r.probed).then(|| now + wait)
        });
    }

    /// Returns the time at which the next timer expires, or `None` if no timer is running.
    pub(in crate::stack) fn due(&self) -> Option<Instant> {
        let r = &self.recovery;
        let mut due = r.retransmission.map(|timer| timer.due);
        for timer in [r.probe, r.persist, self.resends_due()] {
            due = match (due, timer) {
                (Some(due), Some(timer)) => Some(due.min(timer)),
                (due, timer) => due.or(timer),
            };
        }
        due
    }

    /// Returns whether smoltcp has nothing to send before the retransmission timer expires, unless a frame arrives. The
    /// stack then need not ask smoltcp for the time of its next work. Returns false in doubtful cases.
    ///
    /// The result is true only if all `queue` bytes of the send buffer were sent, and if the timer was started at
    /// `now`, by a sent segment or by an ACK. smoltcp's own timer was then started at `now`, too, and does not expire
    /// earlier.
    pub(in crate::stack) fn only_waits(&self, now: Instant, queue: usize) -> bool {
        let r = &self.recovery;
        let started_now = |timer: Timer| timer.started == now && timer.due <= now + SMOLTCP_TIMEOUT;
        // smoltcp knows that everything was sent, and its window is open.
        let has_sent_all = queue == self.flight() as usize && r.frontier == self.nxt && r.shown as usize >= queue;
        // A SACK range restarts only the control block's timer, and not smoltcp's, so there must be no SACK ranges.
        r.retransmission.is_some_and(started_now) && r.board.is_empty() && has_sent_all && !self.owes_ack()
    }

    /// Processes the timers that have expired:
    ///
    /// - The persist timer: data may now be sent although it does not fit the peer's window.
    /// - The retransmission timer: all data in flight is treated as lost and is sent again. The congestion window is
    ///   reduced, unless the peer's window is closed.
    /// - The timer of the tail loss probe: the final segment in flight is sent again.
    pub(in crate::stack) fn expire(&mut self, now: Instant) {
        if self.recovery.has_resends() {
            self.find_lost_resends(now);
        }
        let (una, nxt) = (self.una, self.nxt);
        // Returns whether a timer has expired. If so, stops the timer.
        let has_expired = |timer: &mut Option<Instant>| timer.take_if(|at| *at <= now).is_some();
        let r = &mut self.recovery;
        if has_expired(&mut r.persist) {
            // `allowance` now lets smoltcp send into a closed or small window.
            r.persisting = true;
        }
        if let Some(timer) = r.retransmission.take_if(|timer| timer.due <= now) {
            // If duplicate acknowledgements have already shown the loss, the threshold is not reduced a second time.
            let again = r.backoff > 0 || (r.point.is_some() && !r.timed_out);
            // Before the SYN is acknowledged, the SYN is the oldest segment in flight. A closed window says nothing
            // about congestion.
            if una == self.iss {
                r.window.on_lost_syn();
            } else if self.window > 0 {
                r.window.on_timeout(now, distance(una, nxt), again);
            }
            r.backoff = r.backoff.saturating_add(1);
            #[cfg(feature = "fragments")]
            {
                r.trial.expired = una != self.iss && self.window > 0;
            }
            // The peer might have discarded data that it acknowledged selectively (RFC 2018 section 8), which is rare.
            // The ranges are kept unless there is a sign of this (RFC 6675 section 5.1): the peer reports the byte at
            // SND.UNA, or the previous timeout brought no progress.
            let is_held = r.board.first_hole(una, nxt).is_none_or(|(start, _)| start > una);
            if is_held || (r.timed_out && r.timeout_at == una) {
                r.board.clear();
            }
            r.timeout_at = una;
            (r.duplicates, r.probe, r.tail) = (0, None, None);
            r.samples.clear();
            // All data in flight is treated as lost and is sent again from SND.UNA.
            (r.resent, r.lost_below, r.nxt_at_resend) = (una, nxt, None);
            r.forget_resends();
            // The recovery ends once all data that is now in flight is acknowledged.
            (r.point, r.timed_out, r.expired) = (Some(nxt), true, Some(timer.due - timer.started));
            r.by_path = false;
            r.retransmission = Some(Timer::start(now, r.rtt.timeout(r.backoff)));
        } else if has_expired(&mut r.probe) {
            // The probe repeats the final segment in flight.
            r.tail = Some(TcpSeqNumber(nxt.0.wrapping_sub(r.mss as i32)).max(una));
            r.probed = true;
            r.retransmission = Some(Timer::start(now, r.rtt.timeout(r.backoff)));
        }
    }
}
