//! Summarises the headers of a frame.

use core::fmt;

use smoltcp::phy::Medium;
#[cfg(feature = "ipv6")]
use smoltcp::wire::Ipv6Packet;
use smoltcp::wire::{
    IpAddress, IpEndpoint, IpProtocol, IpVersion, Ipv4Packet, TcpOption, TcpPacket, TcpSeqNumber, UdpPacket,
};

use super::icmp;
use crate::phy::{ETHERNET_HEADER, is_ethernet};

/// The headers of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// The IP addresses and ports, if any. The port is 0 if the protocol has no ports.
    pub ends: Option<Ends>,
    /// The content of the frame.
    pub carries: Carries,
}

/// The source and destination endpoints of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ends {
    /// The sender.
    pub source: IpEndpoint,
    /// The receiver.
    pub destination: IpEndpoint,
}

/// The content of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Carries {
    /// An ARP reply.
    ArpReply,
    /// An ARP request.
    ArpRequest,
    /// An ICMP message: its type and code (RFC 792).
    Icmp(u8, u8),
    /// An ICMPv6 message: its type and code (RFC 4443).
    Icmpv6(u8, u8),
    /// Another protocol, or a frame that cannot be parsed.
    Other,
    /// A TCP segment.
    Tcp(Segment),
    /// A UDP datagram: the number of its payload bytes.
    Udp(usize),
}

/// The header of a TCP segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Whether the SYN flag is set.
    pub syn: bool,
    /// Whether the FIN flag is set.
    pub fin: bool,
    /// Whether the RST flag is set.
    pub rst: bool,
    /// Whether the PSH flag is set.
    pub psh: bool,
    /// The sequence number.
    pub seq: TcpSeqNumber,
    /// The acknowledgement number, if ACK is set.
    pub ack: Option<TcpSeqNumber>,
    /// The window field, not scaled.
    pub window: u16,
    /// The window scale option (RFC 7323).
    pub scale: Option<u8>,
    /// The maximum segment size option (RFC 9293 section 3.7.1).
    pub mss: Option<u16>,
    /// The blocks of the SACK option, which acknowledges data after a gap (RFC 2018). Each block is a pair: its first
    /// sequence number, and the sequence number after its end.
    pub sacks: [Option<(TcpSeqNumber, TcpSeqNumber)>; 3],
    /// The number of payload bytes.
    pub len: usize,
}

impl Summary {
    /// Parses the headers of a frame.
    pub fn of(frame: &[u8], medium: Medium) -> Self {
        parse(frame, medium).unwrap_or(Summary { ends: None, carries: Carries::Other })
    }

    /// Returns the TCP segment in the frame, if any.
    pub fn segment(&self) -> Option<Segment> {
        match self.carries {
            Carries::Tcp(segment) => Some(segment),
            _ => None,
        }
    }
}

impl Segment {
    /// Returns the segment's length in sequence space: the payload plus one each for SYN and FIN (RFC 9293 section
    /// 3.4).
    pub fn space(&self) -> usize {
        self.len + usize::from(self.syn) + usize::from(self.fin)
    }

    /// Returns whether the segment is a pure ACK.
    pub(crate) fn is_bare_ack(&self) -> bool {
        self.space() == 0 && !self.rst && self.ack.is_some()
    }

    /// Returns the names of the flags, for example `SYN,ACK`. For a combination that TCP does not allow, such as SYN
    /// with FIN, returns the name of a similar combination.
    pub fn flags(&self) -> &'static str {
        match (self.syn, self.fin, self.rst, self.psh, self.ack.is_some()) {
            (true, _, _, _, false) => "SYN",
            (true, _, _, _, true) => "SYN,ACK",
            (_, _, true, _, false) => "RST",
            (_, _, true, _, true) => "RST,ACK",
            (_, true, _, true, _) => "FIN,PSH,ACK",
            (_, true, _, _, _) => "FIN,ACK",
            (_, _, _, true, _) => "PSH,ACK",
            (_, _, _, _, true) => "ACK",
            _ => "none",
        }
    }
}

