//! The neighbours' hardware addresses and the packets awaiting address resolution (RFC 1122 section 2.3.2).
//!
//! On hosts, a hash table finds a neighbour in constant time. Boards search the list of their few neighbours. When the
//! table is full, a new neighbour replaces one that has not been used recently. The clock algorithm chooses the
//! neighbour to replace: a neighbour that has been used since the previous search is skipped once.

mod pending;
mod queues;
#[cfg(all(test, feature = "std"))]
mod tests;

use smoltcp::time::{Duration, Instant};
use smoltcp::wire::IpAddress;

use crate::phy::EthernetAddress;
use crate::stack::buckets::{self, Bucket, HASHED, Hashed, NONE};
use crate::stack::connections::RETRY;
use crate::stack::half_sip::half_sip_of_address;
use pending::PREFIX;
use queues::Links;

/// The time for which a hardware address is fresh after a packet from the neighbour. RFC 1122 section 2.3.2.1
/// recommends about a minute.
const FRESH: Duration = Duration::from_secs(60);

/// The time between two requests for a neighbour. RFC 1122 section 2.3.2.1 allows at most one request a second.
const INTERVAL: Duration = Duration::from_secs(1);

/// The number of requests for a neighbour before its pending packets are dropped.
const REQUESTS: u8 = 3;

/// The largest number of queued entries that a search for a free entry skips.
#[cfg(feature = "std")]
const TRIES: usize = 32;

/// The memory for one neighbour: its addresses and its state.
#[derive(Clone, Copy, Debug)]
pub struct Neighbour {
    /// The neighbour's IP address, or `None` if the entry is empty.
    address: Option<IpAddress>,
    /// The neighbour's hardware address, or `None` if it is not known.
    hardware: Option<EthernetAddress>,
    /// The time at which the hardware address becomes stale.
    fresh_until: Instant,
    /// The time at which the most recent request was sent.
    asked_at: Instant,
    /// The number of requests since the most recent answer.
    requests: u8,
    /// Whether the entry was used since a search for a free entry most recently passed it.
    used: bool,
    /// The range of bytes with pending packets in the entry's slot: its start and its end.
    kept: (u32, u32),
    /// For each queue, whether the entry is in that queue. If so, `links` gives the entries before and after it.
    queued: [bool; 2],
    links: [Links; 2],
    bucket: Bucket,
}

/// An empty entry.
impl Default for Neighbour {
    fn default() -> Self {
        Neighbour {
            address: None,
            hardware: None,
            fresh_until: Instant::ZERO,
            asked_at: Instant::ZERO,
            requests: 0,
            used: false,
            kept: (0, 0),
            queued: [false; 2],
            links: Default::default(),
            bucket: Bucket::EMPTY,
        }
    }
}

impl Hashed for Neighbour {
    fn bucket(&self) -> &Bucket {
        &self.bucket
    }

    fn bucket_mut(&mut self) -> &mut Bucket {
        &mut self.bucket
    }
}

/// An action that is due for a neighbour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// Send a request for this neighbour.
    Ask(IpAddress),
    /// This neighbour did not answer any request. Drop its pending packets: see [`Neighbours::first_kept`].
    GiveUp(usize),
    /// Send a packet to this neighbour: see [`Neighbours::first_kept`].
    Send(usize, EthernetAddress),
}

/// The queue of neighbours to which a request was sent, in the order of the requests.
const ASKED: usize = 0;
/// The queue of neighbours whose pending packets can be sent.
const READY: usize = 1;

/// The table of neighbours, with the packets awaiting address resolution.
pub(super) struct Neighbours<'a> {
    entries: &'a mut [Neighbour],
    kept: &'a mut [u8],
    /// The number of slots for pending packets. An entry's slot is the entry's index modulo `slots`.
    slots: usize,
    key: u64,
    /// The entry at which the next search for a free entry begins.
    hand: usize,
    /// The number of pending packets that other packets have replaced since the most recent call to
    /// [`take_lost`](Self::take_lost).
    #[cfg(feature = "std")]
    lost: u32,
    /// The entry that was found most recently. Nearly all packets are for the same neighbour as the packet before them,
    /// and comparing its address costs a tenth of a hash.
    #[cfg(feature = "std")]
    newest: usize,
    /// For each queue, its final entry as `previous` and its first entry as `next`.
    queues: [Links; 2],
    blocked_until: Instant,
    /// Whether a test searches without hashes, as boards do.
    #[cfg(test)]
    unhashed: bool,
}

