//! Neighbour discovery messages that autoconfiguration reads and sends (RFC 4861 section 4).

use smoltcp::wire::{
    EthernetAddress, EthernetFrame, Icmpv6Message, Icmpv6Packet, Icmpv6Repr, IpAddress, IpProtocol, Ipv6Address,
    Ipv6Packet, NdiscRepr,
};

use crate::stack::ndisc::{IPV6, emit, solicited_node};

/// The group of all routers (RFC 4291 section 2.7.1).
pub(super) const ALL_ROUTERS: Ipv6Address = Ipv6Address::new(0xff02, 0, 0, 0, 0, 0, 0, 2);

/// The length of an IPv6 packet that contains a router solicitation, in bytes.
pub(super) const ROUTER_SOLICIT: usize = IPV6 + 16;

/// Returns the address that the sender of a neighbour message uses or claims (RFC 4862 section 5.4). `None` for a
/// solicitation that is not a DAD probe, and for all other frames.
pub(super) fn claimed_by(frame: &EthernetFrame<&[u8]>) -> Option<IpAddress> {
    let (claims, bytes) = match icmpv6(frame, Icmpv6Message::NeighborAdvert) {
        Some((_, bytes)) => (true, bytes),
        None => {
            let (source, bytes) = icmpv6(frame, Icmpv6Message::NeighborSolicit)?;
            // A DAD probe has the unspecified source address. Other solicitations resolve a hardware address.
            (source.is_unspecified(), bytes)
        }
    };
    // Both messages contain the target address after 8 bytes (RFC 4861 sections 4.3 and 4.4).
    let target = Ipv6Address::from(*bytes.get(8..)?.first_chunk::<16>()?);
    claims.then_some(target.into())
}

/// Returns the source and the bytes of an ICMPv6 message of type `kind`. The message must come from a neighbour and
/// have a valid checksum. Returns `None` for any other frame.
pub(super) fn icmpv6<'f>(frame: &EthernetFrame<&'f [u8]>, kind: Icmpv6Message) -> Option<(Ipv6Address, &'f [u8])> {
    if frame.payload().len() < IPV6 {
        return None;
    }
    let packet = Ipv6Packet::new_checked(frame.payload()).ok()?;
    // A hop limit of 255 proves that no router forwarded the packet (RFC 4861 section 6.1).
    if packet.version() != 6 || packet.next_header() != IpProtocol::Icmpv6 || packet.hop_limit() != 255 {
        return None;
    }
    let bytes = packet.payload();
    let message = Icmpv6Packet::new_checked(bytes).ok()?;
    let (source, destination) = (packet.src_addr(), packet.dst_addr());
    let good = message.msg_type() == kind && message.msg_code() == 0 && message.verify_checksum(&source, &destination);
    good.then_some((source, bytes))
}

/// Returns the length of an IPv6 packet that contains a neighbour solicitation, in bytes.
pub(super) fn neighbor_solicit_len(source: Ipv6Address, hardware: EthernetAddress) -> usize {
    // The target does not change the length, so `source` stands in for it.
    IPV6 + Icmpv6Repr::Ndisc(neighbor_solicit(source, source, hardware)).buffer_len()
}

/// Writes an IPv6 packet that contains a neighbour solicitation for `target`, to the group of nodes that includes the
/// target (RFC 4291 section 2.7.1).
pub(super) fn emit_neighbor_solicit(
    source: Ipv6Address,
    target: Ipv6Address,
    hardware: EthernetAddress,
    payload: &mut [u8],
) {
    emit(source, solicited_node(target), neighbor_solicit(source, target, hardware), payload);
}

/// Creates a neighbour solicitation. A host without an address omits its hardware address (RFC 4861 section 4.3).
fn neighbor_solicit(source: Ipv6Address, target: Ipv6Address, hardware: EthernetAddress) -> NdiscRepr<'static> {
    let lladdr = (!source.is_unspecified()).then(|| hardware.into());
    NdiscRepr::NeighborSolicit { target_addr: target, lladdr }
}

/// Writes an IPv6 packet that contains a router solicitation to all routers.
pub(super) fn emit_router_solicit(source: Ipv6Address, hardware: EthernetAddress, payload: &mut [u8]) {
    let solicit = NdiscRepr::RouterSolicit { lladdr: Some(hardware.into()) };
    emit(source, ALL_ROUTERS, solicit, payload);
}
