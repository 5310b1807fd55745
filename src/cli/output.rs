//! Writes a command's own lines and received bytes to standard output, and log lines to standard error.
//!
//! Received bytes are escaped for a terminal.

use core::fmt::Display;
use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};

use env_logger::{Builder, Env, Target, WriteStyle};
use log::LevelFilter;

use super::editor::print_above;
use super::error::Failure;
use crate::app::Escape;

/// Prints `text` without a line ending and flushes standard output.
///
/// # Errors
/// Fails if standard output cannot be written to.
pub fn say(text: impl Display) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    let result = write!(out, "{text}").and_then(|()| out.flush());
    result.map_err(Failure::output)
}

/// Prints `line` and a line ending, then flushes standard output.
///
/// # Errors
/// The same errors as [`say`].
pub fn say_line(line: impl Display) -> Result<(), Failure> {
    say(format_args!("{line}\n"))
}

/// Standard output for received bytes. Dropping this value writes any bytes that [`Escape`] still keeps.
pub struct Output(Option<Escape>);

impl Output {
    /// Returns the process's standard output. If this is a terminal, the received bytes are escaped.
    pub fn new() -> Self {
        Output(io::stdout().is_terminal().then(Escape::default))
    }

    /// Writes and flushes all of `bytes`.
    ///
    /// # Errors
    /// Fails if standard output cannot be written to.
    pub fn print(&mut self, bytes: &[u8]) -> io::Result<()> {
        let bytes = self.escaped(bytes);
        let mut out = io::stdout().lock();
        out.write_all(&bytes).and_then(|()| out.flush())
    }

    /// Returns `bytes`, escaped if standard output is a terminal. `bytes` must follow directly on the bytes of the
    /// previous call.
    pub fn escaped<'b>(&mut self, bytes: &'b [u8]) -> Cow<'b, [u8]> {
        let Some(escape) = &mut self.0 else { return bytes.into() };
        let mut escaped = Vec::with_capacity(bytes.len());
        escape.put(bytes, &mut |piece| escaped.extend_from_slice(piece));
        escaped.into()
    }
}

impl Drop for Output {
    /// Writes the bytes that the escaping still holds back.
    fn drop(&mut self) {
        let Output(escape) = self;
        if let Some(escape) = escape {
            // An error during the drop cannot be reported.
            escape.finish(&mut |piece| drop(io::stdout().lock().write_all(piece)));
            let _ = io::stdout().lock().flush();
        }
    }
}

/// Starts logging to standard error, at level info unless the environment sets another level. While a line is edited at
/// the terminal, log lines appear above the edited line.
pub fn start_log() {
    let mut builder = Builder::from_env(Env::default().default_filter_or("info"));
    builder.format_target(false);
    // Log lines of the editor below level warn would repeat endlessly: each log line redraws the edited line, and each
    // redraw writes another log line.
    builder.filter_module("rustyline", LevelFilter::Warn);
    if io::stderr().is_terminal() {
        let has = |name: &str, test: fn(&str) -> bool| std::env::var(name).is_ok_and(|value| test(&value));
        let plain = has("NO_COLOR", |value| !value.is_empty()) || has("TERM", |value| value == "dumb");
        // env_logger cannot see that `LogLines` leads to a terminal, so the style is chosen here.
        if std::env::var_os("RUST_LOG_STYLE").is_none() {
            builder.write_style(if plain { WriteStyle::Never } else { WriteStyle::Always });
        }
        builder.target(Target::Pipe(Box::new(LogLines)));
    }
    builder.init();
}

/// Prints log lines above the edited line, or on standard error if no line is being edited.
struct LogLines;

impl Write for LogLines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if print_above(&String::from_utf8_lossy(bytes)) { Ok(bytes.len()) } else { io::stderr().write(bytes) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
