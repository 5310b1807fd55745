//! The connection table: finds a slot by its two endpoints. The hash is keyed, so that peers cannot cause collisions.

use super::slot_index::SlotIndex;
use crate::stack::buckets;
use crate::stack::event::Tuple;
use crate::stack::half_sip::half_sip_of;

/// The connection table. This type stores only the key and the number of buckets, which is the number of slots. The
/// chains are in the slot index, which the caller passes to every call.
pub(super) struct Table<const HASHED: bool> {
    key: u64,
    buckets: usize,
}

impl<const HASHED: bool> Table<HASHED> {
    pub(super) fn new(key: u64, buckets: usize) -> Self {
        Table { key, buckets }
    }

    /// Returns the slot of the connection between two endpoints.
    pub(super) fn find(&self, slots: &[SlotIndex], tuple: &Tuple) -> Option<usize> {
        // Without a hash, all slots are searched, as on boards.
        if !HASHED {
            // Remote endpoints are compared first, because most connections have the same local endpoint.
            let same = |other: Tuple| other.remote == tuple.remote && other.local == tuple.local;
            return slots.iter().position(|slot| slot.tuple.is_some_and(same));
        }
        buckets::find(slots, self.bucket(tuple)?, |slot| slot.tuple.as_ref() == Some(tuple))
    }

    /// Adds the slot `index`, whose tuple is already set.
    pub(super) fn insert(&self, slots: &mut [SlotIndex], index: usize) {
        let Some(bucket) = slots[index].tuple.as_ref().and_then(|tuple| self.bucket(tuple)) else { return };
        buckets::insert(slots, bucket, index);
    }

    /// Removes the slot `index`, whose tuple is still set.
    pub(super) fn remove(&self, slots: &mut [SlotIndex], index: usize) {
        let Some(bucket) = slots[index].tuple.as_ref().and_then(|tuple| self.bucket(tuple)) else { return };
        buckets::remove(slots, bucket, index);
    }

    /// Returns the index of a tuple's bucket.
    fn bucket(&self, tuple: &Tuple) -> Option<usize> {
        if !HASHED {
            return None;
        }
        (half_sip_of::<1, 3>(self.key, tuple) as usize).checked_rem(self.buckets)
    }
}

#[cfg(test)]
mod tests {
    use smoltcp::wire::{IpEndpoint, Ipv4Address};

    use super::*;

    /// Adds and removes slots at random. Look-ups must find exactly the present slots, with and without a hash.
    #[test]
    fn finds_exactly_the_present_slots() {
        // The key is 7, and there are 8 buckets for 8 slots.
        let (hashed, plain) = (Table::<true>::new(7, 8), Table::<false>::new(7, 8));
        let mut slots = [SlotIndex::default(); 8];
        let tuple = |peer: u16| Tuple {
            local: IpEndpoint::new(Ipv4Address::new(192, 168, 69, 1).into(), 7),
            remote: IpEndpoint::new(Ipv4Address::new(10, 0, 0, (peer / 4) as u8).into(), 50_000 + peer % 4),
        };
        for round in 0..64 {
            // The slots are used in turn, in the order 0, 5, 2 and so on. Every third round leaves its slot empty.
            let index = usize::from(round * 5 % 8);
            hashed.remove(&mut slots, index);
            slots[index].tuple = (round % 3 > 0).then(|| tuple(round));
            hashed.insert(&mut slots, index);
            for peer in 0..=round {
                let found = slots.iter().position(|slot| slot.tuple == Some(tuple(peer)));
                assert_eq!(hashed.find(&slots, &tuple(peer)), found, "peer {peer} in round {round}");
                assert_eq!(plain.find(&slots, &tuple(peer)), found, "peer {peer} in round {round}");
            }
        }
    }
}
