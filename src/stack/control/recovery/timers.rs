//! The timers of loss recovery: retransmission (RFC 6298), tail loss probe (RFC 8985 section 7) and window probe.

use smoltcp::time::{Duration, Instant};
use smoltcp::wire::TcpSeqNumber;

use super::{Block, PEER_ACK_DELAY, distance};

impl Block {
    /// Restarts the retransmission timer and the timer of the tail loss probe.
    pub(super) fn arm(&mut self, now: Instant) {
        let flight = self.flight();
        let r = &mut self.recovery;
        let timeout = r.rtt.timeout(r.backoff);
        (r.retransmission, r.armed_at) = (Some(now + timeout), now);
        r.probe = r.rtt.smoothed().and_then(|smoothed| {
            let delay = if flight <= r.mss { PEER_ACK_DELAY } else { Duration::from_millis(2) };
            let wait = smoothed * 2 + delay;
            // Without SACK, an ACK for a tail loss probe cannot be distinguished from a duplicate ACK after a loss (RFC
            // 8985 section 7).
            (r.sack && wait < timeout && r.point.is_none() && r.backoff == 0 && !r.probed).then(|| now + wait)
        });
    }

    /// Returns when the next timer expires, or `None` if no timer is running.
    pub(in crate::stack) fn due(&self) -> Option<Instant> {
        let r = &self.recovery;
        [r.retransmission, r.probe, r.persist, self.resends_due()].into_iter().flatten().min()
    }

    /// Processes the timers that have expired.
    pub(in crate::stack) fn expire(&mut self, now: Instant) {
        self.find_lost_resends(now);
        let (una, nxt) = (self.una, self.nxt);
        let has = |timer: &mut Option<Instant>| timer.take_if(|at| *at <= now).is_some();
        let ran = self.recovery.retransmission.map(|at| at - self.recovery.armed_at);
        let r = &mut self.recovery;
        if has(&mut r.persist) {
            r.persisting = true;
        }
        if has(&mut r.retransmission) {
            // If duplicate acknowledgements have already shown the loss, the threshold is not reduced a second time.
            let again = r.backoff > 0 || (r.point.is_some() && !r.timed_out);
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
            // RFC 2018 section 8: the peer may have discarded data that it acknowledged selectively.
            r.board.clear();
            (r.duplicates, r.sample, r.probe, r.tail) = (0, None, None, None);
            (r.resent, r.lost_below, r.nxt_at_resend) = (una, nxt, None);
            r.forget_resends();
            (r.point, r.timed_out, r.expired) = (Some(nxt), true, ran);
            (r.retransmission, r.armed_at) = (Some(now + r.rtt.timeout(r.backoff)), now);
        } else if has(&mut r.probe) {
            r.tail = Some(TcpSeqNumber(nxt.0.wrapping_sub(r.mss as i32)).max(una));
            r.probed = true;
            (r.retransmission, r.armed_at) = (Some(now + r.rtt.timeout(r.backoff)), now);
        }
    }
}
