//! Tests of datagrams in fragments and of frames with VLAN 0 tags, sent to a complete stack.

use std::vec::Vec;

use smoltcp::phy::{Checksum, ChecksumCapabilities};
use smoltcp::time::Duration;
use smoltcp::wire::*;

use super::pair::*;
use crate::host::Sizes;
use crate::stack::*;
use crate::testing::random::{Random, seed};

pub(super) const SIZES: Sizes =
    Sizes { connections: 4, receive: 4_096, send: 4_096, ports: 2, datagrams: 4, payload: 65_536 };

/// Returns two hosts with IPv4 and IPv6 addresses that know each other. The server echoes on TCP and UDP port 7.
pub(super) fn pair() -> Pair {
    Pair::new(SIZES).with_both_families()
}

/// Runs both hosts for a minute. `change` replaces each frame to the server with other frames.
fn run_through(pair: &mut Pair, change: &mut dyn FnMut(Vec<u8>) -> Vec<Vec<u8>>) {
    for _ in 0..6_000 {
        pair.client.stack.poll(pair.now, &mut pair.client.io);
        let frames: Vec<_> = pair.to_server.borrow_mut().drain(..).collect();
        pair.to_server.borrow_mut().extend(frames.into_iter().flat_map(&mut *change));
        pair.server.stack.poll(pair.now, &mut pair.server.io);
        pair.now += Duration::from_millis(10);
    }
}

/// Checks that a text is echoed over TCP while `change` replaces the frames to the server.
pub(super) fn echoes_through(remote: IpAddress, change: &mut dyn FnMut(Vec<u8>) -> Vec<Vec<u8>>) -> Pair {
    let mut pair = pair();
    let text = Random(1).bytes(10_000);
    let id = pair.call_at(remote, 7, &text);
    run_through(&mut pair, change);
    let (app, end) = pair.client.stack.take(id).expect("the connection has ended");
    assert!(app.got() == text && end == End::Closed, "{} bytes, {end:?}", app.got().len());
    pair
}

/// Returns the fragments of a frame for a link with this MTU, or the frame itself if it fits.
///
/// This function does not use the stack's fragmenter, because the fragmenter cuts a TCP segment into shorter segments.
/// A router cuts the segment into fragments.
pub(super) fn cut(frame: &[u8], mtu: usize) -> Vec<Vec<u8>> {
    let packet = &frame[14..];
    if packet.len() <= mtu {
        return vec![frame.to_vec()];
    }
    let v6 = packet[0] >> 4 == 6;
    let (head, data) = packet.split_at(if v6 { 40 } else { 20 });
    let id = frame.iter().fold(1, |sum: u32, &byte| sum.wrapping_mul(31).wrapping_add(byte.into())).to_be_bytes();
    let most = (mtu - head.len() - if v6 { 8 } else { 0 }) / 8 * 8;
    let mut fragments = Vec::new();
    for (index, part) in data.chunks(most).enumerate() {
        let (offset, more) = (index * most, index * most + part.len() < data.len());
        let mut fragment = [&frame[..14], head].concat();
        if v6 {
            let [high, low] = (offset as u16 | u16::from(more)).to_be_bytes();
            fragment[18..20].copy_from_slice(&(part.len() as u16 + 8).to_be_bytes());
            fragment.extend([fragment[20], 0, high, low]);
            fragment.extend(id);
            fragment[20] = 44;
        } else {
            let mut ip = Ipv4Packet::new_unchecked(&mut fragment[14..]);
            ip.set_total_len((head.len() + part.len()) as u16);
            ip.set_ident(u16::from_be_bytes([id[2], id[3]]));
            ip.set_dont_frag(false);
            ip.set_more_frags(more);
            ip.set_frag_offset(offset as u16);
            ip.fill_checksum();
        }
        fragment.extend(part);
        fragments.push(fragment);
    }
    fragments
}

/// Reassembles these frames as the server would. Returns the packets without Ethernet headers.
fn join(frames: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let (mut packets, mut data): (Vec<Vec<u8>>, Vec<u8>) = (Vec::new(), Vec::new());
    for frame in frames {
        let packet = &frame[14..];
        match packet[0] >> 4 {
            4 if packet[6] & 0x3f != 0 || packet[7] != 0 => {
                data.extend(&packet[20..]);
                if packet[6] & 0x20 == 0 {
                    packets.push([&packet[..20], &data].concat());
                    data.clear();
                }
            }
            6 if packet[6] == 44 => {
                data.extend(&packet[48..]);
                if packet[43] & 1 == 0 {
                    let mut head = packet[..40].to_vec();
                    head[6] = packet[40];
                    packets.push([head, core::mem::take(&mut data)].concat());
                }
            }
            _ => packets.push(packet.to_vec()),
        }
    }
    packets
}

