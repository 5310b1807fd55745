//! What leaves in fragments has the right lengths and offsets, and gives the packet that was cut.

use std::vec::Vec;

use super::*;
use crate::testing::random::{Random, seed};

/// The packet of `len` bytes after its header, as a frame with a link's header of `link` bytes.
fn frame(v6: bool, link: usize, len: usize) -> Vec<u8> {
    let data = Random(len as u64).bytes(len);
    let mut bytes = vec![7; link];
    if v6 {
        let mut head = [1; 40];
        let mut ip = Ipv6Packet::new_unchecked(&mut head[..]);
        ip.set_version(6);
        ip.set_payload_len(len as u16);
        ip.set_next_header(IpProtocol::Udp);
        bytes.extend(head);
    } else {
        let mut head = [1; 20];
        let mut ip = Ipv4Packet::new_unchecked(&mut head[..]);
        ip.set_version(4);
        ip.set_header_len(20);
        ip.set_total_len((20 + len) as u16);
        ip.set_dont_frag(true);
        bytes.extend(head);
    }
    bytes.extend(data);
    bytes
}

/// All fragments of a frame; none if it is short enough.
fn cut(fragmenter: &mut Fragmenter<'_>, frame: &[u8]) -> Vec<Vec<u8>> {
    let mut long = fragmenter.lend();
    if !long.begin(frame.len(), &mut |out| out.copy_from_slice(frame)) {
        return Vec::new();
    }
    // A second one must wait.
    assert!(long.is_busy() && !long.begin(frame.len(), &mut |_| panic!("it is busy")));
    let mut fragments = Vec::new();
    while let Some(len) = long.next_len() {
        let mut fragment = vec![0; len];
        long.write_next(&mut fragment);
        fragments.push(fragment);
    }
    assert!(!long.is_busy());
    fragments
}

#[test]
fn the_fragments_give_the_packet() {
    let mut random = Random(seed(1));
    let mut ids = Vec::new();
    for round in 0..600 {
        let (v6, link) = (round % 2 == 0, if round % 4 < 2 { 14 } else { 0 });
        let mtu = random.pick(&[576, 1_280, 1_281, 1_500, 9_000]);
        let header = if v6 { 40 } else { 20 };
        let frame = frame(v6, link, random.below(LONGEST - header + 1));
        let medium = if link > 0 { Medium::Ethernet } else { Medium::Ip };
        let mut buffer = vec![0; LONGEST + 14];
        let mut fragmenter = Fragmenter::new(&mut buffer, round, medium, mtu, &ChecksumCapabilities::default());
        let fragments = cut(&mut fragmenter, &frame);
        if frame.len() - link <= mtu {
            assert!(fragments.is_empty());
            continue;
        }
        let mut data: Vec<u8> = Vec::new();
        for (k, fragment) in fragments.iter().enumerate() {
            let packet = &fragment[link..];
            let last = k + 1 == fragments.len();
            assert!(packet.len() <= mtu && fragment[..link] == frame[..link]);
            let (offset, more, id, part) = if v6 {
                let ip = Ipv6Packet::new_checked(packet).unwrap();
                assert_eq!((usize::from(ip.payload_len()) + 40, packet[40]), (packet.len(), 17));
                assert_eq!(ip.next_header(), IpProtocol::Ipv6Frag);
                let field = u16::from_be_bytes([packet[42], packet[43]]);
                let id = u32::from_be_bytes(*packet[44..].first_chunk().unwrap());
                (usize::from(field & !7), field & 1 == 1, id, &packet[48..])
            } else {
                let ip = Ipv4Packet::new_checked(packet).unwrap();
                assert!(ip.verify_checksum() && !ip.dont_frag() && usize::from(ip.total_len()) == packet.len());
                (ip.frag_offset().into(), ip.more_frags(), ip.ident().into(), &packet[20..])
            };
            assert_eq!((offset, more), (data.len(), !last));
            assert!(last || part.len() % 8 == 0 && packet.len() + 8 > mtu);
            data.extend(part);
            if k == 0 {
                ids.push(id);
            }
            assert_eq!(Some(&id), ids.last());
        }
        assert_eq!(data, frame[link + header..]);
    }
    ids.dedup();
    assert!(ids.len() > 100);
}

#[test]
fn each_datagram_has_another_identification() {
    let mut buffer = vec![0; LONGEST];
    let mut fragmenter = Fragmenter::new(&mut buffer, 3, Medium::Ip, 1_280, &ChecksumCapabilities::default());
    let frame = frame(true, 0, 3_000);
    let ids: Vec<_> = (0..100).map(|_| cut(&mut fragmenter, &frame)[1][44..48].to_vec()).collect();
    let mut sorted = ids.clone();
    sorted.sort();
    sorted.dedup();
    assert_eq!(sorted.len(), 100);
}
