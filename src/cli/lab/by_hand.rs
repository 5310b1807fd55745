//! What the user does to a run by hand.

use super::run::HostLab;
use crate::lab::Verdict;

/// A fault that the user causes by hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ByHand {
    /// The last step before the fault.
    pub after: u32,
    /// The number of a frame in flight.
    pub frame: u32,
    /// What happens to the frame.
    pub fault: Verdict,
}

/// The most faults that a run can have by hand.
pub const MAX_BY_HAND: usize = 1000;

impl ByHand {
    /// Changes the frame. Returns false if the frame is not in flight, or if there is no room for its duplicate.
    pub fn apply(&self, lab: &mut HostLab<'_>) -> bool {
        lab.wire.alter(self.frame, self.fault)
    }
}
