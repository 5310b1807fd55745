//! `serve --events`: a line of JSON for each event of the stack. trace/json.rs writes the line, docs/lab-json.md has its fields.

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use smoltcp::time::Instant;

use super::error::Failure;
use crate::stack::Event;
use crate::trace::write_event;

/// Where the lines go. Each is handed on as soon as it is complete.
///
/// The first error ends the lines. Where they go to a file, the server runs on, as with a capture; [`finish`](Self::finish) reports the
/// error.
pub struct Events {
    /// None is standard output.
    path: Option<PathBuf>,
    began: Instant,
    lines: RefCell<Lines>,
}

struct Lines {
    out: Box<dyn Write>,
    line: String,
    fault: Option<io::Error>,
}

impl Events {
    /// Creates the file, or empties the one there is; `-` is standard output. Times are counted from `now`.
    ///
    /// # Errors
    /// The file cannot be created.
    pub fn create(path: &Path, now: Instant) -> Result<Self, Failure> {
        let path = (path != Path::new("-")).then(|| path.to_owned());
        let out: Box<dyn Write> = match &path {
            None => Box::new(io::stdout()),
            Some(path) => Box::new(File::create(path).map_err(|error| unwritable(path, &error))?),
        };
        Ok(Events { path, began: now, lines: RefCell::new(Lines { out, line: String::new(), fault: None }) })
    }

    /// Writes the line of an event.
    pub fn write(&self, now: Instant, event: &Event) {
        let Lines { out, line, fault } = &mut *self.lines.borrow_mut();
        if fault.is_some() {
            return;
        }
        line.clear();
        // A String takes everything.
        let _ = write_event(line, now - self.began, event);
        *fault = out.write_all(line.as_bytes()).and_then(|()| out.flush()).err();
    }

    /// Whether the server should go on: standard output that takes no more ends it.
    ///
    /// # Errors
    /// What happened to standard output.
    pub fn check(&self) -> Result<(), Failure> {
        if self.path.is_some() { Ok(()) } else { self.finish() }
    }

    /// Reports the error that ended the lines, once.
    ///
    /// # Errors
    /// Lines are missing.
    pub fn finish(&self) -> Result<(), Failure> {
        match (self.lines.borrow_mut().fault.take(), &self.path) {
            (None, _) => Ok(()),
            (Some(error), None) => Err(Failure::output(error)),
            (Some(error), Some(path)) => Err(unwritable(path, &error)),
        }
    }
}

fn unwritable(path: &Path, error: &io::Error) -> Failure {
    Failure::run(format_args!("the events {} cannot be written: {error}", path.display()))
}
