//! Writes a [`SegmentText`] as Ethernet frames, and reads one from a frame.

use alloc::vec;
use alloc::vec::Vec;

use smoltcp::wire::{
    EthernetAddress, EthernetFrame, EthernetProtocol, IpAddress, IpEndpoint, IpProtocol, Ipv4Address, Ipv4Packet,
    TcpOption, TcpPacket, TcpSeqNumber,
};

use super::segment::{Choice, Flags, SegmentText};

/// The length of an Ethernet header, in bytes.
const ETHERNET: usize = 14;
/// The length of an IPv4 header without options, in bytes.
const IP: usize = 20;
/// The length of a TCP header without options, in bytes.
const TCP: usize = 20;

/// The offset in a TCP header of the byte with the flags.
const FLAGS_OFFSET: usize = 13;

/// The byte that fills a payload. [`ScriptStep::SendBytes`](crate::lab::ScriptStep::SendBytes) sends the same byte.
pub(super) const FILL: u8 = b'x';

/// The two sides of a segment. In each array, the sender comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ends {
    /// The hardware addresses.
    pub hardware: [EthernetAddress; 2],
    /// The IPv4 addresses.
    pub addresses: [Ipv4Address; 2],
    /// The ports.
    pub ports: [u16; 2],
    /// The initial sequence numbers. In the text of a segment, sequence numbers are relative to the sender's initial
    /// number. Acknowledgement numbers and SACK blocks are relative to the receiver's.
    pub isn: [u32; 2],
}

impl Ends {
    /// Returns the ends with the two sides swapped, as in an answer.
    pub fn reversed(&self) -> Ends {
        let Ends { hardware: [h, i], addresses: [a, b], ports: [p, q], isn: [s, r] } = *self;
        Ends { hardware: [i, h], addresses: [b, a], ports: [q, p], isn: [r, s] }
    }

    /// Returns the sender and the receiver.
    pub fn endpoints(&self) -> [IpEndpoint; 2] {
        [0, 1].map(|end| IpEndpoint::new(IpAddress::Ipv4(self.addresses[end]), self.ports[end]))
    }
}

impl SegmentText {
    /// Returns the frames of the segment, with correct checksums. `mtu` is the largest length of an IP packet in bytes.
    ///
    /// Each byte of the payload is the letter x. A payload that does not fit into one frame is divided among several
    /// frames. SYN is then in the first frame, and FIN and PSH are in the last. A missing window is written as 0.
    pub fn frames(&self, ends: &Ends, mtu: usize) -> Vec<Vec<u8>> {
        // A frame takes at least one byte of the payload, even if the MTU is too small, so that the loop ends.
        let most = mtu.saturating_sub(IP + TCP + self.options_len()).max(1);
        let len = self.len as usize;
        let mut frames = Vec::new();
        let mut sent = 0;
        // A segment without payload takes one frame.
        while sent < len || frames.is_empty() {
            let count = most.min(len - sent);
            let mut flags = self.flags.0;
            if sent + count < len {
                flags &= !(Flags::FIN | Flags::PSH);
            }
            // SYN takes the sequence number before the first byte.
            let mut seq = self.seq.wrapping_add(sent as u32);
            if sent > 0 && self.flags.has(Flags::SYN) {
                (flags, seq) = (flags & !Flags::SYN, seq.wrapping_add(1));
            }
            frames.push(self.frame(ends, Flags(flags), seq, count));
            sent += count;
        }
        frames
    }

    /// Returns one frame of the segment, with `len` bytes of payload.
    fn frame(&self, ends: &Ends, flags: Flags, seq: u32, len: usize) -> Vec<u8> {
        let header = TCP + self.options_len();
        let total = IP + header + len;
        let mut frame = vec![FILL; ETHERNET + total];
        let mut ethernet = EthernetFrame::new_unchecked(&mut frame[..]);
        // In each array of `ends`, the sender is at index 0 and the receiver at index 1.
        ethernet.set_src_addr(ends.hardware[0]);
        ethernet.set_dst_addr(ends.hardware[1]);
        ethernet.set_ethertype(EthernetProtocol::Ipv4);
        let mut ip = Ipv4Packet::new_unchecked(ethernet.payload_mut());
        ip.set_version(4);
        ip.set_header_len(IP as u8);
        ip.set_dscp(0);
        ip.set_ecn(0);
        // The MTU of the wire limits the length, so it fits into 16 bits.
        ip.set_total_len(total as u16);
        ip.set_ident(0);
        ip.clear_flags();
        ip.set_dont_frag(true);
        ip.set_frag_offset(0);
        ip.set_hop_limit(64);
        ip.set_next_header(IpProtocol::Tcp);
        ip.set_src_addr(ends.addresses[0]);
        ip.set_dst_addr(ends.addresses[1]);
        ip.fill_checksum();
        let bytes = ip.payload_mut();
        // A script can combine the flags freely, so all flags are written together, as one byte.
        bytes[..header].fill(0);
        bytes[FLAGS_OFFSET] = flags.0;
        let mut tcp = TcpPacket::new_unchecked(bytes);
        tcp.set_src_port(ends.ports[0]);
        tcp.set_dst_port(ends.ports[1]);
        tcp.set_header_len(header as u8);
        tcp.set_seq_number(number(seq.wrapping_add(ends.isn[0])));
        if let Some(ack) = self.ack {
            tcp.set_ack_number(number(ack.wrapping_add(ends.isn[1])));
        }
        tcp.set_window_len(self.window.unwrap_or(0));
        self.write_options(&mut tcp.options_mut()[..header - TCP], ends.isn[1]);
        tcp.fill_checksum(&ends.addresses[0].into(), &ends.addresses[1].into());
        frame
    }

