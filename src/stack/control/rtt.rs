//! The round-trip time and the retransmission timeout (RFC 6298). Rule numbers such as 2.1 refer to sections 2 and 5 of
//! that RFC.

use smoltcp::time::Duration;

/// The timeout before the first measurement (rule 2.1), in microseconds.
const INITIAL: u32 = 1_000_000;

/// The timeout for the first data if the SYN was lost (rule 5.7), in microseconds.
const AFTER_LOST_SYN: u32 = 3_000_000;

/// The longest timeout (rule 2.5), in microseconds.
const LONGEST: u64 = 60_000_000;

/// The round-trip time and the retransmission timeout of one connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rtt {
    /// SRTT in microseconds, or 0 before the first measurement.
    smoothed: u32,
    /// RTTVAR in microseconds.
    variation: u32,
    /// RTO in microseconds, without backoff.
    timeout: u32,
}

impl Rtt {
    pub(super) const NEW: Rtt = Rtt { smoothed: 0, variation: 0, timeout: INITIAL };

    /// Returns SRTT, or `None` before the first measurement.
    pub(super) fn smoothed(&self) -> Option<Duration> {
        (self.smoothed > 0).then(|| Duration::from_micros(self.smoothed.into()))
    }

    /// Returns RTTVAR.
    pub(super) fn variation(&self) -> Duration {
        Duration::from_micros(self.variation.into())
    }

    /// Updates SRTT, RTTVAR and the timeout after a measurement of `time` (rules 2.2 and 2.3).
    ///
    /// The timeout is at least SRTT plus `least`, as on Linux. This differs from rule 2.4, which asks for at least one
    /// second.
    pub(super) fn measured(&mut self, time: Duration, least: Duration) {
        // At least 1 µs, because an SRTT of 0 means that nothing was measured. At most nine minutes, far above the
        // longest timeout.
        let time = u32::try_from(time.total_micros()).unwrap_or(u32::MAX / 8).clamp(1, u32::MAX / 8);
        if self.smoothed == 0 {
            (self.smoothed, self.variation) = (time, time / 2);
        } else {
            // A measurement counts one quarter in RTTVAR and one eighth in SRTT. RTTVAR comes first, because it is
            // computed from the old SRTT.
            self.variation = (self.variation / 4 * 3).saturating_add(self.smoothed.abs_diff(time) / 4);
            self.smoothed = (self.smoothed / 8 * 7 + time / 8).max(1);
        }
        let margin = u64::from(self.variation).saturating_mul(4).max(least.total_micros());
        self.timeout = (u64::from(self.smoothed) + margin).min(LONGEST) as u32;
    }

    /// Raises the timeout for data, because the SYN was lost. Does nothing if a round-trip time has been measured.
    pub(super) fn syn_was_lost(&mut self) {
        if self.smoothed == 0 {
            self.timeout = self.timeout.max(AFTER_LOST_SYN);
        }
    }

    /// Returns the timeout after `backoff` expiries in a row (rule 5.5).
    pub(super) fn timeout(&self, backoff: u8) -> Duration {
        Duration::from_micros((u64::from(self.timeout) << backoff.min(16)).min(LONGEST))
    }
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use super::*;

    const LEAST: Duration = Duration::from_millis(200);

    #[test]
    fn follows_the_formulas() {
        let mut rtt = Rtt::NEW;
        assert_eq!(rtt.timeout(0), Duration::from_secs(1));
        rtt.measured(Duration::from_millis(400), LEAST);
        assert_eq!(rtt.smoothed(), Some(Duration::from_millis(400)));
        assert_eq!(rtt.timeout(0), Duration::from_millis(1200));
        rtt.measured(Duration::from_millis(800), LEAST);
        assert_eq!(rtt.variation(), Duration::from_millis(250));
        assert_eq!(rtt.smoothed(), Some(Duration::from_millis(450)));
        assert_eq!(rtt.timeout(0), Duration::from_millis(1450));
        assert_eq!(rtt.timeout(2), Duration::from_millis(5800));
        assert_eq!(rtt.timeout(200), Duration::from_secs(60));
    }

    #[test]
    fn a_steady_path_has_the_least_margin() {
        let mut rtt = Rtt::NEW;
        for _ in 0..100 {
            rtt.measured(Duration::from_millis(20), LEAST);
        }
        let timeout = rtt.timeout(0).total_millis();
        assert!((219..=221).contains(&timeout), "{timeout}");
    }

    #[test]
    fn a_lost_syn_makes_the_first_timeout_three_seconds() {
        let mut rtt = Rtt::NEW;
        rtt.syn_was_lost();
        assert_eq!(rtt.timeout(0), Duration::from_secs(3));
        rtt.measured(Duration::from_millis(20), LEAST);
        assert_eq!(rtt.timeout(0), Duration::from_millis(220));
    }

    #[test]
    fn absurd_measurements_overflow_nothing() {
        let mut rtt = Rtt::NEW;
        for time in [0, u64::MAX, 1, u64::MAX, u64::MAX] {
            rtt.measured(Duration::from_micros(time), LEAST);
            assert!(rtt.timeout(3) <= Duration::from_secs(60));
        }
    }
}
