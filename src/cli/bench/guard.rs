//! What bounds a measurement, a time limit and Ctrl-C, and why it has no result.

use core::fmt;
use std::io::{self, ErrorKind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// No measurement takes this long.
const LIMIT: Duration = Duration::from_secs(90);

/// How long a read or write of a client waits before it asks its guard.
pub const TICK: Duration = Duration::from_millis(100);

/// Why a measurement has no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Miss {
    /// Something went wrong: a line that says what.
    Failed(String),
    /// Ctrl-C.
    Interrupted,
    /// This machine lacks what it takes: a line that says what.
    Skipped(String),
}

impl Miss {
    /// It went wrong.
    pub fn failed(what: impl fmt::Display) -> Self {
        Miss::Failed(what.to_string())
    }

    /// It panicked, which the standard hook has told.
    pub fn panicked(what: &str) -> Self {
        Miss::Failed(format!("{what} panicked; the panic's message is above"))
    }

    /// It went wrong, with what was being done.
    pub fn at<E: fmt::Display>(what: &str) -> impl Fn(E) -> Self {
        move |error| Miss::Failed(format!("{what}: {error}"))
    }
}

/// The bounds of one measurement.
#[derive(Clone, Copy)]
pub struct Guard<'s> {
    stop: &'s AtomicBool,
    until: Instant,
}

impl<'s> Guard<'s> {
    /// From now on; `stop` is set by Ctrl-C.
    pub fn new(stop: &'s AtomicBool) -> Self {
        Guard { stop, until: Instant::now() + LIMIT }
    }

    /// # Errors
    /// It has taken too long, or Ctrl-C came.
    pub fn check(&self) -> Result<(), Miss> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(Miss::Interrupted);
        }
        if Instant::now() >= self.until {
            return Err(Miss::Failed(format!("not done after {} s", LIMIT.as_secs())));
        }
        Ok(())
    }

    /// Does again what a time-out or a signal cut short.
    ///
    /// # Errors
    /// Those of [`check`](Self::check), and any other that `call` has.
    pub fn patiently<T>(&self, mut call: impl FnMut() -> io::Result<T>) -> Result<T, Miss> {
        loop {
            match call() {
                Ok(value) => return Ok(value),
                Err(error) if passes(&error) => self.check()?,
                Err(error) => return Err(Miss::failed(error)),
            }
        }
    }
}

/// Whether an error says no more than that nothing has happened yet.
fn passes(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}
