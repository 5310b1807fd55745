//! Waits for a signal, for room where the body is written, and for a time.

use std::cell::RefCell;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::event::epoll;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};

use super::sink::Sink;
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
    timer: OwnedFd,
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
        let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::CLOEXEC).map_err(Failure::run)?;
        Ok(Waiting { stop, sink, room, timer, timed: false })
    }

    /// Wakes the loop after so long, too, while no connection is there; never if `None`.
    ///
    /// # Errors
    /// What the system says.
    pub fn wake_after(&mut self, time: Option<Duration>) -> Result<(), Failure> {
        let none = Timespec { tv_sec: 0, tv_nsec: 0 };
        let it_value = time.and_then(|time| Timespec::try_from(time).ok()).unwrap_or(none);
        let setting = Itimerspec { it_interval: none, it_value };
        timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &setting).map_err(Failure::run)?;
        self.timed = time.is_some();
        Ok(())
    }
}

impl Interrupt for Waiting<'_> {
    fn files(&self) -> [BorrowedFd<'_>; 2] {
        let [stop, _] = self.stop.files();
        // Nobody borrows it while the loop waits.
        let Ok(sink) = self.sink.try_borrow() else { return [stop, stop] };
        match &self.room {
            _ if self.timed && sink.winner().is_none() => [stop, self.timer.as_fd()],
            Some(room) if sink.wanted() => [stop, room.as_fd()],
            _ => [stop, stop],
        }
    }

    fn verdict(&mut self) -> Verdict {
        self.stop.verdict()
    }
}
