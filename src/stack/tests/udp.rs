//! Tests of UDP ports: replies, refusals and datagrams that cannot be delivered.

use smoltcp::phy::ChecksumCapabilities;
use smoltcp::time::Duration;
use smoltcp::wire::*;

use super::pair::*;
use crate::stack::*;

const PEER: [u8; 6] = [2, 0, 0, 0, 0, 9];

/// Returns an Ethernet frame that is addressed to the server and contains a datagram from `source`.
fn datagram(source: IpEndpoint, destination: IpEndpoint, text: &[u8]) -> Vec<u8> {
    let (IpAddress::Ipv4(from), IpAddress::Ipv4(to)) = (source.addr, destination.addr) else { panic!("IPv4 only") };
    let udp = UdpRepr { src_port: source.port, dst_port: destination.port };
    let ip = Ipv4Repr {
        src_addr: from,
        dst_addr: to,
        next_header: IpProtocol::Udp,
        payload_len: 8 + text.len(),
        hop_limit: 64,
    };
    let mut frame = vec![0; 14 + 20 + 8 + text.len()];
    let ethernet = EthernetRepr {
        src_addr: EthernetAddress(PEER),
        dst_addr: EthernetAddress([2, 0, 0, 0, 0, 1]),
        ethertype: EthernetProtocol::Ipv4,
    };
    let caps = ChecksumCapabilities::default();
    ethernet.emit(&mut EthernetFrame::new_unchecked(&mut frame));
    ip.emit(&mut Ipv4Packet::new_unchecked(&mut frame[14..]), &caps);
    udp.emit(
        &mut UdpPacket::new_unchecked(&mut frame[34..]),
        &source.addr,
        &destination.addr,
        text.len(),
        |payload| payload.copy_from_slice(text),
        &caps,
    );
    frame
}

/// Returns an ARP request from `source`, from which the server learns the sender's hardware address.
fn arp(source: Ipv4Address) -> Vec<u8> {
    let arp = ArpRepr::EthernetIpv4 {
        operation: ArpOperation::Request,
        source_hardware_addr: EthernetAddress(PEER),
        source_protocol_addr: source,
        target_hardware_addr: EthernetAddress([0; 6]),
        target_protocol_addr: Ipv4Address::new(10, 0, 0, 1),
    };
    let mut frame = vec![0; 14 + arp.buffer_len()];
    let ethernet = EthernetRepr {
        src_addr: EthernetAddress(PEER),
        dst_addr: EthernetAddress::BROADCAST,
        ethertype: EthernetProtocol::Arp,
    };
    ethernet.emit(&mut EthernetFrame::new_unchecked(&mut frame));
    arp.emit(&mut ArpPacket::new_unchecked(&mut frame[14..]));
    frame
}

/// Returns whether a frame contains a UDP datagram over IPv4.
fn is_udp(frame: &[u8]) -> bool {
    frame[12..14] == [8, 0] && frame[23] == 17
}

#[test]
fn a_datagram_is_answered() {
    let mut pair = Pair::new(SMALL);
    pair.server.stack.bind(7, Respond::new(Parrot)).unwrap();
    let source = IpEndpoint::new(IpAddress::v4(10, 0, 0, 9), 5000);
    pair.to_server.borrow_mut().extend([arp(Ipv4Address::new(10, 0, 0, 9))]);
    for _ in 0..20 {
        pair.to_server.borrow_mut().push_back(datagram(source, IpEndpoint::new(SERVER, 7), b"polly"));
        pair.server.stack.poll(pair.now, &mut pair.server.io);
    }
    let replies = pair.to_client.borrow().iter().filter(|f| is_udp(f) && f.ends_with(b"polly")).count();
    assert_eq!(replies, 20);
}