impl<'a> Neighbours<'a> {
    /// Creates an empty table. Divides `kept` into slots, each with room for at least one packet of `mtu` bytes.
    pub(super) fn new(entries: &'a mut [Neighbour], kept: &'a mut [u8], mtu: usize, key: u64) -> Self {
        // Every index must be less than `NONE`, which means "no entry".
        let count = entries.len().min(usize::from(NONE) - 1);
        let slots = (kept.len() / (PREFIX + mtu).max(1)).min(count);
        let queues = [Links::EMPTY; 2];
        let (entries, blocked_until) = (&mut entries[..count], Instant::ZERO);
        Neighbours {
            entries,
            kept,
            slots,
            key,
            hand: 0,
            #[cfg(feature = "std")]
            lost: 0,
            #[cfg(feature = "std")]
            newest: 0,
            queues,
            blocked_until,
            #[cfg(test)]
            unhashed: false,
        }
    }

    /// Returns a neighbour's hardware address and whether that address is stale because it might have changed. `None`
    /// if the hardware address is not known. Marks the neighbour's entry as used.
    pub(super) fn find(&mut self, now: Instant, address: &IpAddress) -> Option<(EthernetAddress, bool)> {
        let index = self.position(address)?;
        #[cfg(feature = "std")]
        {
            self.newest = index;
        }
        let entry = &mut self.entries[index];
        entry.used = true;
        Some((entry.hardware?, now >= entry.fresh_until))
    }

    /// Schedules a request for a neighbour, because a packet was sent to its stale hardware address.
    ///
    /// [`next_due`](Self::next_due) returns the request.
    pub(super) fn ask_soon(&mut self, now: Instant, address: &IpAddress) {
        if let Some(index) = self.position(address)
            && self.entries[index].requests == 0
        {
            let entry = &mut self.entries[index];
            // This time makes the request due after `RETRY`.
            (entry.asked_at, entry.requests) = (now + RETRY - INTERVAL, 1);
            self.push(ASKED, index);
        }
    }

    /// Returns whether the caller must send a request for a neighbour now. If so, records the request as sent.
    ///
    /// A neighbour without an entry gets an entry. Returns false while an earlier request is scheduled or unanswered.
    pub(super) fn ask(&mut self, now: Instant, address: IpAddress) -> bool {
        let index = match self.position(&address) {
            Some(index) if self.entries[index].requests > 0 => return false,
            Some(index) => index,
            None => self.insert(address),
        };
        let entry = &mut self.entries[index];
        (entry.asked_at, entry.requests) = (now, 1);
        self.push(ASKED, index);
        true
    }

    /// Stores a neighbour's hardware address. Returns whether the hardware address was unknown before.
    ///
    /// A neighbour without an entry gets an entry only if `add` is set.
    pub(super) fn learn(&mut self, now: Instant, address: IpAddress, hardware: EthernetAddress, add: bool) -> bool {
        let index = match self.position(&address) {
            Some(index) => index,
            None if add => self.insert(address),
            None => return false,
        };
        let entry = &mut self.entries[index];
        let before = entry.hardware.replace(hardware);
        (entry.fresh_until, entry.requests) = (now + FRESH, 0);
        // Pending packets can be sent now.
        if entry.kept.0 < entry.kept.1 {
            self.push(READY, index);
        }
        self.unlink(ASKED, index);
        before.is_none()
    }

    /// Records a packet from a neighbour. The packet confirms the hardware address if that address is known.
    pub(super) fn confirm(&mut self, now: Instant, address: &IpAddress, hardware: EthernetAddress) {
        if let Some(index) = self.position(address)
            && self.entries[index].hardware == Some(hardware)
        {
            let entry = &mut self.entries[index];
            entry.fresh_until = now + FRESH;
            // The packet also answers any request, so no further request is sent.
            if core::mem::take(&mut entry.requests) > 0 {
                self.unlink(ASKED, index);
            }
        }
    }

    /// Marks a neighbour's hardware address as stale.
    #[cfg(feature = "ipv6")]
    pub(super) fn doubt(&mut self, now: Instant, address: &IpAddress) {
        if let Some(index) = self.position(address) {
            self.entries[index].fresh_until = now;
        }
    }

    /// Returns the hardware address in a neighbour's entry, if known. The outer `None` means that there is no entry.
    #[cfg(feature = "ipv6")]
    pub(super) fn entry(&self, address: &IpAddress) -> Option<Option<EthernetAddress>> {
        self.position(address).map(|index| self.entries[index].hardware)
    }

