//! Tests of neighbour discovery: RFC 4861 sections 7.1 and 7.2, RFC 4862 section 5.4.

use std::vec::Vec;

use smoltcp::phy::ChecksumCapabilities;
use smoltcp::time::Duration;
use smoltcp::wire::{Icmpv6Packet, Icmpv6Repr, Ipv6Address, Ipv6Packet, NdiscNeighborFlags as Flags, NdiscRepr};

use super::super::ndp::{NDP_FRAME, Solicited, write_solicit};
use super::*;
use crate::stack::ndisc::{self, ALL_NODES, group_hardware};

const A: Ipv6Address = Ipv6Address::new(0xfd00, 0, 0, 0, 0, 0, 0, 1);
const B: Ipv6Address = Ipv6Address::new(0xfd00, 0, 0, 0, 0, 0, 0, 2);
const PROXY: Ipv6Address = Ipv6Address::new(0xfe80, 0, 0, 0, 0, 0, 0, 9);
const NONE: Ipv6Address = Ipv6Address::UNSPECIFIED;

/// Returns an IPv6 packet that contains a neighbour discovery message.
fn packet(source: Ipv6Address, to: Ipv6Address, message: NdiscRepr<'_>) -> Vec<u8> {
    let mut bytes = std::vec![0; 40 + Icmpv6Repr::Ndisc(message).buffer_len()];
    ndisc::emit(source, to, message, &mut bytes);
    bytes
}

fn question(source: Ipv6Address, to: Ipv6Address, lladdr: Option<EthernetAddress>) -> Vec<u8> {
    packet(source, to, NdiscRepr::NeighborSolicit { target_addr: A, lladdr: lladdr.map(Into::into) })
}

/// Returns an advertisement about `B` from a proxy: only the target field contains `B`.
fn answer(to: Ipv6Address, flags: Flags, lladdr: Option<EthernetAddress>) -> Vec<u8> {
    packet(PROXY, to, NdiscRepr::NeighborAdvert { flags, target_addr: B, lladdr: lladdr.map(Into::into) })
}

fn hears(link: &mut Link<'_>, packet: &[u8]) -> Option<(Solicited, bool)> {
    link.ndp(NOW, packet, OTHER, |address| address == A)
}

const NOTHING: Option<(Solicited, bool)> = Some((Solicited::Nothing, false));

/// The state of an entry, named as in RFC 4861 section 7.3.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Absent,
    Incomplete,
    Reachable(EthernetAddress),
    Stale(EthernetAddress),
    /// A request for the stale neighbour is scheduled.
    Probe(EthernetAddress),
}
use State::*;

/// Puts the entry of `B` into `state`.
fn set(link: &mut Link<'_>, state: State) {
    let address = B.into();
    match state {
        Absent => {}
        Incomplete => assert!(link.neighbours.ask(NOW, address)),
        Reachable(hardware) => assert!(link.neighbours.learn(NOW, address, hardware, true)),
        Stale(hardware) | Probe(hardware) => {
            link.neighbours.learn(NOW, address, hardware, true);
            link.neighbours.doubt(NOW, &address);
            if matches!(state, Probe(_)) {
                link.neighbours.ask_soon(NOW, &address);
            }
        }
    }
}

/// Returns the state of `B`'s entry.
fn state(link: &mut Link<'_>) -> State {
    let Some(known) = entry(link, B) else { return Absent };
    let Some(hardware) = known else { return Incomplete };
    let is_old = link.neighbours.find(NOW, &B.into()).is_some_and(|(_, is_old)| is_old);
    match link.due() {
        Some(_) => Probe(hardware),
        None if is_old => Stale(hardware),
        None => Reachable(hardware),
    }
}

