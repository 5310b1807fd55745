//! Tests of the MLD reports of groups: RFC 3810 and RFC 2710.

use std::vec::Vec;

use smoltcp::time::Duration;
use smoltcp::wire::{Icmpv6Packet, Ipv6Address};

use super::super::groups::Groups;
use super::*;

const ROUTER: Ipv6Address = Ipv6Address::new(0xfe80, 0, 0, 0, 0, 0, 0, 9);
const LOCAL: Ipv6Address = Ipv6Address::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);
const ALL: Ipv6Address = Ipv6Address::UNSPECIFIED;

fn group(number: u16) -> Ipv6Address {
    Ipv6Address::new(0xff02, 0, 0, 0, 0, 1, 0xff00, number)
}

/// A sent report: its time in ms, the final part of its destination, its message type, its record type and the final
/// part of its group.
type Seen = (u64, u16, u8, u8, u16);

/// Sends the reports that are due within `ms` milliseconds. Returns these reports.
fn reports(groups: &mut Groups, ms: u64) -> Vec<Seen> {
    let (mut seen, mut random) = (Vec::new(), 12_345_u32);
    while let Some(at) = groups.due().filter(|&at| at <= NOW + Duration::from_millis(ms)) {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let report = groups.next(at, random >> 8).unwrap();
        let mut frame = std::vec![0xaa; report.len()];
        report.write(&mut frame, OWN, LOCAL);
        let (ip, message) = (&frame[14..54], &frame[62..]);
        // The packet has hop-by-hop options with a Router Alert, a hop limit of 1, and the correct length and checksum.
        assert_eq!((ip[6], ip[7], &frame[54..62]), (0, 1, &[58, 0, 5, 2, 0, 0, 1, 0][..]));
        assert_eq!(usize::from(ip[5]), 8 + message.len());
        let to = Ipv6Address::from(*ip[24..].first_chunk::<16>().unwrap());
        assert!(Icmpv6Packet::new_unchecked(message).verify_checksum(&LOCAL, &to));
        assert_eq!((&frame[..2], &frame[2..6]), (&[0x33, 0x33][..], &ip[36..]));
        let (is_v2, last) = (message[0] == 143, message.len() - 2);
        assert_eq!(message.len(), if is_v2 { 28 } else { 24 });
        let record = if is_v2 { message[8] } else { 0 };
        let group = u16::from_be_bytes([message[last], message[last + 1]]);
        let passed = (at.total_millis() - NOW.total_millis()) as u64;
        seen.push((passed, to.segments()[7], message[0], record, group));
    }
    seen
}

/// Returns a router's query for a group or for all groups.
fn query(group: Ipv6Address, code: u16, is_v1: bool) -> Vec<u8> {
    let to = if group.is_unspecified() { Ipv6Address::new(0xff02, 0, 0, 0, 0, 0, 0, 1) } else { group };
    let [high, low] = code.to_be_bytes();
    let mut message = [&[130, 0, 0, 0, high, low, 0, 0][..], &group.octets()].concat();
    message.resize(if is_v1 { 24 } else { 28 }, 0);
    Icmpv6Packet::new_unchecked(&mut message[..]).fill_checksum(&ROUTER, &to);
    let mut packet = std::vec![0x60, 0, 0, 0, 0, 8 + message.len() as u8, 0, 1];
    packet.extend(ROUTER.octets());
    packet.extend(to.octets());
    packet.extend([58, 0, 5, 2, 0, 0, 1, 0]);
    packet.extend(message);
    packet
}

/// Returns the groups of a host that has joined groups 1 and 2 and reported both.
fn member() -> Groups {
    let mut groups = Groups::default();
    assert!(groups.set(NOW, [group(1), group(2), group(1)].into_iter()));
    let seen = reports(&mut groups, 3_000);
    assert_eq!(seen.len(), 4);
    for number in [1, 2] {
        let times: Vec<_> = seen.iter().filter(|seen| seen.4 == number).map(|seen| (seen.1, seen.2, seen.3)).collect();
        assert_eq!(times, [(0x16, 143, 4); 2]);
    }
    assert!(seen[..2].iter().all(|seen| seen.0 == 0) && seen[2..].iter().all(|seen| (100..=1_000).contains(&seen.0)));
    assert_eq!(groups.due(), None);
    groups
}

