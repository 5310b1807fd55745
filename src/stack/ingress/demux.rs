//! Finds the connection that a frame is for, from its headers alone.

use smoltcp::phy::{ChecksumCapabilities, Medium};
#[cfg(feature = "ipv6")]
use smoltcp::wire::Ipv6Packet;
use smoltcp::wire::{
    EthernetFrame, EthernetProtocol, HardwareAddress, IpAddress, IpEndpoint, IpProtocol, IpVersion, Ipv4Packet,
    TcpPacket,
};

use crate::stack::control::{Link, Segment};
use crate::stack::event::{DropReason, Tuple};

/// Where a frame goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    /// Nowhere: it is dropped.
    Drop(DropReason),
    /// To the interface and the shared sockets: UDP, ICMP, malformed frames.
    Shared,
    /// The same; it may also bring a hardware address that a connection waits for.
    Neighbour,
    /// To the slot of its connection, or to a listener.
    Tcp(Option<usize>, Segment),
}

/// Finds where a frame goes. `own` tells whether an address is the interface's, `broadcast` whether it is a network's broadcast
/// address. `known` finds the slot of a connection; its addresses are already checked.
pub(super) fn flow(
    frame: &[u8],
    medium: Medium,
    hardware: HardwareAddress,
    own: impl Fn(IpAddress) -> bool,
    broadcast: impl Fn(IpAddress) -> bool,
    known: impl FnOnce(&Tuple) -> Option<usize>,
) -> Flow {
    let Some((at, to_us)) = packet(frame, medium, hardware) else { return Flow::Neighbour };
    let (source, destination, segment) = match ip(frame, at) {
        Ip::Other => return Flow::Shared,
        #[cfg(feature = "ipv6")]
        Ip::Icmpv6 => return Flow::Neighbour,
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

/// The TCP segment in a frame that this host sends. Its tuple has the remote endpoint as the local one.
pub(super) fn own_segment(frame: &[u8], medium: Medium) -> Option<Segment> {
    let at = if medium == Medium::Ethernet { EthernetFrame::<&[u8]>::header_len() } else { 0 };
    match ip(frame, at) {
        Ip::Upper(_, _, segment) => segment,
        _ => None,
    }
}

/// The Ethernet source and destination of a frame.
pub(super) fn link(frame: &[u8], medium: Medium) -> Link {
    let frame = EthernetFrame::new_checked(frame).ok().filter(|_| medium == Medium::Ethernet)?;
    Some((frame.src_addr(), frame.dst_addr()))
}

/// Whether the checksums of a TCP segment are right, unless the device checks them.
pub(super) fn checksums_hold(frame: &[u8], medium: Medium, caps: &ChecksumCapabilities) -> bool {
    let skip = if medium == Medium::Ethernet { EthernetFrame::<&[u8]>::header_len() } else { 0 };
    let packet = frame.get(skip..).unwrap_or_default();
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

/// Where the IP packet of a frame begins, and whether the frame is addressed to this host alone; `None` if it carries no IP.
fn packet(frame: &[u8], medium: Medium, hardware: HardwareAddress) -> Option<(usize, bool)> {
    match medium {
        #[cfg(feature = "medium-ip")]
        Medium::Ip => Some((0, true)),
        Medium::Ethernet => {
            let frame = EthernetFrame::new_checked(frame).ok()?;
            let to_us = HardwareAddress::Ethernet(frame.dst_addr()) == hardware;
            match frame.ethertype() {
                EthernetProtocol::Ipv4 | EthernetProtocol::Ipv6 => Some((EthernetFrame::<&[u8]>::header_len(), to_us)),
                _ => None,
            }
        }
    }
}

enum Ip {
    /// Source and destination, and the segment if it is TCP.
    Upper(IpAddress, IpAddress, Option<Segment>),
    #[cfg(feature = "ipv6")]
    Icmpv6,
    Dropped(DropReason),
    /// Not IP, malformed, or a fragment without TCP.
    Other,
}

/// Reads the IP packet that begins at `at` in a frame.
fn ip(frame: &[u8], at: usize) -> Ip {
    let packet = frame.get(at..).unwrap_or_default();
    match version(packet) {
        Some(IpVersion::Ipv4) => {
            let Ok(packet) = Ipv4Packet::new_checked(packet) else { return Ip::Other };
            let fragment = packet.more_frags() || packet.frag_offset() != 0;
            let (source, destination) = (packet.src_addr().into(), packet.dst_addr().into());
            match packet.next_header() {
                // Reassembled, it would reach the shared sockets and be answered with RST.
                IpProtocol::Tcp if fragment => Ip::Dropped(DropReason::FragmentedTcp),
                protocol => upper(source, destination, protocol, packet.payload(), at, packet.header_len().into()),
            }
        }
        #[cfg(feature = "ipv6")]
        Some(IpVersion::Ipv6) => {
            let Ok(packet) = Ipv6Packet::new_checked(packet) else { return Ip::Other };
            let (source, destination) = (packet.src_addr().into(), packet.dst_addr().into());
            match packet.next_header() {
                IpProtocol::Icmpv6 => Ip::Icmpv6,
                // The first octet of a hop-by-hop header is the type of the next header (RFC 8200 section 4.3).
                IpProtocol::HopByHop if packet.payload().first() == Some(&u8::from(IpProtocol::Tcp)) => {
                    Ip::Dropped(DropReason::UnsupportedHeader)
                }
                protocol => upper(source, destination, protocol, packet.payload(), at, packet.header_len()),
            }
        }
        None => Ip::Other,
    }
}

/// The version of an IP packet. smoltcp's `IpVersion::of_packet` panics on an empty one.
fn version(packet: &[u8]) -> Option<IpVersion> {
    if packet.is_empty() { None } else { IpVersion::of_packet(packet).ok() }
}

/// Reads an IP payload. Its IP header begins at `at` in the frame and is `header` bytes long.
fn upper(
    source: IpAddress,
    destination: IpAddress,
    protocol: IpProtocol,
    payload: &[u8],
    at: usize,
    header: usize,
) -> Ip {
    if protocol != IpProtocol::Tcp {
        return Ip::Upper(source, destination, None);
    }
    let Ok(tcp) = TcpPacket::new_checked(payload) else { return Ip::Other };
    let tuple =
        Tuple { local: IpEndpoint::new(destination, tcp.dst_port()), remote: IpEndpoint::new(source, tcp.src_port()) };
    Ip::Upper(source, destination, Some(Segment::new(tuple, &tcp, at, at + header)))
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
