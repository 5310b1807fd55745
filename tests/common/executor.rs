//! An executor for tests, with tasks that are polled one at a time and a virtual clock.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use smoltcp::time::Instant;

/// A future and its waker. The future is polled only after its waker was called.
pub struct Task<'f> {
    future: Option<Pin<Box<dyn Future<Output = ()> + 'f>>>,
    woken: Arc<Flag>,
    polls: usize,
}

impl<'f> Task<'f> {
    /// Creates a task that is polled once without being woken.
    pub fn new(future: impl Future<Output = ()> + 'f) -> Self {
        Task { future: Some(Box::pin(future)), woken: Arc::new(Flag(AtomicBool::new(true))), polls: 0 }
    }

    /// Polls the future if it was woken. Returns whether it was polled.
    pub fn poll(&mut self) -> bool {
        let Some(future) = &mut self.future else { return false };
        if !self.woken.0.swap(false, Ordering::Relaxed) {
            return false;
        }
        self.polls += 1;
        if future.as_mut().poll(&mut Context::from_waker(&Waker::from(self.woken.clone()))).is_ready() {
            self.future = None;
        }
        true
    }

    /// Returns the number of times that the future was polled.
    pub fn polls(&self) -> usize {
        self.polls
    }

    /// Returns whether the future has ended.
    pub fn is_done(&self) -> bool {
        self.future.is_none()
    }

    /// Returns whether the task was woken and has not been polled since.
    pub fn is_woken(&self) -> bool {
        self.woken.0.load(Ordering::Relaxed)
    }
}

struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A virtual clock and its timers.
pub struct Clock {
    now: Cell<Instant>,
    timers: RefCell<Vec<(u64, Instant, Waker)>>,
    /// The number of sleeps so far, which numbers the timers.
    sleeps: Cell<u64>,
}

impl Clock {
    /// Creates a clock at one second.
    pub fn new() -> Self {
        Clock { now: Cell::new(Instant::from_secs(1)), timers: RefCell::default(), sleeps: Cell::new(0) }
    }

    pub fn now(&self) -> Instant {
        self.now.get()
    }

    /// Returns a future that ends at the time `at`.
    pub fn sleep_until(&self, at: Instant) -> Sleep<'_> {
        self.sleeps.set(self.sleeps.get() + 1);
        Sleep { clock: self, number: self.sleeps.get(), at }
    }

    /// Advances to the time `at`, and wakes the tasks whose timers have expired.
    pub fn advance_to(&self, at: Instant) {
        self.now.set(at);
        let mut timers = self.timers.borrow_mut();
        timers.extract_if(.., |(_, due, _)| *due <= at).for_each(|(_, _, waker)| waker.wake());
    }

    /// Advances to the earliest timer. Returns false if there is none.
    pub fn advance(&self) -> bool {
        let next = self.timers.borrow().iter().map(|(_, due, _)| *due).min();
        next.inspect(|&at| self.advance_to(at)).is_some()
    }
}

/// A future that ends at a time of its clock. Its timer is removed on drop.
pub struct Sleep<'c> {
    clock: &'c Clock,
    number: u64,
    at: Instant,
}

impl Sleep<'_> {
    /// Removes the timer from the clock.
    fn disarm(&self) {
        self.clock.timers.borrow_mut().retain(|(number, ..)| *number != self.number);
    }
}

impl Future for Sleep<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.disarm();
        if self.clock.now() >= self.at {
            return Poll::Ready(());
        }
        self.clock.timers.borrow_mut().push((self.number, self.at, cx.waker().clone()));
        Poll::Pending
    }
}

impl Drop for Sleep<'_> {
    fn drop(&mut self) {
        self.disarm();
    }
}
