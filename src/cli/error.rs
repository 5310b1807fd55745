//! The error with which smolstep exits.

use core::fmt;
use std::io;
use std::process::ExitCode;

use crate::host::DriveError;
use crate::lab::lang::Lang;
use crate::lab::messages;
use crate::lab::tokens::visible;

/// The error with which smolstep exits: one line for the user, and an exit code. The code is 2 for an invalid command
/// line, and 1 for most other errors. An invalid host name or URL also has code 1, because it can come from a redirect,
/// not only from the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    code: u8,
    what: String,
    /// The document that describes the file in which the error is. Other errors point to `--help`.
    guide: Option<&'static str>,
    /// The language of the message and of the clauses that are added to it.
    lang: Lang,
}

impl Failure {
    /// Creates an error with exit code `code` and the message `what`.
    pub fn new(code: u8, what: impl fmt::Display) -> Self {
        // Words on the command line can contain control characters, which are escaped to keep the message on one line.
        Failure { code, what: visible(&what.to_string()), guide: None, lang: Lang::En }
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
            io::ErrorKind::BrokenPipe => Failure { code: 128 + 13, what: String::new(), guide: None, lang: Lang::En },
            _ => Self::run(format_args!("standard output: {error}")),
        }
    }

    /// Creates the error that reports a mistake in an input file. The document `guide` describes the file's format. The
    /// exit code is 2.
    pub fn in_file(guide: &'static str, what: impl fmt::Display) -> Self {
        Failure { guide: Some(guide), ..Self::usage(what) }
    }

    /// Translates the message. Later clauses are in this language, too.
    pub fn in_lang(mut self, lang: Lang) -> Self {
        self.what = messages::in_lang(&self.what, lang);
        self.lang = lang;
        self
    }

    /// Adds a clause to the message.
    pub fn with_clause(mut self, clause: impl fmt::Display) -> Self {
        let clause = messages::in_lang(&clause.to_string(), self.lang);
        // A question mark already separates the message from the clause.
        let separator = match (self.what.ends_with(['?', '？']), self.lang) {
            (true, Lang::En) => " ",
            (true, Lang::Zh) => "",
            (false, lang) => lang.pick("; ", "；"),
        };
        self.what.push_str(&format!("{separator}{clause}"));
        self
    }

    /// Adds a clause to the message of an error about the command line. To an error in a file, adds the name of
    /// the document that describes the file instead. Leaves other errors unchanged.
    pub fn add_to_usage(self, clause: impl fmt::Display) -> Self {
        match (self.code, self.guide) {
            (2, Some(guide)) => self.with_clause(format_args!("see {guide}")),
            // All errors about the command line have exit code 2.
            (2, None) => self.with_clause(clause),
            _ => self,
        }
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