#[test]
fn an_advertisement_changes_the_entry_as_rfc_4861_requires() {
    let (s, o, so, none) = (Flags::SOLICITED, Flags::OVERRIDE, Flags::SOLICITED | Flags::OVERRIDE, Flags::empty());
    let (same, new, silent) = (Some(PEER), Some(OTHER), None);
    for (before, flags, lladdr, after) in [
        // Section 7.2.5: an advertisement creates no entry.
        (Absent, so, new, Absent),
        (Absent, o, new, Absent),
        // INCOMPLETE: an advertisement without a hardware address is discarded, and the flag Override does not matter.
        (Incomplete, so, silent, Incomplete),
        (Incomplete, s, same, Reachable(PEER)),
        (Incomplete, so, same, Reachable(PEER)),
        (Incomplete, none, same, Stale(PEER)),
        (Incomplete, o, same, Stale(PEER)),
        // Rule I of section 7.2.5: Override is clear, and the advertised hardware address is different from the known
        // one.
        (Reachable(PEER), none, new, Stale(PEER)),
        (Reachable(PEER), s, new, Stale(PEER)),
        (Stale(PEER), none, new, Stale(PEER)),
        (Stale(PEER), s, new, Stale(PEER)),
        (Probe(PEER), none, new, Probe(PEER)),
        (Probe(PEER), s, new, Probe(PEER)),
        // Rule II: Override is set, or the hardware address is the same, or the advertisement has no hardware address.
        (Reachable(PEER), so, new, Reachable(OTHER)),
        (Reachable(PEER), o, new, Stale(OTHER)),
        (Stale(PEER), so, new, Reachable(OTHER)),
        (Stale(PEER), o, new, Stale(OTHER)),
        (Probe(PEER), so, new, Reachable(OTHER)),
        (Probe(PEER), o, new, Stale(OTHER)),
        (Reachable(PEER), none, same, Reachable(PEER)),
        (Reachable(PEER), o, same, Reachable(PEER)),
        (Reachable(PEER), none, silent, Reachable(PEER)),
        (Stale(PEER), none, same, Stale(PEER)),
        (Stale(PEER), o, same, Stale(PEER)),
        (Stale(PEER), s, same, Reachable(PEER)),
        (Stale(PEER), s, silent, Reachable(PEER)),
        (Stale(PEER), so, silent, Reachable(PEER)),
        (Probe(PEER), s, same, Reachable(PEER)),
        (Probe(PEER), so, silent, Reachable(PEER)),
        (Probe(PEER), none, same, Probe(PEER)),
        (Probe(PEER), none, silent, Probe(PEER)),
    ] {
        on_link(|link| {
            set(link, before);
            let learnt = before == Incomplete && after != Incomplete;
            let heard = hears(link, &answer(A, flags, lladdr));
            assert_eq!(heard, Some((Solicited::Nothing, learnt)), "{before:?} {flags:?} {lladdr:?}");
            assert_eq!(entry(link, PROXY), None);
            assert_eq!(state(link), after, "{before:?} {flags:?} {lladdr:?}");
        });
    }
}

#[test]
fn an_advertisement_to_all_nodes_must_be_unsolicited() {
    on_link(|link| {
        set(link, Reachable(PEER));
        // Section 7.1.2: an advertisement to a group must not have the flag Solicited. The first advertisement has this
        // flag, so it is ignored.
        assert_eq!(hears(link, &answer(ALL_NODES, Flags::SOLICITED | Flags::OVERRIDE, Some(OTHER))), NOTHING);
        assert_eq!(entry(link, B), Some(Some(PEER)));
        assert_eq!(hears(link, &answer(ALL_NODES, Flags::OVERRIDE, Some(OTHER))), NOTHING);
        assert_eq!(state(link), Stale(OTHER));
    });
}

#[test]
fn a_solicitation_is_answered_and_its_sender_becomes_stale() {
    for to in [A, solicited_node(A)] {
        on_link(|link| {
            let answer = |to| Solicited::Answer { to, own: A, asker: Some(B) };
            assert_eq!(hears(link, &question(B, to, Some(PEER))), Some((answer(PEER), true)));
            assert_eq!(state(link), Stale(PEER));
        });
        on_link(|link| {
            set(link, Reachable(PEER));
            // The same hardware address does not change the state. Another hardware address makes the entry stale
            // (section 7.2.3).
            hears(link, &question(B, to, Some(PEER)));
            hears(link, &question(B, to, None));
            assert_eq!((entry(link, B), link.due()), (Some(Some(PEER)), None));
            hears(link, &question(B, to, Some(OTHER)));
            assert_eq!(state(link), Stale(OTHER));
        });
        // Without a hardware address option, the answer goes to the sender of the frame, and no neighbour becomes
        // known.
        on_link(|link| {
            let answer = Solicited::Answer { to: OTHER, own: A, asker: Some(B) };
            assert_eq!(hears(link, &question(B, to, None)), Some((answer, false)));
            assert_eq!(entry(link, B), None);
        });
    }
}

