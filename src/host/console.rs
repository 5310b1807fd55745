//! Standard input and output as a program's [`Console`].

use std::io::{self, IsTerminal, Write};
use std::os::fd::{AsFd, BorrowedFd};

use crate::stack::{Console, Input};

/// Standard input, read only when it is known to have something, and standard output.
#[derive(Debug)]
pub struct Stdio {
    input: State,
    fault: Option<io::Error>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// No program has asked for input.
    Unused,
    /// One has, and there was none.
    Wanted,
    /// There is some, or the end.
    Ready,
    Ended,
}

impl Stdio {
    /// The process's own.
    pub fn new() -> Self {
        Stdio { input: State::Unused, fault: None }
    }

    /// The file to wait for, if a program wants input.
    pub fn wanted(&self) -> Option<BorrowedFd<'static>> {
        (self.input == State::Wanted).then(rustix::stdio::stdin)
    }

    /// Notes that the file can be read.
    pub fn set_ready(&mut self) {
        self.input = State::Ready;
    }

    /// What went wrong on standard output, if anything did.
    pub fn fault(&mut self) -> Option<io::Error> {
        self.fault.take()
    }

    fn keep(&mut self, result: io::Result<()>) {
        if let Err(error) = result {
            self.fault.get_or_insert(error);
        }
    }
}

impl Default for Stdio {
    fn default() -> Self {
        Self::new()
    }
}

impl Console for Stdio {
    fn print(&mut self, bytes: &[u8]) {
        let mut out = io::stdout().lock();
        let result = out.write_all(bytes).and_then(|()| out.flush());
        self.keep(result);
    }

    fn prompt(&mut self, text: &str) {
        if io::stdin().is_terminal() {
            self.print(text.as_bytes());
        }
    }

    fn read(&mut self, buf: &mut [u8]) -> Input {
        match self.input {
            State::Ended => return Input::End,
            State::Unused | State::Wanted => {
                self.input = State::Wanted;
                return Input::NotYet;
            }
            State::Ready => {}
        }
        // One read for one report that there is something, so that it cannot block.
        match rustix::io::read(rustix::stdio::stdin().as_fd(), &mut *buf) {
            Ok(0) if !buf.is_empty() => {
                self.input = State::Ended;
                Input::End
            }
            Ok(0) => Input::NotYet,
            Ok(count) => {
                self.input = State::Wanted;
                Input::Bytes(count)
            }
            Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => {
                self.input = State::Wanted;
                Input::NotYet
            }
            Err(error) => {
                log::warn!("standard input cannot be read: {error}");
                self.input = State::Ended;
                Input::End
            }
        }
    }
}

/// Keeps what is printed; there is nothing to read.
impl Console for Vec<u8> {
    fn print(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}
