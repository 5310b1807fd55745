//! Hostile frames that do not occur in real traffic.

use smoltcp::phy::Medium;

use super::frame::{self, *};
use super::mutate::options;
use super::random::Random;

/// The ports that hostile frames use: ports of the servers, ports next to these, and ports without a server.
const PORTS: [u16; 14] = [0, 1, 7, 8, 9, 13, 19, 8080, 8081, 9997, 9998, 9999, 14000, 65535];

/// Returns one hostile frame for the server.
pub fn hostile(random: &mut Random, medium: Medium) -> Vec<u8> {
    match random.below(9) {
        0 => random.bytes_below(MTU),
        1 | 2 => syn(random, medium),
        3 => datagram(random, medium),
        4 => arp(random, medium),
        5 => ndp(random, medium),
        6 => icmp(random, medium),
        7 => fragment(random, medium),
        _ => extension(random, medium),
    }
}

/// Returns a SYN to the server, from the client's address or from one of many other addresses.
pub fn syn(random: &mut Random, medium: Medium) -> Vec<u8> {
    let ports = (random.next() as u16, random.pick(&PORTS));
    let options = if random.one_in(2) { vec![2, 4, 5, 0xb4, 4, 2, 1, 3, 3, 7] } else { options(random) };
    let data = if random.one_in(8) { random.bytes_below(100) } else { vec![] };
    let segment = tcp(ports, random.next() as u32, 0, SYN, random.u16(), &options, &data);
    let ends = ends(random);
    packet(random, medium, ends, TCP, 0, &segment)
}

fn datagram(random: &mut Random, medium: Medium) -> Vec<u8> {
    let ports = (random.pick(&[0, 7, 9, 19, 5000, 9999]), random.pick(&PORTS));
    let len = if random.one_in(4) { MTU } else { 40 };
    let mut datagram = udp(ports, &random.bytes_below(len));
    if random.one_in(4) {
        datagram[4..6].copy_from_slice(&random.u16().to_be_bytes());
    }
    let ends = ends(random);
    packet(random, medium, ends, UDP, 0, &datagram)
}

fn arp(random: &mut Random, medium: Medium) -> Vec<u8> {
    let operation = random.pick(&[0, 1, 2, 2, 3, 0xff]);
    let (from, to) = (mac(random), mac(random));
    let (Ends::V4(source, _), Ends::V4(target, own)) = (ends_v4(random), ends_v4(random)) else { return vec![] };
    let target = if random.one_in(2) { own } else { target };
    let head = [0, 1, 8, 0, random.pick(&[6, 6, 6, 0, 255]), random.pick(&[4, 4, 4, 0, 255]), 0, operation];
    let bytes = [&head[..], &from, &source, &to, &target].concat();
    ether(medium, random.pick(&[SERVER_MAC, [0xff; 6]]), from, 0x0806, bytes)
}

/// Returns a neighbour discovery message (RFC 4861), with options of any length.
fn ndp(random: &mut Random, medium: Medium) -> Vec<u8> {
    let kind = 133 + random.below(5) as u8;
    let Ends::V6(_, target) = ends_v6(random) else { return vec![] };
    let mut message = [&[kind, 0, 0, 0][..], &random.bytes(4)].concat();
    match kind {
        133 => {}
        134 => message.extend(random.bytes(8)),
        135 | 136 => message.extend(target),
        _ => message.extend([target, target].concat()),
    }
    for _ in 0..random.below(3) {
        let len = random.pick(&[0, 1, 1, 1, 2, 4, 255]);
        message.extend([random.pick(&[1, 2, 3, 4, 5, 14, 255]), len]);
        message.extend(random.bytes_below(30));
    }
    let ends = ends_v6(random);
    packet(random, medium, ends, ICMPV6, 0, &message)
}

/// Returns an ICMP message: an echo request, an error, or another type.
///
/// An error can quote a packet that was never sent.
fn icmp(random: &mut Random, medium: Medium) -> Vec<u8> {
    let ends = ends(random);
    let (protocol, kinds) = match ends {
        Ends::V4(..) => (ICMP, [0, 3, 4, 5, 8, 8, 11, 12, 13, 255]),
        Ends::V6(..) => (ICMPV6, [1, 2, 3, 4, 127, 128, 128, 129, 130, 143]),
    };
    let mut message = [&[random.pick(&kinds), random.below(16) as u8, 0, 0][..], &random.bytes(4)].concat();
    if random.one_in(2) {
        let ports = (random.pick(&PORTS), 5000);
        let inner = tcp(ports, random.next() as u32, 0, ACK, 100, &[], b"");
        message.extend(ip(self::ends(random), random.pick(&[TCP, UDP, ICMP]), 0, &inner));
        message.truncate(random.below(message.len()).max(8));
    } else {
        message.extend(random.bytes_below(600));
    }
    packet(random, medium, ends, protocol, 0, &message)
}

