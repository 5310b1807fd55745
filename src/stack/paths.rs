//! The path MTUs that routers have reported, or that black holes have shown (RFC 1191, RFC 8201, RFC 8899), by destination.
//!
//! Whoever guesses nothing changes nothing: ingress/icmp.rs passes on only what an ICMP error reports about a packet that left.
//! connections/path.rs tells connections of their path; fragmenter.rs cuts other packets.

#[cfg(test)]
mod tests;

use smoltcp::phy::DeviceCapabilities;
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::IpAddress;

use super::buckets::{self, Bucket, Hashed};
use super::half_sip::half_sip_of_address;

/// How long a path MTU counts (RFC 1191 section 6.3, RFC 8201 section 4: 10 minutes).
const LIFETIME: Duration = Duration::from_secs(600);

/// The smallest path MTU that is believed. IPv4: what a segment without the MSS option needs, 536 bytes, less the room that a
/// tunnel takes; Linux has the same. IPv6: RFC 8201 section 4.
const FLOOR_V4: usize = 552;
const FLOOR_V6: usize = 1_280;

/// Common MTUs (RFC 1191 section 7.1), for routers that do not report theirs.
const PLATEAUS: [usize; 9] = [65_535, 32_000, 17_914, 8_166, 4_352, 2_002, 1_492, 1_006, FLOOR_V4];

/// What is tried in a black hole, the largest first.
const BASES_V4: &[usize] = &[1_280, 576];
const BASES_V6: &[usize] = &[1_280];

/// The path MTU to a destination.
#[derive(Clone, Copy, Debug)]
pub struct Path {
    /// `None` if the entry is empty.
    address: Option<IpAddress>,
    mtu: u16,
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
    /// Whether no path was ever learnt: then a look-up needs no hash.
    is_empty: bool,
    /// Whether the device cuts IPv4 segments to the length that it is told with each.
    cuts_segments: bool,
}

impl<'a> Paths<'a> {
    pub(super) fn new(entries: &'a mut [Path], key: u64, device: &DeviceCapabilities) -> Self {
        let count = entries.len().min(usize::from(buckets::NONE) - 1);
        let cuts_segments = device.segmentation.tcpv4.is_some();
        Paths { entries: &mut entries[..count], key, is_empty: true, cuts_segments }
    }

    /// Whether the device cuts a segment to this address to the length that it is told.
    pub(super) fn by_device(&self, address: &IpAddress) -> bool {
        // What a device that takes long IPv6 segments can do, smoltcp cannot use: see phy/linux/join.rs.
        self.cuts_segments && matches!(address, IpAddress::Ipv4(_))
    }

    /// Whether no path is known.
    pub(super) fn is_empty(&self) -> bool {
        self.is_empty
    }

    /// The path MTU to a destination, in bytes, if it is known.
    pub(super) fn find(&self, now: Instant, address: &IpAddress) -> Option<usize> {
        if self.is_empty {
            return None;
        }
        let entry = &self.entries[self.position(address)?];
        (now < entry.until).then(|| entry.mtu.into())
    }

    /// Takes in a path MTU. A larger one than the known one changes nothing. Without room, the entry goes whose time is over first.
    pub(super) fn learn(&mut self, now: Instant, address: IpAddress, mtu: usize) {
        if self.find(now, &address).is_some_and(|known| known < mtu) {
            return;
        }
        let Some(index) = self.position(&address).or_else(|| self.insert(address)) else { return };
        let entry = &mut self.entries[index];
        (entry.mtu, entry.until) = (mtu.try_into().unwrap_or(u16::MAX), now + LIFETIME);
        self.is_empty = false;
    }

    /// The path MTU to try when packets of `len` bytes to this address seem to vanish. `None` if packets of this length need not be
    /// the reason, or if there is no room for paths.
    pub(super) fn below(&self, address: &IpAddress, len: usize) -> Option<usize> {
        let bases = match address {
            _ if self.entries.is_empty() => &[],
            IpAddress::Ipv4(_) => BASES_V4,
            IpAddress::Ipv6(_) => BASES_V6,
        };
        bases.iter().copied().find(|&base| base < len)
    }

    /// Forgets all paths, because the link may be another one.
    #[cfg(feature = "std")]
    pub(super) fn clear(&mut self) {
        self.entries.fill(Path::default());
        self.is_empty = true;
    }

    fn position(&self, address: &IpAddress) -> Option<usize> {
        buckets::find(self.entries, self.bucket(address)?, |entry| entry.address.as_ref() == Some(address))
    }

    fn insert(&mut self, address: IpAddress) -> Option<usize> {
        // Whoever makes the stack search must have had a packet in flight there.
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

    fn bucket(&self, address: &IpAddress) -> Option<usize> {
        (half_sip_of_address(self.key, address) as usize).checked_rem(self.entries.len())
    }
}

/// The path MTU that a router reports about a packet of `len` bytes to this address; 0 if it does not know its own. `None` if the
/// report cannot be right.
pub(super) fn reported(address: &IpAddress, mtu: u32, len: usize) -> Option<usize> {
    let mtu = mtu as usize;
    let mtu = match address {
        IpAddress::Ipv4(_) if mtu == 0 => PLATEAUS.into_iter().find(|&plateau| plateau < len)?,
        _ => mtu,
    };
    let floor = if matches!(address, IpAddress::Ipv4(_)) { FLOOR_V4 } else { FLOOR_V6 };
    (floor..len).contains(&mtu).then_some(mtu)
}
