//! A point in time that can change while a task waits for it.

use std::cell::Cell;

use tokio::select;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// What a connection waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// For the client, which has not sent the whole request.
    Receiving,
    /// For the answer, which is being computed or sent.
    Answering,
    /// For the client, which has the answer and has not closed its side.
    Closing,
}

/// The time at which a connection is closed, whatever its client does, and what the connection waits for. While a
/// command runs, no time is set.
pub struct Deadline {
    time: watch::Sender<Option<Instant>>,
    phase: Cell<Phase>,
}

impl Deadline {
    /// Creates a deadline.
    pub fn at(time: Instant) -> Self {
        Deadline { time: watch::Sender::new(Some(time)), phase: Cell::new(Phase::Receiving) }
    }

    /// Returns the time, if there is one.
    pub fn get(&self) -> Option<Instant> {
        *self.time.borrow()
    }

    /// Sets another time.
    pub fn set(&self, time: Instant) {
        self.time.send_replace(Some(time));
    }

    /// Removes the time.
    pub fn clear(&self) {
        self.time.send_replace(None);
    }

    /// Returns what the connection waits for.
    pub fn phase(&self) -> Phase {
        self.phase.get()
    }

    /// Begins another phase.
    pub fn begin(&self, phase: Phase) {
        self.phase.set(phase);
    }

    /// Waits until the deadline has passed. Another task can change the deadline during the wait.
    pub async fn passed(&self) {
        let mut changes = self.time.subscribe();
        loop {
            let time = *changes.borrow_and_update();
            select! {
                // Without a time, this branch is disabled, and only a change ends the wait.
                () = sleep_until(time.unwrap_or_else(Instant::now)), if time.is_some() => return,
                // After a change, wait for the new time. `self` holds `time`, so waiting for a change cannot fail.
                _ = changes.changed() => {}
            }
        }
    }
}
