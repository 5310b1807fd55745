//! Tests of packets awaiting address resolution and of a table with many neighbours.

use std::vec::Vec;

use smoltcp::phy::ChecksumCapabilities;
use smoltcp::time::Duration;
use smoltcp::wire::{
    ArpOperation, ArpPacket, ArpRepr, EthernetAddress, EthernetFrame, EthernetProtocol, EthernetRepr, Icmpv4Packet,
    Icmpv4Repr, IpAddress, IpCidr, IpProtocol, Ipv4Address, Ipv4Packet, Ipv4Repr, UdpPacket, UdpRepr,
};

use super::pair::*;
use crate::stack::*;

const OURS: EthernetAddress = EthernetAddress([2, 0, 0, 0, 0, 1]);

/// Returns an Ethernet frame.
fn frame(from: EthernetAddress, to: EthernetAddress, ethertype: EthernetProtocol, payload: &[u8]) -> Vec<u8> {
    let mut bytes = std::vec![0; 14];
    EthernetRepr { src_addr: from, dst_addr: to, ethertype }.emit(&mut EthernetFrame::new_unchecked(&mut bytes[..]));
    bytes.extend(payload);
    bytes
}

/// Returns a broadcast frame that contains an ARP message.
fn arp(operation: ArpOperation, from: EthernetAddress, source: Ipv4Address, target: Ipv4Address) -> Vec<u8> {
    let mut bytes = [0; 28];
    let repr = ArpRepr::EthernetIpv4 {
        operation,
        source_hardware_addr: from,
        source_protocol_addr: source,
        target_hardware_addr: EthernetAddress([0; 6]),
        target_protocol_addr: target,
    };
    repr.emit(&mut ArpPacket::new_unchecked(&mut bytes[..]));
    frame(from, EthernetAddress::BROADCAST, EthernetProtocol::Arp, &bytes)
}

/// Returns a frame with an IPv4 packet to the server.
fn ipv4(from: EthernetAddress, source: Ipv4Address, next_header: IpProtocol, payload: &[u8]) -> Vec<u8> {
    let IpAddress::Ipv4(dst_addr) = SERVER else { panic!() };
    let ip = Ipv4Repr { src_addr: source, dst_addr, next_header, payload_len: payload.len(), hop_limit: 64 };
    let mut bytes = std::vec![0; 20 + payload.len()];
    let mut packet = Ipv4Packet::new_unchecked(&mut bytes[..]);
    ip.emit(&mut packet, &ChecksumCapabilities::default());
    packet.payload_mut().copy_from_slice(payload);
    frame(from, OURS, EthernetProtocol::Ipv4, &bytes)
}

/// Returns a frame with a datagram to the server's port 7.
fn datagram(from: EthernetAddress, source: Ipv4Address, data: &[u8]) -> Vec<u8> {
    let mut bytes = std::vec![0; 8 + data.len()];
    let repr = UdpRepr { src_port: 2_000, dst_port: 7 };
    let emit = |payload: &mut [u8]| payload.copy_from_slice(data);
    let checksums = ChecksumCapabilities::default();
    repr.emit(&mut UdpPacket::new_unchecked(&mut bytes[..]), &source.into(), &SERVER, data.len(), emit, &checksums);
    ipv4(from, source, IpProtocol::Udp, &bytes)
}

/// Returns a frame that contains an echo request to the server.
fn ping(from: EthernetAddress, source: Ipv4Address) -> Vec<u8> {
    let mut bytes = [0; 12];
    let repr = Icmpv4Repr::EchoRequest { ident: 1, seq_no: 1, data: b"ping" };
    repr.emit(&mut Icmpv4Packet::new_unchecked(&mut bytes[..]), &ChecksumCapabilities::default());
    ipv4(from, source, IpProtocol::Icmp, &bytes)
}

/// Returns the addresses of a made-up neighbour.
fn made_up(number: u32) -> (EthernetAddress, Ipv4Address) {
    let [_, b, c, d] = number.to_be_bytes();
    (EthernetAddress([2, 1, 0, b, c, d]), Ipv4Address::new(10, 64 + b, c, d))
}

/// Returns a server in 10.0.0.0/8 that answers on UDP port 7.
fn server() -> Pair {
    let mut pair = Pair::with(SMALL, |config| {
        config.addresses.clear();
        config.addresses.push(IpCidr::new(SERVER, 8)).unwrap();
    });
    pair.server.stack.bind(7, Respond::new(Parrot)).unwrap();
    pair.server.io.device.room = usize::MAX;
    pair
}