    /// Writes the options. The bytes after them stay 0, which marks the end of the options.
    ///
    /// SACK blocks are relative to `isn`, the receiver's initial sequence number.
    fn write_options(&self, out: &mut [u8], isn: u32) {
        let mut bytes = Vec::new();
        for option in self.options.as_deref().unwrap_or_default() {
            // Most options consist of their kind, their length in bytes and a value (RFC 9293 section 3.2).
            match option {
                Choice::Eol => bytes.push(0),
                Choice::Mss(size) => bytes.extend([&[2, 4][..], &size.to_be_bytes()].concat()),
                Choice::Nop => bytes.push(1),
                Choice::Sack(blocks) => {
                    bytes.extend([5, 2 + 8 * blocks.len() as u8]);
                    for end in blocks.iter().flat_map(|(first, after)| [first, after]) {
                        bytes.extend(end.wrapping_add(isn).to_be_bytes());
                    }
                }
                Choice::SackOk => bytes.extend([4, 2]),
                Choice::Timestamp(val, ecr) => {
                    bytes.extend([&[8, 10][..], &val.to_be_bytes(), &ecr.to_be_bytes()].concat());
                }
                Choice::Unknown(kind) => bytes.extend([*kind, 2]),
                Choice::WindowScale(shift) => bytes.extend([3, 3, *shift]),
            }
        }
        out.iter_mut().zip(bytes).for_each(|(target, byte)| *target = byte);
    }

    /// Reads the TCP segment in a frame, and returns it with its sender and receiver. The numbers are absolute, and
    /// `isn` is 0.
    ///
    /// Returns `None` if the frame contains no TCP segment over IPv4, or if its length or its checksum is wrong.
    pub fn read(frame: &[u8]) -> Option<(SegmentText, Ends)> {
        let ethernet = EthernetFrame::new_checked(frame).ok()?;
        if ethernet.ethertype() != EthernetProtocol::Ipv4 {
            return None;
        }
        let ip = Ipv4Packet::new_checked(ethernet.payload()).ok()?;
        let is_whole = ip.frag_offset() == 0 && !ip.more_frags();
        if ip.next_header() != IpProtocol::Tcp || !is_whole || !ip.verify_checksum() {
            return None;
        }
        let tcp = TcpPacket::new_checked(ip.payload()).ok()?;
        if !tcp.verify_checksum(&ip.src_addr().into(), &ip.dst_addr().into()) {
            return None;
        }
        // smoltcp stores a sequence number as an `i32`.
        let segment = SegmentText {
            flags: Flags(*ip.payload().get(FLAGS_OFFSET)?),
            seq: tcp.seq_number().0 as u32,
            len: tcp.payload().len() as u32,
            ack: tcp.ack().then(|| tcp.ack_number().0 as u32),
            window: Some(tcp.window_len()),
            options: Some(read_options(tcp.options())),
        };
        let ends = Ends {
            hardware: [ethernet.src_addr(), ethernet.dst_addr()],
            addresses: [ip.src_addr(), ip.dst_addr()],
            ports: [tcp.src_port(), tcp.dst_port()],
            isn: [0; 2],
        };
        Some((segment, ends))
    }

    /// Returns the segment with relative numbers. `isn` contains the initial sequence numbers of sender and receiver.
    pub fn relative_to(mut self, isn: [u32; 2]) -> SegmentText {
        let [sender_isn, receiver_isn] = isn;
        self.seq = self.seq.wrapping_sub(sender_isn);
        self.ack = self.ack.map(|ack| ack.wrapping_sub(receiver_isn));
        for option in self.options.iter_mut().flatten() {
            if let Choice::Sack(blocks) = option {
                for (first, after) in blocks {
                    (*first, *after) = (first.wrapping_sub(receiver_isn), after.wrapping_sub(receiver_isn));
                }
            }
        }
        self
    }
}

/// Returns a sequence number as smoltcp stores it.
fn number(value: u32) -> TcpSeqNumber {
    TcpSeqNumber(value as i32)
}

/// Reads options up to the end of the options, or up to the first malformed option.
fn read_options(mut bytes: &[u8]) -> Vec<Choice> {
    let mut options = Vec::new();
    while let Ok((rest, option)) = TcpOption::parse(bytes) {
        let choice = match option {
            TcpOption::EndOfList => {
                options.push(Choice::Eol);
                return options;
            }
            TcpOption::NoOperation => Choice::Nop,
            TcpOption::MaxSegmentSize(size) => Choice::Mss(size),
            TcpOption::WindowScale(shift) => Choice::WindowScale(shift),
            TcpOption::SackPermitted => Choice::SackOk,
            TcpOption::SackRange(ranges) => Choice::Sack(ranges.into_iter().flatten().collect()),
            TcpOption::TimeStamp { tsval, tsecr } => Choice::Timestamp(tsval, tsecr),
            TcpOption::Unknown { kind, .. } => Choice::Unknown(kind),
        };
        options.push(choice);
        bytes = rest;
    }
    options
}
