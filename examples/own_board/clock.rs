//! 2. The clock: makes a time that never wraps from a free-running counter that does.

use smoltcp::time::Instant;

/// Extends a 32-bit counter.
///
/// Read the counter at least once before each wrap: every 171 s at 25 MHz. A longer sleep must be split.
pub struct Clock {
    hz: u64,
    last: u32,
    ticks: u64,
}

impl Clock {
    /// Makes a clock at 0 s, for a counter with the value `now` and `hz` steps a second.
    pub fn new(hz: u32, now: u32) -> Clock {
        Clock { hz: u64::from(hz.max(1)), last: now, ticks: 0 }
    }

    /// Returns the time for a value of the counter. The counter counts up; pass one that counts down as `!counter`.
    pub fn at(&mut self, counter: u32) -> Instant {
        self.ticks += u64::from(counter.wrapping_sub(self.last));
        self.last = counter;
        // Seconds and the rest are separate, so that the product does not overflow after 8 days at 25 MHz.
        let (seconds, rest) = (self.ticks / self.hz, self.ticks % self.hz);
        Instant::from_micros((seconds * 1_000_000 + rest * 1_000_000 / self.hz) as i64)
    }
}