/// Returns a fragment of one of a few datagrams. The fragments can overlap, repeat, be empty, or exceed the length of
/// the largest datagram.
fn fragment(random: &mut Random, medium: Medium) -> Vec<u8> {
    let offset = match random.below(3) {
        0 => random.pick(&[0x1fff, 0x1ffe, 0x1fe0]),
        _ => random.below(200) as u16,
    };
    let more = random.pick(&[0, 0x2000, 0x2000, 0x4000]);
    let protocol = random.pick(&[UDP, UDP, TCP, ICMP, 200]);
    let start = if random.one_in(2) { udp((5000, random.pick(&PORTS)), b"") } else { vec![] };
    let data = [start, random.bytes_below(1500)].concat();
    let ends = ends(random);
    let mut packet = match ends {
        Ends::V4(..) => ip(ends, protocol, offset | more, &data),
        Ends::V6(..) => {
            let [o1, o2] = (offset << 3 | u16::from(more != 0)).to_be_bytes();
            let header = [protocol, 0, o1, o2, 0, 0, 0, random.below(4) as u8];
            ip(ends, 44, 0, &[&header[..], &data].concat())
        }
    };
    // There are only a few identifications, so that several fragments belong to the same datagram.
    if let Ends::V4(..) = ends {
        packet[5] = random.below(6) as u8;
    }
    packet.truncate(MTU - header_len(medium));
    fix_lengths(&mut packet);
    fix_checksums(&mut packet);
    frame(medium, SERVER_MAC, mac(random), packet)
}

/// Returns a packet with a chain of IPv6 extension headers (RFC 8200 section 4).
///
/// The headers can contain options of any type.
fn extension(random: &mut Random, medium: Medium) -> Vec<u8> {
    let kinds = [0, 43, 44, 60, 51, 59, TCP, UDP, ICMPV6, 200];
    let first = random.pick(&[0, 0, 43, 60]);
    let mut chain = Vec::new();
    for _ in 0..1 + random.below(3) {
        let len = random.pick(&[0, 0, 1, 2, 255]);
        chain.extend([random.pick(&kinds), len]);
        let room = 6 + 8 * usize::from(len.min(2));
        let mut body = random.bytes(room);
        if random.one_in(2) {
            let option = random.pick(&[0, 1, 5, 0xc2, 0x63, 0x80, 0xc0]);
            body[..2].copy_from_slice(&[option, random.pick(&[0, 2, 4, 255])]);
        }
        chain.extend(body);
    }
    let ports = (5000, random.pick(&PORTS));
    let flags = random.pick(&[SYN, ACK, RST]);
    chain.extend(tcp(ports, random.next() as u32, 0, flags, 100, &[], &random.bytes_below(20)));
    let ends = ends_v6(random);
    packet(random, medium, ends, first, 0, &chain)
}

/// Builds a frame with correct checksums.
fn packet(random: &mut Random, medium: Medium, ends: Ends, protocol: u8, fragment: u16, payload: &[u8]) -> Vec<u8> {
    let mut packet = ip(ends, protocol, fragment, payload);
    packet.truncate(MTU - header_len(medium));
    fix_checksums(&mut packet);
    let from = if random.one_in(2) { CLIENT_MAC } else { mac(random) };
    let to = if random.one_in(8) { mac(random) } else { SERVER_MAC };
    frame(medium, to, from, packet)
}

fn mac(random: &mut Random) -> [u8; 6] {
    let any = [2, 0, 0, 0, 1, random.next() as u8];
    random.pick(&[any, any, any, CLIENT_MAC, SERVER_MAC, [0xff; 6], [0; 6], [1, 0, 0x5e, 0, 0, 1]])
}

/// Returns random addresses of either family.
fn ends(random: &mut Random) -> Ends {
    if random.one_in(2) { ends_v4(random) } else { ends_v6(random) }
}

/// Returns random IPv4 addresses. The destination is usually the server. The source can be invalid.
fn ends_v4(random: &mut Random) -> Ends {
    let any = random.next() as u8;
    let neighbour = frame::neighbour(any);
    let from = random.pick(&[
        neighbour,
        neighbour,
        CLIENT,
        CLIENT,
        [8, 8, any, 8],
        [0; 4],
        [255; 4],
        [224, 0, 0, 1],
        [127, 0, 0, 1],
    ]);
    let own = SERVER;
    Ends::V4(from, random.pick(&[own, own, own, own, own, own, frame::neighbour(255), [224, 0, 0, 1], [255; 4]]))
}

fn ends_v6(random: &mut Random) -> Ends {
    let address = |first: [u8; 2], last: u8| {
        let mut address = [0; 16];
        address[..2].copy_from_slice(&first);
        address[15] = last;
        address
    };
    let neighbour = address([0xfd, 0], random.next() as u8);
    let far = address([0x20, 1], random.next() as u8);
    let client = address([0xfd, 0], 2);
    let all = address([0xff, 2], 1);
    let from = random.pick(&[neighbour, neighbour, client, client, far, all, [0; 16], address([0, 0], 1)]);
    let own = address([0xfd, 0], 1);
    let mut solicited = address([0xff, 2], 1);
    solicited[11..14].copy_from_slice(&[1, 0xff, 0]);
    Ends::V6(from, random.pick(&[own, own, own, own, own, own, solicited, all, far]))
}
