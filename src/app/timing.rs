//! Calculates how long a program waits, and stores the deadline of a reply.

use smoltcp::time::{Duration, Instant};

use crate::stack::Next;

/// Returns `now` plus `duration`, or the latest possible instant if the sum overflows. The sum can overflow, because
/// the command line allows any duration.
pub fn later(now: Instant, duration: Duration) -> Instant {
    let micros = i64::try_from(duration.total_micros()).unwrap_or(i64::MAX);
    Instant::from_micros(now.total_micros().saturating_add(micros))
}

/// Returns `next`, with any wait shortened so that it ends no later than `at`.
pub fn sooner(next: Next, at: Option<Instant>) -> Next {
    match (next, at) {
        (Next::Wait, Some(at)) => Next::WakeAt(at),
        (Next::WakeAt(first), Some(at)) => Next::WakeAt(first.min(at)),
        (next, _) => next,
    }
}

/// The time by which the peer must answer.
#[derive(Clone, Copy, Debug)]
pub struct Deadline {
    timeout: Option<Duration>,
    at: Option<Instant>,
}

impl Deadline {
    /// Creates a deadline that is not set. Without a `timeout`, the deadline is never set.
    pub fn new(timeout: Option<Duration>) -> Self {
        Deadline { timeout, at: None }
    }

    /// Sets the deadline to `timeout` from `now`, unless it is set already.
    pub fn arm(&mut self, now: Instant) {
        if self.at.is_none() {
            self.restart(now);
        }
    }

    /// Sets the deadline to `timeout` from `now`.
    pub fn restart(&mut self, now: Instant) {
        self.at = self.timeout.map(|timeout| later(now, timeout));
    }

    /// Clears the deadline.
    pub fn clear(&mut self) {
        self.at = None;
    }

    /// Returns the time of the deadline, if it is set.
    pub fn at(&self) -> Option<Instant> {
        self.at
    }
}
