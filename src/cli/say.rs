//! What a command says on standard output.

use core::fmt::Display;
use std::io::Write;

use super::error::Failure;

/// Prints a text as it is, which brings its own line ends, and hands it on at once.
///
/// # Errors
/// Standard output takes no more.
pub fn say(text: impl Display) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    let result = write!(out, "{text}").and_then(|()| out.flush());
    result.map_err(Failure::output)
}

/// Prints a line.
///
/// # Errors
/// Those of [`say`].
pub fn say_line(line: impl Display) -> Result<(), Failure> {
    say(format_args!("{line}\n"))
}
