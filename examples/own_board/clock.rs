//! 2. The clock: a free-running counter that wraps around, made into a time that does not.

use smoltcp::time::Instant;

/// Counts on from a counter of 32 bits, which must be read at least once in each of its turns: 171 s at 25 MHz. Whoever
/// sleeps longer than that, sleeps in pieces.
pub struct Clock {
    hz: u64,
    last: u32,
    ticks: u64,
}

impl Clock {
    /// A clock at 0 s, for a counter that stands at `now` and makes `hz` steps a second.
    pub fn new(hz: u32, now: u32) -> Clock {
        Clock { hz: u64::from(hz.max(1)), last: now, ticks: 0 }
    }

    /// The time, from what the counter says. It counts up; give a counter that counts down as `!counter`.
    pub fn at(&mut self, counter: u32) -> Instant {
        self.ticks += u64::from(counter.wrapping_sub(self.last));
        self.last = counter;
        // Seconds and the rest apart, so that the product does not run over after 8 days at 25 MHz.
        let (seconds, rest) = (self.ticks / self.hz, self.ticks % self.hz);
        Instant::from_micros((seconds * 1_000_000 + rest * 1_000_000 / self.hz) as i64)
    }
}