fn exchange(pair: &mut Pair, frames: &[Vec<u8>]) -> Vec<Vec<u8>> {
    pair.to_server.borrow_mut().extend(frames.iter().cloned());
    poll(pair)
}

/// Returns the frames that the server sends now.
fn poll(pair: &mut Pair) -> Vec<Vec<u8>> {
    while pair.server.stack.poll(pair.now, &mut pair.server.io).is_some_and(|due| due <= pair.now) {}
    pair.to_client.borrow_mut().drain(..).collect()
}

/// Returns the number of frames that the server sends in each of the next `seconds` seconds.
fn wait(pair: &mut Pair, seconds: usize) -> Vec<usize> {
    let tick = |pair: &mut Pair| {
        pair.now += Duration::from_millis(10);
        poll(pair).len()
    };
    (0..seconds).map(|_| (0..100).map(|_| tick(pair)).sum()).collect()
}

fn unreachable(pair: &Pair) -> usize {
    pair.server.count(|event| matches!(event, Event::Dropped(DropReason::Unreachable)))
}

#[test]
fn a_datagram_waits_for_its_neighbour_and_is_sent_once() {
    let mut pair = server();
    let (hardware, source) = made_up(1);
    let sent = exchange(&mut pair, &[datagram(hardware, source, b"hello")]);
    let IpAddress::Ipv4(own) = SERVER else { panic!() };
    assert_eq!(sent, [arp(ArpOperation::Request, OURS, own, source)]);
    pair.now += Duration::from_millis(300);
    let sent = exchange(&mut pair, &[arp(ArpOperation::Reply, hardware, source, own)]);
    assert_eq!(sent.len(), 1);
    assert_eq!((&sent[0][..6], &sent[0][42..]), (&hardware.0[..], &b"hello"[..]));
    assert_eq!((wait(&mut pair, 5), unreachable(&pair)), (std::vec![0; 5], 0));
}

