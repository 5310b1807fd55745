//! Finds a packet's connection from the packet's headers alone.

use smoltcp::phy::ChecksumCapabilities;
#[cfg(feature = "ipv6")]
use smoltcp::wire::Ipv6Packet;
use smoltcp::wire::{IpAddress, IpProtocol, IpVersion, Ipv4Packet, TcpPacket};

use crate::stack::control::Segment;
use crate::stack::event::{DropReason, Tuple};

/// The part of the stack that handles a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    /// No part: the packet is dropped.
    Drop(DropReason),
    /// The interface and the shared sockets. They handle UDP, ICMP and malformed packets.
    Shared,
    /// TCP: the slot of the packet's connection, or `None` if the packet belongs to no connection.
    Tcp(Option<usize>),
}

/// Finds the part of the stack that handles a packet. Reads a TCP packet's segment into `segment`.
///
/// - `to_us` says whether the packet's frame was addressed to this host alone.
/// - `own` returns whether an address belongs to the interface.
/// - `broadcast` returns whether an address is a network's broadcast address.
/// - `known` finds the slot of a connection. The addresses of a known connection have been checked already.
pub(super) fn flow(
    packet: &[u8],
    to_us: bool,
    segment: &mut Segment,
    own: impl Fn(IpAddress) -> bool,
    broadcast: impl Fn(IpAddress) -> bool,
    known: impl FnOnce(&Tuple) -> Option<usize>,
) -> Flow {
    let (source, destination) = match ip(packet, segment) {
        Ip::Other => return Flow::Shared,
        Ip::Dropped(why) => return Flow::Drop(why),
        Ip::Tcp if to_us => match known(&segment.tuple) {
            Some(index) => return Flow::Tcp(Some(index)),
            None => (segment.tuple.remote.addr, segment.tuple.local.addr),
        },
        Ip::Tcp => return Flow::Drop(DropReason::Martian),
        Ip::Upper(source, destination) => {
            let is_bad = impossible(source, &own) || is_loopback(destination);
            return if is_bad { Flow::Drop(DropReason::Martian) } else { Flow::Shared };
        }
    };
    // RFC 9293 section 3.9.2.3: a TCP segment from an impossible source address is invalid. Section 3.10.7.2: a TCP
    // segment to a broadcast or multicast address is ignored.
    let is_bad = impossible(source, &own) || !source.is_unicast() || broadcast(source) || !own(destination);
    if is_bad { Flow::Drop(DropReason::Martian) } else { Flow::Tcp(None) }
}

/// Returns the TCP segment in a packet. The local endpoint of the segment's tuple is the packet's receiver, even if
/// this host sends the packet.
pub(super) fn segment_of(packet: &[u8]) -> Option<Segment> {
    let mut segment = Segment::EMPTY;
    matches!(ip(packet, &mut segment), Ip::Tcp).then_some(segment)
}

/// Returns whether a TCP segment's checksums are correct. Skips the checksums that the device verifies.
pub(super) fn checksums_hold(packet: &[u8], segment: &Segment, caps: &ChecksumCapabilities) -> bool {
    let is_v4 = matches!(segment.tuple.local.addr, IpAddress::Ipv4(_));
    let Some((header, tcp)) =
        packet.get(..segment.data + segment.len).and_then(|all| all.split_at_checked(segment.header))
    else {
        return false;
    };
    let Tuple { local, remote } = &segment.tuple;
    (!is_v4 || !caps.ipv4.rx() || Ipv4Packet::new_unchecked(header).verify_checksum())
        && (!caps.tcp.rx() || TcpPacket::new_unchecked(tcp).verify_checksum(&remote.addr, &local.addr))
}

/// Returns whether the TCP checksum of a packet is correct. Returns true for a packet without a TCP segment.
#[cfg(feature = "fragments")]
pub(super) fn tcp_checksum_holds(packet: &[u8]) -> bool {
    segment_of(packet).is_none_or(|segment| checksums_hold(packet, &segment, &ChecksumCapabilities::default()))
}

/// The result of [`ip`].
enum Ip {
    Tcp,
    /// The packet is not TCP. The values are its source and destination addresses.
    Upper(IpAddress, IpAddress),
    Dropped(DropReason),
    /// The packet is not IP or is malformed.
    Other,
}

/// Parses an IP packet. Reads a TCP packet's segment into `segment`.
fn ip(packet: &[u8], segment: &mut Segment) -> Ip {
    match version(packet) {
        Some(IpVersion::Ipv4) => {
            let Ok(packet) = Ipv4Packet::new_checked(packet) else { return Ip::Other };
            let fragment = packet.more_frags() || packet.frag_offset() != 0;
            let (source, destination) = (packet.src_addr().into(), packet.dst_addr().into());
            match packet.next_header() {
                // If smoltcp reassembled the segment, the segment would reach the shared sockets, which would answer
                // with RST.
                IpProtocol::Tcp if fragment => Ip::Dropped(DropReason::FragmentedTcp),
                IpProtocol::Tcp => tcp(source, destination, packet.payload(), packet.header_len().into(), segment),
                _ => Ip::Upper(source, destination),
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
                IpProtocol::Tcp => tcp(source, destination, packet.payload(), packet.header_len(), segment),
                _ => Ip::Upper(source, destination),
            }
        }
        None => Ip::Other,
    }
}

/// Returns the version of an IP packet. smoltcp's `IpVersion::of_packet` panics on an empty packet.
fn version(packet: &[u8]) -> Option<IpVersion> {
    if packet.is_empty() { None } else { IpVersion::of_packet(packet).ok() }
}

/// Parses a TCP segment that follows an IP header of `header` bytes.
fn tcp(source: IpAddress, destination: IpAddress, payload: &[u8], header: usize, segment: &mut Segment) -> Ip {
    let Ok(tcp) = TcpPacket::new_checked(payload) else { return Ip::Other };
    (segment.tuple.local.addr, segment.tuple.remote.addr) = (destination, source);
    segment.read(&tcp, header);
    Ip::Tcp
}

/// Returns whether `source` cannot be the source of a packet from outside (RFC 1122 section 3.2.1.3).
fn impossible(source: IpAddress, own: impl Fn(IpAddress) -> bool) -> bool {
    own(source) || is_loopback(source)
}

fn is_loopback(address: IpAddress) -> bool {
    match address {
        IpAddress::Ipv4(address) => address.is_loopback(),
        #[cfg(feature = "ipv6")]
        IpAddress::Ipv6(address) => address.is_loopback(),
    }
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use super::*;

    #[test]
    fn an_empty_packet_is_for_no_connection() {
        let mut segment = Segment::EMPTY;
        let flow = flow(&[], true, &mut segment, |_| true, |_| false, |_| Some(0));
        assert!(matches!(flow, Flow::Shared));
    }
}
