//! The loop around the poll loop: poll, wait for the device, the console or an interrupt, poll again.

use std::os::fd::BorrowedFd;

use smoltcp::time::{Duration, Instant};

use super::clock::Clock;
use super::console::HostConsole;
use super::error::DriveError;
use crate::phy::linux::TunTap;
use crate::stack::{Io, Probe, Session, Stack, UdpSession};

/// How long connections may take to close after a signal.
const FAREWELL: Duration = Duration::from_millis(1500);

/// What may end the loop from outside: a signal, or the end of a command.
pub trait Interrupt {
    /// The files that can be read when it has something to say.
    fn files(&self) -> [Option<BorrowedFd<'_>>; 2];

    /// What it says. Asked after every wait.
    fn verdict(&mut self) -> Verdict;
}

/// Never interrupts.
impl Interrupt for () {
    fn files(&self) -> [Option<BorrowedFd<'_>>; 2] {
        [None; 2]
    }

    fn verdict(&mut self) -> Verdict {
        Verdict::GoOn
    }
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
/// The device or the console has failed, or the system cannot wait.
pub fn drive<'a, S, U, C, P>(
    stack: &mut Stack<'a, S, U>,
    io: &mut Io<TunTap, C, P>,
    clock: &Clock,
    interrupt: &mut impl Interrupt,
    mut done: impl FnMut(&mut Stack<'a, S, U>) -> bool,
) -> Result<Ended, DriveError>
where
    S: Session + Clone,
    U: UdpSession,
    C: HostConsole,
    P: Probe,
{
    let mut farewell: Option<Instant> = None;
    loop {
        let now = clock.now();
        let deadline = stack.poll(now, io);
        if let Some(fault) = io.device.fault() {
            return Err(DriveError::Device(fault));
        }
        if let Some(error) = io.console.fault() {
            return Err(DriveError::Console(error));
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
            let others = interrupt.files().into_iter().flatten();
            let files: heapless::Vec<BorrowedFd<'_>, 3> = wanted.into_iter().chain(others).collect();
            io.device.wait(timeout.map(Into::into), &files).map_err(DriveError::Wait)?
        };
        if waits_for_input && ready.extra(0) {
            io.console.set_ready();
            stack.wake_programs();
        }
    }
}
