//! A timer that wakes the poll loop of `host::drive`.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use smoltcp::time::Instant;

use super::error::Failure;
use super::stop::Stop;
use crate::host::{Clock, Interrupt, Verdict};

/// A timer that wakes the loop, independent of the stack's deadlines.
pub(super) struct Timer(OwnedFd);

impl Timer {
    /// Creates a timer that is not set.
    pub(super) fn new() -> Result<Self, Failure> {
        timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)
            .map(Timer)
            .map_err(|error| Failure::run(format_args!("no timer: {error}")))
    }

    /// Returns a file that is readable once the timer has expired.
    pub(super) fn file(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }

    /// Wakes the loop at time `at`, or immediately if that time has passed. `None` stops the timer. The new time
    /// replaces any earlier time. An expired timer wakes the loop repeatedly, until the timer is set again.
    pub(super) fn set(&self, clock: &Clock, at: Option<Instant>) -> Result<(), Failure> {
        let Timer(file) = self;
        let now = clock.now();
        // A value of zero would stop the timer, so a past time becomes one microsecond from now.
        let micros = at.map_or(0, |at| if at > now { (at - now).total_micros() } else { 1 });
        // Both values fit: the time is at most a year, and the nanoseconds are less than a second.
        let value = Timespec { tv_sec: (micros / 1_000_000) as _, tv_nsec: (micros % 1_000_000 * 1000) as _ };
        let once = Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value: value };
        timerfd_settime(file, TimerfdTimerFlags::empty(), &once)
            .map(drop)
            .map_err(|error| Failure::run(format_args!("no timer: {error}")))
    }
}

/// An interrupt that reports signals and also wakes the loop when a timer expires.
pub(super) struct Alarm<'s> {
    pub(super) stop: &'s mut Stop,
    pub(super) timer: &'s Timer,
}

impl Interrupt for Alarm<'_> {
    fn files(&self) -> [Option<BorrowedFd<'_>>; 2] {
        // `Stop` has one file.
        let [signals, _] = self.stop.files();
        [signals, Some(self.timer.file())]
    }

    fn verdict(&mut self) -> Verdict {
        self.stop.verdict()
    }
}

#[cfg(test)]
mod tests {
    use rustix::event::{PollFd, PollFlags, poll};

    use super::*;

    /// An expired timer is readable, more than once. Setting it to `None` stops it.
    #[test]
    fn an_expired_timer_wakes_until_it_is_set_again() {
        let (clock, timer) = (Clock::start(), Timer::new().unwrap());
        let wakes = |timeout: Option<&Timespec>| {
            let file = timer.file();
            poll(&mut [PollFd::from_borrowed_fd(file, PollFlags::IN)], timeout).unwrap() == 1
        };
        let no_wait = Timespec { tv_sec: 0, tv_nsec: 0 };
        assert!(!wakes(Some(&no_wait)));
        timer.set(&clock, Some(clock.now())).unwrap();
        // `None` means no limit on the wait, so this call returns only because the timer expires.
        assert!(wakes(None) && wakes(Some(&no_wait)));
        timer.set(&clock, None).unwrap();
        assert!(!wakes(Some(&no_wait)), "it was stopped");
    }
}
