//! Tests of fragments that arrive in any order, overlap, arrive late, exceed the memory or consist of random bytes.

use std::vec::Vec;

use smoltcp::wire::{IpProtocol, Ipv4Address};

use super::super::extensions::Chain;
use super::*;
use crate::testing::random::{Random, seed};

const NOW: Instant = Instant::from_micros_const(100_000_000);
const SOURCE: Ipv6Address = Ipv6Address::new(0xfd00, 0, 0, 0, 0, 0, 0, 2);
const DESTINATION: Ipv6Address = Ipv6Address::new(0xfd00, 0, 0, 0, 0, 0, 0, 1);

/// Calls `test` with a reassembler for `count` datagrams.
fn with<R>(count: usize, test: impl FnOnce(&mut Reassembler<'_>) -> R) -> R {
    let (mut datagrams, mut bytes) = (vec![Reassembly::default(); count], vec![0; count * SHARE]);
    test(&mut Reassembler::new(&mut datagrams, &mut bytes))
}

fn data(len: usize) -> Vec<u8> {
    Random(len as u64).bytes(len)
}

/// Returns an IPv4 packet that contains a fragment of a UDP datagram.
fn v4(id: u16, offset: usize, more: bool, data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; 20 + data.len()];
    bytes[20..].copy_from_slice(data);
    let mut ip = Ipv4Packet::new_unchecked(&mut bytes[..]);
    ip.set_version(4);
    ip.set_header_len(20);
    ip.set_total_len((20 + data.len()) as u16);
    ip.set_ident(id);
    ip.set_more_frags(more);
    ip.set_frag_offset(offset as u16);
    ip.set_hop_limit(64);
    ip.set_next_header(IpProtocol::Udp);
    ip.set_src_addr(Ipv4Address::new(10, 0, 0, 2));
    ip.set_dst_addr(Ipv4Address::new(10, 0, 0, 1));
    ip.fill_checksum();
    bytes
}

/// Returns an IPv6 packet that contains a fragment of a UDP datagram.
fn v6(id: u32, offset: usize, more: bool, data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; 48 + data.len()];
    let mut ip = Ipv6Packet::new_unchecked(&mut bytes[..]);
    ip.set_version(6);
    ip.set_payload_len((8 + data.len()) as u16);
    ip.set_next_header(IpProtocol::Ipv6Frag);
    ip.set_hop_limit(64);
    ip.set_src_addr(SOURCE);
    ip.set_dst_addr(DESTINATION);
    let [high, low] = (offset as u16 | u16::from(more)).to_be_bytes();
    bytes[40..44].copy_from_slice(&[17, 0, high, low]);
    bytes[44..48].copy_from_slice(&id.to_be_bytes());
    bytes[48..].copy_from_slice(data);
    bytes
}

/// Passes a fragment of either IP version to the reassembler.
fn add<'r>(reassembler: &'r mut Reassembler<'_>, now: Instant, packet: &[u8]) -> Arrival<'r> {
    match packet[0] >> 4 {
        4 => reassembler.arrives_v4(now, packet),
        _ => match extensions::read(packet) {
            Chain::Fragment(fragment) => reassembler.arrives_v6(now, packet, &fragment),
            other => panic!("not a fragment: {other:?}"),
        },
    }
}

const KEPT: Arrival<'_> = Arrival::Kept { lost: false };

/// Builds a fragment from an identification, an offset, the more-fragments flag and data.
type Maker = fn(u16, usize, bool, &[u8]) -> Vec<u8>;

/// One maker for each IP version.
const MAKERS: [Maker; 2] = [v4, |id, offset, more, data| v6(id.into(), offset, more, data)];

