//! Reads the lines of the prompt: from a terminal, where they can be edited, or from a pipe.

use std::io::{self, IsTerminal};
use std::os::fd::{AsFd, BorrowedFd};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;

use super::keyboard::Keyboard;
use crate::cli::console::can_read;
use crate::cli::error::Failure;
use crate::cli::output::say;
use crate::host::{Interrupt, Verdict};
use crate::lab::tokens::visible;

/// The source of lines, and the input that is not returned yet.
#[derive(Debug)]
pub(super) struct Input {
    /// The line editor, or `None` if lines are read from standard input without one.
    keyboard: Option<Keyboard>,
    /// The bytes that have been read but not returned yet.
    typed: Vec<u8>,
}

/// The longest command, in bytes.
const LONGEST: usize = 4096;

impl Input {
    /// Opens standard input.
    pub(super) fn open() -> Self {
        Input { keyboard: Keyboard::start(), typed: Vec::new() }
    }

    /// Shows the prompt and waits for a line. Returns `None` at the end of input or when `interrupt` requests a stop.
    ///
    /// # Errors
    /// Fails if standard input or output has failed.
    pub(super) fn ask(
        &mut self,
        prompt: String,
        mut interrupt: Option<&mut dyn Interrupt>,
    ) -> Result<Option<String>, Failure> {
        match &self.keyboard {
            // If the user has pasted several lines, each of them is a command. Show the next one after its own prompt,
            // and return it.
            Some(_) if self.typed.contains(&b'\n') => {
                let line = self.take_line().unwrap_or_default();
                say(prompt + &echo(&line))?;
                return Ok(Some(line));
            }
            Some(keyboard) => keyboard.ask(prompt, interrupt.is_some()),
            None => say(prompt)?,
        }
        loop {
            if let Some(line) = self.take_line() {
                return Ok(Some(line));
            }
            let goes_on = wait(self.source(), &mut interrupt)?;
            if goes_on && self.read()? {
                continue;
            }
            // Without a stop, this is the end of input. The last line can lack a line ending.
            if goes_on && !self.typed.is_empty() {
                return Ok(Some(text(self.typed.drain(..))));
            }
            return match &self.keyboard {
                Some(keyboard) => {
                    // If a stop has ended the wait, a line is still being edited: restore the terminal.
                    keyboard.leave();
                    Ok(None)
                }
                // On a terminal, the cursor is still after the prompt, so start a new line.
                None if io::stdin().is_terminal() => say("\n").map(|()| None),
                None => Ok(None),
            };
        }
    }

    /// Removes and returns the next complete line, or the first [`LONGEST`] bytes of a longer line.
    fn take_line(&mut self) -> Option<String> {
        let newline = self.typed.iter().position(|byte| *byte == b'\n');
        let end = newline.or((self.typed.len() >= LONGEST).then_some(LONGEST - 1))?;
        Some(text(self.typed.drain(..=end)))
    }

    /// Returns the file from which lines are read.
    fn source(&self) -> BorrowedFd<'_> {
        self.keyboard.as_ref().map_or(rustix::stdio::stdin(), Keyboard::typed)
    }

    /// Reads the input that is ready. Returns false at the end of input.
    fn read(&mut self) -> Result<bool, Failure> {
        let mut bytes = [0; LONGEST];
        match rustix::io::read(self.source(), &mut bytes) {
            Ok(count) => {
                self.typed.extend_from_slice(&bytes[..count]);
                Ok(count > 0)
            }
            // Nothing was read, but this is not the end of input.
            Err(Errno::INTR | Errno::AGAIN) => Ok(true),
            Err(error) => Err(failed(error)),
        }
    }
}

/// Returns whether the user has typed a line at a terminal. Always returns false for a pipe: piped lines must stay
/// unread until the next prompt asks for one.
pub(super) fn has_line() -> bool {
    let stdin = io::stdin();
    stdin.is_terminal() && can_read(stdin.as_fd())
}

/// Waits until `source` is ready. Returns false if the interrupt requests a stop first.
fn wait(source: BorrowedFd<'_>, interrupt: &mut Option<&mut dyn Interrupt>) -> Result<bool, Failure> {
    loop {
        let ready = {
            // At a prompt, the interrupt reports only signals, so it has one file.
            let files = [Some(source.as_fd()), interrupt.as_ref().and_then(|interrupt| interrupt.files()[0])];
            let mut fds: heapless::Vec<PollFd<'_>, 2> =
                files.into_iter().flatten().map(|file| PollFd::from_borrowed_fd(file, PollFlags::IN)).collect();
            match poll(&mut fds, None) {
                // A signal can end the wait early. The verdict below says whether the signal stops the program.
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(failed(error)),
            }
            // The source is the first file.
            !fds[0].revents().is_empty()
        };
        if interrupt.as_mut().is_some_and(|interrupt| interrupt.verdict() != Verdict::GoOn) {
            return Ok(false);
        }
        if ready {
            return Ok(true);
        }
    }
}

/// Returns the error for standard input that cannot be read.
fn failed(error: Errno) -> Failure {
    Failure::run(format_args!("standard input: {error}"))
}

/// Returns the text that a terminal shows for a pasted line. Control characters are escaped, except the line ending,
/// because they could disturb the terminal.
fn echo(line: &str) -> String {
    let text = line.trim_end_matches(['\r', '\n']);
    visible(text) + "\n"
}

/// Converts bytes to text. Bytes that are not UTF-8 are replaced.
fn text(bytes: impl Iterator<Item = u8>) -> String {
    String::from_utf8_lossy(&bytes.collect::<Vec<u8>>()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_echo_of_a_pasted_line_has_no_control_characters() {
        for (line, shown) in [
            ("step 3\n", "step 3\n"),
            ("step 3\r\n", "step 3\n"),
            ("a\u{1b}[2J\u{7}\rb\u{9b}\n", "a\\u{1b}[2J\\u{7}\\rb\\u{9b}\n"),
            ("a line that is too long", "a line that is too long\n"),
        ] {
            assert_eq!(echo(line), shown);
        }
    }
}
