//! Tests of packets with IPv6 extension headers and of the ICMPv6 errors about such packets.

use std::vec::Vec;

use smoltcp::time::Duration;
use smoltcp::wire::{Icmpv6Packet, Ipv6Address, Ipv6Packet};

use super::fragments::*;
use super::pair::SERVER_V6;
use crate::stack::*;

#[test]
fn tcp_behind_extension_headers_is_served() {
    let headers = |next: u8| -> Vec<u8> {
        [[60, 0, 5, 2, 0, 0, 1, 0], [43, 0, 1, 4, 0, 0, 0, 0], [44, 0, 9, 0, 0, 0, 0, 0], [next, 0, 0, 0, 0, 0, 0, 9]]
            .concat()
    };
    echoes_through(SERVER_V6.into(), &mut |mut frame| {
        if frame[12..14] != [0x86, 0xdd] {
            return vec![frame];
        }
        // Neighbour discovery is not accepted behind a Fragment header.
        if frame[20] == 58 {
            return vec![frame];
        }
        let headers = headers(core::mem::take(&mut frame[20]));
        let len = u16::from_be_bytes([frame[18], frame[19]]) + headers.len() as u16;
        frame[18..20].copy_from_slice(&len.to_be_bytes());
        frame.splice(54..54, headers);
        cut(&frame, 1_280)
    });
}

#[test]
fn errors_point_to_the_problem_and_are_limited_to_ten_a_second() {
    let mut pair = pair();
    // The packets have an unknown protocol, unknown options that must not be skipped, or a routing header with segments
    // left.
    for (protocol, payload, code, pointer) in [
        (253, &[0; 8][..], 1, 6),
        (60, &[253, 0, 1, 4, 0, 0, 0, 0], 1, 40),
        (0, &[17, 0, 0x80, 4, 0, 0, 0, 0], 2, 42),
        (43, &[17, 0, 0, 1, 0, 0, 0, 0], 0, 42),
    ] {
        let question = frame(true, protocol, payload);
        let sent = replies(&mut pair, [question.clone()]);
        let [answer] = &sent[..] else { panic!("{} answers", sent.len()) };
        assert_eq!((&answer[..6], &answer[6..12]), (&question[6..12], &question[..6]));
        assert_eq!((answer[20], answer[54], answer[55]), (58, 4, code));
        assert_eq!(answer[58..62], u32::to_be_bytes(pointer));
        assert_eq!(answer[62..], question[14..]);
        let ip = Ipv6Packet::new_checked(&answer[14..]).unwrap();
        assert!(Icmpv6Packet::new_checked(ip.payload()).unwrap().verify_checksum(&ip.src_addr(), &ip.dst_addr()));
    }
    // The first packet has no next header. The second packet has an unknown option whose type says to drop the packet.
    for (protocol, payload) in [(59, &[0; 8][..]), (60, &[17, 0, 0x40, 4, 0, 0, 0, 0])] {
        assert!(replies(&mut pair, [frame(true, protocol, payload)]).is_empty());
    }
    assert_eq!(pair.server.count(|event| *event == Event::Dropped(DropReason::UnsupportedHeader)), 6);
    pair.now += Duration::from_secs(5);
    let flood = (0..1_000).map(|_| frame(true, 253, &[0; 8]));
    assert_eq!(replies(&mut pair, flood).len(), 10);
}

/// RFC 4443 section 2.4 e: a packet to a group is answered only if an option in it requests an answer. The source
/// address of the answer is our own.
#[test]
fn packets_to_groups_are_answered_only_on_request() {
    let nodes: Ipv6Address = Ipv6Address::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
    let others: Ipv6Address = Ipv6Address::new(0xff02, 0, 0, 0, 0, 0, 0, 77);
    let to = |group: Ipv6Address, protocol, payload: &[u8]| {
        let mut frame = frame(true, protocol, payload);
        frame[..6].copy_from_slice(&[0x33, 0x33, 0, 0, 0, 1]);
        frame[38..54].copy_from_slice(&group.octets());
        frame
    };
    let mut pair = pair();
    let (all, unicast) = ([17, 0, 0x80, 4, 0, 0, 0, 0], [17, 0, 0xc0, 4, 0, 0, 0, 0]);
    for silent in [to(nodes, 253, &[0; 8]), to(nodes, 60, &unicast), to(others, 60, &all), to(nodes, 43, &[6, 0, 0, 1])]
    {
        assert!(replies(&mut pair, [silent]).is_empty());
    }
    let sent = replies(&mut pair, [to(nodes, 60, &all)]);
    let [answer] = &sent[..] else { panic!("{} answers", sent.len()) };
    assert_eq!(answer[..12], [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1]);
    assert_eq!(answer[22..38], SERVER_V6.octets());
    // A packet for this host alone gets no answer if its frame is a broadcast.
    let mut broadcast = frame(true, 253, &[0; 8]);
    broadcast[..6].copy_from_slice(&[0xff; 6]);
    assert!(replies(&mut pair, [broadcast]).is_empty());
}

/// Neighbour discovery is accepted neither in fragments (RFC 6980) nor in a whole packet with a Fragment header.
#[test]
fn neighbour_discovery_in_fragments_is_dropped() {
    let mut pair = pair();
    let mut solicit = frame(true, 58, &[&[135, 0, 0, 0, 0, 0, 0, 0], &SERVER_V6.octets()[..]].concat());
    solicit[21] = 255;
    solicit.splice(54..54, [58, 0, 0, 0, 0, 0, 0, 1]);
    (solicit[20], solicit[19]) = (44, solicit[19] + 8);
    assert!(replies(&mut pair, [solicit]).is_empty());
    assert_eq!(pair.server.count(|event| *event == Event::Dropped(DropReason::BadFragment)), 1);
}
