//! Writes log lines to standard error, or above a line that is being edited.

use std::io::{self, IsTerminal, Write};

use env_logger::{Builder, Env, Target, WriteStyle};
use log::LevelFilter;

use super::editor::print_above;

/// Starts logging to standard error, at level info unless the environment sets another level. While a line is edited at
/// the terminal, log lines appear above the edited line.
pub fn start_log() {
    let mut builder = Builder::from_env(Env::default().default_filter_or("info"));
    builder.format_target(false);
    // Logging the editor at lower levels would loop: each log line redraws the edited line, which logs again.
    builder.filter_module("rustyline", LevelFilter::Warn);
    if io::stderr().is_terminal() {
        let has = |name: &str, test: fn(&str) -> bool| std::env::var(name).is_ok_and(|value| test(&value));
        let plain = has("NO_COLOR", |value| !value.is_empty()) || has("TERM", |value| value == "dumb");
        if std::env::var_os("RUST_LOG_STYLE").is_none() {
            builder.write_style(if plain { WriteStyle::Never } else { WriteStyle::Always });
        }
        builder.target(Target::Pipe(Box::new(LogLines)));
    }
    builder.init();
}

struct LogLines;

impl Write for LogLines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if print_above(&String::from_utf8_lossy(bytes)) { Ok(bytes.len()) } else { io::stderr().write(bytes) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
