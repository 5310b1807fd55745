//! Ethernet headers (IEEE 802.3, RFC 894, RFC 2464), with or without a VLAN 0 tag (IEEE 802.1Q clause 6.9).

use crate::phy::EthernetAddress;

/// The length of an Ethernet header, in bytes.
pub(in crate::stack) use crate::phy::ETHERNET_HEADER as LEN;

// The ethertypes of the packets that the stack reads and writes.
pub(super) const ARP: [u8; 2] = [0x08, 0x06];
const IPV4: [u8; 2] = [0x08, 0x00];
const IPV6: [u8; 2] = [0x86, 0xdd];

/// The addresses in the header of a frame to send. `None` on a link without Ethernet.
pub(in crate::stack) type Header = Option<Ends>;

/// The destination and source addresses of a frame.
// Aligned, so that a board copies the addresses word by word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(align(4))]
pub(in crate::stack) struct Ends {
    pub(in crate::stack) to: EthernetAddress,
    pub(in crate::stack) from: EthernetAddress,
}

/// The contents of a received frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::stack) enum Contents<'f> {
    /// An ARP message.
    Arp(&'f [u8]),
    /// An IP packet, its sender's hardware address, and whether the frame was addressed to this host alone.
    Packet { packet: &'f [u8], from: EthernetAddress, to_us: bool },
}

/// Parses a received frame. Returns `None` if the frame is not for the host `own`, or contains neither ARP nor IP. On a
/// link without Ethernet, `own` is `None`.
#[cfg_attr(feature = "recovery", inline(always))]
pub(in crate::stack) fn read(frame: &[u8], own: Option<EthernetAddress>) -> Option<Contents<'_>> {
    let Some(own) = own else {
        return Some(Contents::Packet { packet: frame, from: EthernetAddress::default(), to_us: true });
    };
    let (skip, kind) = untagged(frame)?;
    let (addresses, packet) = (frame.first_chunk::<12>()?.as_chunks().0, frame.get(skip..)?);
    let &[to, from] = addresses else { return None };
    let (to, from) = (EthernetAddress(to), EthernetAddress(from));
    // A broadcast or multicast frame is not for this host alone.
    let to_us = to == own;
    if to.is_unicast() && !to_us {
        return None;
    }
    // The upper four bits of a packet's first byte are the IP version.
    let version = packet.first().map(|first| first >> 4);
    match (kind, version) {
        (ARP, _) => Some(Contents::Arp(packet)),
        (IPV4, Some(4)) | (IPV6, Some(6)) => Some(Contents::Packet { packet, from, to_us }),
        _ => None,
    }
}

/// Copies a frame to `room`, but omits its VLAN 0 tag. Returns the copy, which autoconfiguration can read.
///
/// Returns `frame` itself if it has no such tag, or if the copy does not fit `room`.
#[cfg(feature = "slaac")]
pub(in crate::stack) fn without_tag<'f>(frame: &'f [u8], room: &'f mut [u8]) -> &'f [u8] {
    let len = frame.len().saturating_sub(4);
    match (untagged(frame), room.get_mut(..len)) {
        // After a tag of 4 bytes, the payload begins at offset 18 instead of 14.
        (Some((18, _)), Some(copy)) => {
            copy[..12].copy_from_slice(&frame[..12]);
            copy[12..].copy_from_slice(&frame[16..]);
            copy
        }
        _ => frame,
    }
}

/// Returns the length of a header in bytes, or 0 on a link without Ethernet.
pub(in crate::stack) fn len(header: Header) -> usize {
    if header.is_some() { LEN } else { 0 }
}

/// Writes the Ethernet header of a frame that contains an IP packet.
pub(in crate::stack) fn write(header: Header, frame: &mut [u8]) {
    // A link without Ethernet has no header.
    let Some(Ends { to, from }) = header else { return };
    let ethertype = match frame.get(LEN).map(|first| first >> 4) {
        Some(6) => IPV6,
        _ => IPV4,
    };
    write_header(frame, to, from, ethertype);
}

/// Writes an Ethernet header to the start of a frame. A frame that is too short is not changed.
pub(super) fn write_header(frame: &mut [u8], to: EthernetAddress, from: EthernetAddress, ethertype: [u8; 2]) {
    let Some(header) = frame.first_chunk_mut::<LEN>() else { return };
    header[..6].copy_from_slice(&to.0);
    header[6..12].copy_from_slice(&from.0);
    header[12..].copy_from_slice(&ethertype);
}

/// The ethertype of a VLAN tag.
const TAG: [u8; 2] = [0x81, 0];

/// Returns the offset and the ethertype of an Ethernet frame's payload, after any VLAN 0 tag.
///
/// Returns `None` if the frame is too short or belongs to another VLAN.
fn untagged(frame: &[u8]) -> Option<(usize, [u8; 2])> {
    let kind = *frame.get(12..)?.first_chunk::<2>()?;
    if kind != TAG {
        return Some((LEN, kind));
    }
    // The lower 12 bits are the VLAN. The upper four bits are the priority and the drop-eligible bit.
    let &[high, low, a, b] = frame.get(14..)?.first_chunk::<4>()?;
    (u16::from_be_bytes([high, low]) & 0xfff == 0).then_some((LEN + 4, [a, b]))
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use std::vec::Vec;

    use super::*;

    #[test]
    fn only_the_tag_of_vlan_0_is_skipped() {
        let frame = |tail: &[u8]| -> Vec<u8> { [&[2; 12], tail].concat() };
        assert_eq!(untagged(&frame(&[8, 0, 0x45])), Some((14, IPV4)));
        assert_eq!(untagged(&frame(&[0x81, 0, 0, 0, 8, 6])), Some((18, ARP)));
        // A tag of VLAN 0 with priority 7.
        assert_eq!(untagged(&frame(&[0x81, 0, 0xe0, 0, 0x86, 0xdd])), Some((18, IPV6)));
        assert_eq!(untagged(&frame(&[0x81, 0, 0, 1, 8, 0])), None);
        for len in 0..6 {
            assert_eq!(untagged(&frame(&[0x81, 0, 0, 0, 8, 0][..len])), None);
        }
        assert_eq!(untagged(&[]), None);
    }
}
