//! Parses valid and invalid ICMP errors.

use smoltcp::wire::{Icmpv6Message, IpRepr};

use super::*;

const IDENT: u16 = 0x1234;
const V4: [IpAddress; 3] = [IpAddress::v4(10, 0, 0, 2), IpAddress::v4(10, 0, 0, 1), IpAddress::v4(10, 9, 0, 7)];
const V6: [IpAddress; 3] = [
    IpAddress::v6(0xfd00, 0, 0, 0, 0, 0, 0, 2),
    IpAddress::v6(0xfd00, 0, 0, 0, 0, 0, 0, 1),
    IpAddress::v6(0xfd09, 0, 0, 0, 0, 0, 0, 7),
];

#[test]
fn each_error_has_the_right_text() {
    let v4 = |kind, code, more| text_of(&error(V4, kind, code, more));
    let v6 = |kind, code, more| text_of(&error(V6, kind, code, more));
    for (told, want) in [
        (v4(3, 0, 0), "destination unreachable (network)"),
        (v4(3, 1, 0), "destination unreachable (host)"),
        (v4(3, 13, 0), "destination unreachable (administratively prohibited)"),
        (v4(3, 2, 0), "destination unreachable (protocol)"),
        (v4(3, 3, 0), "destination unreachable (port)"),
        (v4(3, 5, 0), "destination unreachable (source route)"),
        (v4(3, 200, 0), "destination unreachable"),
        (v4(3, 4, 1400), "packet too big (MTU 1400)"),
        (v4(3, 4, 0), "packet too big"),
        (v4(11, 0, 0), "time exceeded"),
        (v4(12, 0, 0), "parameter problem"),
        (v6(1, 0, 0), "destination unreachable (no route)"),
        (v6(1, 3, 0), "destination unreachable (host)"),
        (v6(2, 0, 1280), "packet too big (MTU 1280)"),
        (v6(3, 0, 0), "time exceeded"),
        (v6(1, 4, 0), "destination unreachable (port)"),
        (v6(4, 0, 0), "parameter problem"),
        (v6(4, 1, 0), "destination unreachable (protocol)"),
    ] {
        assert_eq!(told.as_deref(), Some(want));
    }
    // Other ICMP messages: a source quench, a redirect, two echo replies.
    assert_eq!([v4(4, 0, 0), v4(5, 0, 0), v4(0, 0, 0), v6(129, 0, 0)], [None, None, None, None]);
    let quote = read(&error(V4, 3, 1, 0), &ChecksumCapabilities::default(), |_| true).unwrap();
    assert_eq!((quote.error.from, quote.echo(IDENT)), (V4[1], Some((V4[2], 7))));
}

/// Only errors about ports and protocols end a connection attempt.
#[test]
fn errors_about_ports_and_protocols_are_final() {
    let own = |address| [V4[0], V6[0]].contains(&address);
    let is_final = |packet: Vec<u8>| read(&packet, &ChecksumCapabilities::default(), own).unwrap().error.why.is_final();
    assert_eq!((0..16).filter(|&code| is_final(error(V4, 3, code, 0))).collect::<Vec<_>>(), [2, 3]);
    assert_eq!((0..7).filter(|&code| is_final(error(V6, 1, code, 0))).collect::<Vec<_>>(), [4]);
    assert_eq!((0..3).filter(|&code| is_final(error(V6, 4, code, 0))).collect::<Vec<_>>(), [1]);
}

/// A router quotes the fragment that the router could not forward.
#[test]
fn a_quoted_first_fragment_is_recognised() {
    for (offset, is_known) in [(0, true), (1, true), (8, false), (0x4001, false)] {
        let mut bytes = error(V6, 2, 0, 1_280);
        let next = core::mem::replace(&mut bytes[54], 44);
        let [high, low] = u16::to_be_bytes(offset);
        bytes.splice(88..88, [next, 0, high, low, 1, 2, 3, 4]);
        let len = bytes.len() - 40;
        bytes[4..6].copy_from_slice(&(len as u16).to_be_bytes());
        let (IpAddress::Ipv6(own), IpAddress::Ipv6(from)) = (V6[0], V6[1]) else { unreachable!() };
        Icmpv6Packet::new_unchecked(&mut bytes[40..]).fill_checksum(&from, &own);
        let quote = read(&bytes, &ChecksumCapabilities::default(), |_| true);
        assert_eq!(quote.and_then(|quote| quote.echo(IDENT)), is_known.then_some((V6[2], 7)), "{offset}");
    }
}

#[test]
fn errors_about_other_hosts_or_programs_are_ignored() {
    for [own, from, to] in [V4, V6] {
        let checksums = ChecksumCapabilities::default();
        let kind = if own == V4[0] { 3 } else { 1 };
        let bytes = error([own, from, to], kind, 0, 0);
        let read = |own| read(&bytes, &checksums, |address| address == own);
        let quote = read(own).unwrap();
        assert!(quote.echo(IDENT).is_some() && quote.echo(IDENT + 1).is_none() && read(from).is_none());
    }
}

#[test]
fn a_damaged_error_is_rejected_or_harmless() {
    for addresses in [V4, V6] {
        let good = error(addresses, if addresses == V4 { 3 } else { 1 }, 1, 0);
        assert!(text_of(&good).is_some());
        for len in 0..good.len() {
            assert_eq!(text_of(&good[..len]), None, "{len} bytes");
        }
        let trusting = ChecksumCapabilities::ignored();
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            let is_header = addresses == V6 && bit < 64;
            assert!(is_header || text_of(&bad).is_none(), "bit {bit}");
            read(&bad, &trusting, |_| true);
            read(&bad, &trusting, |_| true);
        }
    }
}

fn text_of(packet: &[u8]) -> Option<String> {
    let own = |address| [V4[0], V6[0]].contains(&address);
    read(packet, &ChecksumCapabilities::default(), own).map(|quote| quote.error.why.to_string())
}

/// Creates an ICMP error from `from` to `own`, about echo request 7 to `to`.
fn error([own, from, to]: [IpAddress; 3], kind: u8, code: u8, more: u32) -> Vec<u8> {
    let v4 = own == V4[0];
    let protocol = if v4 { IpProtocol::Icmp } else { IpProtocol::Icmpv6 };
    let [a, b] = IDENT.to_be_bytes();
    let request = [if v4 { 8 } else { 128 }, 0, 0, 0, a, b, 0, 7, 1, 2, 3, 4];
    let quoted = packet(own, to, protocol, &request);
    let mut message = [&[kind, code, 0, 0][..], &more.to_be_bytes(), &quoted].concat();
    match (from, own) {
        (IpAddress::Ipv6(from), IpAddress::Ipv6(own)) => {
            let mut message = Icmpv6Packet::new_unchecked(&mut message[..]);
            assert_ne!(message.msg_type(), Icmpv6Message::RouterAdvert);
            message.fill_checksum(&from, &own);
        }
        _ => Icmpv4Packet::new_unchecked(&mut message[..]).fill_checksum(),
    }
    packet(from, own, protocol, &message)
}

/// Returns an IP packet.
fn packet(from: IpAddress, to: IpAddress, protocol: IpProtocol, payload: &[u8]) -> Vec<u8> {
    let ip = IpRepr::new(from, to, protocol, payload.len(), 64);
    let mut bytes = vec![0; ip.header_len()];
    ip.emit(&mut bytes, &ChecksumCapabilities::default());
    bytes.extend(payload);
    bytes
}
