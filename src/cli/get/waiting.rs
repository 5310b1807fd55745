//! Waits for a signal, and for room where the body is written.

use std::cell::RefCell;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::epoll;

use super::sink::Sink;
use crate::cli::error::Failure;
use crate::cli::stop::Stop;
use crate::host::{Interrupt, Verdict};

/// A signal, room at the destination.
pub struct Waiting<'g> {
    stop: Stop,
    sink: &'g RefCell<Sink>,
    /// Readable when the destination has room; none for a file, which always has.
    room: Option<OwnedFd>,
}

impl<'g> Waiting<'g> {
    /// Waits for a signal, and for room at the destination when that has none.
    ///
    /// # Errors
    /// What the system says.
    pub fn new(stop: Stop, sink: &'g RefCell<Sink>) -> Result<Self, Failure> {
        let room = match sink.borrow().file() {
            None => None,
            Some(file) => {
                // The loop waits for files to be readable; this one is when the destination is writable.
                let room = epoll::create(epoll::CreateFlags::CLOEXEC).map_err(Failure::run)?;
                let data = epoll::EventData::new_u64(0);
                match epoll::add(&room, file, data, epoll::EventFlags::OUT) {
                    Ok(()) => Some(room),
                    // A regular file, which always has room.
                    Err(rustix::io::Errno::PERM) => None,
                    Err(error) => return Err(Failure::run(error)),
                }
            }
        };
        Ok(Waiting { stop, sink, room })
    }

    /// The signal alone.
    pub fn stop(&mut self) -> &mut Stop {
        &mut self.stop
    }
}

impl Interrupt for Waiting<'_> {
    fn files(&self) -> [Option<BorrowedFd<'_>>; 2] {
        let [stop, _] = self.stop.files();
        // Nobody borrows it while the loop waits.
        let wanted = self.sink.try_borrow().is_ok_and(|sink| sink.wanted());
        [stop, self.room.as_ref().filter(|_| wanted).map(|room| room.as_fd())]
    }

    fn verdict(&mut self) -> Verdict {
        self.stop.verdict()
    }
}
