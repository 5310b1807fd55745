//! Times a program waits for.

use smoltcp::time::{Duration, Instant};

use crate::stack::Next;

/// `now` and `duration` together, at most the last instant there is: a duration may come from a command line.
pub fn later(now: Instant, duration: Duration) -> Instant {
    let micros = i64::try_from(duration.total_micros()).unwrap_or(i64::MAX);
    Instant::from_micros(now.total_micros().saturating_add(micros))
}

/// `next`, where it waits: until `at` at the latest.
pub fn sooner(next: Next, at: Option<Instant>) -> Next {
    match (next, at) {
        (Next::Wait, Some(at)) => Next::WakeAt(at),
        (Next::WakeAt(first), Some(at)) => Next::WakeAt(first.min(at)),
        (next, _) => next,
    }
}

/// How long a client still waits for its peer.
#[derive(Clone, Copy, Debug)]
pub struct Deadline {
    timeout: Option<Duration>,
    at: Option<Instant>,
}

impl Deadline {
    /// A deadline that is not set, and never will be where there is no `timeout`.
    pub fn new(timeout: Option<Duration>) -> Self {
        Deadline { timeout, at: None }
    }

    /// Sets it to `timeout` from now, unless it is set already.
    pub fn arm(&mut self, now: Instant) {
        if self.at.is_none() {
            self.restart(now);
        }
    }

    /// Sets it to `timeout` from now.
    pub fn restart(&mut self, now: Instant) {
        self.at = self.timeout.map(|timeout| later(now, timeout));
    }

    /// Unsets it.
    pub fn clear(&mut self) {
        self.at = None;
    }

    /// When it comes, if it is set.
    pub fn at(&self) -> Option<Instant> {
        self.at
    }
}
