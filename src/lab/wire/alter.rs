//! Faults that strike a frame that is already in flight.

use super::{MAX_FRAME, Wire};
use crate::lab::Verdict;

impl<const FRAMES: usize, const KEPT: usize> Wire<FRAMES, KEPT> {
    /// Removes a frame from the wire. Returns whether it was in flight.
    pub fn remove(&mut self, id: u32) -> bool {
        let mut found = false;
        for place in self.places.iter_mut().filter(|p| p.as_ref().is_some_and(|p| p.id == id)) {
            *place = None;
            found = true;
        }
        found
    }

    /// Drops, delays, duplicates or damages a frame in flight. Returns false if the frame is not in flight, or if there
    /// is no room for its duplicate.
    #[doc(hidden)]
    pub fn alter(&mut self, id: u32, fault: Verdict) -> bool {
        let copies = self.places.iter().flatten().filter(|place| place.id == id).count();
        let free = self.places.iter().filter(|place| place.is_none()).count();
        match fault {
            Verdict::Drop | Verdict::Lost => return self.remove(id),
            Verdict::Duplicate if free < copies => return false,
            Verdict::Duplicate => self.duplicate(id),
            Verdict::Delay(time) => {
                for place in self.places.iter_mut().flatten().filter(|place| place.id == id) {
                    (place.at, place.yields) = (place.at + time, false);
                }
            }
            Verdict::Corrupt => {
                for place in self.places.iter_mut().flatten().filter(|place| place.id == id && !place.damaged) {
                    place.damaged = true;
                    damage(&mut place.frame, place.len);
                }
            }
            // These are not caused by hand.
            Verdict::Deliver | Verdict::QueueFull | Verdict::Reorder | Verdict::TooLong => {}
        }
        copies > 0
    }

    /// Copies each copy of a frame once, as far as there is room.
    fn duplicate(&mut self, id: u32) {
        let newest = self.order;
        for index in 0..FRAMES {
            let original = self.places[index].as_ref().filter(|place| place.id == id && place.order <= newest);
            let Some(mut copy) = original.cloned() else { continue };
            self.order += 1;
            copy.order = self.order;
            if let Some(free) = self.places.iter_mut().find(|place| place.is_none()) {
                *free = Some(copy);
            }
        }
    }
}

/// Inverts one bit of a frame of `len` bytes.
pub(super) fn damage(frame: &mut [u8; MAX_FRAME], len: usize) {
    if let Some(byte) = frame.get_mut(len.saturating_sub(1)) {
        *byte ^= 1;
    }
}
