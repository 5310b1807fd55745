//! Ctrl-C and its like, as something that can be waited for.

use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::drive::{Interrupt, Verdict};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

/// The signals that ask the program to end.
#[derive(Debug)]
pub struct Stop {
    received: UnixStream,
    /// Set before `received` can be read: asking costs no system call.
    raised: Arc<AtomicBool>,
}

impl Stop {
    /// Catches SIGINT, SIGTERM and SIGHUP from now on.
    ///
    /// # Errors
    /// What the system says.
    pub fn on_signals() -> io::Result<Self> {
        let (received, send) = UnixStream::pair()?;
        received.set_nonblocking(true)?;
        let raised = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            signal_hook::flag::register(signal, raised.clone())?;
            signal_hook::low_level::pipe::register(signal, send.try_clone()?)?;
        }
        Ok(Stop { received, raised })
    }
}

impl Interrupt for Stop {
    fn files(&self) -> [BorrowedFd<'_>; 2] {
        [self.received.as_fd(); 2]
    }

    fn verdict(&mut self) -> Verdict {
        if !self.raised.swap(false, Ordering::AcqRel) {
            return Verdict::GoOn;
        }
        // What is there only ended a wait.
        let _ = self.received.read(&mut [0; 64]);
        Verdict::Close
    }
}
