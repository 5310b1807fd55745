//! How the program ends when it cannot go on.

use core::fmt;
use std::io;
use std::process::ExitCode;

use crate::app::is_invisible;
use crate::host::DriveError;

/// One line for the user, and the exit code that goes with it: 2 for an invalid command line, else 1. A host's name and
/// a URL are read as they are looked up, like the ones that `get` is redirected to: what is wrong with one is 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    code: u8,
    what: String,
}

impl Failure {
    /// With an exit code of its own.
    pub fn new(code: u8, what: impl fmt::Display) -> Self {
        // A word of the command line may hold anything; the line stays one line.
        let mut line = String::new();
        for c in what.to_string().chars() {
            match is_invisible(c) {
                true => line.extend(c.escape_default()),
                false => line.push(c),
            }
        }
        Failure { code, what: line }
    }

    /// It went wrong at run time: exit code 1.
    pub fn run(what: impl fmt::Display) -> Self {
        Self::new(1, what)
    }

    /// An invalid command line: exit code 2.
    pub fn usage(what: impl fmt::Display) -> Self {
        Self::new(2, what)
    }

    /// Standard output takes no more: exit code 1. Where that is because nobody reads it any more, as before `| head -1`, there is
    /// nothing to say, and the code is the shell's for a program that SIGPIPE has ended.
    pub fn output(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Failure { code: 128 + 13, what: String::new() },
            _ => Self::run(format_args!("standard output: {error}")),
        }
    }

    /// Adds a clause to an error about the command line; others stay as they are.
    pub fn add_to_usage(mut self, clause: impl fmt::Display) -> Self {
        if self.code == 2 {
            let after = if self.what.ends_with('?') { "" } else { ";" };
            self.what.push_str(&format!("{after} {clause}"));
        }
        self
    }

    /// Whether there is nothing to say.
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