/// Returns a frame that the client sends to the server or that a router between them forwards.
pub(super) fn frame(v6: bool, protocol: u8, payload: &[u8]) -> Vec<u8> {
    let (from, to) = if v6 { (CLIENT_V6.into(), SERVER_V6.into()) } else { (CLIENT, SERVER) };
    let mut payload = payload.to_vec();
    match (from, to) {
        (IpAddress::Ipv6(from), IpAddress::Ipv6(to)) if protocol == 58 => {
            Icmpv6Packet::new_unchecked(&mut payload[..]).fill_checksum(&from, &to);
        }
        _ if protocol == 1 => Icmpv4Packet::new_unchecked(&mut payload[..]).fill_checksum(),
        _ if protocol == 17 => UdpPacket::new_unchecked(&mut payload[..]).fill_checksum(&from, &to),
        _ => {}
    }
    let ip = IpRepr::new(from, to, protocol.into(), payload.len(), 64);
    let mut frame = vec![0; 14 + ip.header_len()];
    let ethertype = if v6 { EthernetProtocol::Ipv6 } else { EthernetProtocol::Ipv4 };
    let (src_addr, dst_addr) = (EthernetAddress([2, 0, 0, 0, 0, 2]), EthernetAddress([2, 0, 0, 0, 0, 1]));
    EthernetRepr { src_addr, dst_addr, ethertype }.emit(&mut EthernetFrame::new_unchecked(&mut frame));
    ip.emit(&mut frame[14..], &ChecksumCapabilities::default());
    frame.extend(payload);
    frame
}

/// Returns the frames that the server sends when these frames arrive.
pub(super) fn replies(pair: &mut Pair, frames: impl IntoIterator<Item = Vec<u8>>) -> Vec<Vec<u8>> {
    pair.to_client.borrow_mut().clear();
    let mut sent = Vec::new();
    for frame in frames {
        pair.to_server.borrow_mut().push_back(frame);
        pair.server.stack.poll(pair.now, &mut pair.server.io);
        sent.extend(pair.to_client.borrow_mut().drain(..));
    }
    sent
}

/// Returns an echo request, or a UDP datagram to port 7, with `len` bytes of data.
fn question(v6: bool, udp: bool, len: usize) -> Vec<u8> {
    let data = Random(len as u64).bytes(len);
    if udp {
        let [high, low] = (8 + len as u16).to_be_bytes();
        return frame(v6, 17, &[&[0x20, 0, 0, 7, high, low, 0, 0], &data[..]].concat());
    }
    frame(v6, if v6 { 58 } else { 1 }, &[&[if v6 { 128 } else { 8 }, 0, 0, 0, 0, 1, 0, 2], &data[..]].concat())
}

#[test]
fn tcp_in_fragments_is_served() {
    for remote in [SERVER, SERVER_V6.into()] {
        let (mut backwards, mut most) = (false, 0);
        let pair = echoes_through(remote, &mut |frame| {
            let mut fragments = cut(&frame, 400);
            most = most.max(fragments.len());
            backwards = !backwards;
            if backwards {
                fragments.reverse();
            }
            fragments
        });
        assert!(most > 1, "no segment was cut");
        assert_eq!(pair.server.count(|event| matches!(event, Event::Dropped(DropReason::FragmentedTcp))), 0);
    }
}

/// A device that verifies TCP checksums finds no whole segment in a fragment or behind extension headers, so the stack
/// must verify these segments itself.
#[test]
fn damaged_segments_in_fragments_are_dropped_whatever_the_device_verifies() {
    for remote in [SERVER, SERVER_V6.into()] {
        let mut pair = pair();
        pair.server.stack.checksums.tcp = Checksum::Tx;
        let text = Random(1).bytes(10_000);
        let id = pair.call_at(remote, 7, &text);
        let mut long = 0;
        run_through(&mut pair, &mut |mut frame| {
            let fragments = cut(&frame, 400);
            if fragments.len() == 1 {
                return fragments;
            }
            long += 1;
            if long % 3 == 0 {
                *frame.last_mut().unwrap() ^= 1;
            }
            cut(&frame, 400)
        });
        let (app, end) = pair.client.stack.take(id).expect("the connection has ended");
        assert!(app.got() == text && end == End::Closed, "{} bytes, {end:?}", app.got().len());
        assert!(pair.server.count(|event| *event == Event::Dropped(DropReason::Checksum)) > 0);
    }
}