/// Parses the headers of a frame. Returns `None` if the frame is malformed or is neither ARP nor IP.
fn parse(frame: &[u8], medium: Medium) -> Option<Summary> {
    let packet = if is_ethernet(medium) {
        let (header, packet) = frame.split_at_checked(ETHERNET_HEADER)?;
        // The header ends with the EtherType, which is 0x0806 for ARP.
        if header.ends_with(&[8, 6]) {
            return arp(packet);
        }
        packet
    } else {
        frame
    };
    // `IpVersion::of_packet` panics on an empty packet.
    packet.first()?;
    match IpVersion::of_packet(packet).ok()? {
        IpVersion::Ipv4 => {
            let packet = Ipv4Packet::new_checked(packet).ok()?;
            upper(packet.src_addr().into(), packet.dst_addr().into(), packet.next_header(), packet.payload())
        }
        #[cfg(feature = "ipv6")]
        IpVersion::Ipv6 => {
            let packet = Ipv6Packet::new_checked(packet).ok()?;
            let (protocol, payload) = behind_options(packet.next_header(), packet.payload())?;
            upper(packet.src_addr().into(), packet.dst_addr().into(), protocol, payload)
        }
    }
}

/// Returns the protocol and payload after any hop-by-hop options (RFC 8200 section 4.3). MLD reports have such options
/// (RFC 3810 section 5).
#[cfg(feature = "ipv6")]
fn behind_options(protocol: IpProtocol, payload: &[u8]) -> Option<(IpProtocol, &[u8])> {
    if protocol != IpProtocol::HopByHop {
        return Some((protocol, payload));
    }
    // The length counts units of 8 bytes, without the first unit.
    let &[next, units] = payload.first_chunk()?;
    Some((next.into(), payload.get(8 * (usize::from(units) + 1)..)?))
}

/// Parses an ARP request or reply. Returns `None` for any other ARP message.
fn arp(payload: &[u8]) -> Option<Summary> {
    // RFC 826: the operation follows six bytes about the kinds and lengths of the addresses.
    let carries = match payload.first_chunk::<28>()?[6..8] {
        [0, 1] => Carries::ArpRequest,
        [0, 2] => Carries::ArpReply,
        _ => return None,
    };
    Some(Summary { ends: None, carries })
}

/// Parses the header at the beginning of an IP packet's `payload`. The ports are 0 if the protocol has no ports.
/// Returns `None` if the header is malformed.
fn upper(source: IpAddress, destination: IpAddress, protocol: IpProtocol, payload: &[u8]) -> Option<Summary> {
    let (carries, (source_port, destination_port)) = match protocol {
        IpProtocol::Icmp => (Carries::Icmp(*payload.first()?, *payload.get(1)?), (0, 0)),
        IpProtocol::Icmpv6 => (Carries::Icmpv6(*payload.first()?, *payload.get(1)?), (0, 0)),
        IpProtocol::Udp => {
            let udp = UdpPacket::new_checked(payload).ok()?;
            (Carries::Udp(udp.payload().len()), (udp.src_port(), udp.dst_port()))
        }
        IpProtocol::Tcp => {
            let tcp = TcpPacket::new_checked(payload).ok()?;
            (Carries::Tcp(segment(&tcp)), (tcp.src_port(), tcp.dst_port()))
        }
        _ => (Carries::Other, (0, 0)),
    };
    let ends = Ends {
        source: IpEndpoint::new(source, source_port),
        destination: IpEndpoint::new(destination, destination_port),
    };
    Some(Summary { ends: Some(ends), carries })
}

