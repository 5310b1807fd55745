//! Lists the header fields of a frame, each with its bytes.

use core::fmt;

#[cfg(feature = "ipv6")]
use smoltcp::wire::Ipv6Packet;
use smoltcp::wire::{
    EthernetFrame, EthernetProtocol, Icmpv4Message, Icmpv4Packet, IpAddress, IpProtocol, Ipv4Packet, TcpOption,
    TcpPacket, UdpPacket,
};

/// Writes an Ethernet frame's fields, one on each line: offset, bytes, name and value.
///
/// Bytes that cannot be decoded are written in hexadecimal and as text.
pub struct Fields<'f>(pub &'f [u8]);

/// A field in a frame: its name, its place and its bytes.
pub(crate) struct Field<'f> {
    /// The offset of the field's first byte in the frame.
    pub(crate) offset: usize,
    /// The field's bytes.
    pub(crate) bytes: &'f [u8],
    pub(crate) name: &'static str,
    /// The decoded value, or `None` for bytes that are not decoded.
    pub(crate) value: Option<&'f dyn fmt::Display>,
}

impl fmt::Display for Fields<'_> {
    /// Writes a line for each field. Data that is not decoded gets a line for every 16 bytes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Fields(frame) = self;
        each_field(frame, &mut |field| {
            let Field { mut offset, bytes, name, value } = field;
            // Without a value, the bytes are not decoded.
            let Some(value) = value else {
                for line in bytes.chunks(16) {
                    data_line(f, offset, line, name)?;
                    offset += line.len();
                }
                return Ok(());
            };
            write!(f, "{offset:>4}  ")?;
            for byte in bytes {
                write!(f, "{byte:02x}")?;
            }
            // After a field of at most 6 bytes, such as a hardware address, the name always begins in the same column.
            let width = 14usize.saturating_sub(2 * bytes.len()).max(2);
            writeln!(f, "{:width$}{name} = {value}", "")
        })
    }
}

/// Writes a line of at most 16 bytes of data, in hexadecimal and as text.
fn data_line(f: &mut fmt::Formatter<'_>, offset: usize, bytes: &[u8], name: &str) -> fmt::Result {
    write!(f, "{offset:>4}  ")?;
    for byte in bytes {
        write!(f, "{byte:02x} ")?;
    }
    // The text of a short line begins in the same column as the text of a full line.
    let width = 3 * (16 - bytes.len());
    write!(f, "{:width$} {name} \"", "")?;
    for byte in bytes {
        let shown = if (b' '..=b'~').contains(byte) { char::from(*byte) } else { '.' };
        write!(f, "{shown}")?;
    }
    writeln!(f, "\"")
}

/// Calls `each` with every field of an Ethernet frame, in order.
///
/// # Errors
/// Returns the error from `each`.
pub(crate) fn each_field(frame: &[u8], each: &mut dyn FnMut(Field<'_>) -> fmt::Result) -> fmt::Result {
    // `at` is the offset of the next field. The first argument of `field` is the field's length in bytes.
    let mut out = Out { each, frame, at: 0 };
    let Ok(ethernet) = EthernetFrame::new_checked(frame) else { return out.rest("not an Ethernet frame") };
    out.field(6, "destination", &ethernet.dst_addr())?;
    out.field(6, "source", &ethernet.src_addr())?;
    out.field(2, "type", &ethernet.ethertype())?;
    match ethernet.ethertype() {
        EthernetProtocol::Arp => out.arp(),
        EthernetProtocol::Ipv4 => out.ipv4(ethernet.payload()),
        #[cfg(feature = "ipv6")]
        EthernetProtocol::Ipv6 => out.ipv6(ethernet.payload()),
        _ => out.rest("payload"),
    }
}

/// Passes the fields of `frame` to `each`. `at` is the offset of the next field.
struct Out<'o, 'f> {
    each: &'o mut dyn FnMut(Field<'_>) -> fmt::Result,
    frame: &'f [u8],
    at: usize,
}

impl Out<'_, '_> {
    /// Passes on the next `len` bytes as a field with this name and value.
    fn field(&mut self, len: usize, name: &'static str, value: &dyn fmt::Display) -> fmt::Result {
        let (offset, bytes) = (self.at, self.frame.get(self.at..self.at + len).unwrap_or_default());
        self.at += len;
        (self.each)(Field { offset, bytes, name, value: Some(value) })
    }

    /// Passes on the next `len` bytes (at most 8) as a number.
    fn number(&mut self, len: usize, name: &'static str) -> fmt::Result {
        let bytes = self.frame.get(self.at..self.at + len).unwrap_or_default();
        let number = bytes.iter().fold(0u64, |number, byte| number << 8 | u64::from(*byte));
        self.field(len, name, &number)
    }