#[test]
fn joining_and_leaving_are_reported_twice() {
    let mut groups = member();
    assert!(groups.set(NOW, [group(2), group(1)].into_iter()));
    assert_eq!(groups.due(), None);
    assert!(groups.set(NOW, [group(2), group(3)].into_iter()));
    let mut seen: Vec<_> = reports(&mut groups, 3_000).into_iter().map(|seen| (seen.4, seen.3)).collect();
    seen.sort();
    assert_eq!(seen, [(1, 3), (1, 3), (3, 4), (3, 4)]);
    // After two reports, a group that the host has left is forgotten.
    assert!(groups.asked(NOW, &query(group(1), 0, false), 0) && groups.due().is_none());
    groups.join_again(NOW);
    assert_eq!(reports(&mut groups, 3_000).len(), 4);
}

#[test]
fn queries_are_answered_within_their_longest_delay() {
    for longest in [0, 1, 500, 10_000] {
        let mut groups = member();
        let now = NOW + Duration::from_secs(3);
        assert!(groups.asked(now, &query(ALL, longest, false), 0xdead_beef));
        let seen = reports(&mut groups, 20_000);
        assert!(seen.iter().all(|seen| (3_000..=3_000 + u64::from(longest)).contains(&seen.0)), "{seen:?}");
        let mut seen: Vec<_> = seen.into_iter().map(|seen| (seen.1, seen.2, seen.3, seen.4)).collect();
        seen.sort();
        assert_eq!(seen, [(0x16, 143, 2, 1), (0x16, 143, 2, 2)]);
        assert!(groups.asked(now, &query(group(2), longest, false), 7));
        assert!(groups.asked(now, &query(group(3), longest, false), 7));
        assert_eq!(reports(&mut groups, 20_000).len(), 1);
    }
}

#[test]
fn an_mldv1_router_gets_mldv1_reports_for_a_while() {
    let mut groups = member();
    let now = NOW + Duration::from_secs(3);
    assert!(groups.asked(now, &query(ALL, 0, true), 0));
    let seen = reports(&mut groups, 3_000);
    assert_eq!(seen, [(3_000, 1, 131, 0, 1), (3_000, 2, 131, 0, 2)]);
    let at = NOW + Duration::from_secs(10);
    groups.set(at, [group(2)].into_iter());
    assert_eq!(reports(&mut groups, 12_000).iter().map(|seen| (seen.1, seen.2, seen.4)).next(), Some((2, 132, 1)));
    let at = NOW + Duration::from_secs(263);
    assert!(groups.asked(at, &query(ALL, 0, false), 0));
    assert_eq!(reports(&mut groups, 263_000), [(263_000, 0x16, 143, 2, 2)]);
}

#[test]
fn a_flood_of_queries_gets_ten_reports_a_second() {
    let mut groups = member();
    let mut count = 0;
    for ms in 0..2_000 {
        for _ in 0..50 {
            groups.asked(NOW + Duration::from_millis(3_000 + ms), &query(ALL, 0, false), 0);
        }
        count += reports(&mut groups, 3_000 + ms).len();
    }
    // Each of the two groups is reported 10 times a second, for two seconds.
    assert!((38..=42).contains(&count), "{count}");
}

#[test]
fn invalid_queries_are_ignored() {
    let right = query(ALL, 1_000, false);
    assert!(member().asked(NOW, &right, 0));
    let fails = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut wrong = right.clone();
        change(&mut wrong);
        let mut groups = member();
        assert!(!groups.asked(NOW, &wrong, 0), "{wrong:02x?}");
        assert_eq!(groups.due(), None);
    };
    // Each packet has one error. The errors in order: the hop limit, a source that is not link-local, no Router Alert,
    // an option too long for its header, a header too long for the packet, a protocol other than ICMPv6, the checksum,
    // the code, a report instead of a query.
    fails(&|packet| packet[7] = 2);
    fails(&|packet| packet[8] = 0xfd);
    fails(&|packet| packet[42] = 1);
    fails(&|packet| packet[43] = 9);
    fails(&|packet| packet[41] = 4);
    fails(&|packet| packet[40] = 59);
    fails(&|packet| packet[75] ^= 1);
    fails(&|packet| packet[49] = 1);
    fails(&|packet| packet[48] = 143);
    for len in 0..right.len() {
        fails(&|packet| packet.truncate(len));
        // The length field also matches the truncated packet.
        fails(&|packet| {
            packet.truncate(len);
            if let Some(byte) = packet.get_mut(5) {
                *byte = len.saturating_sub(40) as u8;
            }
        });
    }
}

#[test]
fn the_list_reports_when_it_has_no_room_for_a_group() {
    let mut groups = Groups::default();
    assert!(groups.set(NOW, (0..16).map(group)));
    assert!(!groups.set(NOW, (0..17).map(group)));
    // A new group replaces a group that was left.
    assert!(groups.set(NOW, (16..32).map(group)));
    let joined = reports(&mut groups, 3_000).iter().filter(|seen| seen.3 == 4).count();
    assert_eq!(joined, 32);
}
