//! Collects the events of one step.

use smoltcp::time::Instant;

use super::show::Transfer;
use crate::stack::{Event, Probe};

/// Collects the events that the stack reports in one step.
#[derive(Default)]
pub(super) struct Notes(pub(super) heapless::Vec<Event, 16>);

impl Notes {
    /// Returns how many bytes the step's program has read and written.
    pub(super) fn transfer(&self) -> Transfer {
        let mut sum = Transfer::default();
        for event in &self.0 {
            match *event {
                Event::Read { bytes, .. } => sum.read += bytes,
                Event::Wrote { bytes, .. } => sum.written += bytes,
                Event::Udp { read, sent, .. } => (sum.read, sum.written) = (sum.read + read, sum.written + sent),
                _ => {}
            }
        }
        sum
    }
}

impl Probe for Notes {
    fn event(&mut self, _now: Instant, event: &Event) {
        // One step causes only a few events. Events that do not fit are not collected.
        let _ = self.0.push(*event);
    }
}
