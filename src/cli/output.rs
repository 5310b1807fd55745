//! Writes a command's own lines to standard output, and received bytes, which are escaped for a terminal.

use core::fmt::Display;
use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};

use super::error::Failure;
use crate::app::Escape;

/// Prints `text` without a line end, and flushes standard output.
///
/// # Errors
/// Fails if standard output cannot be written.
pub fn say(text: impl Display) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    let result = write!(out, "{text}").and_then(|()| out.flush());
    result.map_err(Failure::output)
}

/// Prints `line` and a line end, and flushes standard output.
///
/// # Errors
/// The same errors as [`say`].
pub fn say_line(line: impl Display) -> Result<(), Failure> {
    say(format_args!("{line}\n"))
}

/// Standard output for received bytes. Dropping this value writes any bytes that [`Escape`] still keeps.
pub struct Output(Option<Escape>);

impl Output {
    /// The process's standard output.
    pub fn new() -> Self {
        Output(io::stdout().is_terminal().then(Escape::default))
    }

    /// Writes and flushes all of `bytes`.
    ///
    /// # Errors
    /// Fails if standard output cannot be written.
    pub fn print(&mut self, bytes: &[u8]) -> io::Result<()> {
        let bytes = self.escaped(bytes);
        let mut out = io::stdout().lock();
        out.write_all(&bytes).and_then(|()| out.flush())
    }

    /// Returns `bytes`, escaped if standard output is a terminal. `bytes` are the continuation of the last call's
    /// bytes.
    pub fn escaped<'b>(&mut self, bytes: &'b [u8]) -> Cow<'b, [u8]> {
        let Some(escape) = &mut self.0 else { return bytes.into() };
        let mut escaped = Vec::with_capacity(bytes.len());
        escape.put(bytes, &mut |piece| escaped.extend_from_slice(piece));
        escaped.into()
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        if let Some(escape) = &mut self.0 {
            // An error here cannot be reported.
            escape.finish(&mut |piece| drop(io::stdout().lock().write_all(piece)));
            let _ = io::stdout().lock().flush();
        }
    }
}
