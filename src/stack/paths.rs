//! The path MTUs of destinations, as reported by routers or found in black holes (RFC 1191, RFC 8201, RFC 8899).
//!
//! A forged ICMP error has an effect only if its sender guesses the header of a packet that was sent. ingress/icmp.rs
//! ignores errors about other packets. connections/path.rs adapts connections to their path MTUs. fragmenter.rs cuts
//! other packets.

#[cfg(test)]
mod tests;

use smoltcp::phy::DeviceCapabilities;
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::IpAddress;

use super::buckets::{self, Bucket, Hashed};
use super::half_sip::half_sip_of_address;

/// The time for which a path MTU is used (RFC 1191 section 6.3, RFC 8201 section 4: 10 minutes).
const LIFETIME: Duration = Duration::from_secs(600);

/// The smallest path MTU that the stack accepts, in bytes. For IPv4, the limit is 576 bytes (the default MSS of 536
/// bytes and its headers) minus 24 bytes for a tunnel. Linux has the same limit.
const FLOOR_V4: usize = 552;
/// The smallest path MTU that the stack accepts for IPv6, in bytes (RFC 8201 section 4).
const FLOOR_V6: usize = 1_280;

/// Common MTUs (RFC 1191 section 7.1), for ICMP errors that do not contain the MTU.
const PLATEAUS: [usize; 9] = [65_535, 32_000, 17_914, 8_166, 4_352, 2_002, 1_492, 1_006, FLOOR_V4];

/// The path MTUs to try for IPv4 in a black hole, the largest first.
const BASES_V4: &[usize] = &[1_280, 576];
/// The path MTU to try for IPv6 in a black hole.
const BASES_V6: &[usize] = &[1_280];

/// The path MTU to a destination.
#[derive(Clone, Copy, Debug)]
pub struct Path {
    /// `None` if the entry is empty.
    address: Option<IpAddress>,
    /// The path MTU in bytes.
    mtu: u16,
    /// The time from which the path MTU is no longer used.
    until: Instant,
    bucket: Bucket,
}

/// An empty entry.
impl Default for Path {
    fn default() -> Self {
        Path { address: None, mtu: 0, until: Instant::ZERO, bucket: Bucket::EMPTY }
    }
}

impl Hashed for Path {
    fn bucket(&self) -> &Bucket {
        &self.bucket
    }

    fn bucket_mut(&mut self) -> &mut Bucket {
        &mut self.bucket
    }
}

/// The table of path MTUs.
pub(super) struct Paths<'a> {
    entries: &'a mut [Path],
    key: u64,
    /// Whether the table is empty. A look-up then needs no hash.
    is_empty: bool,
    /// Whether the device cuts IPv4 segments to a size that the stack passes with each segment.
    cuts_segments: bool,
}

impl<'a> Paths<'a> {
    pub(super) fn new(entries: &'a mut [Path], key: u64, device: &DeviceCapabilities) -> Self {
        // Every index must be less than `NONE`, which means "no entry".
        let count = entries.len().min(usize::from(buckets::NONE) - 1);
        let cuts_segments = device.segmentation.tcpv4.is_some();
        Paths { entries: &mut entries[..count], key, is_empty: true, cuts_segments }
    }

    /// Returns whether the device can cut segments for `address` to a size that the stack chooses.
    pub(super) fn by_device(&self, address: &IpAddress) -> bool {
        // Some devices also cut IPv6 segments, but smoltcp cannot use this: see phy/linux/join.rs.
        self.cuts_segments && matches!(address, IpAddress::Ipv4(_))
    }

    /// Returns whether no path MTU is known.
    pub(super) fn is_empty(&self) -> bool {
        self.is_empty
    }

    /// Returns the path MTU to a destination, in bytes, if known.
    pub(super) fn find(&self, now: Instant, address: &IpAddress) -> Option<usize> {
        if self.is_empty {
            return None;
        }
        let entry = &self.entries[self.position(address)?];
        (now < entry.until).then(|| entry.mtu.into())
    }

    /// Stores a path MTU. Ignores `mtu` if the known path MTU is smaller. If the table is full, the new entry replaces
    /// the entry that expires first.
    pub(super) fn learn(&mut self, now: Instant, address: IpAddress, mtu: usize) {
        if self.find(now, &address).is_some_and(|known| known < mtu) {
            return;
        }
        let Some(index) = self.position(&address).or_else(|| self.insert(address)) else { return };
        let entry = &mut self.entries[index];
        (entry.mtu, entry.until) = (mtu.try_into().unwrap_or(u16::MAX), now + LIFETIME);
        self.is_empty = false;
    }

    /// Returns the path MTU to try when packets of `len` bytes to `address` are lost without an ICMP error. `None` if
    /// the packets are already as short as the smallest path MTU to try, or if there is no memory for path MTUs.
    pub(super) fn below(&self, address: &IpAddress, len: usize) -> Option<usize> {
        let bases = match address {
            _ if self.entries.is_empty() => &[],
            IpAddress::Ipv4(_) => BASES_V4,
            IpAddress::Ipv6(_) => BASES_V6,
        };
        bases.iter().copied().find(|&base| base < len)
    }

    /// Forgets all path MTUs, because the link might have changed.
    pub(super) fn clear(&mut self) {
        self.entries.fill(Path::default());
        self.is_empty = true;
    }

    /// Returns the index of a destination's entry.
    fn position(&self, address: &IpAddress) -> Option<usize> {
        buckets::find(self.entries, self.bucket(address)?, |entry| entry.address.as_ref() == Some(address))
    }

    /// Adds an entry for `address` in place of the entry that expires first, and returns the index of the entry.
    ///
    /// Returns `None` if the table has no memory.
    fn insert(&mut self, address: IpAddress) -> Option<usize> {
        // This linear search is rare. The search happens only for a destination to which this host has recently sent a
        // packet.
        let (index, oldest) = self.entries.iter().enumerate().min_by_key(|(_, entry)| entry.until)?;
        if let Some(before) = oldest.address
            && let Some(bucket) = self.bucket(&before)
        {
            buckets::remove(self.entries, bucket, index);
        }
        self.entries[index].address = Some(address);
        let bucket = self.bucket(&address)?;
        buckets::insert(self.entries, bucket, index);
        Some(index)
    }

    /// Returns the index of an address's bucket. `None` if the table has no memory.
    fn bucket(&self, address: &IpAddress) -> Option<usize> {
        (half_sip_of_address(self.key, address) as usize).checked_rem(self.entries.len())
    }
}

/// Returns the path MTU that an ICMP error reports about a packet of `len` bytes to `address`. `mtu` is 0 if the error
/// does not contain the MTU. `None` if the reported MTU is not valid.
pub(super) fn reported(address: &IpAddress, mtu: u32, len: usize) -> Option<usize> {
    let mtu = mtu as usize;
    let mtu = match address {
        IpAddress::Ipv4(_) if mtu == 0 => PLATEAUS.into_iter().find(|&plateau| plateau < len)?,
        _ => mtu,
    };
    let floor = if matches!(address, IpAddress::Ipv4(_)) { FLOOR_V4 } else { FLOOR_V6 };
    // The router would not have dropped a packet that fits the reported MTU, so this MTU must be less than `len`.
    (floor..len).contains(&mtu).then_some(mtu)
}
