//! Finds a packet's connection from the packet's headers alone.

use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::IpAddress;
#[cfg(feature = "ipv6")]
use smoltcp::wire::{IpProtocol, Ipv6Packet};
#[cfg(not(feature = "recovery"))]
use smoltcp::wire::{Ipv4Packet, TcpPacket};

#[cfg(feature = "recovery")]
use crate::phy::checksums::{self, is_header_right};
use crate::stack::control::Segment;
use crate::stack::event::{DropReason, Tuple};
use crate::stack::ipv4;

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
#[cfg_attr(feature = "recovery", inline(always))]
pub(super) fn flow(
    packet: &[u8],
    to_us: bool,
    segment: &mut Option<Segment>,
    own: impl Fn(IpAddress) -> bool,
    broadcast: impl Fn(IpAddress) -> bool,
    known: impl FnOnce(&Tuple) -> Option<usize>,
) -> Flow {
    // Inlined with the feature `recovery`, because nearly every frame takes this path.
    let (source, destination) = match ip(packet, segment) {
        Ip::Other => return Flow::Shared,
        Ip::Dropped(why) => return Flow::Drop(why),
        Ip::Tcp => {
            // A TCP segment in a broadcast or multicast frame is dropped.
            let Some(tuple) = segment.as_ref().map(|segment| &segment.tuple).filter(|_| to_us) else {
                return Flow::Drop(DropReason::Martian);
            };
            match known(tuple) {
                Some(index) => return Flow::Tcp(Some(index)),
                None => (tuple.remote.addr, tuple.local.addr),
            }
        }
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
    let mut segment = None;
    ip(packet, &mut segment);
    segment
}

/// Returns whether a TCP segment's checksums are correct. Skips the checksums that the device verifies. Returns false
/// if the packet is shorter than `segment` says.
#[cfg_attr(feature = "recovery", inline(always))]
pub(super) fn checksums_hold(packet: &[u8], segment: &Segment, caps: &ChecksumCapabilities) -> bool {
    let is_v4 = matches!(segment.tuple.local.addr, IpAddress::Ipv4(_));
    let Some((header, tcp)) =
        packet.get(..segment.data + segment.len).and_then(|all| all.split_at_checked(segment.header))
    else {
        return false;
    };
    (!is_v4 || !caps.ipv4.rx() || is_header_right(header))
        && (!caps.tcp.rx() || is_tcp_right(header, tcp, &segment.tuple))
}

/// Returns whether the checksum of a segment after this IP header is right.
#[cfg(feature = "recovery")]
fn is_tcp_right(header: &[u8], tcp: &[u8], tuple: &Tuple) -> bool {
    let is_v4 = matches!(tuple.local.addr, IpAddress::Ipv4(_));
    let ends = header.get(if is_v4 { 12..20 } else { 8..40 });
    ends.is_some_and(|ends| checksums::is_tcp_right(ends, tcp))
}

// Boards use smoltcp's slower functions. If this file called the driver's checksum function, too, the driver's deepest
// chain of calls would have one more call and take 8 more bytes of stack.
#[cfg(not(feature = "recovery"))]
fn is_header_right(header: &[u8]) -> bool {
    Ipv4Packet::new_unchecked(header).verify_checksum()
}

#[cfg(not(feature = "recovery"))]
fn is_tcp_right(_header: &[u8], tcp: &[u8], Tuple { local, remote }: &Tuple) -> bool {
    TcpPacket::new_unchecked(tcp).verify_checksum(&remote.addr, &local.addr)
}

/// Returns whether smoltcp may process a packet that is not for a connection: false if the checksum shows that the
/// packet's IPv4 header is damaged. Returns true without a check if the device or smoltcp verifies the checksum.
pub(super) fn header_holds(_packet: &[u8], _caps: &ChecksumCapabilities) -> bool {
    #[cfg(feature = "recovery")]
    if let Some(first) = _packet.first()
        && first >> 4 == 4
        && _caps.ipv4.rx()
    {
        return _packet.get(..usize::from(first & 15) * 4).is_some_and(is_header_right);
    }
    true
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

/// Parses an IP packet. Reads a TCP packet's segment into `segment`. Reading in place saves a copy.
fn ip(packet: &[u8], segment: &mut Option<Segment>) -> Ip {
    match packet.first().map(|first| first >> 4) {
        Some(4) => ipv4(packet, segment).unwrap_or(Ip::Other),
        #[cfg(feature = "ipv6")]
        Some(6) => ipv6(packet, segment),
        _ => Ip::Other,
    }
}

/// Parses an IPv4 packet. Returns `None` if the packet is malformed.
fn ipv4(packet: &[u8], segment: &mut Option<Segment>) -> Option<Ip> {
    let (fields, payload) = ipv4::read(packet)?;
    let (source, destination) = ipv4::ends(fields);
    if fields[9] != TCP {
        return Some(Ip::Upper(source, destination));
    }
    // A fragment has an offset or the flag More Fragments. If smoltcp reassembled the segment, the segment would reach
    // the shared sockets, which would answer with RST.
    if u16::from_be_bytes([fields[6], fields[7]]) & 0x3fff != 0 {
        return Some(Ip::Dropped(DropReason::FragmentedTcp));
    }
    Segment::read(source, destination, payload, usize::from(fields[0] & 15) * 4, segment).map(|()| Ip::Tcp)
}

/// The protocol number of TCP.
const TCP: u8 = 6;

/// Parses an IPv6 packet.
#[cfg(feature = "ipv6")]
fn ipv6(packet: &[u8], segment: &mut Option<Segment>) -> Ip {
    let Ok(packet) = Ipv6Packet::new_checked(packet) else { return Ip::Other };
    let (source, destination) = (packet.src_addr().into(), packet.dst_addr().into());
    match packet.next_header() {
        // The first octet of a hop-by-hop header is the type of the next header (RFC 8200 section 4.3). smoltcp would
        // skip the header and answer the segment with RST, because no shared socket is a TCP socket.
        IpProtocol::HopByHop if packet.payload().first() == Some(&TCP) => Ip::Dropped(DropReason::UnsupportedHeader),
        IpProtocol::Tcp => {
            let header = packet.header_len();
            Segment::read(source, destination, packet.payload(), header, segment).map_or(Ip::Other, |()| Ip::Tcp)
        }
        _ => Ip::Upper(source, destination),
    }
}

/// Returns whether `source` cannot be the source of a packet from outside (RFC 1122 section 3.2.1.3).
fn impossible(source: IpAddress, own: impl Fn(IpAddress) -> bool) -> bool {
    own(source) || is_loopback(source)
}

/// Returns whether `address` is a loopback address, which must not appear on a link.
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
        let mut segment = None;
        let flow = flow(&[], true, &mut segment, |_| true, |_| false, |_| Some(0));
        assert!(matches!(flow, Flow::Shared));
    }
}
