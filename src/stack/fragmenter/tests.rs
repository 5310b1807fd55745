//! Checks that fragments have the right lengths and offsets, and together contain the original packet.

use std::vec::Vec;

use smoltcp::wire::{EthernetAddress, IpAddress, TcpPacket};

use super::*;
use crate::testing::random::{Random, seed};

/// Returns an IP packet with a payload of `len` bytes.
fn packet(v6: bool, len: usize) -> Vec<u8> {
    let data = Random(len as u64).bytes(len);
    let mut bytes = Vec::new();
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

/// Returns the frames of all fragments of a packet. Returns no frames if the packet is short.
fn cut(fragmenter: &mut Fragmenter<'_>, header: Header, packet: &[u8]) -> Vec<Vec<u8>> {
    let mut long = fragmenter.lend();
    if !long.begin(header, packet.len(), &mut |out| out.copy_from_slice(packet)) {
        return Vec::new();
    }
    // A second packet must wait.
    assert!(!long.begin(header, packet.len(), &mut |_| panic!("the fragmenter is busy")));
    let mut fragments = Vec::new();
    while let Some(len) = long.next_len() {
        let mut fragment = vec![0; len];
        long.write_next(&mut fragment);
        fragments.push(fragment);
    }
    assert!(!fragmenter.is_busy());
    fragments
}

#[test]
fn the_fragments_contain_the_whole_packet() {
    let mut random = Random(seed(1));
    let mut ids = Vec::new();
    for round in 0..600 {
        let v6 = round % 2 == 0;
        let ethernet =
            (round % 4 < 2).then_some(link::Ends { to: EthernetAddress([2; 6]), from: EthernetAddress([4; 6]) });
        let link = link::len(ethernet);
        let mtu = random.pick(&[576, 1_280, 1_281, 1_500, 9_000]);
        let header = if v6 { 40 } else { 20 };
        let whole = packet(v6, random.below(LONGEST - header + 1));
        let mut buffer = vec![0; LONGEST];
        let mut fragmenter = Fragmenter::new(&mut buffer, round, mtu, &ChecksumCapabilities::default());
        let fragments = cut(&mut fragmenter, ethernet, &whole);
        if whole.len() <= mtu {
            assert!(fragments.is_empty());
            continue;
        }
        let mut data: Vec<u8> = Vec::new();
        for (k, fragment) in fragments.iter().enumerate() {
            let packet = &fragment[link..];
            let last = k + 1 == fragments.len();
            assert!(packet.len() <= mtu);
            if link > 0 {
                let kind = if v6 { [0x86, 0xdd] } else { [8, 0] };
                assert_eq!(fragment[..link], [&[2; 6][..], &[4; 6], &kind].concat());
            }
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
        assert_eq!(data, whole[header..]);
    }
    ids.dedup();
    assert!(ids.len() > 100);
}

#[test]
fn each_datagram_gets_a_different_identification() {
    let mut buffer = vec![0; LONGEST];
    let mut fragmenter = Fragmenter::new(&mut buffer, 3, 1_280, &ChecksumCapabilities::default());
    let packet = packet(true, 3_000);
    let ids: Vec<_> = (0..100).map(|_| cut(&mut fragmenter, None, &packet)[1][44..48].to_vec()).collect();
    let mut sorted = ids.clone();
    sorted.sort();
    sorted.dedup();
    assert_eq!(sorted.len(), 100);
}

/// Returns a TCP segment with `len` bytes of data, FIN and PSH.
fn segment(v6: bool, options: usize, len: usize) -> Vec<u8> {
    let mut bytes = packet(v6, 20 + options + len);
    let ip = if v6 { 40 } else { 20 };
    if v6 {
        Ipv6Packet::new_unchecked(&mut bytes[..]).set_next_header(IpProtocol::Tcp);
    } else {
        Ipv4Packet::new_unchecked(&mut bytes[..]).set_next_header(IpProtocol::Tcp);
        Ipv4Packet::new_unchecked(&mut bytes[..]).fill_checksum();
    }
    let mut tcp = TcpPacket::new_unchecked(&mut bytes[ip..]);
    tcp.clear_flags();
    tcp.set_header_len(20 + options as u8);
    tcp.set_ack(true);
    tcp.set_psh(true);
    tcp.set_fin(true);
    bytes[ip + 20..][..options].fill(1);
    bytes
}

#[test]
fn a_segment_is_cut_into_segments_that_fit_the_path() {
    let mut random = Random(seed(2));
    for round in 0..400 {
        let v6 = round % 2 == 0;
        let (limit, options) = (random.pick(&[552, 576, 1_280, 1_399]), random.pick(&[0, 12, 40]));
        let ip = if v6 { 40 } else { 20 };
        let header = ip + 20 + options;
        let whole = segment(v6, options, random.below(1_500 - header) + 1);
        let mut buffer = vec![0; LONGEST];
        let mut fragmenter = Fragmenter::new(&mut buffer, round, 1_500, &ChecksumCapabilities::default());
        let mut long = fragmenter.lend_for(limit);
        if !long.begin(None, whole.len(), &mut |out| out.copy_from_slice(&whole)) {
            assert!(whole.len() <= limit);
            continue;
        }
        let first = TcpPacket::new_checked(&whole[ip..]).unwrap().seq_number();
        let mut data: Vec<u8> = Vec::new();
        while let Some(len) = long.next_len() {
            let mut piece = vec![0; len];
            long.write_next(&mut piece);
            let ends: (IpAddress, IpAddress) = if v6 {
                let ip = Ipv6Packet::new_checked(&piece[..]).unwrap();
                assert_eq!(ip.total_len(), len);
                (ip.src_addr().into(), ip.dst_addr().into())
            } else {
                let ip = Ipv4Packet::new_checked(&piece[..]).unwrap();
                assert!(ip.verify_checksum() && ip.dont_frag() && usize::from(ip.total_len()) == len);
                (ip.src_addr().into(), ip.dst_addr().into())
            };
            let tcp = TcpPacket::new_checked(&piece[ip..]).unwrap();
            assert!(tcp.verify_checksum(&ends.0, &ends.1));
            assert_eq!(tcp.seq_number(), first + data.len());
            data.extend(tcp.payload());
            let is_last = data.len() == whole.len() - header;
            assert_eq!((tcp.fin(), tcp.psh(), tcp.ack()), (is_last, is_last, true));
            assert!(len == limit || is_last && len <= limit);
            assert_eq!(piece[ip + 20..header], whole[ip + 20..header]);
        }
        assert_eq!(data, whole[header..]);
        assert!(!fragmenter.is_busy());
    }
}

#[test]
fn without_memory_a_long_packet_is_dropped_and_counted() {
    /// The lengths of the frames that were sent, and the reasons for drops.
    #[derive(Default)]
    struct Seen(Vec<usize>, Vec<DropReason>);

    impl Probe for Seen {
        fn frame(&mut self, _now: Instant, _direction: Direction, frame: &[u8]) {
            self.0.push(frame.len());
        }

        fn event(&mut self, _now: Instant, event: &Event) {
            if let Event::Dropped(why) = event {
                self.1.push(*why);
            }
        }
    }

    struct Token;

    impl TxToken for Token {
        fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, f: F) -> R {
            f(&mut std::vec![0; len])
        }
    }

    let (now, mut seen) = (Instant::from_secs(1), Seen::default());
    let mut fragmenter = Fragmenter::new(&mut [], 1, 1_500, &ChecksumCapabilities::default());
    for (len, limit) in [(1_240, 1_280), (1_241, 1_280), (1_460, 1_500), (1_400, 1_280)] {
        fragmenter.send(now, None, limit, &packet(true, len), Token, &mut seen);
    }
    assert_eq!((seen.0, seen.1), (std::vec![1_280, 1_500], std::vec![DropReason::TooLong; 2]));
}