    /// Passes on the remaining bytes as data.
    fn rest(&mut self, name: &'static str) -> fmt::Result {
        let (offset, bytes) = (self.at, self.frame.get(self.at..).unwrap_or_default());
        self.at = self.frame.len();
        if bytes.is_empty() { Ok(()) } else { (self.each)(Field { offset, bytes, name, value: None }) }
    }

    /// Passes the fields of an ARP message to the caller's `each`. The message begins at the offset `at`.
    fn arp(&mut self) -> fmt::Result {
        // The length of each field in bytes, and its name.
        let fields = [
            (2, "hardware type"),
            (2, "protocol type"),
            (1, "hardware length"),
            (1, "protocol length"),
            (2, "operation"),
            (6, "sender's hardware address"),
            (4, "sender's IP address"),
            (6, "target's hardware address"),
            (4, "target's IP address"),
        ];
        for (len, name) in fields {
            // Only an IPv4 address has 4 bytes here, and only an Ethernet address has 6.
            match self.frame.get(self.at..self.at + len).unwrap_or_default() {
                &[a, b, c, d] => self.field(len, name, &core::net::Ipv4Addr::new(a, b, c, d))?,
                bytes if bytes.len() == 6 => {
                    self.field(len, name, &smoltcp::wire::EthernetAddress::from_bytes(bytes))?
                }
                _ => self.number(len, name)?,
            }
        }
        self.rest("padding")
    }

    /// Passes the fields of an IPv4 packet and of its payload to the caller's `each`.
    fn ipv4(&mut self, bytes: &[u8]) -> fmt::Result {
        let Ok(packet) = Ipv4Packet::new_checked(bytes) else { return self.rest("not IPv4") };
        // The first argument of `field` is the field's length in bytes.
        let header = usize::from(packet.header_len());
        self.field(1, "version, header length", &format_args!("{}, {header}", packet.version()))?;
        self.field(1, "DSCP, ECN", &format_args!("{}, {}", packet.dscp(), packet.ecn()))?;
        self.field(2, "total length", &packet.total_len())?;
        self.field(2, "identification", &packet.ident())?;
        let (dont_fragment, more, offset) = (packet.dont_frag(), packet.more_frags(), packet.frag_offset());
        self.field(2, "don't fragment, more, offset", &format_args!("{dont_fragment}, {more}, {offset}"))?;
        self.field(1, "time to live", &packet.hop_limit())?;
        self.field(1, "protocol", &packet.next_header())?;
        let verdict = if packet.verify_checksum() { "right" } else { "wrong" };
        self.field(2, "header checksum", &format_args!("{:#06x}, {verdict}", packet.checksum()))?;
        self.field(4, "source", &packet.src_addr())?;
        self.field(4, "destination", &packet.dst_addr())?;
        // A header without options has 20 bytes.
        if header > 20 {
            self.field(header - 20, "options", &"")?;
        }
        match packet.next_header() {
            IpProtocol::Icmp => self.icmp(packet.payload()),
            IpProtocol::Tcp => self.tcp(packet.payload(), [packet.src_addr().into(), packet.dst_addr().into()]),
            IpProtocol::Udp => self.udp(packet.payload(), [packet.src_addr().into(), packet.dst_addr().into()]),
            _ => self.rest("payload"),
        }
    }

    /// Passes the fields of an IPv6 packet and of its payload to the caller's `each`.
    #[cfg(feature = "ipv6")]
    fn ipv6(&mut self, bytes: &[u8]) -> fmt::Result {
        let Ok(packet) = Ipv6Packet::new_checked(bytes) else { return self.rest("not IPv6") };
        // The first argument of `field` is the field's length in bytes.
        let flow = format_args!("{}, {}, {}", packet.version(), packet.traffic_class(), packet.flow_label());
        self.field(4, "version, traffic class, flow label", &flow)?;
        self.field(2, "payload length", &packet.payload_len())?;
        self.field(1, "next header", &packet.next_header())?;
        self.field(1, "hop limit", &packet.hop_limit())?;
        self.field(16, "source", &packet.src_addr())?;
        self.field(16, "destination", &packet.dst_addr())?;
        match packet.next_header() {
            IpProtocol::Tcp => self.tcp(packet.payload(), [packet.src_addr().into(), packet.dst_addr().into()]),
            IpProtocol::Udp => self.udp(packet.payload(), [packet.src_addr().into(), packet.dst_addr().into()]),
            _ => self.rest("payload"),
        }
    }

