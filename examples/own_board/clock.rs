//! 2. The clock: extends a 32-bit counter, which wraps, to a time that never wraps.

use smoltcp::time::Instant;

/// A clock that extends a 32-bit counter to 64 bits.
///
/// Call [`at`](Self::at) at least once before each wrap of the counter. At 25 MHz the counter wraps every 171 s. Split
/// a longer sleep into shorter sleeps.
pub struct Clock {
    hz: u64,
    last: u32,
    ticks: u64,
}

impl Clock {
    /// Creates a clock that shows 0 s when the counter's value is `now`. The counter advances by `hz` steps a second.
    pub fn new(hz: u32, now: u32) -> Clock {
        Clock { hz: u64::from(hz.max(1)), last: now, ticks: 0 }
    }

    /// Returns the time at the counter value `counter`. If your counter counts down, pass `!counter`.
    pub fn at(&mut self, counter: u32) -> Instant {
        self.ticks += u64::from(counter.wrapping_sub(self.last));
        self.last = counter;
        // Whole seconds and the rest are converted separately: one product would overflow after 8 days at 25 MHz.
        let (seconds, rest) = (self.ticks / self.hz, self.ticks % self.hz);
        Instant::from_micros((seconds * 1_000_000 + rest * 1_000_000 / self.hz) as i64)
    }
}