#[test]
fn every_order_produces_the_same_datagram() {
    let mut random = Random(seed(1));
    for len in [9, 64, 1_480, 4_000, 20_000, 65_515] {
        for (family, make) in MAKERS.into_iter().enumerate() {
            let data = data(len);
            let piece = (len / 5).next_multiple_of(8).max(8);
            let mut pieces: Vec<_> = data
                .chunks(piece)
                .enumerate()
                .map(|(k, chunk)| make(7, k * piece, (k + 1) * piece < len, chunk))
                .collect();
            for k in (1..pieces.len()).rev() {
                pieces.swap(k, random.below(k + 1));
            }
            with(1, |reassembler| {
                let (last, first) = pieces.split_last().unwrap();
                for piece in first {
                    assert_eq!(add(reassembler, NOW, piece), KEPT);
                    // A copy of a fragment changes nothing.
                    assert_eq!(add(reassembler, NOW, piece), KEPT);
                }
                let Arrival::Rebuilt(packet) = add(reassembler, NOW, last) else { panic!("{len} is not complete") };
                let header = if family == 0 { 20 } else { 40 };
                assert_eq!(packet[header..], data);
                if family == 0 {
                    let ip = Ipv4Packet::new_checked(packet).unwrap();
                    assert!(ip.verify_checksum() && !ip.more_frags() && ip.frag_offset() == 0);
                    assert_eq!(usize::from(ip.total_len()), 20 + len);
                } else {
                    let ip = Ipv6Packet::new_checked(packet).unwrap();
                    assert_eq!((ip.next_header(), usize::from(ip.payload_len())), (IpProtocol::Udp, len));
                }
                assert_eq!(reassembler.due(), None);
            });
        }
    }
}

/// RFC 5722: any overlap ends the datagram, even one with equal bytes. Later fragments of the datagram are ignored.
#[test]
fn an_overlap_ends_the_datagram() {
    let data = data(64);
    for make in MAKERS {
        for (offset, to) in [(0, 16), (8, 24), (8, 16), (24, 40), (16, 40), (0, 48)] {
            with(2, |reassembler| {
                assert_eq!(add(reassembler, NOW, &make(1, 0, true, &data[..32])), KEPT);
                assert_eq!(add(reassembler, NOW, &make(1, offset, true, &data[offset..to])), Arrival::Bad);
                assert_eq!(add(reassembler, NOW, &make(1, 32, false, &data[32..])), Arrival::Bad);
                // Another datagram is not affected.
                assert_eq!(add(reassembler, NOW, &make(2, 0, true, &data[..32])), KEPT);
                assert!(matches!(add(reassembler, NOW, &make(2, 32, false, &data[32..])), Arrival::Rebuilt(_)));
                // After the timeout, the identification can be used again. The sender gets no error about a datagram
                // that an overlap ended.
                let later = NOW + TIMEOUT;
                assert_eq!(reassembler.expire(later, &mut [0; 1_500]), Some((false, None)));
                assert_eq!(reassembler.expire(later, &mut [0; 1_500]), None);
            });
        }
        // A fragment with the same range but different bytes.
        with(1, |reassembler| {
            assert_eq!(add(reassembler, NOW, &make(1, 0, true, &data[..32])), KEPT);
            assert_eq!(add(reassembler, NOW, &make(1, 0, true, &data[32..])), Arrival::Bad);
        });
    }
}

#[test]
fn the_end_must_not_move() {
    let data = data(64);
    for make in MAKERS {
        for wrong in [make(1, 24, false, &data[..8]), make(1, 56, false, &data[..8]), make(1, 48, true, &data[..8])] {
            with(1, |reassembler| {
                assert_eq!(add(reassembler, NOW, &make(1, 32, false, &data[32..48])), KEPT);
                assert_eq!(add(reassembler, NOW, &wrong), Arrival::Bad);
            });
        }
        // The final fragment ends before data that has already arrived.
        with(1, |reassembler| {
            assert_eq!(add(reassembler, NOW, &make(1, 32, true, &data[32..48])), KEPT);
            assert_eq!(add(reassembler, NOW, &make(1, 16, false, &data[16..24])), Arrival::Bad);
        });
    }
}

#[test]
fn lengths_are_checked() {
    let data = data(1_500);
    with(1, |reassembler| {
        // A fragment whose length is not a multiple of 8.
        assert_eq!(add(reassembler, NOW, &v4(1, 0, true, &data[..1_001])), Arrival::Bad);
        assert_eq!(add(reassembler, NOW, &v6(1, 0, true, &data[..1_001])), Arrival::Problem(Problem::field(4)));
        // A fragment that ends beyond 65,535 bytes.
        assert_eq!(add(reassembler, NOW, &v4(1, 65_528, false, &data[..8])), Arrival::Bad);
        assert_eq!(add(reassembler, NOW, &v6(1, 65_528, false, &data[..8])), Arrival::Problem(Problem::field(42)));
        // A fragment without data.
        assert_eq!(add(reassembler, NOW, &v4(1, 8, true, &[])), Arrival::Bad);
        // The UDP header must be in the first fragment of an IPv6 datagram.
        let problem = Problem { code: 3, pointer: 0, to_group: false };
        let mut short = v6(1, 0, true, &data[..8]);
        short[40] = 6;
        assert_eq!(add(reassembler, NOW, &short), Arrival::Problem(problem));
        assert_eq!(reassembler.due(), None);
    });
    // The memory has room for two datagrams of 700 bytes.
    let (mut datagrams, mut bytes) = (vec![Reassembly::default(); 2], vec![0; 2 * (ROOM + 700)]);
    let mut small = Reassembler::new(&mut datagrams, &mut bytes);
    assert_eq!(add(&mut small, NOW, &v4(1, 0, true, &data[..696])), KEPT);
    assert!(matches!(add(&mut small, NOW, &v4(1, 696, false, &data[..4])), Arrival::Rebuilt(_)));
    assert_eq!(add(&mut small, NOW, &v4(2, 0, true, &data[..704])), Arrival::Bad);
}

