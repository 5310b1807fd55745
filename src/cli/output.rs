//! Standard output for what was received: as it is to a file or a pipe, escaped to a terminal.

use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};

use crate::app::Escape;

/// Standard output. What [`Escape`] holds back is written at the latest when this is dropped.
pub struct Output(Option<Escape>);

impl Output {
    /// The process's own.
    pub fn new() -> Self {
        Output(io::stdout().is_terminal().then(Escape::default))
    }

    /// Writes all of `bytes`, and hands them on at once.
    ///
    /// # Errors
    /// Standard output takes no more.
    pub fn print(&mut self, bytes: &[u8]) -> io::Result<()> {
        let bytes = self.escaped(bytes);
        let mut out = io::stdout().lock();
        out.write_all(&bytes).and_then(|()| out.flush())
    }

    /// What is to be shown of `bytes`, which follow those of the last call.
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
            // Nobody is left to be told of what fails.
            escape.finish(&mut |piece| drop(io::stdout().lock().write_all(piece)));
            let _ = io::stdout().lock().flush();
        }
    }
}
