//! The error that ends the program.

use core::fmt;
use std::io;
use std::process::ExitCode;

use crate::app::is_invisible;
use crate::host::DriveError;

/// The error that ends the program: one line for the user, and an exit code. The code is 2 for an invalid command line,
/// and 1 for most other errors. An invalid host name or URL also has code 1, because such an error can be found as late
/// as in a redirect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    code: u8,
    what: String,
}

impl Failure {
    /// Makes an error with exit code `code`.
    pub fn new(code: u8, what: impl fmt::Display) -> Self {
        // Words of the command line may contain control characters. These characters are escaped, so that the message
        // stays one line.
        let mut line = String::new();
        for c in what.to_string().chars() {
            match is_invisible(c) {
                true => line.extend(c.escape_default()),
                false => line.push(c),
            }
        }
        Failure { code, what: line }
    }

    /// Makes a run-time error, which has exit code 1.
    pub fn run(what: impl fmt::Display) -> Self {
        Self::new(1, what)
    }

    /// Makes an error about an invalid command line, which has exit code 2.
    pub fn usage(what: impl fmt::Display) -> Self {
        Self::new(2, what)
    }

    /// Makes an error of standard output, which has exit code 1. If the reader of a pipe is gone, as with `| head -1`,
    /// the message is empty. The exit code is then 141, as a shell reports for a program that SIGPIPE has ended.
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
