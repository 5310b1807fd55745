//! The loop around the poll loop: poll, wait for the device, standard input or a signal, poll again.

use std::os::fd::BorrowedFd;

use smoltcp::time::{Duration, Instant};

use super::clock::Clock;
use crate::cli::{Failure, Stdio};
use crate::phy::linux::TunTap;
use crate::stack::{Io, Probe, Session, Stack, UdpSession};

/// How long connections may take to close after a signal.
const FAREWELL: Duration = Duration::from_millis(1500);

/// What may end the loop from outside: a signal, or the end of a command.
pub trait Interrupt {
    /// The files that can be read when it has something to say.
    fn files(&self) -> [BorrowedFd<'_>; 2];

    /// What it says. Asked after every wait.
    fn verdict(&mut self) -> Verdict;
}

/// What an [`Interrupt`] says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing has happened.
    GoOn,
    /// Close the connections, then end.
    Close,
    /// End.
    End,
}

/// Why the loop ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// What was waited for has happened.
    Done,
    /// A signal came, and all connections are closed or were given the time to.
    Stopped,
}

/// Runs the stack until `done` or the interrupt says so. Connections are closed where it says that; what is not closed after
/// 1.5 s, or when it says so a second time, is reset.
///
/// # Errors
/// The device or standard output has failed.
pub fn drive<'a, S, U, P>(
    stack: &mut Stack<'a, S, U>,
    io: &mut Io<TunTap, Stdio, P>,
    clock: &Clock,
    interrupt: &mut impl Interrupt,
    mut done: impl FnMut(&mut Stack<'a, S, U>) -> bool,
) -> Result<Ended, Failure>
where
    S: Session + Clone,
    U: UdpSession,
    P: Probe,
{
    let mut farewell: Option<Instant> = None;
    loop {
        let now = clock.now();
        let deadline = stack.poll(now, io);
        if let Some(fault) = io.device.fault() {
            return Err(Failure::run(fault));
        }
        if let Some(error) = io.console.fault() {
            return Err(Failure::output(error));
        }
        if farewell.is_none() && done(stack) {
            return Ok(Ended::Done);
        }
        match (interrupt.verdict(), farewell) {
            (Verdict::End, _) => return Ok(Ended::Stopped),
            (Verdict::GoOn, None) => {}
            (Verdict::GoOn, Some(until)) if now < until && !stack.is_quiet() => {}
            (Verdict::Close, None) => {
                stack.shut_down(now, io);
                farewell = Some(now + FAREWELL);
                continue;
            }
            (_, Some(_)) => {
                stack.abort_all(now);
                stack.poll(now, io);
                return Ok(Ended::Stopped);
            }
        }
        let wanted = io.console.wanted();
        let waits_for_input = wanted.is_some();
        let now = clock.now();
        let timeout =
            [deadline, farewell].into_iter().flatten().min().map(|at| if at > now { at - now } else { Duration::ZERO });
        let ready = {
            let files: heapless::Vec<BorrowedFd<'_>, 3> = interrupt.files().into_iter().chain(wanted).collect();
            let waited = io.device.wait(timeout.map(Into::into), &files);
            waited.map_err(|error| Failure::run(format_args!("waiting: {error}")))?
        };
        if waits_for_input && ready.extra(2) {
            io.console.set_ready();
            stack.wake_programs();
        }
    }
}
