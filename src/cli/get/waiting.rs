//! Makes the poll loop wait for signals, and for a full destination to accept bytes again.

use std::cell::RefCell;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::epoll;

use super::sink::Sink;
use crate::cli::error::Failure;
use crate::cli::stop::Stop;
use crate::host::{Interrupt, Verdict};

/// An interrupt by a signal, which also wakes the loop when the destination accepts bytes again.
pub struct Waiting<'g> {
    stop: Stop,
    sink: &'g RefCell<Sink>,
    /// An epoll file that is readable when the destination accepts bytes. `None` for a regular file, which always
    /// accepts bytes.
    room: Option<OwnedFd>,
}

impl<'g> Waiting<'g> {
    /// Makes the interrupt for the signals of `stop` and the destination of `sink`.
    ///
    /// # Errors
    /// Fails with the error of the system call.
    pub fn new(stop: Stop, sink: &'g RefCell<Sink>) -> Result<Self, Failure> {
        let room = match sink.borrow().file() {
            None => None,
            Some(file) => {
                // The loop waits for readable files; an epoll file becomes readable when the destination is writable.
                let room = epoll::create(epoll::CreateFlags::CLOEXEC).map_err(Failure::run)?;
                let data = epoll::EventData::new_u64(0);
                match epoll::add(&room, file, data, epoll::EventFlags::OUT) {
                    Ok(()) => Some(room),
                    // epoll rejects a regular file, which always accepts bytes.
                    Err(rustix::io::Errno::PERM) => None,
                    Err(error) => return Err(Failure::run(error)),
                }
            }
        };
        Ok(Waiting { stop, sink, room })
    }

    /// Returns the receiver of signals.
    pub fn stop(&mut self) -> &mut Stop {
        &mut self.stop
    }
}

impl Interrupt for Waiting<'_> {
    fn files(&self) -> [Option<BorrowedFd<'_>>; 2] {
        let [stop, _] = self.stop.files();
        // The sink is not borrowed while the loop waits.
        let wanted = self.sink.try_borrow().is_ok_and(|sink| sink.wanted());
        [stop, self.room.as_ref().filter(|_| wanted).map(|room| room.as_fd())]
    }

    fn verdict(&mut self) -> Verdict {
        self.stop.verdict()
    }
}
