//! `serve --events`: writes each event of the stack as a line of JSON. trace/json.rs defines the format, and
//! docs/lab-json.md describes the fields.

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use smoltcp::time::Instant;

use super::error::Failure;
use crate::stack::Event;
use crate::trace::write_event;

/// Writes events as lines of JSON. Each line is flushed as soon as it is complete.
///
/// After the first write error, no more lines are written. If the lines are written to a file, the server keeps
/// running, and [`finish`](Self::finish) returns the error.
pub struct Events {
    /// The path of the file, or `None` for standard output.
    path: Option<PathBuf>,
    /// The time from which the times in the lines are counted.
    began: Instant,
    lines: RefCell<Lines>,
}

struct Lines {
    out: Box<dyn Write>,
    line: String,
    fault: Option<io::Error>,
}

impl Events {
    /// Creates or truncates the file at `path`. The path `-` means standard output. Times are counted from `now`.
    ///
    /// # Errors
    /// Fails if the file cannot be created.
    pub fn create(path: &Path, now: Instant) -> Result<Self, Failure> {
        let path = (path != Path::new("-")).then(|| path.to_owned());
        let out: Box<dyn Write> = match &path {
            None => Box::new(io::stdout()),
            Some(path) => Box::new(File::create(path).map_err(|error| unwritable(path, &error))?),
        };
        Ok(Events { path, began: now, lines: RefCell::new(Lines { out, line: String::new(), fault: None }) })
    }

    /// Writes the line for an event. After a write error, does nothing.
    pub fn write(&self, now: Instant, event: &Event) {
        let Lines { out, line, fault } = &mut *self.lines.borrow_mut();
        if fault.is_some() {
            return;
        }
        line.clear();
        // Writing to a `String` cannot fail.
        let _ = write_event(line, now - self.began, event);
        *fault = out.write_all(line.as_bytes()).and_then(|()| out.flush()).err();
    }

    /// Checks that the server can continue. A failed write to standard output stops the server. A failed write to a
    /// file does not, and [`finish`](Self::finish) reports it.
    ///
    /// # Errors
    /// Fails if the lines are written to standard output and a write has failed.
    pub fn check(&self) -> Result<(), Failure> {
        if self.path.is_some() { Ok(()) } else { self.finish() }
    }

    /// Reports the first write error, and forgets it, so that later calls succeed.
    ///
    /// # Errors
    /// Fails if a line could not be written.
    pub fn finish(&self) -> Result<(), Failure> {
        match (self.lines.borrow_mut().fault.take(), &self.path) {
            (None, _) => Ok(()),
            (Some(error), None) => Err(Failure::output(error)),
            (Some(error), Some(path)) => Err(unwritable(path, &error)),
        }
    }
}

/// Returns the error for events that cannot be written.
fn unwritable(path: &Path, error: &io::Error) -> Failure {
    Failure::run(format_args!("the events {} cannot be written: {error}", path.display()))
}
