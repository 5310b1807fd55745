//! ICMP errors that come back for an echo request (RFC 792, RFC 1191, RFC 4443 section 3).

use core::fmt;

use smoltcp::phy::{ChecksumCapabilities, Medium};
use smoltcp::wire::{EthernetFrame, Icmpv4Packet, IpAddress, IpProtocol, IpVersion, Ipv4Address, Ipv4Packet};
#[cfg(feature = "ipv6")]
use smoltcp::wire::{Icmpv6Packet, Ipv6Address, Ipv6Packet};

/// The length of an ICMP error's header before the quoted packet, and of an echo request's header before its data.
const HEADER: usize = 8;

/// A report that an echo request was not delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EchoRefusal {
    /// The sender of the report: a router, or the host itself.
    pub from: IpAddress,
    /// The receiver of the request.
    pub to: IpAddress,
    /// The number of the request.
    pub seq: u16,
    /// The reason.
    pub why: Refusal,
}

/// Why an echo request was not delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The request passed too many routers, or its fragments took too long.
    TimeExceeded,
    /// The request is longer than the next link's MTU. The number is that MTU in bytes, or 0 if the report does not give it.
    TooBig(u32),
    /// The destination is unreachable. The text names the unreachable part, such as the host or port, if the code is known.
    Unreachable(Option<&'static str>),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::TimeExceeded => f.write_str("time exceeded"),
            Refusal::TooBig(0) => f.write_str("packet too big"),
            Refusal::TooBig(mtu) => write!(f, "packet too big (MTU {mtu})"),
            Refusal::Unreachable(None) => f.write_str("destination unreachable"),
            Refusal::Unreachable(Some(what)) => write!(f, "destination unreachable ({what})"),
        }
    }
}

/// The report in a frame, if it concerns a request that this host sent with this `ident`.
pub(super) fn read(
    frame: &[u8],
    medium: Medium,
    ident: u16,
    checksums: &ChecksumCapabilities,
    is_own: impl Fn(IpAddress) -> bool,
) -> Option<EchoRefusal> {
    let skip = if medium == Medium::Ethernet { EthernetFrame::<&[u8]>::header_len() } else { 0 };
    let packet = frame.get(skip..).filter(|packet| !packet.is_empty())?;
    match IpVersion::of_packet(packet).ok()? {
        IpVersion::Ipv4 => read_v4(packet, ident, checksums, is_own),
        #[cfg(feature = "ipv6")]
        IpVersion::Ipv6 => read_v6(packet, ident, checksums, is_own),
    }
}

fn read_v4(
    packet: &[u8],
    ident: u16,
    checksums: &ChecksumCapabilities,
    is_own: impl Fn(IpAddress) -> bool,
) -> Option<EchoRefusal> {
    let packet = Ipv4Packet::new_checked(packet).ok()?;
    let whole = !packet.more_frags() && packet.frag_offset() == 0;
    let intact = !checksums.ipv4.rx() || packet.verify_checksum();
    if packet.next_header() != IpProtocol::Icmp || !whole || !intact || !is_own(packet.dst_addr().into()) {
        return None;
    }
    let message = Icmpv4Packet::new_checked(packet.payload()).ok()?;
    if checksums.icmpv4.rx() && !message.verify_checksum() {
        return None;
    }
    let (&[kind, code, _, _, _, _, a, b], quoted) = packet.payload().split_first_chunk::<HEADER>()?;
    let why = match (kind, code) {
        (3, 4) => Refusal::TooBig(u16::from_be_bytes([a, b]).into()),
        (3, code) => Refusal::Unreachable(what_v4(code)),
        (11, _) => Refusal::TimeExceeded,
        _ => return None,
    };
    let (fixed, _) = quoted.split_first_chunk::<20>()?;
    let [first, _, _, _, _, _, fragment, offset, _, protocol, _, _, source @ .., d1, d2, d3, d4] = *fixed;
    let is_first = u16::from_be_bytes([fragment, offset]) & 0x1fff == 0;
    let source = Ipv4Address::from_octets(source);
    if first >> 4 != 4 || protocol != u8::from(IpProtocol::Icmp) || !is_first || !is_own(source.into()) {
        return None;
    }
    let seq = sequence(quoted.get(usize::from(first & 15) * 4..)?, 8, ident)?;
    let to = Ipv4Address::from_octets([d1, d2, d3, d4]).into();
    Some(EchoRefusal { from: packet.src_addr().into(), to, seq, why })
}

#[cfg(feature = "ipv6")]
fn read_v6(
    packet: &[u8],
    ident: u16,
    checksums: &ChecksumCapabilities,
    is_own: impl Fn(IpAddress) -> bool,
) -> Option<EchoRefusal> {
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
    let why = match kind {
        1 => Refusal::Unreachable(what_v6(code)),
        2 => Refusal::TooBig(u32::from_be_bytes(mtu)),
        3 => Refusal::TimeExceeded,
        _ => return None,
    };
    let (fixed, request) = quoted.split_first_chunk::<40>()?;
    let (source, to) = (fixed.get(8..24)?.first_chunk::<16>()?, fixed.get(24..)?.first_chunk::<16>()?);
    let protocol = fixed.get(6).copied()?;
    let is_v6 = fixed.first().is_some_and(|first| first >> 4 == 6);
    if !is_v6 || protocol != u8::from(IpProtocol::Icmpv6) || !is_own(Ipv6Address::from_octets(*source).into()) {
        return None;
    }
    let seq = sequence(request, 128, ident)?;
    Some(EchoRefusal { from: from.into(), to: Ipv6Address::from_octets(*to).into(), seq, why })
}

/// The number of a quoted request of this kind with this `ident`.
fn sequence(request: &[u8], kind: u8, ident: u16) -> Option<u16> {
    let &[first, _, _, _, a, b, c, d] = request.first_chunk::<HEADER>()?;
    (first == kind && u16::from_be_bytes([a, b]) == ident).then(|| u16::from_be_bytes([c, d]))
}

/// The unreachable part for a code of ICMP (RFC 792, RFC 1122 section 3.2.2.1, RFC 1812 section 5.2.7.1).
fn what_v4(code: u8) -> Option<&'static str> {
    match code {
        0 | 6 => Some("network"),
        1 | 7 => Some("host"),
        2 => Some("protocol"),
        3 => Some("port"),
        9 | 10 | 13 => Some("administratively prohibited"),
        _ => None,
    }
}

/// The unreachable part for a code of ICMPv6 (RFC 4443 section 3.1).
#[cfg(feature = "ipv6")]
fn what_v6(code: u8) -> Option<&'static str> {
    match code {
        0 => Some("no route"),
        1 => Some("administratively prohibited"),
        2 => Some("beyond the scope of the source"),
        3 => Some("host"),
        4 => Some("port"),
        5 => Some("the source is refused"),
        6 => Some("the route is refused"),
        _ => None,
    }
}

#[cfg(all(test, feature = "std"))]
mod tests;
