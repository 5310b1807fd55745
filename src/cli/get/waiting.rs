//! Waits for a signal, and for room at the destination of a body.

use std::cell::RefCell;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::epoll;

use super::sink::Sink;
use crate::cli::error::Failure;
use crate::cli::stop::Stop;
use crate::host::{Interrupt, Verdict};

/// Waits for a signal or for room at the destination.
pub struct Waiting<'g> {
    stop: Stop,
    sink: &'g RefCell<Sink>,
    /// Readable when the destination has room; `None` for a file, which always has room.
    room: Option<OwnedFd>,
}

impl<'g> Waiting<'g> {
    /// Creates a wait for a signal, and for room when the destination has none.
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
                    // A regular file always has room.
                    Err(rustix::io::Errno::PERM) => None,
                    Err(error) => return Err(Failure::run(error)),
                }
            }
        };
        Ok(Waiting { stop, sink, room })
    }

    /// The signal.
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
