//! Turns Ctrl-C and similar signals into a file that the poll loop can wait for. host/drive.rs decides what happens
//! after a signal.

use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::host::{Interrupt, Verdict};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

/// The signals that ask the program to exit.
const SIGNALS: [i32; 3] = [SIGHUP, SIGINT, SIGTERM];

/// Receives SIGHUP, SIGINT and SIGTERM, and wakes the poll loop.
#[derive(Debug)]
pub struct Stop {
    received: UnixStream,
    /// Set by each signal, before `received` becomes readable. Checking this flag needs no system call.
    raised: Arc<AtomicBool>,
    /// Whether a signal has arrived. The byte of that signal can still follow.
    closing: bool,
}

impl Stop {
    /// Catches SIGHUP, SIGINT and SIGTERM from now on. Each of them sets a flag, and writes a byte that wakes the poll
    /// loop.
    ///
    /// # Errors
    /// Fails with the error from the system call.
    pub fn on_signals() -> io::Result<Self> {
        let (received, send) = UnixStream::pair()?;
        received.set_nonblocking(true)?;
        let raised = Arc::new(AtomicBool::new(false));
        for signal in SIGNALS {
            // The handlers of a signal run in the order of registration, so the flag is set before the byte is written.
            signal_hook::flag::register(signal, raised.clone())?;
            signal_hook::low_level::pipe::register(signal, send.try_clone()?)?;
        }
        Ok(Stop { received, raised, closing: false })
    }

    /// Returns a stream that becomes readable when a signal arrives. The stream does not block.
    pub fn into_stream(self) -> UnixStream {
        self.received
    }
}

impl Interrupt for Stop {
    fn files(&self) -> [Option<BorrowedFd<'_>>; 2] {
        [Some(self.received.as_fd()), None]
    }

    /// Returns `Close` if a signal has arrived since the previous `Close`, and `GoOn` otherwise.
    fn verdict(&mut self) -> Verdict {
        // No signal has arrived yet, so there is no byte to read.
        if !self.closing && !self.raised.load(Ordering::Acquire) {
            return Verdict::GoOn;
        }
        self.closing = true;
        // The bytes serve only to end a wait. Each handler sets the flag before it writes its byte, so read the bytes
        // before the flag. A handler on another thread might not have written its byte yet. The next call reads that
        // byte.
        let _ = self.received.read(&mut [0; 64]);
        if self.raised.swap(false, Ordering::AcqRel) { Verdict::Close } else { Verdict::GoOn }
    }
}

/// An interrupt that requests closing immediately, without waiting for a signal.
pub struct Closing<'i, I> {
    interrupt: &'i mut I,
    /// Whether `Close` has been returned.
    has_asked: bool,
}

impl<'i, I> Closing<'i, I> {
    /// Returns an interrupt whose first verdict is [`Verdict::Close`]. Later verdicts come from `interrupt`.
    pub fn now(interrupt: &'i mut I) -> Self {
        Closing { interrupt, has_asked: false }
    }
}

impl<I: Interrupt> Interrupt for Closing<'_, I> {
    fn files(&self) -> [Option<BorrowedFd<'_>>; 2] {
        self.interrupt.files()
    }

    fn verdict(&mut self) -> Verdict {
        let has_asked = core::mem::replace(&mut self.has_asked, true);
        if has_asked { self.interrupt.verdict() } else { Verdict::Close }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    /// A signal's handler sets the flag, then writes the byte. The loop can run between these two steps.
    #[test]
    fn a_byte_that_comes_after_its_flag_wakes_the_loop_once() {
        let (received, mut send) = UnixStream::pair().unwrap();
        received.set_nonblocking(true).unwrap();
        let mut stop = Stop { received, raised: Arc::default(), closing: false };
        // Returns whether a byte remains, which would wake the loop again.
        let has_byte = |stop: &Stop| (&stop.received).read(&mut [0; 64]).is_ok();
        assert_eq!(stop.verdict(), Verdict::GoOn);
        // The flag of the first signal, before its byte.
        stop.raised.store(true, Ordering::Release);
        assert_eq!(stop.verdict(), Verdict::Close);
        // The late byte wakes the loop, but is not a second signal. This call to `verdict` reads the byte.
        send.write_all(&[0]).unwrap();
        assert_eq!(stop.verdict(), Verdict::GoOn);
        assert!(!has_byte(&stop));
        // The flag and the byte of a second signal, in the usual order.
        stop.raised.store(true, Ordering::Release);
        send.write_all(&[0]).unwrap();
        assert_eq!(stop.verdict(), Verdict::Close);
        assert!(!has_byte(&stop));
    }
}
