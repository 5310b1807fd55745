//! A frame in a few words.

use core::fmt;

use smoltcp::phy::Medium;
use smoltcp::wire::{
    ArpOperation, ArpPacket, EthernetFrame, EthernetProtocol, IpProtocol, IpVersion, Ipv4Packet, Ipv6Packet, TcpPacket,
    TcpSeqNumber, UdpPacket,
};

/// What a frame carries, as far as a reader of a ladder wants to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Summary {
    /// An ARP request.
    ArpRequest,
    /// An ARP reply.
    ArpReply,
    /// ICMP, of either version.
    Icmp,
    /// Something else.
    Other,
    /// A TCP segment.
    Tcp(Segment),
    /// A datagram with so many bytes of payload.
    Udp(usize),
}

/// A TCP segment's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// SYN.
    pub syn: bool,
    /// FIN.
    pub fin: bool,
    /// RST.
    pub rst: bool,
    /// The sequence number.
    pub seq: TcpSeqNumber,
    /// The acknowledgement number, if ACK is set.
    pub ack: Option<TcpSeqNumber>,
    /// The window field, not scaled.
    pub window: u16,
    /// Bytes of payload.
    pub len: usize,
}

impl Summary {
    /// Reads a frame's headers.
    pub fn of(frame: &[u8], medium: Medium) -> Self {
        Self::parse(frame, medium).unwrap_or(Summary::Other)
    }

    fn parse(frame: &[u8], medium: Medium) -> Option<Self> {
        let packet = match medium {
            Medium::Ip => frame,
            Medium::Ethernet => {
                let frame = EthernetFrame::new_checked(frame).ok()?;
                match frame.ethertype() {
                    EthernetProtocol::Arp => {
                        return match ArpPacket::new_checked(frame.payload()).ok()?.operation() {
                            ArpOperation::Request => Some(Summary::ArpRequest),
                            ArpOperation::Reply => Some(Summary::ArpReply),
                            ArpOperation::Unknown(_) => None,
                        };
                    }
                    _ => frame.payload(),
                }
            }
        };
        // On an empty packet it would panic.
        packet.first()?;
        match IpVersion::of_packet(packet).ok()? {
            IpVersion::Ipv4 => {
                let packet = Ipv4Packet::new_checked(packet).ok()?;
                upper(packet.next_header(), packet.payload())
            }
            IpVersion::Ipv6 => {
                let packet = Ipv6Packet::new_checked(packet).ok()?;
                upper(packet.next_header(), packet.payload())
            }
        }
    }
}

fn upper(protocol: IpProtocol, payload: &[u8]) -> Option<Summary> {
    match protocol {
        IpProtocol::Icmp | IpProtocol::Icmpv6 => Some(Summary::Icmp),
        IpProtocol::Udp => Some(Summary::Udp(UdpPacket::new_checked(payload).ok()?.payload().len())),
        IpProtocol::Tcp => {
            let tcp = TcpPacket::new_checked(payload).ok()?;
            Some(Summary::Tcp(Segment {
                syn: tcp.syn(),
                fin: tcp.fin(),
                rst: tcp.rst(),
                seq: tcp.seq_number(),
                ack: tcp.ack().then(|| tcp.ack_number()),
                window: tcp.window_len(),
                len: tcp.payload().len(),
            }))
        }
        _ => None,
    }
}

/// Flags, numbers as they stand, window and length.
impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Summary::ArpRequest => f.write_str("ARP request"),
            Summary::ArpReply => f.write_str("ARP reply"),
            Summary::Icmp => f.write_str("ICMP"),
            Summary::Other => f.write_str("another frame"),
            Summary::Tcp(segment) => segment.write(f, TcpSeqNumber(0), TcpSeqNumber(0)),
            Summary::Udp(len) => write!(f, "UDP, {len} bytes"),
        }
    }
}

impl Segment {
    /// The same with numbers counted from the initial ones of the sender and of the receiver.
    pub fn relative(self, sender: TcpSeqNumber, receiver: TcpSeqNumber) -> impl fmt::Display {
        Relative { segment: self, sender, receiver }
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, sender: TcpSeqNumber, receiver: TcpSeqNumber) -> fmt::Result {
        let flags = match (self.syn, self.fin, self.rst, self.ack.is_some()) {
            (true, _, _, false) => "SYN",
            (true, _, _, true) => "SYN,ACK",
            (_, true, _, _) => "FIN,ACK",
            (_, _, true, false) => "RST",
            (_, _, true, true) => "RST,ACK",
            _ => "ACK",
        };
        write!(f, "{flags} seq={}", self.seq.0.wrapping_sub(sender.0) as u32)?;
        if let Some(ack) = self.ack {
            write!(f, " ack={}", ack.0.wrapping_sub(receiver.0) as u32)?;
        }
        write!(f, " len={}", self.len)
    }
}

struct Relative {
    segment: Segment,
    sender: TcpSeqNumber,
    receiver: TcpSeqNumber,
}

impl fmt::Display for Relative {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.segment.write(f, self.sender, self.receiver)
    }
}
