//! Finds the connection that a frame is for, from its headers alone.

use smoltcp::phy::{ChecksumCapabilities, Medium};
#[cfg(feature = "ipv6")]
use smoltcp::wire::Ipv6Packet;
use smoltcp::wire::{
    EthernetFrame, EthernetProtocol, HardwareAddress, IpAddress, IpEndpoint, IpProtocol, IpVersion, Ipv4Packet,
    TcpPacket, TcpSeqNumber,
};

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
    /// To this connection, or to a listener.
    Tcp(Segment),
}

/// The parts of a TCP segment that the demultiplexer needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) tuple: Tuple,
    /// The slot of the connection with these endpoints.
    pub(super) known: Option<usize>,
    /// Whether it has SYN without ACK or RST: it asks for a new connection.
    pub(super) opens: bool,
    pub(super) rst: bool,
    pub(super) seq: TcpSeqNumber,
}

/// Finds where a frame goes. `own` tells whether an address is the interface's. `known` finds the slot of a connection; its
/// addresses are already checked.
pub(super) fn flow(
    frame: &[u8],
    medium: Medium,
    hardware: HardwareAddress,
    own: impl Fn(IpAddress) -> bool,
    known: impl FnOnce(&Tuple) -> Option<usize>,
) -> Flow {
    let Some((packet, to_us)) = payload(frame, medium, hardware) else { return Flow::Neighbour };
    let (source, destination, tcp) = match ip(packet) {
        Ip::Other => return Flow::Shared,
        #[cfg(feature = "ipv6")]
        Ip::Icmpv6 => return Flow::Neighbour,
        Ip::Dropped(why) => return Flow::Drop(why),
        Ip::Upper(source, destination, tcp) => (source, destination, tcp),
    };
    let segment = tcp.map(|tcp| {
        let tuple = Tuple {
            local: IpEndpoint::new(destination, tcp.dst_port()),
            remote: IpEndpoint::new(source, tcp.src_port()),
        };
        let opens = tcp.syn() && !tcp.ack() && !tcp.rst();
        Segment { tuple, known: known(&tuple), opens, rst: tcp.rst(), seq: tcp.seq_number() }
    });
    match segment {
        Some(segment) if to_us && segment.known.is_some() => Flow::Tcp(segment),
        _ if impossible(source, &own) || loopback(destination) => Flow::Drop(DropReason::Martian),
        None => Flow::Shared,
        // RFC 9293 section 3.10.7.2: TCP to broadcast and multicast addresses is ignored.
        Some(segment) if to_us && own(destination) => Flow::Tcp(segment),
        Some(_) => Flow::Drop(DropReason::Martian),
    }
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

/// Turns a SYN into a SYN,ACK with this acknowledgement number, and updates its checksum. Leaves other frames unchanged.
pub(super) fn acknowledge(frame: &mut [u8], medium: Medium, number: TcpSeqNumber) {
    let skip = if medium == Medium::Ethernet { EthernetFrame::<&[u8]>::header_len() } else { 0 };
    let packet = frame.get_mut(skip..).unwrap_or_default();
    let set = |source: IpAddress, destination: IpAddress, payload: &mut [u8]| {
        if let Ok(mut tcp) = TcpPacket::new_checked(payload) {
            tcp.set_ack(true);
            tcp.set_ack_number(number);
            tcp.fill_checksum(&source, &destination);
        }
    };
    match IpVersion::of_packet(packet) {
        Ok(IpVersion::Ipv4) => {
            if let Ok(mut packet) = Ipv4Packet::new_checked(packet) {
                set(packet.src_addr().into(), packet.dst_addr().into(), packet.payload_mut());
            }
        }
        #[cfg(feature = "ipv6")]
        Ok(IpVersion::Ipv6) => {
            if let Ok(mut packet) = Ipv6Packet::new_checked(packet) {
                set(packet.src_addr().into(), packet.dst_addr().into(), packet.payload_mut());
            }
        }
        Err(_) => {}
    }
}

/// The IP packet of a frame, and whether the frame is addressed to this host alone; `None` if it carries no IP.
fn payload(frame: &[u8], medium: Medium, hardware: HardwareAddress) -> Option<(&[u8], bool)> {
    match medium {
        #[cfg(feature = "medium-ip")]
        Medium::Ip => Some((frame, true)),
        Medium::Ethernet => {
            let frame = EthernetFrame::new_checked(frame).ok()?;
            let to_us = HardwareAddress::Ethernet(frame.dst_addr()) == hardware;
            match frame.ethertype() {
                EthernetProtocol::Ipv4 | EthernetProtocol::Ipv6 => Some((frame.payload(), to_us)),
                _ => None,
            }
        }
    }
}

enum Ip<'f> {
    /// Source and destination, and the segment if it is TCP.
    Upper(IpAddress, IpAddress, Option<TcpPacket<&'f [u8]>>),
    #[cfg(feature = "ipv6")]
    Icmpv6,
    Dropped(DropReason),
    /// Not IP, malformed, or a fragment without TCP.
    Other,
}

fn ip(packet: &[u8]) -> Ip<'_> {
    match version(packet) {
        Some(IpVersion::Ipv4) => {
            let Ok(packet) = Ipv4Packet::new_checked(packet) else { return Ip::Other };
            let fragment = packet.more_frags() || packet.frag_offset() != 0;
            match packet.next_header() {
                // Reassembled, it would reach the shared sockets and be answered with RST.
                IpProtocol::Tcp if fragment => Ip::Dropped(DropReason::FragmentedTcp),
                protocol => upper(packet.src_addr().into(), packet.dst_addr().into(), protocol, packet.payload()),
            }
        }
        #[cfg(feature = "ipv6")]
        Some(IpVersion::Ipv6) => {
            let Ok(packet) = Ipv6Packet::new_checked(packet) else { return Ip::Other };
            match packet.next_header() {
                IpProtocol::Icmpv6 => Ip::Icmpv6,
                // The first octet of a hop-by-hop header is the type of the next header (RFC 8200 section 4.3).
                IpProtocol::HopByHop if packet.payload().first() == Some(&u8::from(IpProtocol::Tcp)) => {
                    Ip::Dropped(DropReason::UnsupportedHeader)
                }
                protocol => upper(packet.src_addr().into(), packet.dst_addr().into(), protocol, packet.payload()),
            }
        }
        None => Ip::Other,
    }
}

/// The version of an IP packet. smoltcp's `IpVersion::of_packet` panics on an empty one.
fn version(packet: &[u8]) -> Option<IpVersion> {
    if packet.is_empty() { None } else { IpVersion::of_packet(packet).ok() }
}

fn upper(source: IpAddress, destination: IpAddress, protocol: IpProtocol, payload: &[u8]) -> Ip<'_> {
    match protocol {
        IpProtocol::Tcp => match TcpPacket::new_checked(payload) {
            Ok(tcp) => Ip::Upper(source, destination, Some(tcp)),
            Err(_) => Ip::Other,
        },
        _ => Ip::Upper(source, destination, None),
    }
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
