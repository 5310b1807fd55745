//! Finds which side's [`Control`] of a connection has changed since the previous entry.

use super::HostLab;
use crate::lab::Snapshot;
use crate::stack::Control;

/// The [`Control`] of both sides at the previous entry, and the number of that entry's connection.
#[derive(Default)]
pub struct ControlChanges {
    lane: u32,
    /// The client's and the server's [`Control`].
    holds: [Option<Control>; 2],
}

impl ControlChanges {
    /// Returns the [`Control`] of each side after an entry, if it has changed since the previous call, and `None`
    /// otherwise. If the entry is about another connection than the previous entry, both sides count as changed.
    pub fn after(&mut self, snapshot: &Snapshot, lab: &HostLab<'_>) -> [Option<Control>; 2] {
        let now = ControlChanges { lane: lab.lane_of(snapshot), holds: lab.holds(&snapshot.entry) };
        let before = core::mem::replace(self, now);
        let has_changed = |host: usize| self.lane != before.lane || self.holds[host] != before.holds[host];
        [0, 1].map(|host| self.holds[host].filter(|_| has_changed(host)))
    }
}
