//! Finds the connection that a packet is for, from its headers alone.

use smoltcp::phy::ChecksumCapabilities;
#[cfg(feature = "ipv6")]
use smoltcp::wire::Ipv6Packet;
use smoltcp::wire::{IpAddress, IpEndpoint, IpProtocol, IpVersion, Ipv4Packet, TcpPacket};

use crate::stack::control::Segment;
use crate::stack::event::{DropReason, Tuple};

/// Where a packet goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    /// Nowhere: it is dropped.
    Drop(DropReason),
    /// To the interface and the shared sockets: UDP, ICMP, malformed packets.
    Shared,
    /// To the slot of its connection, or to a listener.
    Tcp(Option<usize>, Segment),
}

/// Finds where a packet goes. `to_us` tells whether its frame is for this host alone, `own` whether an address is the interface's,
/// `broadcast` whether it is a network's broadcast address. `known` finds the slot of a connection; its addresses are already
/// checked.
pub(super) fn flow(
    packet: &[u8],
    to_us: bool,
    own: impl Fn(IpAddress) -> bool,
    broadcast: impl Fn(IpAddress) -> bool,
    known: impl FnOnce(&Tuple) -> Option<usize>,
) -> Flow {
    let (source, destination, segment) = match ip(packet) {
        Ip::Other => return Flow::Shared,
        Ip::Dropped(why) => return Flow::Drop(why),
        Ip::Upper(source, destination, segment) => (source, destination, segment),
    };
    let known = segment.as_ref().filter(|_| to_us).and_then(|segment| known(&segment.tuple));
    match segment {
        Some(segment) if known.is_some() => Flow::Tcp(known, segment),
        _ if impossible(source, &own) || loopback(destination) => Flow::Drop(DropReason::Martian),
        None => Flow::Shared,
        // RFC 9293 section 3.9.2.3: nor is TCP from such addresses.
        Some(_) if !source.is_unicast() || broadcast(source) => Flow::Drop(DropReason::Martian),
        // RFC 9293 section 3.10.7.2: TCP to broadcast and multicast addresses is ignored.
        Some(segment) if to_us && own(destination) => Flow::Tcp(None, segment),
        Some(_) => Flow::Drop(DropReason::Martian),
    }
}

/// The TCP segment in a packet that this host sends. Its tuple has the remote endpoint as the local one.
pub(super) fn own_segment(packet: &[u8]) -> Option<Segment> {
    match ip(packet) {
        Ip::Upper(_, _, segment) => segment,
        _ => None,
    }
}

/// Whether the checksums of a TCP segment are right, unless the device checks them.
pub(super) fn checksums_hold(packet: &[u8], caps: &ChecksumCapabilities) -> bool {
    let holds = |source: IpAddress, destination: IpAddress, payload: &[u8]| {
        !caps.tcp.rx() || TcpPacket::new_checked(payload).is_ok_and(|p| p.verify_checksum(&source, &destination))
    };
    match version(packet) {
        Some(IpVersion::Ipv4) => Ipv4Packet::new_checked(packet).is_ok_and(|p| {
            (!caps.ipv4.rx() || p.verify_checksum()) && holds(p.src_addr().into(), p.dst_addr().into(), p.payload())
        }),
        #[cfg(feature = "ipv6")]
        Some(IpVersion::Ipv6) => {
            Ipv6Packet::new_checked(packet).is_ok_and(|p| holds(p.src_addr().into(), p.dst_addr().into(), p.payload()))
        }
        None => false,
    }
}

enum Ip {
    /// Source and destination, and the segment if it is TCP.
    Upper(IpAddress, IpAddress, Option<Segment>),
    Dropped(DropReason),
    /// Not IP, malformed, or a fragment without TCP.
    Other,
}

/// Reads an IP packet.
fn ip(packet: &[u8]) -> Ip {
    match version(packet) {
        Some(IpVersion::Ipv4) => {
            let Ok(packet) = Ipv4Packet::new_checked(packet) else { return Ip::Other };
            let fragment = packet.more_frags() || packet.frag_offset() != 0;
            let (source, destination) = (packet.src_addr().into(), packet.dst_addr().into());
            match packet.next_header() {
                // Reassembled, it would reach the shared sockets and be answered with RST.
                IpProtocol::Tcp if fragment => Ip::Dropped(DropReason::FragmentedTcp),
                protocol => upper(source, destination, protocol, packet.payload(), packet.header_len().into()),
            }
        }
        #[cfg(feature = "ipv6")]
        Some(IpVersion::Ipv6) => {
            let Ok(packet) = Ipv6Packet::new_checked(packet) else { return Ip::Other };
            let (source, destination) = (packet.src_addr().into(), packet.dst_addr().into());
            match packet.next_header() {
                // The first octet of a hop-by-hop header is the type of the next header (RFC 8200 section 4.3).
                IpProtocol::HopByHop if packet.payload().first() == Some(&u8::from(IpProtocol::Tcp)) => {
                    Ip::Dropped(DropReason::UnsupportedHeader)
                }
                protocol => upper(source, destination, protocol, packet.payload(), packet.header_len()),
            }
        }
        None => Ip::Other,
    }
}

/// The version of an IP packet. smoltcp's `IpVersion::of_packet` panics on an empty one.
fn version(packet: &[u8]) -> Option<IpVersion> {
    if packet.is_empty() { None } else { IpVersion::of_packet(packet).ok() }
}

/// Reads an IP payload behind a header of `header` bytes.
fn upper(source: IpAddress, destination: IpAddress, protocol: IpProtocol, payload: &[u8], header: usize) -> Ip {
    if protocol != IpProtocol::Tcp {
        return Ip::Upper(source, destination, None);
    }
    let Ok(tcp) = TcpPacket::new_checked(payload) else { return Ip::Other };
    let tuple =
        Tuple { local: IpEndpoint::new(destination, tcp.dst_port()), remote: IpEndpoint::new(source, tcp.src_port()) };
    Ip::Upper(source, destination, Some(Segment::new(tuple, &tcp, header)))
}

/// Whether no packet from outside can have this source (RFC 1122 section 3.2.1.3).
fn impossible(source: IpAddress, own: impl Fn(IpAddress) -> bool) -> bool {
    own(source) || loopback(source)
}

fn loopback(address: IpAddress) -> bool {
    match address {
        IpAddress::Ipv4(address) => address.is_loopback(),
        #[cfg(feature = "ipv6")]
        IpAddress::Ipv6(address) => address.is_loopback(),
    }
}
