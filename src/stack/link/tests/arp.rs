//! Tests of ARP: RFC 826 and RFC 5227.

use std::vec::Vec;

use smoltcp::time::Duration;
use smoltcp::wire::{ArpOperation, ArpPacket, ArpRepr, Ipv4Address};

use super::super::arp::Heard;
use super::*;

const A: Ipv4Address = Ipv4Address::new(10, 0, 0, 1);
const B: Ipv4Address = Ipv4Address::new(10, 0, 0, 2);
const FAR: Ipv4Address = Ipv4Address::new(172, 16, 0, 9);
const NONE: Ipv4Address = Ipv4Address::UNSPECIFIED;

/// Returns an ARP message.
fn message(operation: ArpOperation, from: EthernetAddress, source: Ipv4Address, target: Ipv4Address) -> Vec<u8> {
    let repr = ArpRepr::EthernetIpv4 {
        operation,
        source_hardware_addr: from,
        source_protocol_addr: source,
        target_hardware_addr: EthernetAddress([0; 6]),
        target_protocol_addr: target,
    };
    let mut bytes = std::vec![0; 28];
    repr.emit(&mut ArpPacket::new_unchecked(&mut bytes[..]));
    bytes
}

fn hears(link: &mut Link<'_>, message: &[u8]) -> (Heard, bool) {
    link.arp(NOW, message, |address| address == A)
}

use ArpOperation::{Reply, Request};

#[test]
fn a_request_for_us_is_answered_and_its_sender_is_learnt() {
    for asker in [B, FAR] {
        on_link(|link| {
            let answer = Heard::Answer { to: PEER, own: A, asker };
            assert_eq!(hears(link, &message(Request, PEER, asker, A)), (answer, true));
            assert_eq!(entry(link, asker), Some(Some(PEER)));
            // The neighbour has a new hardware address, which is stored before the target is examined.
            assert_eq!(hears(link, &message(Request, OTHER, asker, FAR)), (Heard::Nothing, false));
            assert_eq!(entry(link, asker), Some(Some(OTHER)));
            assert_eq!(hears(link, &message(Request, PEER, asker, A)), (answer, false));
            assert_eq!(entry(link, asker), Some(Some(PEER)));
        });
    }
}

#[test]
fn an_arp_probe_is_answered_and_its_sender_is_not_learnt() {
    on_link(|link| {
        let answer = Heard::Answer { to: PEER, own: A, asker: NONE };
        assert_eq!(hears(link, &message(Request, PEER, NONE, A)), (answer, false));
        assert_eq!(hears(link, &message(Request, PEER, NONE, B)), (Heard::Nothing, false));
        assert_eq!((entry(link, NONE), entry(link, B)), (None, None));
    });
}

#[test]
fn gratuitous_messages_update_a_known_neighbour_and_add_none() {
    for operation in [Request, Reply] {
        on_link(|link| {
            assert_eq!(hears(link, &message(operation, PEER, B, B)), (Heard::Nothing, false));
            assert_eq!(entry(link, B), None);
            link.neighbours.ask(NOW, B.into());
            assert_eq!(hears(link, &message(operation, PEER, B, B)), (Heard::Nothing, true));
            assert_eq!(hears(link, &message(operation, OTHER, B, B)), (Heard::Nothing, false));
            assert_eq!(entry(link, B), Some(Some(OTHER)));
        });
    }
}

#[test]
fn a_reply_is_not_answered() {
    on_link(|link| {
        assert_eq!(hears(link, &message(Reply, PEER, B, A)), (Heard::Nothing, true));
        assert_eq!(entry(link, B), Some(Some(PEER)));
    });
}

#[test]
fn our_address_is_defended_once_in_ten_seconds() {
    on_link(|link| {
        for (at, defended) in [(0, true), (1, false), (9_999, false), (10_000, true), (10_001, false)] {
            for (operation, target) in [(Request, A), (Reply, B), (Request, B)] {
                let heard =
                    link.arp(NOW + Duration::from_millis(at), &message(operation, PEER, A, target), |own| own == A);
                let defended = defended && (operation, target) == (Request, A);
                assert_eq!(heard, (Heard::Conflict { own: A, by: PEER, defended }, false), "{at}");
            }
        }
        assert_eq!(entry(link, A), None);
        // Some switches send our own frames back to us.
        assert_eq!(hears(link, &message(Request, OWN, A, A)), (Heard::Nothing, false));
    });
}

#[test]
fn malformed_messages_and_invalid_senders_are_ignored() {
    on_link(|link| {
        link.neighbours.ask(NOW, B.into());
        let right = message(Request, PEER, B, A);
        for len in 0..28 {
            assert_eq!(hears(link, &right[..len]), (Heard::Nothing, false));
        }
        // These values are wrong for the type and length of the hardware address and of the protocol address.
        for (position, value) in [(1, 6), (2, 0x86), (4, 8), (5, 16)] {
            let mut wrong = right.clone();
            wrong[position] = value;
            assert_eq!(hears(link, &wrong), (Heard::Nothing, false), "{position}");
        }
        for from in [EthernetAddress::BROADCAST, EthernetAddress([1, 0, 0x5e, 0, 0, 1])] {
            assert_eq!(hears(link, &message(Request, from, B, A)), (Heard::Nothing, false));
        }
        assert_eq!(entry(link, B), Some(None));
        // RFC 826: the operation is examined after everything else, so the neighbour becomes known.
        assert_eq!(hears(link, &message(ArpOperation::Unknown(3), PEER, B, A)), (Heard::Nothing, true));
        for source in [Ipv4Address::BROADCAST, Ipv4Address::new(224, 0, 0, 1)] {
            assert!(!hears(link, &message(Request, PEER, source, A)).1);
            assert_eq!(entry(link, source), None);
        }
    });
}

#[test]
fn a_request_has_an_all_zero_target_hardware_address() {
    let mut frame = [0xff; ARP_FRAME];
    write_request(&mut frame, OWN, A, B);
    let mut right = [&[0xff; 6][..], &[2, 0, 0, 0, 0, 1, 8, 6]].concat();
    right.extend(message(Request, OWN, A, B));
    assert_eq!((&frame[..], &frame[32..38]), (&right[..], &[0; 6][..]));
}
