//! The loop that polls the stack, then waits for the device, the console or an interrupt.

use core::fmt;
use std::io;
use std::os::fd::BorrowedFd;

use smoltcp::time::{Duration, Instant};

use super::clock::Clock;
use crate::phy::linux::{Fault, TunTap};
use crate::stack::{Console, Io, NullConsole, Probe, Session, Stack, UdpSession};

/// The time that connections have to close after [`Verdict::Close`].
const FAREWELL: Duration = Duration::from_millis(1500);

/// A way to stop the loop from outside, such as a signal.
pub trait Interrupt {
    /// Returns the files to wait for. One of these files becomes readable when the verdict may have changed.
    fn files(&self) -> [Option<BorrowedFd<'_>>; 2];

    /// Returns the current verdict. [`drive`] calls this after every poll of the stack.
    fn verdict(&mut self) -> Verdict;
}

/// An interrupt that never stops the loop.
impl Interrupt for () {
    fn files(&self) -> [Option<BorrowedFd<'_>>; 2] {
        [None; 2]
    }

    fn verdict(&mut self) -> Verdict {
        Verdict::GoOn
    }
}

/// What an [`Interrupt`] tells [`drive`] to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Keep running.
    GoOn,
    /// Close the connections, then stop the loop.
    Close,
    /// Stop the loop immediately, without closing the connections.
    End,
}

/// Why [`drive`] returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// `done` returned true.
    Done,
    /// The interrupt stopped the loop. After [`Verdict::Close`], every connection has closed or has been reset.
    Stopped,
}

/// Runs the stack until `done` returns true or `interrupt` stops the loop. `done` is called after each poll of the
/// stack, until `interrupt` returns `Close`. On [`Verdict::Close`] the stack closes its connections. Connections still
/// open after 1.5 s, or at a second `Close`, are reset.
///
/// # Errors
/// Returns [`DriveError`] if the device or the console has failed, or if the wait for them fails.
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
            // Some connections are still closing.
            (Verdict::GoOn, Some(until)) if now < until && !stack.is_quiet() => {}
            (Verdict::Close, None) => {
                stack.shut_down(now, io);
                farewell = Some(now + FAREWELL);
                // Poll again at once: the connections now have their remaining data or FIN to send.
                continue;
            }
            // All connections have closed, the time for closing is over, or this is the second `Close`.
            (_, Some(_)) => {
                stack.abort_all(now);
                // This poll sends the RSTs.
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
        if let Some(up) = io.device.take_link_change() {
            stack.link_changed(clock.now(), up);
        }
        // If the console wants input, its file is the first of `files`.
        if waits_for_input && ready.extra(0) {
            io.console.set_ready();
            stack.wake_programs();
        }
    }
}

/// A [`Console`] that [`drive`] can wait for. The default methods are for a console without input that never fails.
pub trait HostConsole: Console {
    /// Returns the file to wait for, if a program is waiting for input.
    fn wanted(&self) -> Option<BorrowedFd<'_>> {
        None
    }

    /// Called when the file that [`wanted`](Self::wanted) returned is readable.
    fn set_ready(&mut self) {}

    /// Removes and returns the error from a failed write, if any.
    fn fault(&mut self) -> Option<io::Error> {
        None
    }
}

impl HostConsole for NullConsole {}

impl HostConsole for Vec<u8> {}

/// Why [`drive`] failed. The error's text is one line for the user.
#[derive(Debug)]
#[non_exhaustive]
pub enum DriveError {
    /// The device failed. Open it again, in a new stack.
    Device(Fault),
    /// Output to the console failed.
    Console(io::Error),
    /// The system call that waits for the device, the console and the interrupt failed.
    Wait(io::Error),
}

impl fmt::Display for DriveError {
    /// Writes one line that names the part that failed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DriveError::Device(fault) => write!(f, "{fault}"),
            DriveError::Console(error) => write!(f, "standard output: {error}"),
            DriveError::Wait(error) => write!(f, "waiting for input failed: {error}"),
        }
    }
}

impl core::error::Error for DriveError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            DriveError::Device(fault) => Some(fault),
            DriveError::Console(error) | DriveError::Wait(error) => Some(error),
        }
    }
}
