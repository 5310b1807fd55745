//! Waits for a signal, for room where the body is written, and for a time.

use std::cell::RefCell;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::epoll;
use smoltcp::time::Instant;

use super::sink::Sink;
use crate::host::address::Timer;
use crate::host::clock::Clock;
use crate::host::drive::{Interrupt, Verdict};
use crate::host::error::Failure;
use crate::host::stop::Stop;

/// A signal, room at the destination, a time.
pub struct Waiting<'g> {
    stop: Stop,
    sink: &'g RefCell<Sink>,
    /// Readable when the destination has room; none for a file, which always has.
    room: Option<OwnedFd>,
    /// Readable when the time has come.
    timer: Timer,
    timed: bool,
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
        Ok(Waiting { stop, sink, room, timer: Timer::new()?, timed: false })
    }

    /// The signal alone.
    pub fn stop(&mut self) -> &mut Stop {
        &mut self.stop
    }

    /// Wakes the loop at this time, too, while no connection is there; never if `None`.
    ///
    /// # Errors
    /// What the system says.
    pub fn wake_at(&mut self, clock: &Clock, time: Option<Instant>) -> Result<(), Failure> {
        self.timed = time.is_some();
        time.map_or(Ok(()), |time| self.timer.set(clock, time))
    }
}

impl Interrupt for Waiting<'_> {
    fn files(&self) -> [BorrowedFd<'_>; 2] {
        let [stop, _] = self.stop.files();
        // Nobody borrows it while the loop waits.
        let Ok(sink) = self.sink.try_borrow() else { return [stop, stop] };
        match &self.room {
            _ if self.timed && sink.winner().is_none() => [stop, self.timer.file()],
            Some(room) if sink.wanted() => [stop, room.as_fd()],
            _ => [stop, stop],
        }
    }

    fn verdict(&mut self) -> Verdict {
        self.stop.verdict()
    }
}
