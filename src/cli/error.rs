//! The error that ends the program.

use core::fmt;
use std::io;
use std::process::ExitCode;

use crate::app::is_invisible;
use crate::host::DriveError;

/// One line for the user and its exit code: 2 for an invalid command line, else 1. An invalid host name
/// or URL has code 1, because it is found only at the lookup, like the URL of a redirect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    code: u8,
    what: String,
}

impl Failure {
    /// An error with its own exit code.
    pub fn new(code: u8, what: impl fmt::Display) -> Self {
        // Escapes control characters: words of the command line may hold any, and the message must stay one line.
        let mut line = String::new();
        for c in what.to_string().chars() {
            match is_invisible(c) {
                true => line.extend(c.escape_default()),
                false => line.push(c),
            }
        }
        Failure { code, what: line }
    }

    /// A run-time error: exit code 1.
    pub fn run(what: impl fmt::Display) -> Self {
        Self::new(1, what)
    }

    /// An invalid command line: exit code 2.
    pub fn usage(what: impl fmt::Display) -> Self {
        Self::new(2, what)
    }

    /// Standard output cannot be written: exit code 1. If its reader has gone, as with `| head -1`, the message is empty, and
    /// the exit code is the one a shell reports for a program ended by SIGPIPE.
    pub fn output(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Failure { code: 128 + 13, what: String::new() },
            _ => Self::run(format_args!("standard output: {error}")),
        }
    }

    /// Adds a clause to an error about the command line; leaves other errors unchanged.
    pub fn add_to_usage(mut self, clause: impl fmt::Display) -> Self {
        if self.code == 2 {
            let after = if self.what.ends_with('?') { "" } else { ";" };
            self.what.push_str(&format!("{after} {clause}"));
        }
        self
    }

    /// Returns whether the message is empty.
    pub fn is_quiet(&self) -> bool {
        self.what.is_empty()
    }

    /// The exit code.
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
