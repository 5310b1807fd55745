//! Finds out when what both ends hold has changed, so that JSON has only the changes.

use super::run::HostLab;
use crate::lab::Snapshot;
use crate::stack::Control;

/// What both ends held when it was last written as JSON, so that only changes are written.
#[derive(Default)]
pub struct Holds([Option<Control>; 2]);

impl Holds {
    /// Returns what each end holds after an entry, if that differs from the previous call.
    pub fn changes(&mut self, snapshot: &Snapshot, lab: &HostLab<'_>) -> [Option<Control>; 2] {
        let now = lab.holds(&snapshot.entry);
        let before = core::mem::replace(&mut self.0, now);
        [0, 1].map(|host| now[host].filter(|_| now[host] != before[host]))
    }
}
