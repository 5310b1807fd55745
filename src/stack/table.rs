//! The table of connections: from the two ends to the slot, by a keyed hash that peers cannot steer.

use smoltcp::wire::IpAddress;

use super::event::Tuple;
use super::half_sip::half_sip;
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
    key: u64,
    buckets: usize,
}

impl Table {
    pub(super) fn new(key: u64, buckets: usize) -> Self {
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

    /// The number of a tuple's bucket. The hash takes the addresses in as they are, IPv4 ones in two words and IPv6 ones in
    /// eight: its end holds the length, so that neither is the other's.
    fn bucket(&self, tuple: &Tuple) -> Option<usize> {
        let ports = u32::from(tuple.remote.port) << 16 | u32::from(tuple.local.port);
        let hash = match (tuple.remote.addr, tuple.local.addr) {
            (IpAddress::Ipv4(remote), IpAddress::Ipv4(local)) => {
                half_sip::<1, 3>(self.key, &[remote.to_bits(), local.to_bits(), ports])
            }
            #[cfg(feature = "ipv6")]
            (IpAddress::Ipv6(remote), IpAddress::Ipv6(local)) => {
                let mut words = [ports; 9];
                let addresses = [remote.octets(), local.octets()];
                for (word, bytes) in words.iter_mut().zip(addresses.as_flattened().as_chunks().0) {
                    *word = u32::from_le_bytes(*bytes);
                }
                half_sip::<1, 3>(self.key, &words)
            }
            // No segment has one of each.
            #[cfg(feature = "ipv6")]
            _ => return None,
        };
        (hash as usize).checked_rem(self.buckets)
    }
}
