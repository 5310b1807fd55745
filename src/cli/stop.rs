//! Ctrl-C and its like, as something that can be waited for.

use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::host::{Interrupt, Verdict};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

/// The signals that ask the program to end.
const SIGNALS: [i32; 3] = [SIGHUP, SIGINT, SIGTERM];

/// The same, as something that the loop waits for.
#[derive(Debug)]
pub struct Stop {
    received: UnixStream,
    /// Set before `received` can be read: asking costs no system call.
    raised: Arc<AtomicBool>,
    /// A signal has come, and more bytes of it may.
    closing: bool,
}

impl Stop {
    /// Catches SIGHUP, SIGINT and SIGTERM from now on.
    ///
    /// # Errors
    /// What the system says.
    pub fn on_signals() -> io::Result<Self> {
        let (received, send) = UnixStream::pair()?;
        received.set_nonblocking(true)?;
        let raised = Arc::new(AtomicBool::new(false));
        for signal in SIGNALS {
            signal_hook::flag::register(signal, raised.clone())?;
            signal_hook::low_level::pipe::register(signal, send.try_clone()?)?;
        }
        Ok(Stop { received, raised, closing: false })
    }
}

impl Interrupt for Stop {
    fn files(&self) -> [Option<BorrowedFd<'_>>; 2] {
        [Some(self.received.as_fd()), None]
    }

    fn verdict(&mut self) -> Verdict {
        if !self.closing && !self.raised.load(Ordering::Acquire) {
            return Verdict::GoOn;
        }
        self.closing = true;
        // What is there only ended a wait. Another thread's handler may be between the flag and the byte, which is then for the next
        // time; read first, none is taken whose flag is not seen.
        let _ = self.received.read(&mut [0; 64]);
        if self.raised.swap(false, Ordering::AcqRel) { Verdict::Close } else { Verdict::GoOn }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_byte_that_comes_after_its_flag_wakes_the_loop_once() {
        let (received, mut send) = UnixStream::pair().unwrap();
        received.set_nonblocking(true).unwrap();
        let mut stop = Stop { received, raised: Arc::default(), closing: false };
        let wakes = |stop: &Stop| (&stop.received).read(&mut [0; 64]).is_ok();
        assert_eq!(stop.verdict(), Verdict::GoOn);
        stop.raised.store(true, Ordering::Release);
        assert_eq!(stop.verdict(), Verdict::Close);
        send.write_all(&[0]).unwrap();
        assert_eq!(stop.verdict(), Verdict::GoOn);
        assert!(!wakes(&stop));
        // The second signal, as it mostly comes.
        stop.raised.store(true, Ordering::Release);
        send.write_all(&[0]).unwrap();
        assert_eq!(stop.verdict(), Verdict::Close);
        assert!(!wakes(&stop));
    }
}
