//! Reads an ICMP error and the start of the packet that the error quotes.

use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{Icmpv4Packet, IpAddress, IpProtocol, IpVersion, Ipv4Address, Ipv4Packet};
#[cfg(feature = "ipv6")]
use smoltcp::wire::{Icmpv6Packet, Ipv6Address, Ipv6Packet};
#[cfg(feature = "recovery")]
use smoltcp::wire::{IpEndpoint, TcpSeqNumber};

use super::{IcmpError, Refusal};

/// The length of an ICMP error's header, in bytes. This is also the smallest number of bytes that an error quotes after
/// the quoted IP header.
const HEADER: usize = 8;

/// An ICMP error and the start of the packet that the error quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::stack) struct Quote {
    pub(in crate::stack) error: IcmpError,
    /// The protocol of the quoted packet.
    pub(in crate::stack) protocol: IpProtocol,
    /// The sender of the quoted packet.
    pub(in crate::stack) source: IpAddress,
    pub(in crate::stack) destination: IpAddress,
    /// The length of the quoted packet, in bytes, according to its header.
    pub(in crate::stack) len: usize,
    /// The first bytes after the quoted IP header.
    pub(in crate::stack) start: [u8; HEADER],
}

impl Quote {
    /// Returns the sender of the quoted segment or datagram.
    #[cfg(feature = "recovery")]
    pub(in crate::stack) fn local(&self) -> IpEndpoint {
        let [a, b, ..] = self.start;
        IpEndpoint::new(self.source, u16::from_be_bytes([a, b]))
    }

    /// Returns the receiver of the quoted segment or datagram.
    #[cfg(feature = "recovery")]
    pub(in crate::stack) fn remote(&self) -> IpEndpoint {
        let [_, _, a, b, ..] = self.start;
        IpEndpoint::new(self.destination, u16::from_be_bytes([a, b]))
    }

    /// Returns the sequence number of the quoted segment.
    #[cfg(feature = "recovery")]
    pub(in crate::stack) fn seq(&self) -> TcpSeqNumber {
        let [_, _, _, _, seq @ ..] = self.start;
        TcpSeqNumber(i32::from_be_bytes(seq))
    }

    /// Returns the receiver and the sequence number of the quoted echo request. `None` if the quoted packet is not an
    /// echo request with the identifier `ident`.
    #[cfg(feature = "ping")]
    pub(in crate::stack) fn echo(&self, ident: u16) -> Option<(IpAddress, u16)> {
        let kind = if self.protocol == IpProtocol::Icmp { 8 } else { 128 };
        let [first, _, _, _, a, b, c, d] = self.start;
        let is_own = first == kind && u16::from_be_bytes([a, b]) == ident;
        is_own.then(|| (self.destination, u16::from_be_bytes([c, d])))
    }
}

/// Reads the ICMP error in an IP packet for this host. `is_own` says whether an address belongs to this host. Returns
/// `None` for any other packet. The quoted packet might be forged.
pub(in crate::stack) fn read(
    packet: &[u8],
    checksums: &ChecksumCapabilities,
    is_own: impl Fn(IpAddress) -> bool,
) -> Option<Quote> {
    if packet.is_empty() {
        return None;
    }
    match IpVersion::of_packet(packet).ok()? {
        IpVersion::Ipv4 => read_v4(packet, checksums, is_own),
        #[cfg(feature = "ipv6")]
        IpVersion::Ipv6 => read_v6(packet, checksums, is_own),
    }
}

/// Reads an ICMP error in an IPv4 packet. `None` if the packet contains no valid error for this host.
fn read_v4(packet: &[u8], checksums: &ChecksumCapabilities, is_own: impl Fn(IpAddress) -> bool) -> Option<Quote> {
    let packet = Ipv4Packet::new_checked(packet).ok()?;
    if packet.next_header() != IpProtocol::Icmp {
        return None;
    }
    let whole = !packet.more_frags() && packet.frag_offset() == 0;
    let intact = !checksums.ipv4.rx() || packet.verify_checksum();
    let message = Icmpv4Packet::new_checked(packet.payload()).ok()?;
    if !whole || !intact || !is_own(packet.dst_addr().into()) || (checksums.icmpv4.rx() && !message.verify_checksum()) {
        return None;
    }
    let (&[kind, code, _, _, _, _, a, b], quoted) = packet.payload().split_first_chunk::<HEADER>()?;
    let why = match (kind, code) {
        // RFC 792 and RFC 1191: 3 means "destination unreachable", 11 "time exceeded", and 12 "parameter problem".
        (3, 4) => Refusal::TooBig(u16::from_be_bytes([a, b]).into()),
        (3, code) => unreachable_v4(code),
        (11, _) => Refusal::TimeExceeded,
        (12, _) => Refusal::ParameterProblem,
        _ => return None,
    };
    // Reads the quoted IP header. Only a first fragment contains the start of the segment or datagram.
    let (fixed, _) = quoted.split_first_chunk::<20>()?;
    let [first, _, len1, len2, _, _, fragment, offset, _, protocol, _, _, s1, s2, s3, s4, destination @ ..] = *fixed;
    let is_first = u16::from_be_bytes([fragment, offset]) & 0x1fff == 0;
    if first >> 4 != 4 || !is_first {
        return None;
    }
    Some(Quote {
        error: IcmpError { from: packet.src_addr().into(), why },
        protocol: protocol.into(),
        source: Ipv4Address::new(s1, s2, s3, s4).into(),
        destination: Ipv4Address::from_octets(destination).into(),
        len: u16::from_be_bytes([len1, len2]).into(),
        start: *quoted.get(usize::from(first & 15) * 4..)?.first_chunk()?,
    })
}