    /// Restarts the requests for a neighbour. Returns the neighbour's address, for which the caller sends the first
    /// request.
    pub(super) fn ask_anew(&mut self, now: Instant, index: usize) -> Option<IpAddress> {
        let address = self.entries[index].address?;
        (self.entries[index].requests, self.entries[index].asked_at) = (1, now);
        self.push(ASKED, index);
        Some(address)
    }

    /// Returns the next work that is due. If the work is a request, records the request as sent.
    pub(super) fn next_due(&mut self, now: Instant) -> Option<Due> {
        while let Some(index) = self.front(READY) {
            let entry = &self.entries[index];
            if let (Some(hardware), true) = (entry.hardware, entry.kept.0 < entry.kept.1) {
                // The neighbour stays in the queue until all its packets have been sent.
                self.push(READY, index);
                return Some(Due::Send(index, hardware));
            }
            self.unlink(READY, index);
        }
        let index = self.front(ASKED)?;
        if now < self.entries[index].asked_at + INTERVAL {
            return None;
        }
        let entry = &mut self.entries[index];
        let address = entry.address.filter(|_| entry.requests < REQUESTS);
        if address.is_some() {
            (entry.requests, entry.asked_at) = (entry.requests + 1, now);
            self.push(ASKED, index);
        } else {
            self.unlink(ASKED, index);
        }
        Some(address.map_or(Due::GiveUp(index), Due::Ask))
    }

    /// Delays all work until `until`, because the device has no room.
    pub(super) fn blocked(&mut self, until: Instant) {
        self.blocked_until = until;
    }

    /// Removes a neighbour. Its pending packets are lost without being counted.
    pub(super) fn forget(&mut self, index: usize) {
        let entry = &mut self.entries[index];
        // Without packets, `next_due` removes the entry from the queue READY.
        (entry.hardware, entry.requests, entry.kept) = (None, 0, (0, 0));
        if let Some(address) = entry.address.take()
            && let Some(bucket) = self.bucket(&address)
        {
            buckets::remove(self.entries, bucket, index);
        }
        self.unlink(ASKED, index);
    }

    /// Removes all neighbours and their pending packets.
    pub(super) fn clear(&mut self) {
        (0..self.entries.len()).for_each(|index| self.lose(index));
        self.entries.fill(Neighbour::default());
        self.queues = [Links::EMPTY; 2];
    }

    /// Returns the index of a neighbour's entry.
    fn position(&self, address: &IpAddress) -> Option<usize> {
        let is_same = |entry: &Neighbour| entry.address.as_ref() == Some(address);
        // An address has at most one entry, so it does not matter which search finds the entry.
        #[cfg(feature = "std")]
        if self.entries.get(self.newest).is_some_and(is_same) {
            return Some(self.newest);
        }
        match self.bucket(address) {
            Some(bucket) => buckets::find(self.entries, bucket, is_same),
            None => self.entries.iter().position(is_same),
        }
    }

    /// Creates an entry and returns its index. If the table is full, the new entry replaces another entry.
    ///
    /// On a host, entries that are in no queue are replaced first.
    fn insert(&mut self, address: IpAddress) -> usize {
        #[cfg(feature = "std")]
        let mut tries = 0..TRIES;
        let index = loop {
            let index = self.hand;
            self.hand = if index + 1 < self.entries.len() { index + 1 } else { 0 };
            let entry = &mut self.entries[index];
            #[cfg(feature = "std")]
            // If an entry has pending work, skip it while there are tries left.
            if entry.queued.contains(&true) && tries.next().is_some() {
                continue;
            }
            // The clock algorithm: `take` clears the flag of an entry that was used, and the entry is skipped this
            // time.
            if !core::mem::take(&mut entry.used) {
                break index;
            }
        };
        #[cfg(feature = "std")]
        self.lose(index);
        self.forget(index);
        self.entries[index].address = Some(address);
        if let Some(bucket) = self.bucket(&address) {
            buckets::insert(self.entries, bucket, index);
        }
        index
    }

    /// Returns the index of an address's bucket. `None` if the table is searched without a hash.
    fn bucket(&self, address: &IpAddress) -> Option<usize> {
        if !HASHED {
            return None;
        }
        #[cfg(test)]
        if self.unhashed {
            return None;
        }
        (half_sip_of_address(self.key, address) as usize).checked_rem(self.entries.len())
    }
}
