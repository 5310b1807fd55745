//! The changes of what both ends keep about a connection, from entry to entry.

use super::HostLab;
use crate::lab::Snapshot;
use crate::stack::Control;

/// What both ends kept at the previous entry, and the number of its connection.
#[derive(Default)]
pub struct ControlChanges {
    lane: u32,
    holds: [Option<Control>; 2],
}

impl ControlChanges {
    /// Returns what each end keeps after an entry, if it differs from the previous call or if the connection does.
    pub fn after(&mut self, snapshot: &Snapshot, lab: &HostLab<'_>) -> [Option<Control>; 2] {
        let now = ControlChanges { lane: lab.lane_of(snapshot), holds: lab.holds(&snapshot.entry) };
        let before = core::mem::replace(self, now);
        let differs = |host: usize| self.lane != before.lane || self.holds[host] != before.holds[host];
        [0, 1].map(|host| self.holds[host].filter(|_| differs(host)))
    }
}
