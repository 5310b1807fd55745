//! The monotonic clock of the operating system.

use smoltcp::time::Instant;

/// A monotonic clock that starts at 1 s, with a resolution of one microsecond.
///
/// The clock starts at 1 s because smoltcp treats time 0 as "immediately".
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    // On Linux this is CLOCK_MONOTONIC. smoltcp's own `Instant::now` is wall-clock time, which can jump.
    start: std::time::Instant,
}

impl Clock {
    /// Starts a clock.
    pub fn start() -> Clock {
        Clock { start: std::time::Instant::now() }
    }

    /// Returns the current time.
    pub fn now(&self) -> Instant {
        let micros = i64::try_from(self.start.elapsed().as_micros()).unwrap_or(i64::MAX);
        // The clock starts at 1 s.
        Instant::from_micros(micros.saturating_add(1_000_000))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_at_one_second_and_never_goes_back() {
        let clock = Clock::start();
        let first = clock.now();
        assert!(first >= Instant::from_secs(1));
        assert!(clock.now() >= first);
    }
}