#[test]
fn the_oldest_datagram_is_replaced() {
    let data = data(16);
    with(3, |reassembler| {
        let at = |k: u16| NOW + Duration::from_millis(k.into());
        for id in 1..=3 {
            assert_eq!(add(reassembler, at(id), &v4(id, 0, true, &data[..8])), KEPT);
        }
        assert_eq!(reassembler.due(), Some(at(1) + TIMEOUT));
        assert_eq!(add(reassembler, at(4), &v4(4, 0, true, &data[..8])), Arrival::Kept { lost: true });
        assert_eq!(reassembler.due(), Some(at(2) + TIMEOUT));
        for id in 2..=4 {
            assert!(matches!(add(reassembler, at(5), &v4(id, 8, false, &data[8..])), Arrival::Rebuilt(_)), "{id}");
        }
        assert_eq!(reassembler.due(), None);
    });
}

/// Protocol, addresses and IP version distinguish datagrams with the same identification.
#[test]
fn fragments_from_different_senders_are_not_mixed() {
    let data = data(16);
    with(8, |reassembler| {
        let mut others = Vec::from([v4(1, 0, true, &data[..8]), v6(1, 0, true, &data[..8])]);
        for at in [9, 15, 19] {
            let mut other = others[0].clone();
            other[at] ^= 1;
            others.push(other);
        }
        for other in &others {
            assert_eq!(add(reassembler, NOW, other), KEPT);
        }
        assert_eq!(add(reassembler, NOW, &v4(1, 8, true, &data[8..])), KEPT);
        assert_eq!(reassembler.datagrams.iter().filter(|datagram| datagram.key.is_some()).count(), others.len());
    });
}

/// The sender gets an error about its lost datagram only if the first fragment has arrived.
#[test]
fn a_datagram_times_out_30_seconds_after_its_first_fragment() {
    let data = data(2_000);
    for (family, make) in MAKERS.into_iter().enumerate() {
        for has_first in [true, false] {
            with(1, |reassembler| {
                let offset = if has_first { 0 } else { 1_000 };
                assert_eq!(add(reassembler, NOW, &make(1, offset, true, &data[offset..offset + 800])), KEPT);
                let later = NOW + Duration::from_secs(29);
                assert_eq!(add(reassembler, later, &make(1, 1_800, true, &data[1_800..1_808])), KEPT);
                assert_eq!(reassembler.due(), Some(NOW + TIMEOUT));
                let mut out = [0; 1_500];
                assert_eq!(reassembler.expire(later, &mut out), None);
                let Some((true, answer)) = reassembler.expire(NOW + TIMEOUT, &mut out) else { panic!("not lost") };
                assert_eq!(answer.is_some(), has_first);
                let Some(len) = answer else { return };
                let first = make(1, 0, true, &data[..800]);
                let quote = if family == 0 {
                    let ip = Ipv4Packet::new_checked(&out[..len]).unwrap();
                    assert!(ip.verify_checksum() && ip.dst_addr() == Ipv4Address::new(10, 0, 0, 2));
                    assert_eq!(out[20..22], [11, 1]);
                    28
                } else {
                    let ip = Ipv6Packet::new_checked(&out[..len]).unwrap();
                    assert_eq!((ip.src_addr(), ip.dst_addr()), (DESTINATION, SOURCE));
                    assert_eq!(out[40..42], [3, 1]);
                    48
                };
                assert_eq!(out[quote..len], first[..len - quote]);
                assert!(len - quote >= 28);
            });
        }
    }
}

