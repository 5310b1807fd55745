//! Identifications for fragmented packets.
//!
//! Consecutive identifications would reveal to any receiver of fragments how many fragmented datagrams this host sends
//! to other hosts. The receiver could then forge fragments of those datagrams (RFC 6274 section 3.5, RFC 7739 section
//! 3). For this reason, a keyed permutation enciphers the count of fragmented datagrams. A permutation repeats no
//! identification before the count itself wraps around (RFC 6864 section 4.3). IPv4 packets that are not fragmented
//! have the identification 0.

use super::half_sip::half_sip;

/// The keyed permutation that turns a count into identifications.
#[derive(Clone, Copy, Default)]
pub(super) struct FragmentIds {
    key: u64,
}

impl FragmentIds {
    pub(super) fn new(key: u64) -> Self {
        FragmentIds { key }
    }

    /// Returns the IPv4 identification for `count`. The permutation is a Feistel network of four rounds on two bytes
    /// (Luby and Rackoff 1988). Different counts get different identifications, which peers cannot predict.
    pub(super) fn permute(&self, count: u16) -> u16 {
        let [mut left, mut right] = count.to_be_bytes();
        for round in 0..4 {
            let mixed = left ^ half_sip::<2, 4>(self.key, &[round, right.into()]) as u8;
            (left, right) = (right, mixed);
        }
        u16::from_be_bytes([left, right])
    }

    /// Returns the IPv6 identification for `count`. The identification is `count`, permuted by the Feistel network of
    /// [`permute`](Self::permute), but with two halves of 16 bits. Different counts get different identifications, and
    /// peers cannot predict them.
    pub(super) fn permute_long(&self, count: u32) -> u32 {
        let (mut left, mut right) = ((count >> 16) as u16, count as u16);
        // The round numbers differ from those in `permute`, so that the two permutations never hash the same input.
        for round in 4..8 {
            let mixed = left ^ half_sip::<2, 4>(self.key, &[round, right.into()]) as u16;
            (left, right) = (right, mixed);
        }
        u32::from(left) << 16 | u32::from(right)
    }
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use std::vec::Vec;

    use super::*;

    /// Different counts get different identifications. Consecutive counts rarely get consecutive identifications.
    #[test]
    fn no_identification_comes_twice() {
        let ids = FragmentIds::new(7);
        let mut all: Vec<u16> = (0..=u16::MAX).map(|count| ids.permute(count)).collect();
        let steps = all.windows(2).filter(|two| two[1].wrapping_sub(two[0]) == 1).count();
        assert!(steps < 16, "{steps} of 65,535 follow the count");
        all.sort_unstable();
        assert!(all.into_iter().eq(0..=u16::MAX));
    }

    #[test]
    fn no_long_identification_comes_twice() {
        let ids = FragmentIds::new(7);
        let mut all: Vec<u32> = (0..100_000).map(|count| ids.permute_long(count)).collect();
        let steps = all.windows(2).filter(|two| two[1].wrapping_sub(two[0]) == 1).count();
        assert!(steps < 4, "{steps} of 100,000 follow the count");
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 100_000);
    }
}