#[test]
fn a_dad_probe_is_answered_to_all_nodes() {
    on_link(|link| {
        let answer = Solicited::Answer { to: group_hardware(ALL_NODES), own: A, asker: None };
        assert_eq!(hears(link, &question(NONE, solicited_node(A), None)), Some((answer, false)));
        // Section 7.1.1: a DAD probe is sent to the solicited-node group, without a hardware address option.
        assert_eq!(hears(link, &question(NONE, solicited_node(A), Some(PEER))), NOTHING);
        assert_eq!(hears(link, &question(NONE, A, None)), NOTHING);
        assert_eq!(entry(link, NONE), None);

        let mut frame = [0; NDP_FRAME];
        link.write_advert(&mut frame, group_hardware(ALL_NODES), A, None);
        assert_eq!(frame[..6], [0x33, 0x33, 0, 0, 0, 1]);
        let flags = Flags::OVERRIDE;
        let advert = NdiscRepr::NeighborAdvert { flags, target_addr: A, lladdr: Some(OWN.into()) };
        assert_eq!(frame[14..], packet(A, ALL_NODES, advert));
    });
}

#[test]
fn invalid_messages_change_nothing() {
    on_link(|link| {
        set(link, Incomplete);
        for right in [question(B, A, Some(PEER)), answer(A, Flags::SOLICITED, Some(PEER))] {
            let mut changed = |change: &mut dyn FnMut(&mut Vec<u8>)| {
                let mut wrong = right.clone();
                change(&mut wrong);
                let (source, to) = {
                    let ip = Ipv6Packet::new_unchecked(&wrong[..]);
                    (ip.src_addr(), ip.dst_addr())
                };
                Icmpv6Packet::new_unchecked(&mut wrong[40..]).fill_checksum(&source, &to);
                // `None` passes the message to smoltcp. In neither case is the message answered here.
                assert!(matches!(hears(link, &wrong), None | NOTHING), "{wrong:02x?}");
            };
            changed(&mut |packet| packet[7] = 254);
            changed(&mut |packet| packet[41] = 1);
            // An option of length 0 and an option that is longer than the message.
            changed(&mut |packet| packet[65] = 0);
            changed(&mut |packet| packet[65] = 2);
            // A message that is shorter than 24 bytes.
            for len in 0..24 {
                changed(&mut |packet| {
                    packet.truncate(40 + len.max(8));
                    packet[5] = len.max(8) as u8;
                });
            }
            let mut wrong = right.clone();
            wrong[42] ^= 1;
            assert_eq!(hears(link, &wrong), NOTHING);
        }
        // A group address in the hardware address option.
        for group in [EthernetAddress::BROADCAST, EthernetAddress([0x33, 0x33, 0, 0, 0, 1])] {
            assert!(!hears(link, &question(B, A, Some(group))).unwrap().1);
            assert_eq!(hears(link, &answer(A, Flags::SOLICITED, Some(group))), NOTHING);
        }
        assert_eq!(state(link), Incomplete);
    });
}

#[test]
fn other_solicitations_are_not_answered() {
    on_link(|link| {
        let other = NdiscRepr::NeighborSolicit { target_addr: B, lladdr: Some(PEER.into()) };
        assert_eq!(hears(link, &packet(PROXY, solicited_node(B), other)), NOTHING);
        assert_eq!(entry(link, PROXY), None);
        // The source address of a host is neither a multicast address nor one of our addresses.
        for source in [ALL_NODES, A] {
            assert_eq!(hears(link, &question(source, A, Some(PEER))), NOTHING);
        }
        // Other ICMPv6 messages are passed to smoltcp.
        let echo = Icmpv6Repr::EchoRequest { ident: 1, seq_no: 1, data: &[] };
        let mut bytes = question(B, A, None);
        bytes.truncate(48);
        bytes[5] = 8;
        let mut icmp = Icmpv6Packet::new_unchecked(&mut bytes[40..]);
        echo.emit(&B, &A, &mut icmp, &ChecksumCapabilities::default());
        assert_eq!(hears(link, &bytes), None);
    });
}

