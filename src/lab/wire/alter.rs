//! Changes a frame that is already in flight.

use super::{MAX_FRAME, Wire};
use crate::lab::Verdict;

impl<const FRAMES: usize, const KEPT: usize> Wire<FRAMES, KEPT> {
    /// Removes a frame from the wire, with its copies to all receivers. Returns whether the frame was in flight.
    pub fn remove(&mut self, id: u32) -> bool {
        let mut found = false;
        for slot in self.slots.iter_mut().filter(|p| p.as_ref().is_some_and(|p| p.id == id)) {
            *slot = None;
            found = true;
        }
        found
    }

    /// Drops, delays, duplicates or damages a frame in flight. Returns false if the frame is not in flight, or if there
    /// is no room for its duplicate.
    #[doc(hidden)]
    pub fn alter(&mut self, id: u32, fault: Verdict) -> bool {
        // There is a copy of the frame for each receiver.
        let copies = self.slots.iter().flatten().filter(|slot| slot.id == id).count();
        let free = self.slots.iter().filter(|slot| slot.is_none()).count();
        match fault {
            Verdict::Drop | Verdict::Lost => return self.remove(id),
            Verdict::Duplicate if free < copies => return false,
            Verdict::Duplicate => self.duplicate(id),
            Verdict::Delay(time) => {
                for slot in self.slots.iter_mut().flatten().filter(|slot| slot.id == id) {
                    // A reordered frame no longer waits for the sender's next frame.
                    (slot.at, slot.yields) = (slot.at + time, false);
                }
            }
            Verdict::Corrupt => {
                // Damaging a copy twice would repair it.
                for slot in self.slots.iter_mut().flatten().filter(|slot| slot.id == id && !slot.damaged) {
                    slot.damaged = true;
                    damage(&mut slot.frame, slot.len);
                }
            }
            // A user cannot choose these verdicts.
            Verdict::Deliver | Verdict::QueueFull | Verdict::Reorder | Verdict::TooLong => {}
        }
        copies > 0
    }

    /// Duplicates each copy of a frame in flight, as long as there is room.
    fn duplicate(&mut self, id: u32) {
        // The duplicates made here have a higher order, so they are not duplicated in turn.
        let newest = self.order;
        for index in 0..FRAMES {
            let original = self.slots[index].as_ref().filter(|slot| slot.id == id && slot.order <= newest);
            let Some(mut copy) = original.cloned() else { continue };
            self.order += 1;
            copy.order = self.order;
            if let Some(free) = self.slots.iter_mut().find(|slot| slot.is_none()) {
                *free = Some(copy);
            }
        }
    }
}

/// Inverts one bit in the last byte of a frame of `len` bytes.
pub(super) fn damage(frame: &mut [u8; MAX_FRAME], len: usize) {
    if let Some(byte) = frame.get_mut(len.saturating_sub(1)) {
        *byte ^= 1;
    }
}