    /// Passes the fields of an ICMP message to the caller's `each`.
    fn icmp(&mut self, bytes: &[u8]) -> fmt::Result {
        let Ok(icmp) = Icmpv4Packet::new_checked(bytes) else { return self.rest("not ICMP") };
        // The first argument of `field` and `number` is the field's length in bytes. `rest` passes all bytes that
        // remain.
        self.field(1, "type", &icmp.msg_type())?;
        self.field(1, "code", &icmp.msg_code())?;
        let verdict = if icmp.verify_checksum() { "right" } else { "wrong" };
        self.field(2, "checksum", &format_args!("{:#06x}, {verdict}", icmp.checksum()))?;
        match icmp.msg_type() {
            Icmpv4Message::EchoReply | Icmpv4Message::EchoRequest => {
                self.number(2, "identifier")?;
                self.number(2, "sequence number")?;
                self.rest("data")
            }
            Icmpv4Message::DstUnreachable => {
                self.number(2, "unused")?;
                self.number(2, "MTU of the next link")?;
                self.rest("quoted packet")
            }
            _ => self.rest("payload"),
        }
    }

    /// Passes the fields of a TCP segment to the caller's `each`. The segment's checksum also covers both addresses.
    fn tcp(&mut self, bytes: &[u8], [source, destination]: [IpAddress; 2]) -> fmt::Result {
        let Ok(tcp) = TcpPacket::new_checked(bytes) else { return self.rest("not TCP") };
        // The first argument of `field` is the field's length in bytes.
        let header = usize::from(tcp.header_len());
        self.field(2, "source port", &tcp.src_port())?;
        self.field(2, "destination port", &tcp.dst_port())?;
        // smoltcp stores sequence numbers as `i32`. The header's numbers have no sign.
        self.field(4, "sequence number", &(tcp.seq_number().0 as u32))?;
        self.field(4, "acknowledgement number", &(tcp.ack_number().0 as u32))?;
        let flags = [
            (tcp.cwr(), "CWR"),
            (tcp.ece(), "ECE"),
            (tcp.urg(), "URG"),
            (tcp.ack(), "ACK"),
            (tcp.psh(), "PSH"),
            (tcp.rst(), "RST"),
            (tcp.syn(), "SYN"),
            (tcp.fin(), "FIN"),
        ];
        self.field(2, "data offset, flags", &Flags(header, flags))?;
        self.field(2, "window", &tcp.window_len())?;
        let is_right = tcp.verify_checksum(&source, &destination);
        let verdict = if is_right { "right" } else { "wrong" };
        self.field(2, "checksum", &format_args!("{:#06x}, {verdict}", tcp.checksum()))?;
        self.field(2, "urgent pointer", &tcp.urgent_at())?;
        // A header without options has 20 bytes.
        if header > 20 {
            self.field(header - 20, "options", &Options(tcp.options()))?;
        }
        self.rest("data")
    }

    /// Passes the fields of a UDP datagram to the caller's `each`. The datagram's checksum also covers both addresses.
    fn udp(&mut self, bytes: &[u8], [source, destination]: [IpAddress; 2]) -> fmt::Result {
        let Ok(udp) = UdpPacket::new_checked(bytes) else { return self.rest("not UDP") };
        // The first argument of `field` is the field's length in bytes.
        self.field(2, "source port", &udp.src_port())?;
        self.field(2, "destination port", &udp.dst_port())?;
        self.field(2, "length", &udp.len())?;
        let is_right = udp.verify_checksum(&source, &destination);
        let verdict = if is_right { "right" } else { "wrong" };
        self.field(2, "checksum", &format_args!("{:#06x}, {verdict}", udp.checksum()))?;
        self.rest("data")
    }
}

/// Writes the length of a TCP header, in bytes, and the names of its flags.
struct Flags(usize, [(bool, &'static str); 8]);

impl fmt::Display for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes,", self.0)?;
        self.1.iter().filter(|(set, _)| *set).try_for_each(|(_, name)| write!(f, " {name}"))
    }
}

/// Writes the options of a TCP header, without the padding.
struct Options<'o>(&'o [u8]);

impl fmt::Display for Options<'_> {
    /// Writes the options with commas between them, up to the end of the list or an option that cannot be parsed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Options(mut rest) = *self;
        // The separator before the next option.
        let mut comma = "";
        while !rest.is_empty() {
            let Ok((after, option)) = TcpOption::parse(rest) else { return write!(f, "{comma}unreadable") };
            rest = after;
            match option {
                TcpOption::EndOfList => return Ok(()),
                TcpOption::NoOperation => continue,
                TcpOption::MaxSegmentSize(size) => write!(f, "{comma}maximum segment size {size}")?,
                TcpOption::SackPermitted => write!(f, "{comma}SACK permitted")?,
                TcpOption::SackRange(blocks) => {
                    write!(f, "{comma}SACK")?;
                    blocks.iter().flatten().try_for_each(|(from, to)| write!(f, " {from}:{to}"))?;
                }
                TcpOption::TimeStamp { tsval, tsecr } => write!(f, "{comma}time stamps {tsval}, {tsecr}")?,
                TcpOption::Unknown { kind, .. } => write!(f, "{comma}kind {kind}")?,
                TcpOption::WindowScale(shift) => write!(f, "{comma}window scale {shift}")?,
            }
            comma = ", ";
        }
        Ok(())
    }
}
