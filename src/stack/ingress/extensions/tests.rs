//! Tests of extension headers that are valid, unknown or truncated, or that consist of random bytes.

use std::vec::Vec;

use super::*;
use crate::testing::random::{Random, seed};

/// Returns an IPv6 packet. `next` is the protocol of the first header in `payload`.
fn packet(next: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; HEADER];
    bytes[0] = 0x60;
    bytes[4..6].copy_from_slice(&(payload.len() as u16).to_be_bytes());
    bytes[NEXT_HEADER] = next;
    bytes.extend(payload);
    bytes
}

fn problem(code: u8, pointer: u32) -> Chain {
    Chain::Problem(Problem { code, pointer, to_group: false })
}

#[test]
fn the_upper_layer_is_found_behind_all_headers() {
    // The headers are hop-by-hop options with a router alert, destination options with PadN, a routing header with no
    // segments left, an atomic fragment, and 16 bytes of destination options.
    let chain = [
        &[60, 0, 5, 2, 0, 0, 1, 0][..],
        &[43, 0, 1, 4, 0, 0, 0, 0],
        &[44, 0, 77, 0, 0, 0, 0, 0],
        &[60, 0, 0, 0, 1, 2, 3, 4],
        &[17, 1, 1, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0x1e, 2, 9, 9],
        b"12345678data",
    ]
    .concat();
    let found = packet(HOP_BY_HOP, &chain);
    assert_eq!(read(&found), Chain::Upper { protocol: 17, at: 88, fragment: true });
    let mut out = [0; 100];
    let len = strip(&found, 17, 88, &mut out).unwrap();
    assert_eq!(out[..len], packet(17, b"12345678data"));
    assert_eq!(strip(&found, 17, 88, &mut out[..51]), None);
    for next in [6, 17, 58] {
        assert_eq!(read(&packet(next, &[])), Chain::Upper { protocol: next, at: 40, fragment: false });
    }
}

#[test]
fn fragments_are_read() {
    let found = packet(HOP_BY_HOP, &[44, 0, 1, 4, 0, 0, 0, 0, 6, 0, 0x12, 0x39, 1, 2, 3, 4]);
    let fragment = Fragment { at: 48, announced_at: 40, next: 6, offset: 0x1238, more: true, id: 0x0102_0304 };
    assert_eq!(read(&found), Chain::Fragment(fragment));
}

#[test]
fn errors_about_unknown_headers_point_to_the_header() {
    assert_eq!(read(&packet(253, &[])), problem(1, 6));
    assert_eq!(read(&packet(HOP_BY_HOP, &[253, 0, 1, 4, 0, 0, 0, 0])), problem(1, 40));
    assert_eq!(read(&packet(DESTINATION, &[60, 0, 1, 4, 0, 0, 0, 0, 51, 0, 1, 4, 0, 0, 0, 0])), problem(1, 48));
    // Hop-by-hop options that are not the first header.
    assert_eq!(read(&packet(DESTINATION, &[0, 0, 1, 4, 0, 0, 0, 0])), problem(1, 40));
    // Routing headers with segments left, of an unknown type and of the old type 0.
    assert_eq!(read(&packet(ROUTING, &[6, 0, 77, 1, 0, 0, 0, 0])), problem(0, 42));
    assert_eq!(read(&packet(ROUTING, &[6, 0, 0, 3, 0, 0, 0, 0])), problem(0, 42));
}

#[test]
fn the_type_of_an_unknown_option_decides_what_happens() {
    for next in [HOP_BY_HOP, DESTINATION] {
        let with = |kind| read(&packet(next, &[17, 0, 0, kind, 2, 0, 0, 0]));
        assert_eq!(with(0x3e), Chain::Upper { protocol: 17, at: 48, fragment: false });
        assert_eq!(with(0x7e), Chain::Silent);
        assert_eq!(with(0xbe), Chain::Problem(Problem { code: 2, pointer: 43, to_group: true }));
        assert_eq!(with(0xfe), problem(2, 43));
        // The option is longer than its header.
        assert_eq!(read(&packet(next, &[17, 0, 1, 5, 0, 0, 0, 0])), Chain::Silent);
        assert_eq!(read(&packet(next, &[17, 0, 1, 3, 0, 0, 0, 1])), Chain::Silent);
    }
}

#[test]
fn packets_without_an_upper_layer_are_dropped_silently() {
    assert_eq!(read(&packet(NO_NEXT, b"data")), Chain::Silent);
    assert_eq!(read(&packet(DESTINATION, &[59, 0, 1, 4, 0, 0, 0, 0])), Chain::Silent);
    // The header is longer than the packet (RFC 7112).
    assert_eq!(read(&packet(DESTINATION, &[6, 1, 1, 4, 0, 0, 0, 0])), Chain::Silent);
    assert_eq!(read(&packet(DESTINATION, &[6])), Chain::Silent);
    assert_eq!(read(&packet(FRAGMENTED, &[6, 0, 0, 1, 0, 0, 0])), Chain::Silent);
    for len in 0..HEADER {
        assert_eq!(read(&packet(6, &[])[..len]), Chain::Silent);
    }
}

#[test]
fn the_first_fragment_must_contain_all_headers() {
    let options = [6, 0, 1, 4, 0, 0, 0, 0];
    assert!(all_headers_are_in(&[0; 20], 6) && !all_headers_are_in(&[0; 19], 6));
    assert!(all_headers_are_in(&[0; 8], 17) && !all_headers_are_in(&[0; 7], 17));
    assert!(all_headers_are_in(&[&options[..], &[0; 20]].concat(), DESTINATION));
    assert!(!all_headers_are_in(&[&options[..], &[0; 19]].concat(), DESTINATION));
    assert!(!all_headers_are_in(&options[..7], DESTINATION));
    assert!(!all_headers_are_in(&[], ROUTING));
}

#[test]
fn random_bytes_cause_no_panic() {
    let mut random = Random(seed(1));
    let (mut upper, mut problems) = (0, 0);
    for _ in 0..300_000 {
        let mut bytes = packet(random.pick(&[0, 43, 44, 60, 6]), &[]);
        for _ in 0..random.below(5) {
            bytes.extend([random.pick(&[0, 6, 17, 43, 44, 58, 59, 60]), random.below(3) as u8]);
            bytes.extend((0..6).map(|_| random.pick(&[0, 0, 1, 5, 0x3e, 0xc2])));
        }
        bytes.truncate(random.below(bytes.len() + 20).max(7));
        let mut out = [0; 300];
        match read(&bytes) {
            Chain::Upper { protocol, at, .. } => {
                upper += 1;
                let len = strip(&bytes, protocol, at, &mut out).expect("it fits");
                assert_eq!(read(&out[..len]), Chain::Upper { protocol, at: HEADER, fragment: false });
            }
            Chain::Problem(problem) => {
                problems += 1;
                assert!((problem.pointer as usize) < bytes.len());
            }
            Chain::Fragment(fragment) => assert!(fragment.at + FRAGMENT <= bytes.len()),
            Chain::Silent => {}
        }
        let _ = all_headers_are_in(bytes.get(HEADER..).unwrap_or_default(), random.pick(&[0, 6, 17, 43, 60]));
    }
    assert!(upper > 1_000 && problems > 1_000, "{upper} and {problems}");
}