#[test]
fn our_solicitation_goes_to_the_group_with_our_hardware_address() {
    let mut frame = [0; NDP_FRAME];
    write_solicit(&mut frame, OWN, A, B);
    assert_eq!(frame[..14], [0x33, 0x33, 0xff, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x86, 0xdd]);
    let solicit = NdiscRepr::NeighborSolicit { target_addr: B, lladdr: Some(OWN.into()) };
    assert_eq!(frame[14..], packet(A, solicited_node(B), solicit));
}

#[test]
fn a_stale_neighbour_is_solicited_unless_it_sends_a_packet() {
    on_link(|link| {
        set(link, Stale(PEER));
        let mut header = None;
        assert!(link.resolve(NOW, &B.into(), &mut header));
        assert_eq!((header, link.due()), (Some(Ends { to: PEER, from: OWN }), None));
        // A request is due only after a packet has been sent.
        link.on_sent(NOW);
        assert!(link.due().is_some_and(|due| due <= NOW + Duration::from_millis(10)));
        link.heard(NOW, OTHER, B.into());
        assert!(link.due().is_some());
        link.heard(NOW, PEER, B.into());
        assert_eq!(link.due(), None);
    });
}

#[test]
fn advertisements_about_unknown_neighbours_change_nothing() {
    on_link(|link| {
        set(link, Reachable(PEER));
        for number in 0..100_000_u32 {
            let [a, b, c, d] = number.to_be_bytes().map(u16::from);
            let target_addr = Ipv6Address::new(0xfd00, 0, 0, 1, a, b, c, d);
            let flags = Flags::OVERRIDE | if number % 2 == 0 { Flags::SOLICITED } else { Flags::empty() };
            let to = if number % 2 == 0 { A } else { ALL_NODES };
            let claim = NdiscRepr::NeighborAdvert { flags, target_addr, lladdr: Some(OTHER.into()) };
            assert_eq!(hears(link, &packet(PROXY, to, claim)), NOTHING);
            assert_eq!(entry(link, target_addr), None);
        }
        assert_eq!(state(link), Reachable(PEER));
    });
}

#[test]
fn a_group_has_its_own_hardware_address() {
    on_link(|link| {
        let group = Ipv6Address::new(0xff05, 0, 0, 0, 0x1122, 0x3344, 0x5566, 0x7788);
        let to = EthernetAddress([0x33, 0x33, 0x55, 0x66, 0x77, 0x88]);
        assert_eq!(link.header_of_many(group.into(), false), Some(Ends { to, from: OWN }));
        assert_eq!(link.header_of_many(A.into(), false), None);
    });
}

/// RFC 4862 section 5.4.4: another host can start to use an address after the address was claimed.
#[test]
fn an_advertisement_of_our_address_is_a_conflict() {
    let about_us = |to, flags, lladdr: Option<EthernetAddress>| {
        packet(PROXY, to, NdiscRepr::NeighborAdvert { flags, target_addr: A, lladdr: lladdr.map(Into::into) })
    };
    on_link(|link| {
        for (lladdr, by) in [(Some(PEER), PEER), (None, OTHER)] {
            let conflict = Some((Solicited::Conflict { own: A, by }, false));
            assert_eq!(hears(link, &about_us(ALL_NODES, Flags::OVERRIDE, lladdr)), conflict);
            assert_eq!(hears(link, &about_us(A, Flags::SOLICITED, lladdr)), conflict);
        }
        // Some switches send a host's own frames back to that host.
        assert_eq!(hears(link, &about_us(ALL_NODES, Flags::OVERRIDE, Some(OWN))), NOTHING);
        // Two invalid advertisements are ignored. The first is sent to a group, but has the flag Solicited.
        assert_eq!(hears(link, &about_us(ALL_NODES, Flags::SOLICITED, Some(PEER))), NOTHING);
        // The second has a hop limit of 254, so a router has forwarded it.
        let mut routed = about_us(ALL_NODES, Flags::OVERRIDE, Some(PEER));
        routed[7] = 254;
        assert_eq!(hears(link, &routed), NOTHING);
        assert_eq!(entry(link, A), None);
    });
}
