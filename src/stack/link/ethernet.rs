//! Ethernet headers (IEEE 802.3, RFC 894, RFC 2464).

use smoltcp::wire::{EthernetAddress, EthernetFrame, EthernetProtocol, EthernetRepr};

/// The length of an Ethernet header.
pub(super) const LEN: usize = EthernetFrame::<&[u8]>::header_len();

/// The destination and the source of a frame. `None` on a link without Ethernet.
pub(in crate::stack) type Header = Option<(EthernetAddress, EthernetAddress)>;

/// The contents of a received frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::stack) enum Contents<'f> {
    /// An ARP message.
    Arp(&'f [u8]),
    /// An IP packet, where it came from, and whether its frame is for this host alone.
    Packet { packet: &'f [u8], from: EthernetAddress, to_us: bool },
}

/// Reads a received frame. `None` if it is not for the host `own`, or has neither ARP nor IP.
pub(in crate::stack) fn read(frame: &[u8], own: Option<EthernetAddress>) -> Option<Contents<'_>> {
    let Some(own) = own else {
        return Some(Contents::Packet { packet: frame, from: EthernetAddress::default(), to_us: true });
    };
    let frame = EthernetFrame::new_checked(frame).ok()?;
    let (to, from, packet) = (frame.dst_addr(), frame.src_addr(), frame.payload());
    let to_us = to == own;
    if to.is_unicast() && !to_us {
        return None;
    }
    // The first half of a packet's first byte is the version of IP.
    let version = packet.first().map(|first| first >> 4);
    match (frame.ethertype(), version) {
        (EthernetProtocol::Arp, _) => Some(Contents::Arp(packet)),
        (EthernetProtocol::Ipv4, Some(4)) | (EthernetProtocol::Ipv6, Some(6)) => {
            Some(Contents::Packet { packet, from, to_us })
        }
        _ => None,
    }
}

/// The length of a header.
pub(in crate::stack) fn len(header: Header) -> usize {
    if header.is_some() { LEN } else { 0 }
}

/// Writes the header of a frame that holds an IP packet.
pub(in crate::stack) fn write(header: Header, frame: &mut [u8]) {
    let Some((dst_addr, src_addr)) = header else { return };
    let ethertype = match frame.get(LEN).map(|first| first >> 4) {
        Some(6) => EthernetProtocol::Ipv6,
        _ => EthernetProtocol::Ipv4,
    };
    EthernetRepr { src_addr, dst_addr, ethertype }.emit(&mut EthernetFrame::new_unchecked(frame));
}