/// Reads an ICMPv6 error in an IPv6 packet. `None` if the packet contains no valid error for this host.
#[cfg(feature = "ipv6")]
fn read_v6(packet: &[u8], checksums: &ChecksumCapabilities, is_own: impl Fn(IpAddress) -> bool) -> Option<Quote> {
    let packet = Ipv6Packet::new_checked(packet).ok()?;
    let (from, own) = (packet.src_addr(), packet.dst_addr());
    if packet.next_header() != IpProtocol::Icmpv6 || !is_own(own.into()) {
        return None;
    }
    let message = Icmpv6Packet::new_checked(packet.payload()).ok()?;
    if checksums.icmpv6.rx() && !message.verify_checksum(&from, &own) {
        return None;
    }
    let (&[kind, code, _, _, mtu @ ..], quoted) = packet.payload().split_first_chunk::<HEADER>()?;
    let why = match (kind, code) {
        // RFC 4443: 1 means "destination unreachable", 2 "packet too big", 3 "time exceeded", and 4 "parameter
        // problem".
        (1, code) => unreachable_v6(code),
        (2, _) => Refusal::TooBig(u32::from_be_bytes(mtu)),
        (3, _) => Refusal::TimeExceeded,
        // Code 1 means that the destination does not support the protocol.
        (4, 1) => Refusal::Closed("protocol"),
        (4, _) => Refusal::ParameterProblem,
        _ => return None,
    };
    // The quoted IPv6 header: payload length at offset 4, next header at 6, source at 8, destination at 24.
    let (fixed, start) = quoted.split_first_chunk::<40>()?;
    let (source, destination) = (fixed.get(8..24)?.first_chunk::<16>()?, fixed.get(24..)?.first_chunk::<16>()?);
    if fixed[0] >> 4 != 6 {
        return None;
    }
    let (protocol, start) = behind_fragment_header(fixed[6], start)?;
    Some(Quote {
        error: IcmpError { from: from.into(), why },
        protocol: protocol.into(),
        source: Ipv6Address::from_octets(*source).into(),
        destination: Ipv6Address::from_octets(*destination).into(),
        len: fixed.len() + usize::from(u16::from_be_bytes([fixed[4], fixed[5]])),
        start: *start.first_chunk()?,
    })
}

/// Returns the protocol of a quoted IPv6 packet's data, and the data. Skips a Fragment header. `None` for a fragment
/// other than the first, or if the Fragment header is cut off.
#[cfg(feature = "ipv6")]
fn behind_fragment_header(next: u8, data: &[u8]) -> Option<(u8, &[u8])> {
    if IpProtocol::from(next) != IpProtocol::Ipv6Frag {
        return Some((next, data));
    }
    let (&[next, _, high, low, _, _, _, _], data) = data.split_first_chunk::<8>()?;
    // The lower three bits of this field are not part of the fragment's offset.
    (u16::from_be_bytes([high, low]) & !7 == 0).then_some((next, data))
}

/// Returns the reason for a code of "destination unreachable" (RFC 792, RFC 1122 section 3.2.2.1, RFC 1812 section
/// 5.2.7.1).
fn unreachable_v4(code: u8) -> Refusal {
    Refusal::Unreachable(match code {
        0 | 6 | 11 => Some("network"),
        1 | 7 | 12 => Some("host"),
        2 => return Refusal::Closed("protocol"),
        3 => return Refusal::Closed("port"),
        5 => Some("source route"),
        9 | 10 | 13 => Some("administratively prohibited"),
        _ => None,
    })
}

/// Returns the reason for a code of ICMPv6's "destination unreachable" (RFC 4443 section 3.1).
#[cfg(feature = "ipv6")]
fn unreachable_v6(code: u8) -> Refusal {
    Refusal::Unreachable(match code {
        0 => Some("no route"),
        1 => Some("administratively prohibited"),
        2 => Some("beyond the scope of the source"),
        3 => Some("host"),
        4 => return Refusal::Closed("port"),
        5 => Some("the source is refused"),
        6 => Some("the route is refused"),
        _ => None,
    })
}

#[cfg(all(test, feature = "std"))]
mod tests;
