//! Reads the headers of IPv4 packets (RFC 791 section 3.1).

use smoltcp::wire::{IpAddress, Ipv4Address};

/// Returns the first 20 bytes of an IPv4 packet's header and its payload. Returns `None` if the packet is malformed.
#[inline(always)]
pub(super) fn read(packet: &[u8]) -> Option<(&[u8; 20], &[u8])> {
    // This function does not use smoltcp's accessors, which check the length of the packet for each field. Inlined,
    // because a call would return four words through memory.
    let fields: &[u8; 20] = packet.first_chunk()?;
    let header = usize::from(fields[0] & 15) * 4;
    let payload = packet.get(header..u16::from_be_bytes([fields[2], fields[3]]).into())?;
    (header >= fields.len()).then_some((fields, payload))
}

/// Returns the source and destination addresses in an IPv4 header.
pub(super) fn ends(fields: &[u8; 20]) -> (IpAddress, IpAddress) {
    let address = |at: usize| Ipv4Address::new(fields[at], fields[at + 1], fields[at + 2], fields[at + 3]).into();
    (address(12), address(16))
}
