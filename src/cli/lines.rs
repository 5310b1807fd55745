//! Reads standard input line by line, for clients that open one connection for each line.

use super::console::Stdio;
use super::error::Failure;
use crate::app::{PROMPT, split_line_end};
use crate::host::{Clock, Ended, Interrupt, drive};
use crate::phy::linux::TunTap;
use crate::stack::{Console, Input, Io, Probe, Session, Stack, UdpSession};

/// The longest line, in bytes.
const LONGEST: usize = 65_536;

/// Splits standard input into lines, and stores input that is not returned yet.
#[derive(Debug, Default)]
pub struct Lines {
    typed: Vec<u8>,
    ended: bool,
}

impl Lines {
    /// Returns the next line without its line ending, or `None` at the end of input. The stack runs during the wait for
    /// a line.
    ///
    /// # Errors
    /// Fails if the line is too long, if a signal arrives, or if [`drive`] fails.
    pub fn next<S: Session + Clone, U: UdpSession, P: Probe>(
        &mut self,
        stack: &mut Stack<'_, S, U>,
        io: &mut Io<TunTap, Stdio, P>,
        clock: &Clock,
        interrupt: &mut impl Interrupt,
    ) -> Result<Option<Vec<u8>>, Failure> {
        let mut prompted = false;
        loop {
            if let Some(line) = self.take() {
                return Ok(Some(line));
            }
            if self.ended {
                return Ok(None);
            }
            if self.typed.len() > LONGEST {
                return Err(Failure::run(format_args!("a line of standard input is longer than {LONGEST} bytes")));
            }
            if !prompted {
                prompted = true;
                io.console.prompt(PROMPT);
            }
            let mut buf = [0; 4096];
            match io.console.read(&mut buf) {
                Input::Bytes(len) => self.typed.extend_from_slice(buf.get(..len).unwrap_or_default()),
                Input::End => self.ended = true,
                Input::NotYet => {
                    // `drive` calls `done` before each wait. The first call returns false, and the second call ends
                    // `drive` after one wait, which input can end.
                    let mut waited = false;
                    let done = |_: &mut Stack<'_, S, U>| core::mem::replace(&mut waited, true);
                    if drive(stack, io, clock, interrupt, done)? == Ended::Stopped {
                        return Err(Failure::run("interrupted"));
                    }
                }
            }
        }
    }

    /// Removes and returns the next complete line. At the end of input, also returns an incomplete line.
    fn take(&mut self) -> Option<Vec<u8>> {
        let end = self.typed.iter().position(|&byte| byte == b'\n');
        // The length of the line with its LF.
        let used = match end {
            Some(at) => at + 1,
            None if self.ended && !self.typed.is_empty() => self.typed.len(),
            None => return None,
        };
        let mut line: Vec<u8> = self.typed.drain(..used).collect();
        let (text, _line_end) = split_line_end(&line);
        let text_len = text.len();
        line.truncate(text_len);
        Some(line)
    }
}
