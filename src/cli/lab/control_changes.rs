//! Finds the changes of both ends' control variables, so that JSON contains only the changes.

use super::host_lab::HostLab;
use crate::lab::Snapshot;
use crate::stack::Control;

/// The control variables of both ends at the previous entry.
#[derive(Default)]
pub struct ControlChanges([Option<Control>; 2]);

impl ControlChanges {
    /// Returns the variables of each end after an entry, if they differ from those of the previous call.
    pub fn after(&mut self, snapshot: &Snapshot, lab: &HostLab<'_>) -> [Option<Control>; 2] {
        let now = lab.holds(&snapshot.entry);
        let before = core::mem::replace(&mut self.0, now);
        [0, 1].map(|host| now[host].filter(|_| now[host] != before[host]))
    }
}
