//! Makes the poll loop wait for signals and for a full destination to accept bytes again.

use std::cell::RefCell;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::epoll;

use super::sink::Sink;
use crate::cli::error::Failure;
use crate::cli::stop::Stop;
use crate::host::{Interrupt, Verdict};

/// An interrupt that reports signals, and wakes the loop when the destination accepts bytes again.
pub struct Waiting<'g> {
    stop: Stop,
    sink: &'g RefCell<Sink>,
    /// An epoll file that is readable when the destination accepts bytes. `None` for a regular file, which always
    /// accepts bytes.
    writable: Option<OwnedFd>,
}

impl<'g> Waiting<'g> {
    /// Creates an interrupt that reports the signals that `stop` receives. It also wakes the poll loop when the
    /// destination of `sink` accepts bytes again.
    ///
    /// # Errors
    /// Fails with the error from the system call.
    pub fn new(stop: Stop, sink: &'g RefCell<Sink>) -> Result<Self, Failure> {
        let writable = match sink.borrow().file() {
            None => None,
            Some(file) => {
                // The loop can wait only for readable files. The epoll file is readable when the destination is
                // writable.
                let writable = epoll::create(epoll::CreateFlags::CLOEXEC).map_err(Failure::run)?;
                let data = epoll::EventData::new_u64(0);
                match epoll::add(&writable, file, data, epoll::EventFlags::OUT) {
                    Ok(()) => Some(writable),
                    // epoll rejects a regular file, which always accepts bytes.
                    Err(rustix::io::Errno::PERM) => None,
                    Err(error) => return Err(Failure::run(error)),
                }
            }
        };
        Ok(Waiting { stop, sink, writable })
    }

    /// Returns the receiver of signals.
    pub fn stop(&mut self) -> &mut Stop {
        &mut self.stop
    }
}

impl Interrupt for Waiting<'_> {
    fn files(&self) -> [Option<BorrowedFd<'_>>; 2] {
        let [stop, _] = self.stop.files();
        // The sink is not borrowed while the loop waits, so `try_borrow` succeeds.
        let wanted = self.sink.try_borrow().is_ok_and(|sink| sink.wanted());
        [stop, self.writable.as_ref().filter(|_| wanted).map(|writable| writable.as_fd())]
    }

    fn verdict(&mut self) -> Verdict {
        self.stop.verdict()
    }
}