#[test]
fn a_silent_neighbour_gets_three_requests() {
    let mut pair = server();
    let (hardware, source) = made_up(1);
    let sent = exchange(&mut pair, &[datagram(hardware, source, b"hello")]);
    assert_eq!(sent.len(), 1);
    // More requests are sent after 1 s and 2 s. After 3 s, the stack gives up on the neighbour.
    assert_eq!(wait(&mut pair, 10), [1, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(unreachable(&pair), 1);
    // The next datagram causes a new request.
    assert_eq!(exchange(&mut pair, &[datagram(hardware, source, b"hello")]).len(), 1);
}

#[test]
fn groups_and_broadcasts_have_their_own_hardware_addresses() {
    let mut pair = Pair::new(SMALL);
    let link = |pair: &mut Pair, to: IpAddress| {
        let mut packet = [0; 20];
        let (IpAddress::Ipv4(src_addr), IpAddress::Ipv4(dst_addr)) = (SERVER, to) else { panic!() };
        let next_header = IpProtocol::Udp;
        let ip = Ipv4Repr { src_addr, dst_addr, next_header, payload_len: 0, hop_limit: 64 };
        ip.emit(&mut Ipv4Packet::new_unchecked(&mut packet[..]), &ChecksumCapabilities::default());
        let server = &mut pair.server;
        server.stack.scratch[..20].copy_from_slice(&packet);
        let token = smoltcp::phy::Device::transmit(&mut server.io.device, pair.now).unwrap();
        server.stack.dispatch(pair.now, 20, token, &mut server.io.probe);
        pair.to_client.borrow_mut().pop_front().unwrap()[..6].to_vec()
    };
    for (to, hardware) in [
        (IpAddress::v4(255, 255, 255, 255), [0xff; 6]),
        (IpAddress::v4(10, 0, 0, 255), [0xff; 6]),
        (IpAddress::v4(224, 0, 0, 251), [1, 0, 0x5e, 0, 0, 251]),
        (IpAddress::v4(239, 255, 1, 2), [1, 0, 0x5e, 0x7f, 1, 2]),
    ] {
        assert_eq!(link(&mut pair, to), hardware, "{to}");
    }
}

#[test]
fn four_thousand_hosts_that_ping_once_are_all_answered() {
    let mut pair = server();
    let mut answered = 0;
    for number in 0..4_096 {
        let (hardware, source) = made_up(number);
        let sent = exchange(&mut pair, &[ping(hardware, source)]);
        answered += sent.iter().filter(|frame| frame[..6] == hardware.0 && frame[23] == 1).count();
        pair.now += Duration::from_micros(100);
    }
    assert_eq!(answered, 4_096);
    // The server must send a request for each sender of these datagrams, 64 senders at a time. Each sender answers
    // after 5 ms.
    let IpAddress::Ipv4(own) = SERVER else { panic!() };
    let mut answered = 0;
    for batch in 0..64 {
        let hosts: Vec<_> = (0..64).map(|number| made_up(10_000 + batch * 64 + number)).collect();
        for &(hardware, source) in &hosts {
            let asked = exchange(&mut pair, &[datagram(hardware, source, b"hello")]);
            assert_eq!(asked, [arp(ArpOperation::Request, OURS, own, source)]);
        }
        pair.now += Duration::from_millis(5);
        for &(hardware, source) in &hosts {
            let sent = exchange(&mut pair, &[arp(ArpOperation::Reply, hardware, source, own)]);
            answered += sent.iter().filter(|frame| frame[..6] == hardware.0 && frame.ends_with(b"hello")).count();
        }
    }
    assert_eq!(answered, 4_096);
    assert!(pair.now < smoltcp::time::Instant::from_secs(6));
    assert_eq!(unreachable(&pair), 0);
}

#[test]
fn made_up_neighbours_do_not_cut_off_the_router_or_a_live_peer() {
    let mut pair = server();
    let IpAddress::Ipv4(own) = SERVER else { panic!() };
    let ((peer, address), router) = (made_up(7), Ipv4Address::new(10, 0, 0, 254));
    let far = Ipv4Address::new(192, 0, 2, 1);
    pair.server.stack.set_router(pair.now, router.into(), &mut pair.server.io.probe).unwrap();
    let router_hardware = EthernetAddress([2, 9, 0, 0, 0, 9]);
    exchange(&mut pair, &[arp(ArpOperation::Request, peer, address, own)]);
    exchange(&mut pair, &[arp(ArpOperation::Request, router_hardware, router, own)]);
    let (mut served, mut answers) = (0, 0);
    for number in 0..100_000 {
        let (hardware, source) = made_up(100 + number);
        // The frame is an ARP request for our address, which the server answers, or an unsolicited ARP reply.
        let kind = if number % 2 == 0 { ArpOperation::Request } else { ArpOperation::Reply };
        answers += exchange(&mut pair, &[arp(kind, hardware, source, own)]).len();
        if number % 1_000 != 999 {
            continue;
        }
        pair.now += Duration::from_millis(20);
        for (from, source) in [(peer, address), (router_hardware, far)] {
            let mut sent = exchange(&mut pair, &[datagram(from, source, b"still there?")]);
            // If the neighbour was replaced, the server sends a request for it, and the reply waits.
            if sent.iter().any(|frame| frame[12..14] == [8, 6]) {
                let asked = if source == far { router } else { source };
                sent = exchange(&mut pair, &[arp(ArpOperation::Reply, from, asked, own)]);
            }
            served += sent.iter().filter(|frame| frame[..6] == from.0 && frame.ends_with(b"still there?")).count();
        }
    }
    assert_eq!((served, answers, unreachable(&pair)), (200, 50_000, 0));
}

#[test]
fn a_datagram_whose_neighbour_is_replaced_is_counted() {
    let mut pair = server();
    // None of these neighbours ever answers.
    for number in 0..1_500 {
        let (hardware, source) = made_up(number);
        assert_eq!(exchange(&mut pair, &[datagram(hardware, source, b"hello")]).len(), 1);
    }
    let evicted = unreachable(&pair);
    assert!(evicted >= 1_500 - 1_024, "{evicted}");
    wait(&mut pair, 5);
    assert_eq!(unreachable(&pair), 1_500);
}

#[test]
fn a_peers_new_hardware_address_is_found_when_the_link_comes_up() {
    let mut pair = server();
    let IpAddress::Ipv4(own) = SERVER else { panic!() };
    let (old, address) = made_up(1);
    let (new, _) = made_up(2);
    exchange(&mut pair, &[arp(ArpOperation::Request, old, address, own)]);
    assert_eq!(exchange(&mut pair, &[datagram(old, address, b"hello")])[0][..6], old.0);
    // The stack would use the old hardware address for a minute.
    assert_eq!(exchange(&mut pair, &[datagram(new, address, b"hello")])[0][..6], old.0);
    pair.server.stack.link_changed(pair.now, false);
    pair.server.stack.link_changed(pair.now, true);
    assert_eq!(
        exchange(&mut pair, &[datagram(new, address, b"hello")]),
        [arp(ArpOperation::Request, OURS, own, address)]
    );
    let sent = exchange(&mut pair, &[arp(ArpOperation::Reply, new, address, own)]);
    assert_eq!((sent.len(), &sent[0][..6]), (1, &new.0[..]));
}
