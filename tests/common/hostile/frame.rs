//! Builds frames from scratch, and corrects their lengths and checksums.

use smoltcp::phy::Medium;

pub const SERVER_MAC: [u8; 6] = [2, 0, 0, 0, 0, 1];
pub const CLIENT_MAC: [u8; 6] = [2, 0, 0, 0, 0, 2];

pub const SERVER: [u8; 4] = neighbour(1);
pub const CLIENT: [u8; 4] = neighbour(2);

pub const ICMP: u8 = 1;
pub const TCP: u8 = 6;
pub const UDP: u8 = 17;
pub const ICMPV6: u8 = 58;

pub const FIN: u8 = 1;
pub const SYN: u8 = 2;
pub const RST: u8 = 4;
pub const ACK: u8 = 16;

/// The length of the longest frame on the cable, in bytes.
pub const MTU: usize = 1514;

/// The source and destination of an IP packet.
#[derive(Clone, Copy)]
pub enum Ends {
    V4([u8; 4], [u8; 4]),
    V6([u8; 16], [u8; 16]),
}

/// Returns the address of host `number` on the server's own network.
pub const fn neighbour(number: u8) -> [u8; 4] {
    [192, 168, 69, number]
}

/// Returns the number of bytes before the IP header.
pub fn header_len(medium: Medium) -> usize {
    if medium == Medium::Ethernet { 14 } else { 0 }
}

/// Builds a frame with an IP packet. On a medium without Ethernet, the frame is the packet itself.
pub fn frame(medium: Medium, to: [u8; 6], from: [u8; 6], packet: Vec<u8>) -> Vec<u8> {
    let ethertype: u16 = if packet.first().is_some_and(|b| b >> 4 == 6) { 0x86dd } else { 0x0800 };
    ether(medium, to, from, ethertype, packet)
}

/// Builds a frame with this EtherType. On a medium without Ethernet, the frame is the packet itself.
pub fn ether(medium: Medium, to: [u8; 6], from: [u8; 6], ethertype: u16, packet: Vec<u8>) -> Vec<u8> {
    let mut frame = match medium {
        Medium::Ethernet => [&to[..], &from, &ethertype.to_be_bytes(), &packet].concat(),
        _ => packet,
    };
    frame.truncate(MTU);
    frame
}

/// Builds an IP packet. `fragment` is the 16-bit IPv4 field with the flags and the fragment offset.
pub fn ip(ends: Ends, protocol: u8, fragment: u16, payload: &[u8]) -> Vec<u8> {
    match ends {
        Ends::V4(from, to) => {
            let len = (20 + payload.len()) as u16;
            let [l1, l2] = len.to_be_bytes();
            let [f1, f2] = fragment.to_be_bytes();
            [&[0x45, 0, l1, l2, 0x12, 0x34, f1, f2, 64, protocol, 0, 0][..], &from, &to, payload].concat()
        }
        Ends::V6(from, to) => {
            let [l1, l2] = (payload.len() as u16).to_be_bytes();
            // NDP requires 255 hops.
            [&[0x60, 0, 0, 0, l1, l2, protocol, 255][..], &from, &to, payload].concat()
        }
    }
}

/// Builds a TCP segment without its checksum.
pub fn tcp(ports: (u16, u16), seq: u32, ack: u32, flags: u8, window: u16, options: &[u8], data: &[u8]) -> Vec<u8> {
    let mut options = options.to_vec();
    options.resize(options.len().div_ceil(4).min(10) * 4, 0);
    let offset = (5 + options.len() / 4) as u8;
    [
        &ports.0.to_be_bytes()[..],
        &ports.1.to_be_bytes(),
        &seq.to_be_bytes(),
        &ack.to_be_bytes(),
        &[offset << 4, flags],
        &window.to_be_bytes(),
        &[0; 4],
        &options,
        data,
    ]
    .concat()
}

/// Builds a UDP datagram without its checksum.
pub fn udp(ports: (u16, u16), data: &[u8]) -> Vec<u8> {
    let len = (8 + data.len()) as u16;
    [&ports.0.to_be_bytes()[..], &ports.1.to_be_bytes(), &len.to_be_bytes(), &[0; 2], data].concat()
}

/// Returns the protocol of an IP packet and the start and end of its payload.
///
/// Returns `None` if the header is not plausible.
pub fn upper(packet: &[u8]) -> Option<(u8, usize, usize)> {
    let word = |at: usize| Some(usize::from(u16::from_be_bytes([*packet.get(at)?, *packet.get(at + 1)?])));
    let (protocol, start, end) = match packet.first()? >> 4 {
        4 => (*packet.get(9)?, usize::from(packet[0] & 15) * 4, word(2)?),
        6 if *packet.get(6)? == 0 => (*packet.get(40)?, 48 + usize::from(*packet.get(41)?) * 8, 40 + word(4)?),
        6 => (*packet.get(6)?, 40, 40 + word(4)?),
        _ => return None,
    };
    let end = end.min(packet.len());
    (start >= 20 && start <= end).then_some((protocol, start, end))
}

/// Corrects an IP packet's length fields.
pub fn fix_lengths(packet: &mut [u8]) {
    let len = packet.len();
    match packet.first().map(|b| b >> 4) {
        Some(4) if len >= 20 => packet[2..4].copy_from_slice(&(len as u16).to_be_bytes()),
        Some(6) if len >= 40 => packet[4..6].copy_from_slice(&((len - 40) as u16).to_be_bytes()),
        _ => return,
    }
    if let Some((UDP, start, end)) = upper(packet)
        && end >= start + 8
    {
        packet[start + 4..start + 6].copy_from_slice(&((end - start) as u16).to_be_bytes());
    }
}

/// Corrects an IP packet's checksums.
pub fn fix_checksums(packet: &mut [u8]) {
    let Some((protocol, start, end)) = upper(packet) else { return };
    let v4 = packet[0] >> 4 == 4;
    if v4 {
        packet[10..12].fill(0);
        let sum = checksum(&packet[..usize::from(packet[0] & 15) * 4]);
        packet[10..12].copy_from_slice(&sum);
    }
    let at = start
        + match protocol {
            ICMP | ICMPV6 => 2,
            TCP => 16,
            UDP => 6,
            _ => return,
        };
    if at + 2 > end {
        return;
    }
    packet[at..at + 2].fill(0);
    let addresses = if v4 { &packet[12..20] } else { &packet[8..40] };
    let len = ((end - start) as u32).to_be_bytes();
    let pseudo = if protocol == ICMP { vec![] } else { [addresses, &len, &[0, 0, 0, protocol]].concat() };
    let sum = checksum(&[&pseudo, &packet[start..end]].concat());
    packet[at..at + 2].copy_from_slice(&sum);
}

/// Computes the Internet checksum (RFC 1071).
fn checksum(bytes: &[u8]) -> [u8; 2] {
    let words = bytes.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(pair.get(1).copied().unwrap_or(0)));
    let mut sum: u32 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    (!(sum as u16)).to_be_bytes()
}