/// A datagram gets no reply if the reply could start a loop or reach many hosts. Such a datagram comes from port 0,
/// from our own port, from the port of a service that always replies, or from an address that cannot belong to another
/// host.
#[test]
fn datagrams_that_could_start_a_loop_get_no_reply() {
    let mut pair = Pair::new(SMALL);
    pair.server.stack.bind(4000, Respond::new(Parrot)).unwrap();
    pair.to_server.borrow_mut().extend([arp(Ipv4Address::new(10, 0, 0, 9))]);
    for port in [0, 7, 9, 13, 17, 19, 37, 4000] {
        let source = IpEndpoint::new(IpAddress::v4(10, 0, 0, 9), port);
        pair.to_server.borrow_mut().push_back(datagram(source, IpEndpoint::new(SERVER, 4000), b"x"));
        pair.server.stack.poll(pair.now, &mut pair.server.io);
    }
    for source in [IpAddress::v4(255, 255, 255, 255), IpAddress::v4(224, 0, 0, 1), IpAddress::v4(0, 0, 0, 0), SERVER] {
        let source = IpEndpoint::new(source, 5000);
        pair.to_server.borrow_mut().push_back(datagram(source, IpEndpoint::new(SERVER, 4000), b"x"));
        pair.server.stack.poll(pair.now, &mut pair.server.io);
    }
    assert_eq!(pair.to_client.borrow().iter().filter(|f| is_udp(f)).count(), 0);
    // A datagram from another port of the same host gets a reply.
    let source = IpEndpoint::new(IpAddress::v4(10, 0, 0, 9), 5000);
    pair.to_server.borrow_mut().push_back(datagram(source, IpEndpoint::new(SERVER, 4000), b"x"));
    pair.server.stack.poll(pair.now, &mut pair.server.io);
    assert_eq!(pair.to_client.borrow().iter().filter(|f| is_udp(f)).count(), 1);
}

/// The reply to a client that never answers ARP waits during three requests. Meanwhile the server answers other
/// clients.
#[test]
fn an_unreachable_sender_does_not_block_the_port() {
    let mut pair = Pair::new(SMALL);
    pair.server.stack.bind(7, Respond::new(Parrot)).unwrap();
    let ghost = IpEndpoint::new(IpAddress::v4(10, 0, 0, 77), 5000);
    pair.to_server.borrow_mut().push_back(datagram(ghost, IpEndpoint::new(SERVER, 7), b"boo"));
    let source = IpEndpoint::new(IpAddress::v4(10, 0, 0, 9), 5000);
    pair.to_server.borrow_mut().extend([arp(Ipv4Address::new(10, 0, 0, 9))]);
    pair.to_server.borrow_mut().push_back(datagram(source, IpEndpoint::new(SERVER, 7), b"polly"));
    pair.server.stack.poll(pair.now, &mut pair.server.io);
    assert_eq!(pair.to_client.borrow().iter().filter(|f| is_udp(f) && f.ends_with(b"polly")).count(), 1);
    let began = pair.now;
    loop {
        let due = pair.server.stack.poll(pair.now, &mut pair.server.io);
        if pair.server.count(|e| *e == Event::Dropped(DropReason::Unreachable)) > 0 {
            break;
        }
        pair.now = due.expect("a deadline while a datagram waits").max(pair.now + Duration::from_micros(1));
    }
    assert_eq!(pair.now - began, Duration::from_secs(3));
}

#[test]
fn ports_are_checked() {
    let mut pair = Pair::new(SMALL);
    let server = &mut pair.server.stack;
    assert_eq!(server.bind(7, Respond::new(Parrot)), Ok(7));
    assert_eq!(server.bind(7, Respond::new(Parrot)), Err(ListenError::InUse));
    assert!(server.bind(0, Respond::new(Parrot)).is_ok_and(|port| port >= 49152));
    assert_eq!(server.bind(8, Respond::new(Parrot)), Err(ListenError::Full));
    assert_eq!(server.listen(Listener::new(7, App::Echo)), Ok(()));
    assert_eq!(server.listen(Listener::new(7, App::Echo)), Err(ListenError::InUse));
    assert_eq!(server.listen(Listener::new(0, App::Echo)), Err(ListenError::PortZero));
}

/// A port that is bound with `bind_unreported` produces no events. A resolver uses such a port.
#[test]
fn an_unreported_port_produces_no_events() {
    for unreported in [false, true] {
        let mut pair = Pair::new(SMALL);
        let server = &mut pair.server.stack;
        let parrot = Respond::new(Parrot);
        let port = if unreported { server.bind_unreported(7, parrot) } else { server.bind(7, parrot) }.unwrap();
        let source = IpEndpoint::new(IpAddress::v4(10, 0, 0, 9), 5000);
        pair.to_server.borrow_mut().extend([arp(Ipv4Address::new(10, 0, 0, 9))]);
        pair.to_server.borrow_mut().push_back(datagram(source, IpEndpoint::new(SERVER, port), b"polly"));
        pair.server.stack.poll(pair.now, &mut pair.server.io);
        assert_eq!(pair.to_client.borrow().iter().filter(|f| is_udp(f)).count(), 1);
        assert_eq!(pair.server.count(|event| matches!(event, Event::Udp { .. })) == 0, unreported);
    }
}
