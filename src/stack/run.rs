//! The poll loop of a program with an async executor: [`run`], [`run_until`] and [`Stack::poll_with`].
//!
//! Nothing here knows an executor or a timer: the caller passes a clock and a function that sleeps.

use core::future::{Future, poll_fn};
use core::pin::pin;
use core::task::{Context as TaskContext, Poll};

use smoltcp::time::Instant;

use super::event::{Io, Probe};
use super::{Console, Session, Stack, UdpSession};
use crate::phy::WakingDevice;

impl<S: Session + Clone, U: UdpSession> Stack<'_, S, U> {
    /// Polls the stack in a task. The device wakes the task when it has a frame or room to send, or when its link
    /// changes.
    ///
    /// Use this function in a task that also does other work. A task that only runs the stack calls [`run`]. This
    /// function does the following:
    ///
    /// - passes the task's waker to the device;
    /// - handles a change of the link: see [`link_changed`](Stack::link_changed) and [`announce`](Stack::announce);
    /// - calls [`poll`](Stack::poll);
    /// - wakes the task if work is left.
    ///
    /// Returns the time of the next poll, as `poll` does. The caller must set a timer for this time. If work is left,
    /// the result is `now`, and the task should return [`Poll::Pending`] so that other tasks run.
    pub fn poll_with<D: WakingDevice, C: Console, P: Probe>(
        &mut self,
        cx: &mut TaskContext<'_>,
        now: Instant,
        io: &mut Io<D, C, P>,
    ) -> Option<Instant> {
        io.device.set_waker(cx.waker());
        if let Some(up) = io.device.take_link_change() {
            let state = if up { "up" } else { "down" };
            log::info!("the link is {state}");
            #[cfg(feature = "defmt")]
            defmt::info!("the link is {=str}", state);
            self.link_changed(now, up);
            if up {
                self.announce(now, io);
            }
        }
        let deadline = self.poll(now, io);
        if deadline.is_some_and(|at| at <= now) {
            cx.waker().wake_by_ref();
        }
        deadline
    }
}

/// Runs a stack in an async task, and never returns.
///
/// `clock` returns the present time, which must be greater than 0 and must never go back. `sleep_until` gets a time of
/// this clock, and returns a future that completes at that time.
///
/// The task sleeps until the device has a frame, has room to send again or reports a change of its link, or until the
/// next deadline. If work remains after a [`Stack::poll`], the task yields to other tasks first.
///
/// # Signals of the program
/// The future borrows the stack. The future may be dropped at any time: all state is in the stack and the device, and
/// the next call continues from there. A program that has to notify its sessions therefore waits for a signal while it
/// runs the stack:
///
/// ```
/// # use core::future::Future;
/// # use smolstep::{phy::WakingDevice, stack::{Io, NullConsole, Session, Stack}, smoltcp::time::Instant};
/// # struct Signal;
/// # impl Signal { async fn wait(&self) {} }
/// # async fn select<A: Future, B: Future>(_: A, _: B) {}
/// # async fn example<T: Future<Output = ()>>(
/// #     stack: &mut Stack<'_, impl Session + Clone, ()>, io: &mut Io<impl WakingDevice, NullConsole>,
/// #     clock: impl Fn() -> Instant, sleep_until: impl Fn(Instant) -> T, signal: Signal) {
/// loop {
///     // `select` of embassy-futures, and `Signal` of embassy-sync.
///     select(smolstep::run(stack, io, &clock, &sleep_until), signal.wait()).await;
///     stack.wake_programs();
/// }
/// # }
/// ```
pub async fn run<S, U, D, C, P, T>(
    stack: &mut Stack<'_, S, U>,
    io: &mut Io<D, C, P>,
    clock: impl FnMut() -> Instant,
    sleep_until: impl FnMut(Instant) -> T,
) -> !
where
    S: Session + Clone,
    U: UdpSession,
    D: WakingDevice,
    C: Console,
    P: Probe,
    T: Future<Output = ()>,
{
    run_until(stack, io, clock, sleep_until, |_| false).await;
    unreachable!("the stack is never done")
}

/// Runs a stack in an async task until `done` returns true. The other arguments are the same as for [`run`].
///
/// `done` is called after each poll, before the task sleeps. For example, `done` checks whether a program has ended,
/// with [`Stack::ended`] or [`Stack::take_udp`]. The future borrows the stack, so while it exists, only `done` can give
/// the stack new work, such as a connection.
pub async fn run_until<'a, S, U, D, C, P, T>(
    stack: &mut Stack<'a, S, U>,
    io: &mut Io<D, C, P>,
    mut clock: impl FnMut() -> Instant,
    mut sleep_until: impl FnMut(Instant) -> T,
    mut done: impl FnMut(&mut Stack<'a, S, U>) -> bool,
) where
    S: Session + Clone,
    U: UdpSession,
    D: WakingDevice,
    C: Console,
    P: Probe,
    T: Future<Output = ()>,
{
    // The time for which `sleep` is set. A sleep that has ended is removed, and is not polled again.
    let mut set_for = None;
    let mut sleep = pin!(None);
    poll_fn(|cx| {
        let now = clock();
        let deadline = stack.poll_with(cx, now, io);
        if done(stack) {
            return Poll::Ready(());
        }
        // At a deadline that has passed, `poll_with` has already woken the task.
        let deadline = deadline.filter(|&at| at > now);
        if deadline != set_for {
            set_for = deadline;
            sleep.set(deadline.map(&mut sleep_until));
        }
        if let Some(running) = sleep.as_mut().as_pin_mut()
            && running.poll(cx).is_ready()
        {
            set_for = None;
            sleep.set(None);
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    })
    .await
}
