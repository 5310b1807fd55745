//! Records which transitions of the state diagram of RFC 9293 (Figure 5) a run took.

use smoltcp::socket::tcp::State;

use super::entry::What;
use crate::lab::Snapshot;
use crate::lab::figure::TRANSITIONS;
use crate::stack::Event;

/// The largest number of steps stored for each transition and host. The first steps are kept.
pub const STEPS: usize = 4;

/// The largest number of stored changes that are not in the diagram. The first changes are kept.
pub const OTHERS: usize = 16;

/// The number of times that one host took a transition, and the steps in which it did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// The number of times that the host took the transition.
    pub count: u32,
    steps: [u32; STEPS],
}

impl Taken {
    /// Returns the first [`STEPS`] steps in which the transition was taken.
    pub fn steps(&self) -> &[u32] {
        self.steps.get(..self.count as usize).unwrap_or(&self.steps)
    }

    /// Counts the transition, and stores the step if there is room.
    fn record(&mut self, step: u32) {
        if let Some(place) = self.steps.get_mut(self.count as usize) {
            *place = step;
        }
        self.count = self.count.saturating_add(1);
    }
}

/// A change of state that is not in the diagram.
///
/// An RST, a timeout, an abort, or a segment that causes two transitions at once can cause such a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Other {
    /// The host: 0 is the client, 1 the server.
    pub side: usize,
    /// The state before the change.
    pub from: State,
    /// The state after the change.
    pub to: State,
    /// The step in which the state changed.
    pub step: u32,
}

/// The transitions that a run took. Every host except the server is treated as the client.
#[derive(Clone, Debug, Default)]
pub struct Visited {
    taken: [[Taken; 2]; TRANSITIONS.len()],
    others: heapless::Vec<Other, OTHERS>,
}

impl Visited {
    /// Records the transition of an entry, if it is a change of state. A call is the transition from CLOSED to
    /// SYN-SENT.
    pub fn note(&mut self, snapshot: &Snapshot) {
        let entry = &snapshot.entry;
        // A server listens before the first step, so no event reports its LISTEN state. The transition to LISTEN, which
        // has index 0, is recorded in step 0.
        for (side, state) in snapshot.states.iter().enumerate() {
            if *state == State::Listen && self.taken[0][side].count == 0 {
                self.taken[0][side].record(0);
            }
        }
        let (from, to) = match entry.what {
            What::Stack(Event::State { from, to, .. }) => (from, to),
            What::Stack(Event::Connecting { .. }) => (State::Closed, State::SynSent),
            _ => return,
        };
        // Every host except the server counts as the client.
        let side = usize::from(entry.host == 1);
        match TRANSITIONS.iter().position(|t| (t.from, t.to) == (from, to)) {
            Some(index) => self.taken[index][side].record(entry.step),
            // Changes for which there is no room are dropped: see [`OTHERS`].
            None => drop(self.others.push(Other { side, from, to, step: entry.step })),
        }
    }

    /// Returns how often the client and the server took a transition.
    ///
    /// `index` is the transition's index in [`TRANSITIONS`](crate::lab::figure::TRANSITIONS).
    ///
    /// # Panics
    /// If there is no such index.
    pub fn taken(&self, index: usize) -> &[Taken; 2] {
        &self.taken[index]
    }

    /// Returns the changes of state that are not in the diagram.
    pub fn others(&self) -> &[Other] {
        &self.others
    }

    /// Returns whether any host has been in a state.
    pub fn was_in(&self, state: State) -> bool {
        let taken = TRANSITIONS.iter().zip(&self.taken).filter(|(_, taken)| taken.iter().any(|t| t.count > 0));
        let mut taken = taken.flat_map(|(transition, _)| [transition.from, transition.to]);
        taken.any(|s| s == state) || self.others.iter().any(|o| o.from == state || o.to == state)
    }
}

#[cfg(all(test, feature = "cli"))]
mod tests;
