//! Ctrl-C and its like, as something that can be waited for.

use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;

use super::drive::{Interrupt, Verdict};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

/// The signals that ask the program to end.
#[derive(Debug)]
pub struct Stop {
    received: UnixStream,
}

impl Stop {
    /// Catches SIGINT, SIGTERM and SIGHUP from now on.
    ///
    /// # Errors
    /// What the system says.
    pub fn on_signals() -> io::Result<Self> {
        let (received, send) = UnixStream::pair()?;
        received.set_nonblocking(true)?;
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            signal_hook::low_level::pipe::register(signal, send.try_clone()?)?;
        }
        Ok(Stop { received })
    }
}

impl Interrupt for Stop {
    fn files(&self) -> [BorrowedFd<'_>; 2] {
        [self.received.as_fd(); 2]
    }

    fn verdict(&mut self) -> Verdict {
        match self.received.read(&mut [0; 64]) {
            Ok(count) if count > 0 => Verdict::Close,
            _ => Verdict::GoOn,
        }
    }
}
