//! Neighbour discovery messages, which the stack sends without a socket (RFC 4861 section 4), and their addresses.

use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{
    EthernetAddress, Icmpv6Packet, Icmpv6Repr, IpProtocol, Ipv6Address, Ipv6Packet, Ipv6Repr, NdiscRepr,
};

/// The group of all nodes on the link (RFC 4291 section 2.7.1).
pub(crate) const ALL_NODES: Ipv6Address = Ipv6Address::new(0xff02, 0, 0, 0, 0, 0, 0, 1);

/// The length of an IPv6 header, in bytes.
pub(super) const IPV6: usize = 40;

/// The length of an IPv6 packet that contains a neighbour advertisement, in bytes. The advertisement is 24 bytes long,
/// and its hardware address option is 8 bytes long.
pub(crate) const ADVERT: usize = IPV6 + 32;

/// Writes an unsolicited neighbour advertisement of `address` to [`ALL_NODES`] (RFC 4861 section 7.2.6).
#[cfg(any(feature = "slaac", all(feature = "board", target_os = "none")))]
pub(crate) fn emit_advert(address: Ipv6Address, hardware: EthernetAddress, payload: &mut [u8]) {
    let flags = smoltcp::wire::NdiscNeighborFlags::OVERRIDE;
    let advert = NdiscRepr::NeighborAdvert { flags, target_addr: address, lladdr: Some(hardware.into()) };
    emit(address, ALL_NODES, advert, payload);
}

/// Writes an IPv6 packet that contains a neighbour discovery message. `destination` is a neighbour or a group.
pub(super) fn emit(source: Ipv6Address, destination: Ipv6Address, message: NdiscRepr<'_>, payload: &mut [u8]) {
    let message = Icmpv6Repr::Ndisc(message);
    let ip = Ipv6Repr {
        src_addr: source,
        dst_addr: destination,
        next_header: IpProtocol::Icmpv6,
        payload_len: message.buffer_len(),
        // A hop limit of 255 proves that no router forwarded the packet (RFC 4861 section 6.1).
        hop_limit: 255,
    };
    let mut packet = Ipv6Packet::new_unchecked(payload);
    ip.emit(&mut packet);
    let mut icmp = Icmpv6Packet::new_unchecked(packet.payload_mut());
    // The checksum is always filled in, even if the device computes it again.
    message.emit(&source, &destination, &mut icmp, &ChecksumCapabilities::default());
}

/// Returns the hardware address of a group (RFC 2464 section 7).
pub(crate) fn group_hardware(group: Ipv6Address) -> EthernetAddress {
    let [.., a, b, c, d] = group.octets();
    EthernetAddress([0x33, 0x33, a, b, c, d])
}

/// Returns the solicited-node group of an address (RFC 4291 section 2.7.1).
pub(super) fn solicited_node(address: Ipv6Address) -> Ipv6Address {
    let [.., a, b, c] = address.octets();
    let mut octets = Ipv6Address::new(0xff02, 0, 0, 0, 0, 1, 0xff00, 0).octets();
    octets[13..].copy_from_slice(&[a, b, c]);
    octets.into()
}

/// Creates an address from a 64-bit network and a hardware address (RFC 4291 appendix A).
///
/// The interface identifier is the hardware address, with `ff:fe` in the middle and the universal bit inverted.
#[cfg(feature = "slaac")]
pub fn interface_address(network: Ipv6Address, hardware: EthernetAddress) -> Ipv6Address {
    let EthernetAddress([a, b, c, d, e, f]) = hardware;
    let mut octets = network.octets();
    octets[8..].copy_from_slice(&[a ^ 2, b, c, 0xff, 0xfe, d, e, f]);
    octets.into()
}
