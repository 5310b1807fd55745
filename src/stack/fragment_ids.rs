//! The identifications of IPv4 fragments.
//!
//! smoltcp counts every packet that it sends, and the count is a fragmented packet's identification. So a host that asks for
//! fragments could count the packets sent to others, and forge fragments that fit theirs (RFC 6274 section 3.5). The count is
//! enciphered before it leaves: a keyed permutation, so that no identification comes again earlier than with the count itself
//! (RFC 6864 section 4.3). Packets that are not fragmented have the identification 0.

use smoltcp::phy::ChecksumCapabilities;
#[cfg(feature = "std")]
use smoltcp::wire::Ipv4Packet;

#[cfg(feature = "std")]
use super::half_sip::half_sip;

/// The cipher, and what it must know of the device. Without `std` no datagram is fragmented, and it is empty.
#[derive(Clone, Copy)]
pub(super) struct FragmentIds {
    #[cfg(feature = "std")]
    key: u64,
    /// Whether the device leaves the header's checksum to us.
    #[cfg(feature = "std")]
    checksum: bool,
}

#[cfg(not(feature = "std"))]
impl FragmentIds {
    pub(super) fn new(_key: u64, _checksums: &ChecksumCapabilities) -> Self {
        FragmentIds {}
    }

    pub(super) fn encipher(&self, _packet: &mut [u8]) {}
}

#[cfg(feature = "std")]
impl FragmentIds {
    pub(super) fn new(key: u64, checksums: &ChecksumCapabilities) -> Self {
        FragmentIds { key, checksum: checksums.ipv4.tx() }
    }

    /// Enciphers the identification, if the IP packet is a fragment.
    pub(super) fn encipher(&self, packet: &mut [u8]) {
        // The first half of the first byte is the version.
        if packet.first().is_none_or(|first| first >> 4 != 4) {
            return;
        }
        let Ok(mut packet) = Ipv4Packet::new_checked(packet) else { return };
        if packet.more_frags() || packet.frag_offset() > 0 {
            packet.set_ident(self.permute(packet.ident()));
            if self.checksum {
                packet.fill_checksum();
            }
        }
    }

    /// A Feistel network of four rounds on two bytes (Luby and Rackoff 1988).
    fn permute(&self, count: u16) -> u16 {
        let [mut left, mut right] = count.to_be_bytes();
        for round in 0..4 {
            let mixed = left ^ half_sip::<2, 4>(self.key, &[round, right.into()]) as u8;
            (left, right) = (right, mixed);
        }
        u16::from_be_bytes([left, right])
    }
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use std::vec::Vec;

    use super::*;

    fn ids(key: u64) -> FragmentIds {
        FragmentIds::new(key, &ChecksumCapabilities::default())
    }

    #[test]
    fn no_identification_comes_twice() {
        let mut all: Vec<u16> = (0..=u16::MAX).map(|count| ids(7).permute(count)).collect();
        let steps = all.windows(2).filter(|two| two[1].wrapping_sub(two[0]) == 1).count();
        assert!(steps < 16, "{steps} of 65,535 follow the count");
        all.sort_unstable();
        assert!(all.into_iter().eq(0..=u16::MAX));
    }

    #[test]
    fn only_fragments_are_changed() {
        let mut bytes = [0; 28];
        let mut packet = Ipv4Packet::new_unchecked(&mut bytes[..]);
        packet.set_version(4);
        packet.set_header_len(20);
        packet.set_total_len(28);
        packet.set_ident(5);
        packet.fill_checksum();
        let whole = bytes;
        ids(7).encipher(&mut bytes);
        assert_eq!(bytes, whole);
        for (more, offset) in [(true, 0), (true, 8), (false, 8)] {
            let mut bytes = whole;
            let mut packet = Ipv4Packet::new_unchecked(&mut bytes[..]);
            packet.set_more_frags(more);
            packet.set_frag_offset(offset);
            packet.fill_checksum();
            ids(7).encipher(&mut bytes);
            let packet = Ipv4Packet::new_checked(&bytes[..]).unwrap();
            assert_eq!(packet.ident(), ids(7).permute(5));
            assert!(packet.verify_checksum());
        }
        let mut other = [0x60; 28];
        ids(7).encipher(&mut other);
        ids(7).encipher(&mut []);
        assert_eq!(other, [0x60; 28]);
    }
}