/// Returns the fields and options of a TCP header. Stops at the first option that cannot be parsed.
fn segment(tcp: &TcpPacket<&[u8]>) -> Segment {
    let (mut scale, mut mss, mut sacks, mut options) = (None, None, [None; 3], tcp.options());
    while let Ok((rest, option)) = TcpOption::parse(options) {
        match option {
            TcpOption::EndOfList => break,
            // A larger shift is treated as 14 (RFC 7323 section 2.3).
            TcpOption::WindowScale(shift) => scale = Some(shift.min(14)),
            TcpOption::MaxSegmentSize(size) => mss = Some(size),
            TcpOption::SackRange(blocks) => {
                // smoltcp stores sequence numbers as `i32`.
                sacks = blocks.map(|b| b.map(|(from, to)| (TcpSeqNumber(from as i32), TcpSeqNumber(to as i32))));
            }
            _ => {}
        }
        options = rest;
    }
    Segment {
        syn: tcp.syn(),
        fin: tcp.fin(),
        rst: tcp.rst(),
        psh: tcp.psh(),
        seq: tcp.seq_number(),
        ack: tcp.ack().then(|| tcp.ack_number()),
        window: tcp.window_len(),
        scale,
        mss,
        sacks,
        len: tcp.payload().len(),
    }
}

/// Writes the frame's content, with absolute sequence numbers.
impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.carries {
            Carries::ArpReply => f.write_str("ARP reply"),
            Carries::ArpRequest => f.write_str("ARP request"),
            Carries::Icmp(kind, code) => icmp::v4(f, *kind, *code),
            Carries::Icmpv6(kind, code) => icmp::v6(f, *kind, *code),
            Carries::Other => f.write_str("unreadable frame"),
            // Relative to 0, the sequence numbers are absolute.
            Carries::Tcp(segment) => segment.since(TcpSeqNumber(0), TcpSeqNumber(0)).fmt(f),
            Carries::Udp(len) => write!(f, "UDP len={len}"),
        }
    }
}

impl Segment {
    /// Returns a text of the segment's flags, numbers, length and window. The sequence number is relative to `sender`.
    /// The acknowledgement number is relative to `receiver`.
    pub fn since(self, sender: TcpSeqNumber, receiver: TcpSeqNumber) -> impl fmt::Display {
        Since { segment: self, sender, receiver }
    }
}

struct Since {
    segment: Segment,
    sender: TcpSeqNumber,
    receiver: TcpSeqNumber,
}

impl fmt::Display for Since {
    /// Writes the flags and the numbers, for example `ACK seq=1 ack=1 len=9 win=63`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Since { segment, sender, receiver } = self;
        // smoltcp stores sequence numbers as `i32`. The numbers in the text have no sign.
        write!(f, "{} seq={}", segment.flags(), segment.seq.0.wrapping_sub(sender.0) as u32)?;
        if let Some(ack) = segment.ack {
            write!(f, " ack={}", ack.0.wrapping_sub(receiver.0) as u32)?;
        }
        write!(f, " len={} win={}", segment.len, segment.window)
    }
}

#[cfg(all(test, feature = "ipv6"))]
mod tests {
    use super::*;

    #[test]
    fn a_report_of_multicast_groups_is_icmp() {
        // fe80::1 to ff02::16: hop-by-hop options with a router alert, then ICMPv6.
        let mut frame = [0; 14 + 40 + 8 + 8];
        frame[12..].first_chunk_mut().map(|ethertype| *ethertype = [0x86, 0xdd]).unwrap();
        frame[14..22].copy_from_slice(&[0x60, 0, 0, 0, 0, 16, 0, 1]);
        frame[54..62].copy_from_slice(&[58, 0, 5, 2, 0, 0, 1, 0]);
        frame[62] = 143;
        assert_eq!(Summary::of(&frame, Medium::Ethernet).carries, Carries::Icmpv6(143, 0));
        // The options claim to be longer than the packet.
        frame[55] = 200;
        assert_eq!(Summary::of(&frame, Medium::Ethernet).carries, Carries::Other);
    }
}
