//! A point in time that can change while a task waits for it.

use tokio::select;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// The time at which a connection is closed, whatever its client does. While a command runs, no time is set.
pub struct Deadline(watch::Sender<Option<Instant>>);

impl Deadline {
    /// Creates a deadline.
    pub fn at(time: Instant) -> Self {
        Deadline(watch::Sender::new(Some(time)))
    }

    /// Returns the time, if there is one.
    pub fn get(&self) -> Option<Instant> {
        *self.0.borrow()
    }

    /// Sets another time.
    pub fn set(&self, time: Instant) {
        self.0.send_replace(Some(time));
    }

    /// Removes the time.
    pub fn clear(&self) {
        self.0.send_replace(None);
    }

    /// Waits until the deadline has passed. Another task can change the deadline during the wait.
    pub async fn passed(&self) {
        let Deadline(sender) = self;
        let mut changes = sender.subscribe();
        loop {
            let time = *changes.borrow_and_update();
            select! {
                // Without a time, this branch is disabled, and only a change ends the wait.
                () = sleep_until(time.unwrap_or_else(Instant::now)), if time.is_some() => return,
                // After a change, wait for the new time. `self` holds the sender, so waiting for a change cannot fail.
                _ = changes.changed() => {}
            }
        }
    }
}
