//! The error with which smolstep exits.

use core::fmt;
use std::io;
use std::process::ExitCode;

use crate::app::is_invisible;
use crate::host::DriveError;

/// The error with which smolstep exits: one line for the user, and an exit code. The code is 2 for an invalid command
/// line, and 1 for most other errors. An invalid host name or URL also has code 1, because it can come from a redirect,
/// not only from the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    code: u8,
    what: String,
}

impl Failure {
    /// Creates an error with exit code `code` and the message `what`.
    pub fn new(code: u8, what: impl fmt::Display) -> Self {
        // Words on the command line can contain control characters, which are escaped to keep the message on one line.
        let mut line = String::new();
        for c in what.to_string().chars() {
            match is_invisible(c) {
                true => line.extend(c.escape_default()),
                false => line.push(c),
            }
        }
        Failure { code, what: line }
    }

    /// Creates a run-time error, which has exit code 1.
    pub fn run(what: impl fmt::Display) -> Self {
        Self::new(1, what)
    }

    /// Creates an error about an invalid command line, which has exit code 2.
    pub fn usage(what: impl fmt::Display) -> Self {
        Self::new(2, what)
    }

    /// Creates the error for a failed write to standard output, with exit code 1. If standard output is a pipe whose
    /// reader is gone, as with `| head -1`, the message is empty and the exit code is 141 instead. A shell reports 141
    /// for a program that SIGPIPE has killed.
    pub fn output(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Failure { code: 128 + 13, what: String::new() },
            _ => Self::run(format_args!("standard output: {error}")),
        }
    }

    /// Adds a clause to the message of an error about the command line. Leaves other errors unchanged.
    pub fn add_to_usage(mut self, clause: impl fmt::Display) -> Self {
        // All errors about the command line have exit code 2.
        if self.code == 2 {
            // A question mark already separates the message from the clause.
            let after = if self.what.ends_with('?') { "" } else { ";" };
            self.what.push_str(&format!("{after} {clause}"));
        }
        self
    }

    /// Returns whether there is no message to print: see [`output`](Self::output).
    pub fn is_quiet(&self) -> bool {
        self.what.is_empty()
    }

    /// Returns the exit code.
    pub fn code(&self) -> ExitCode {
        self.code.into()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl core::error::Error for Failure {}

impl From<DriveError> for Failure {
    fn from(error: DriveError) -> Self {
        match error {
            DriveError::Console(error) => Failure::output(error),
            error => Failure::run(error),
        }
    }
}
