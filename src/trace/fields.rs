//! Lists the fields of a frame with their bytes.

use core::fmt;

use smoltcp::wire::{EthernetFrame, EthernetProtocol, IpProtocol, Ipv4Packet, TcpOption, TcpPacket, UdpPacket};

/// Writes an Ethernet frame's fields, one on each line: offset, bytes, name and value.
///
/// Bytes that cannot be decoded are written in hexadecimal and as text.
pub struct Fields<'f>(pub &'f [u8]);

impl fmt::Display for Fields<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = Out { f, frame: self.0, at: 0 };
        let Ok(frame) = EthernetFrame::new_checked(self.0) else { return out.rest("not an Ethernet frame") };
        out.field(6, "destination", &frame.dst_addr())?;
        out.field(6, "source", &frame.src_addr())?;
        out.field(2, "type", &frame.ethertype())?;
        match frame.ethertype() {
            EthernetProtocol::Arp => out.arp(),
            EthernetProtocol::Ipv4 => out.ipv4(frame.payload()),
            _ => out.rest("payload"),
        }
    }
}

/// The output and the current position in the frame.
struct Out<'o, 'f, 'w> {
    f: &'o mut fmt::Formatter<'w>,
    frame: &'f [u8],
    at: usize,
}

impl Out<'_, '_, '_> {
    fn field(&mut self, len: usize, name: &str, value: &dyn fmt::Display) -> fmt::Result {
        let bytes = self.frame.get(self.at..self.at + len).unwrap_or_default();
        write!(self.f, "{:>4}  ", self.at)?;
        for byte in bytes {
            write!(self.f, "{byte:02x}")?;
        }
        let width = 14usize.saturating_sub(2 * bytes.len()).max(2);
        writeln!(self.f, "{:width$}{name} = {value}", "")?;
        self.at += len;
        Ok(())
    }

    /// Writes the remaining bytes, 16 on each line.
    fn rest(&mut self, name: &str) -> fmt::Result {
        let rest = self.frame.get(self.at..).unwrap_or_default();
        for line in rest.chunks(16) {
            write!(self.f, "{:>4}  ", self.at)?;
            for byte in line {
                write!(self.f, "{byte:02x} ")?;
            }
            let width = 3 * (16 - line.len());
            write!(self.f, "{:width$} {name} \"", "")?;
            for byte in line {
                let shown = if (b' '..=b'~').contains(byte) { char::from(*byte) } else { '.' };
                write!(self.f, "{shown}")?;
            }
            writeln!(self.f, "\"")?;
            self.at += line.len();
        }
        Ok(())
    }

    fn arp(&mut self) -> fmt::Result {
        let names = [
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
        for (len, name) in names {
            let bytes = self.frame.get(self.at..self.at + len).unwrap_or_default();
            let number = bytes.iter().fold(0u64, |number, byte| number << 8 | u64::from(*byte));
            match bytes {
                &[a, b, c, d] => self.field(len, name, &core::net::Ipv4Addr::new(a, b, c, d))?,
                bytes if bytes.len() == 6 => {
                    self.field(len, name, &smoltcp::wire::EthernetAddress::from_bytes(bytes))?
                }
                _ => self.field(len, name, &number)?,
            }
        }
        self.rest("padding")
    }

    fn ipv4(&mut self, bytes: &[u8]) -> fmt::Result {
        let Ok(packet) = Ipv4Packet::new_checked(bytes) else { return self.rest("not IPv4") };
        let header = usize::from(packet.header_len());
        self.field(1, "version, header length", &format_args!("{}, {header}", packet.version()))?;
        self.field(1, "DSCP, ECN", &format_args!("{}, {}", packet.dscp(), packet.ecn()))?;
        self.field(2, "total length", &packet.total_len())?;
        self.field(2, "identification", &packet.ident())?;
        let (dont, more, offset) = (packet.dont_frag(), packet.more_frags(), packet.frag_offset());
        self.field(2, "don't fragment, more, offset", &format_args!("{dont}, {more}, {offset}"))?;
        self.field(1, "time to live", &packet.hop_limit())?;
        self.field(1, "protocol", &packet.next_header())?;
        let verdict = if packet.verify_checksum() { "right" } else { "wrong" };
        self.field(2, "header checksum", &format_args!("{:#06x}, {verdict}", packet.checksum()))?;
        self.field(4, "source", &packet.src_addr())?;
        self.field(4, "destination", &packet.dst_addr())?;
        if header > 20 {
            self.field(header - 20, "options", &"")?;
        }
        match packet.next_header() {
            IpProtocol::Tcp => self.tcp(&packet),
            IpProtocol::Udp => self.udp(&packet),
            _ => self.rest("payload"),
        }
    }

    fn tcp(&mut self, ip: &Ipv4Packet<&[u8]>) -> fmt::Result {
        let Ok(tcp) = TcpPacket::new_checked(ip.payload()) else { return self.rest("not TCP") };
        let header = usize::from(tcp.header_len());
        self.field(2, "source port", &tcp.src_port())?;
        self.field(2, "destination port", &tcp.dst_port())?;
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
        let holds = tcp.verify_checksum(&ip.src_addr().into(), &ip.dst_addr().into());
        let verdict = if holds { "right" } else { "wrong" };
        self.field(2, "checksum", &format_args!("{:#06x}, {verdict}", tcp.checksum()))?;
        self.field(2, "urgent pointer", &tcp.urgent_at())?;
        if header > 20 {
            self.field(header - 20, "options", &Options(tcp.options()))?;
        }
        self.rest("data")
    }

    fn udp(&mut self, ip: &Ipv4Packet<&[u8]>) -> fmt::Result {
        let Ok(udp) = UdpPacket::new_checked(ip.payload()) else { return self.rest("not UDP") };
        self.field(2, "source port", &udp.src_port())?;
        self.field(2, "destination port", &udp.dst_port())?;
        self.field(2, "length", &udp.len())?;
        let holds = udp.verify_checksum(&ip.src_addr().into(), &ip.dst_addr().into());
        let verdict = if holds { "right" } else { "wrong" };
        self.field(2, "checksum", &format_args!("{:#06x}, {verdict}", udp.checksum()))?;
        self.rest("data")
    }
}

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
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        let mut comma = "";
        while !rest.is_empty() {
            let Ok((behind, option)) = TcpOption::parse(rest) else { return write!(f, "{comma}unreadable") };
            rest = behind;
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