/// Adds random fragments of a few datagrams, with copies, overlaps and losses.
#[test]
fn random_fragments_produce_only_datagrams_that_were_sent() {
    let mut random = Random(seed(2));
    let (mut rebuilt, mut bad) = (0, 0);
    with(4, |reassembler| {
        let mut now = NOW;
        for round in 0..200_000 {
            now += Duration::from_millis(random.below(20) as u64);
            while reassembler.expire(now, &mut [0; 1_500]).is_some() {}
            let id = random.below(6) as u16;
            // Each datagram has its own bytes and a length that depends on its identification.
            let whole = data(100 + 8 * usize::from(id));
            let offset = 8 * random.below(12);
            let to = if random.one_in(3) { whole.len() } else { (offset + 8 * (1 + random.below(4))).min(whole.len()) };
            if offset == 0 && to == whole.len() {
                continue;
            }
            let packet = MAKERS[usize::from(id) % 2](id, offset, to < whole.len(), &whole[offset..to]);
            let header = if id.is_multiple_of(2) { 20 } else { 40 };
            match add(reassembler, now, &packet) {
                Arrival::Rebuilt(packet) => {
                    rebuilt += 1;
                    assert!(packet[header..] == whole, "round {round}: {} bytes", packet.len());
                }
                Arrival::Bad | Arrival::Problem(_) => bad += 1,
                Arrival::Kept { .. } => {}
            }
        }
    });
    assert!(rebuilt > 50 && bad > 1_000, "{rebuilt} rebuilt, {bad} bad");
}

/// Adds packets of random bytes.
#[test]
fn random_bytes_cause_no_panic() {
    let mut random = Random(seed(3));
    with(2, |reassembler| {
        for _ in 0..100_000 {
            let mut bytes = random.bytes_below(200);
            if let Some(first) = bytes.first_mut() {
                *first = random.pick(&[0x45, 0x4f, 0x60, 0x46]);
            }
            let _ = reassembler.arrives_v4(NOW, &bytes);
            let fragment = Fragment {
                at: random.below(220),
                announced_at: 6,
                next: random.next() as u8,
                offset: usize::from(random.u16() & !7),
                more: random.one_in(2),
                id: random.below(3) as u32,
            };
            let _ = reassembler.arrives_v6(NOW, &bytes, &fragment);
            let _ = reassembler.expire(NOW + TIMEOUT, &mut [0; 100]);
        }
    });
}

/// RFC 3168 section 5.3: the datagram keeps a fragment's report of congestion. The datagram is dropped if a fragment's
/// sender does not support such reports.
#[test]
fn the_ecn_fields_of_fragments_are_combined() {
    let [not_capable, ect_1, ect_0, congested] = [0, 1, 2, 3];
    let data = data(64);
    for (family, make) in MAKERS.into_iter().enumerate() {
        let shift = [0, 4][family];
        let marked = |offset: usize, more, data: &[u8], field: u8| {
            let mut packet = make(7, offset, more, data);
            packet[1] |= field << shift;
            if family == 0 {
                Ipv4Packet::new_unchecked(&mut packet[..]).fill_checksum();
            }
            packet
        };
        for (fields, whole) in [
            ([not_capable, not_capable], Some(not_capable)),
            ([ect_1, ect_1], Some(ect_1)),
            ([ect_0, ect_0], Some(ect_0)),
            ([congested, congested], Some(congested)),
            ([ect_0, congested], Some(congested)),
            ([congested, ect_1], Some(congested)),
            ([congested, not_capable], None),
            ([not_capable, congested], None),
        ] {
            let pieces = [marked(0, true, &data[..32], fields[0]), marked(32, false, &data[32..], fields[1])];
            for [first, second] in [[&pieces[0], &pieces[1]], [&pieces[1], &pieces[0]]] {
                with(1, |reassembler| {
                    assert_eq!(add(reassembler, NOW, first), KEPT);
                    match (add(reassembler, NOW, second), whole) {
                        (Arrival::Rebuilt(packet), Some(whole)) => {
                            assert_eq!(packet[1] >> shift & 3, whole, "{fields:?}");
                            assert!(family == 1 || Ipv4Packet::new_unchecked(packet).verify_checksum());
                        }
                        (Arrival::Bad, None) => {}
                        (other, _) => panic!("{fields:?}: {other:?}"),
                    }
                    assert_eq!(reassembler.due(), None);
                });
            }
        }
    }
}