#[test]
fn tcp_with_a_vlan_0_tag_gets_replies_without_a_tag() {
    for remote in [SERVER, SERVER_V6.into()] {
        let pair =
            echoes_through(remote, &mut |frame| vec![[&frame[..12], &[0x81, 0, 0xa0, 0], &frame[12..]].concat()]);
        assert!(pair.to_client.borrow().iter().all(|frame| frame[12..14] != [0x81, 0]));
    }
}

/// The stack reports an MTU of 64 KiB to smoltcp, and the peer accepts segments of that length. The segments must still
/// fit the real link.
#[test]
fn segments_still_fit_the_link() {
    for (remote, local, header) in [(CLIENT, SERVER, 34), (CLIENT_V6.into(), SERVER_V6.into(), 54)] {
        let mut pair = pair();
        pair.server.listen(Listener::new(8, App::ask(&[7; 4_000], 1)));
        let tuple = Tuple { local: IpEndpoint::new(local, 8), remote: IpEndpoint::new(remote, 2_000) };
        let send = |pair: &mut Pair, ack, syn: bool| {
            let mut repr = control::bare(&tuple, TcpSeqNumber(100 + i32::from(!syn)), ack, 60_000);
            if syn {
                (repr.control, repr.ack_number, repr.max_seg_size) = (TcpControl::Syn, None, Some(60_000));
            }
            let (to, from) = (EthernetAddress([2, 0, 0, 0, 0, 1]), EthernetAddress([2, 0, 0, 0, 0, 2]));
            let mut frame = [0; 200];
            let len = control::write(&mut frame[14..], &tuple, &repr, &ChecksumCapabilities::default()).unwrap();
            link::write(Some(link::Ends { to, from }), &mut frame);
            replies(pair, [frame[..14 + len].to_vec()])
        };
        let sent = send(&mut pair, TcpSeqNumber(0), true);
        let [answer] = &sent[..] else { panic!("{} answers to SYN", sent.len()) };
        let tcp = TcpPacket::new_checked(&answer[header..]).unwrap();
        assert!(tcp.syn() && tcp.verify_checksum(&local, &remote));
        assert_eq!(tcp.options()[..4], [&[2, 4], &(1_514 - header as u16 - 20).to_be_bytes()[..]].concat());
        let iss = tcp.seq_number();
        let lens: Vec<_> = send(&mut pair, iss + 1, false).iter().map(Vec::len).collect();
        assert_eq!(lens, [1_514, 1_514, 4_000 - 2 * (1_514 - header - 20) + header + 20]);
    }
}

#[test]
fn long_requests_get_long_replies() {
    for v6 in [false, true] {
        for udp in [false, true] {
            for len in [10, 1_452, 1_453, 1_472, 1_473, 4_000, 60_000] {
                let mut pair = pair();
                let question = question(v6, udp, len);
                let sent = replies(&mut pair, cut(&question, 1_500));
                assert!(sent.iter().all(|frame| frame.len() <= 1_514));
                let packets = join(&sent);
                let [reply] = &packets[..] else { panic!("{} replies to {len} bytes", packets.len()) };
                let header = if v6 { 48 } else { 28 };
                assert!(reply[header..] == question[14 + header..], "v6 {v6}, UDP {udp}, {len} bytes");
                assert_eq!(pair.server.count(|event| matches!(event, Event::Dropped(_))), 0);
            }
        }
    }
}

/// Two replies need fragments. The second reply waits for the fragments of the first.
#[test]
fn long_replies_follow_one_another() {
    for v6 in [false, true] {
        let mut pair = pair();
        pair.server.io.device.room = 3;
        let questions: Vec<_> =
            [20_000, 30_000].into_iter().flat_map(|len| cut(&question(v6, false, len), 1_500)).collect();
        pair.to_client.borrow_mut().clear();
        pair.to_server.borrow_mut().extend(questions);
        let mut sent = Vec::new();
        for _ in 0..500 {
            let due = pair.server.stack.poll(pair.now, &mut pair.server.io);
            assert!(due.is_some() || pair.to_server.borrow().is_empty());
            sent.extend(pair.to_client.borrow_mut().drain(..));
            pair.now += Duration::from_millis(1);
        }
        let lens: Vec<_> = join(&sent).iter().map(|packet| packet.len() - if v6 { 48 } else { 28 }).collect();
        assert_eq!(lens, [20_000, 30_000]);
    }
}

