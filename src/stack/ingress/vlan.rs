//! Frames with a priority but without a VLAN (IEEE 802.1Q clause 6.9): their VLAN tag has the number 0.

/// The ethertype of a VLAN tag.
const TAG: [u8; 2] = [0x81, 0];

/// The place of the payload in an Ethernet frame, and its ethertype. A tag of VLAN 0 is skipped. `None` if the frame is too
/// short, or belongs to a VLAN.
pub(super) fn untagged(frame: &[u8]) -> Option<(usize, [u8; 2])> {
    let kind = *frame.get(12..)?.first_chunk::<2>()?;
    if kind != TAG {
        return Some((14, kind));
    }
    // The upper four bits are the priority and whether the frame may be dropped.
    let &[high, low, a, b] = frame.get(14..)?.first_chunk::<4>()?;
    (u16::from_be_bytes([high, low]) & 0xfff == 0).then_some((18, [a, b]))
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    #[test]
    fn only_the_tag_of_vlan_0_is_skipped() {
        let frame = |tail: &[u8]| -> Vec<u8> { [&[2; 12], tail].concat() };
        assert_eq!(untagged(&frame(&[8, 0, 0x45])), Some((14, [8, 0])));
        assert_eq!(untagged(&frame(&[0x81, 0, 0, 0, 8, 6])), Some((18, [8, 6])));
        // Priority 7.
        assert_eq!(untagged(&frame(&[0x81, 0, 0xe0, 0, 0x86, 0xdd])), Some((18, [0x86, 0xdd])));
        assert_eq!(untagged(&frame(&[0x81, 0, 0, 1, 8, 0])), None);
        for len in 0..6 {
            assert_eq!(untagged(&frame(&[0x81, 0, 0, 0, 8, 0][..len])), None);
        }
        assert_eq!(untagged(&[]), None);
    }
}
