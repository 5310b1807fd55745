//! The table of connections: from the two ends to the slot, by a keyed hash that peers cannot steer.

use core::hash::Hasher;

use siphasher::sip::SipHasher13;
use smoltcp::wire::{IpAddress, IpEndpoint};

use super::event::Tuple;
use super::links::{Index, Links, NONE};

/// A slot's part of the table: the first slot of the bucket of its number, and the next slot of its own bucket.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bucket {
    first: Index,
    next: Index,
}

impl Bucket {
    pub(super) const EMPTY: Bucket = Bucket { first: NONE, next: NONE };
}

/// The table's key; its chains stand in the links that every call names, as many buckets as slots.
pub(super) struct Table {
    key: (u64, u64),
    buckets: usize,
}

impl Table {
    pub(super) fn new(key: (u64, u64), buckets: usize) -> Self {
        Table { key, buckets }
    }

    pub(super) fn find(&self, links: &[Links], tuple: &Tuple) -> Option<usize> {
        let mut index = links[self.bucket(tuple)?].bucket.first;
        while index != NONE {
            if links[usize::from(index)].tuple.as_ref() == Some(tuple) {
                return Some(index.into());
            }
            index = links[usize::from(index)].bucket.next;
        }
        None
    }

    /// Adds a slot, whose tuple is set already.
    pub(super) fn insert(&self, links: &mut [Links], index: usize) {
        let Some(bucket) = links[index].tuple.as_ref().and_then(|tuple| self.bucket(tuple)) else { return };
        links[index].bucket.next = links[bucket].bucket.first;
        links[bucket].bucket.first = index as Index;
    }

    /// Takes a slot out, whose tuple is set still.
    pub(super) fn remove(&self, links: &mut [Links], index: usize) {
        let Some(bucket) = links[index].tuple.as_ref().and_then(|tuple| self.bucket(tuple)) else { return };
        let next = links[index].bucket.next;
        let mut before = links[bucket].bucket.first;
        if usize::from(before) == index {
            links[bucket].bucket.first = next;
            return;
        }
        while before != NONE {
            let after = links[usize::from(before)].bucket.next;
            if usize::from(after) == index {
                links[usize::from(before)].bucket.next = next;
                return;
            }
            before = after;
        }
    }

    fn bucket(&self, tuple: &Tuple) -> Option<usize> {
        let mut hasher = SipHasher13::new_with_keys(self.key.0, self.key.1);
        feed(&mut hasher, &tuple.remote);
        feed(&mut hasher, &tuple.local);
        (hasher.finish() as usize).checked_rem(self.buckets)
    }
}

fn feed(hasher: &mut SipHasher13, endpoint: &IpEndpoint) {
    match endpoint.addr {
        IpAddress::Ipv4(address) => hasher.write(&address.octets()),
        #[cfg(feature = "ipv6")]
        IpAddress::Ipv6(address) => hasher.write(&address.octets()),
    }
    hasher.write_u16(endpoint.port);
}