/// The client sends long echo requests to the server.
#[test]
fn long_echo_requests_are_sent() {
    for to in [SERVER, SERVER_V6.into()] {
        let mut pair = pair();
        let memory = EchoMemory {
            socket: Box::leak(Box::new([smoltcp::iface::SocketStorage::EMPTY])),
            packets: Box::leak(Box::new([smoltcp::socket::icmp::PacketMetadata::EMPTY; 8])),
            bytes: Vec::leak(vec![0; 200_000]),
        };
        pair.client.stack.open_echo(memory, 9);
        pair.client.stack.send_echo(to, 1, 50_000).unwrap();
        pair.run_for(Duration::from_secs(2));
        let echo = pair.client.stack.take_echo().expect("a reply");
        assert_eq!((echo.len, echo.intact, echo.from), (50_000, true, to));
    }
}

/// After 30 s, the sender of an incomplete datagram gets an ICMP error.
#[test]
fn time_exceeded_is_sent_after_30_seconds() {
    for v6 in [false, true] {
        let mut pair = pair();
        let mut fragments = cut(&question(v6, false, 3_000), 1_500);
        fragments.truncate(1);
        let begin = pair.now;
        assert!(replies(&mut pair, fragments).is_empty());
        pair.now = pair.server.stack.poll(pair.now, &mut pair.server.io).expect("a deadline");
        assert_eq!(pair.server.stack.poll(pair.now, &mut pair.server.io), None);
        assert_eq!(pair.now - begin, Duration::from_secs(30));
        let answer = pair.to_client.borrow_mut().pop_front().expect("an answer");
        let at = if v6 { 54 } else { 34 };
        assert_eq!(answer[at..at + 2], [if v6 { 3 } else { 11 }, 1]);
        assert_eq!(pair.server.count(|event| *event == Event::Dropped(DropReason::LostFragments)), 1);
    }
}

/// A well-behaved client is served despite fragments that are incomplete, overlapping or invalid.
///
/// Each dropped fragment is counted, and the rate of ICMP errors to the senders is limited.
#[test]
fn a_flood_of_fragments_does_not_block_a_client() {
    let mut random = Random(seed(1));
    let mut pair = pair();
    let (mut served, mut answers) = (0, 0);
    for round in 0..100 {
        for _ in 0..100 {
            let v6 = random.one_in(2);
            let mut fragments = cut(&question(v6, random.one_in(2), 2_000 + random.below(3_000)), 1_280);
            let chosen = random.below(fragments.len());
            let mut fragment = fragments.swap_remove(chosen);
            // There are only 40 identifications, so that some fragments overlap.
            let id = if v6 { 61 } else { 19 };
            fragment[id] = random.below(40) as u8;
            if v6 {
                let first = 58;
                fragment[first..first + 3].fill(0);
            } else {
                fragment[18] = 0;
                Ipv4Packet::new_unchecked(&mut fragment[14..]).fill_checksum();
            }
            if random.one_in(4) {
                let at = 14 + random.below(fragment.len() - 14);
                fragment[at] ^= 1 << random.below(8);
            }
            answers += replies(&mut pair, [fragment]).len();
        }
        let v6 = round % 2 == 0;
        let sent = replies(&mut pair, cut(&question(v6, true, 3_000), 1_500));
        served += join(&sent).iter().filter(|packet| packet.len() > 3_000).count();
        pair.now += Duration::from_millis(700);
        pair.server.stack.poll(pair.now, &mut pair.server.io);
        answers += pair.to_client.borrow_mut().drain(..).count();
    }
    assert_eq!(served, 100);
    assert!(answers < 1_000, "{answers} answers in 70 s");
    let dropped = |why| pair.server.count(|event| *event == Event::Dropped(why));
    assert!(dropped(DropReason::LostFragments) > 500, "{}", dropped(DropReason::LostFragments));
    assert!(dropped(DropReason::BadFragment) > 500, "{}", dropped(DropReason::BadFragment));
    let text = b"polly".repeat(100);
    let id = pair.call_at(SERVER, 7, &text);
    pair.run_for(Duration::from_secs(5));
    assert!(pair.client.stack.take(id).is_some_and(|(app, end)| app.got() == text && end == End::Closed));
}
