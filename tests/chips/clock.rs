//! The virtual clock of a test, which is also the clock of embassy-time. Each thread has its own clock.

use std::cell::{Cell, RefCell};
use std::task::Waker;

use embassy_time_driver::{Driver, TICK_HZ};
use smoltcp::time::Instant;

thread_local! {
    static NOW: Cell<u64> = const { Cell::new(MICROS_PER_SECOND) };
    static ALARMS: RefCell<Vec<(u64, Waker)>> = const { RefCell::new(Vec::new()) };
}

const MICROS_PER_SECOND: u64 = 1_000_000;
const _: () = assert!(TICK_HZ == MICROS_PER_SECOND);

struct VirtualClock;

embassy_time_driver::time_driver_impl!(static CLOCK: VirtualClock = VirtualClock);

impl Driver for VirtualClock {
    /// Advances the clock by a microsecond at each reading, so that a driver that waits in a loop sees time pass.
    fn now(&self) -> u64 {
        spend(1);
        NOW.get()
    }

    fn schedule_wake(&self, at: u64, waker: &Waker) {
        ALARMS.with_borrow_mut(|alarms| alarms.push((at, waker.clone())));
    }
}

/// Returns the current time.
pub fn now() -> Instant {
    Instant::from_micros(NOW.get() as i64)
}

/// Sets the clock back to the start, for another run in the same test.
pub fn reset() {
    NOW.set(MICROS_PER_SECOND);
    ALARMS.with_borrow_mut(Vec::clear);
}

/// Advances the clock by `micros` microseconds without waking a task, as if a task kept the processor busy.
pub fn spend(micros: u64) {
    NOW.set(NOW.get() + micros);
}

/// Advances the clock to `at`, and wakes the tasks whose alarms are due. If `at` is in the past, only wakes tasks.
pub fn advance(at: Instant) {
    NOW.set(NOW.get().max(at.total_micros() as u64));
    let due = |(at, _): &mut (u64, Waker)| *at <= NOW.get();
    let wakers: Vec<_> = ALARMS.with_borrow_mut(|alarms| alarms.extract_if(.., due).collect());
    wakers.into_iter().for_each(|(_, waker)| waker.wake());
}

/// Returns the time of the next alarm.
pub fn next_alarm() -> Option<Instant> {
    let micros = ALARMS.with_borrow(|alarms| alarms.iter().map(|(at, _)| *at).min())?;
    Some(Instant::from_micros(micros as i64))
}
