//! The time limit of a measurement, its interruption by Ctrl-C, and the reasons for a missing result.

use core::fmt;
use std::io::{self, ErrorKind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// The time limit of each measurement.
const LIMIT: Duration = Duration::from_secs(90);

/// The longest time that a client waits in a read or write before it checks its deadline.
pub const TICK: Duration = Duration::from_millis(100);

/// Why a measurement has no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Miss {
    /// A failure, described in one line.
    Failed(String),
    /// Ctrl-C was pressed.
    Interrupted,
    /// This machine lacks a requirement of the measurement, which one line describes.
    Skipped(String),
}

impl Miss {
    /// Creates a failure that is described by the line `what`.
    pub fn failed(what: impl fmt::Display) -> Self {
        Miss::Failed(what.to_string())
    }

    /// Creates a failure for a panic of `what`. The standard panic hook has already printed the panic.
    pub fn panicked(what: &str) -> Self {
        Miss::Failed(format!("{what} panicked; the panic's message is above"))
    }

    /// Returns a function that converts an error into a failure. The failure's message begins with `what`, the activity
    /// that failed.
    pub fn at<E: fmt::Display>(what: &str) -> impl Fn(E) -> Self {
        move |error| Miss::Failed(format!("{what}: {error}"))
    }
}

/// The time limit of one measurement and the flag that Ctrl-C sets.
#[derive(Clone, Copy)]
pub struct Deadline<'s> {
    stop: &'s AtomicBool,
    until: Instant,
}

impl<'s> Deadline<'s> {
    /// Starts the time limit of a measurement. Ctrl-C sets `stop`.
    pub fn new(stop: &'s AtomicBool) -> Self {
        Deadline { stop, until: Instant::now() + LIMIT }
    }

    /// Checks the time limit and Ctrl-C.
    ///
    /// # Errors
    /// Returns [`Miss::Failed`] if the measurement has taken too long, and [`Miss::Interrupted`] after Ctrl-C.
    pub fn check(&self) -> Result<(), Miss> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(Miss::Interrupted);
        }
        if Instant::now() >= self.until {
            return Err(Miss::Failed(format!("not done after {} s", LIMIT.as_secs())));
        }
        Ok(())
    }

    /// Repeats `call` while it times out or is interrupted by a signal.
    ///
    /// # Errors
    /// Returns the errors of [`check`](Self::check) and all other errors from `call`.
    pub fn retry<T>(&self, mut call: impl FnMut() -> io::Result<T>) -> Result<T, Miss> {
        loop {
            match call() {
                Ok(value) => return Ok(value),
                Err(error) if is_temporary(&error) => self.check()?,
                Err(error) => return Err(Miss::failed(error)),
            }
        }
    }
}

/// Returns whether an error is a timeout or an interruption by a signal.
fn is_temporary(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}
