use smoltcp::iface::{Config, Interface, PollResult, SocketHandle, SocketSet, SocketStorage};
use smoltcp::phy::{ChecksumCapabilities, Device, Medium, RxToken, TxToken};
use smoltcp::socket::tcp;
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{
    EthernetAddress, HardwareAddress, Icmpv4Packet, Icmpv4Repr, IpAddress, IpCidr, IpProtocol, Ipv4Address, Ipv4Packet,
    Ipv4Repr,
};

use super::{Cable, CableEnd};

const MTU: usize = 1514;
const NOW: Instant = Instant::ZERO;

#[test]
fn frames_keep_their_order_and_length_around_the_wrap() {
    let mut cable = Cable::<3, MTU>::new();
    let (mut left, mut right) = cable.ends();
    for round in 0..10u8 {
        assert!(send(&mut left, &[round; 3]));
        assert!(send(&mut left, &[]));
        assert_eq!(receive(&mut right).as_deref(), Some(&[round; 3][..]));
        assert_eq!(receive(&mut right).as_deref(), Some(&[][..]));
        assert_eq!(receive(&mut right), None);
    }
    assert!(send(&mut left, &[7; MTU]), "a frame as long as the MTU fits");
    assert_eq!(receive(&mut right).map(|frame| frame.len()), Some(MTU));
}

#[test]
fn the_two_ways_are_apart() {
    let mut cable = Cable::<2, MTU>::new();
    let (mut left, mut right) = cable.ends();
    assert!(send(&mut left, b"there") && send(&mut right, b"back"));
    assert_eq!(receive(&mut left).as_deref(), Some(&b"back"[..]));
    assert_eq!(receive(&mut right).as_deref(), Some(&b"there"[..]));
}

#[test]
fn a_full_queue_gives_no_token_and_loses_nothing() {
    let mut cable = Cable::<3, MTU>::new();
    let (mut left, mut right) = cable.ends();
    assert!(send(&mut left, b"0") && send(&mut left, b"1"));
    assert!(left.transmit(NOW).is_none(), "the last place is kept for a reply");
    assert!(send(&mut right, b"question") && send(&mut right, b"another"));

    // The reply takes the last place in the cable. No frame can be received now, because there is no room for a reply.
    reply(&mut left, b"2");
    assert!(left.receive(NOW).is_none());

    assert_eq!(receive(&mut right).as_deref(), Some(&b"0"[..]));
    assert_eq!(receive(&mut left).as_deref(), Some(&b"another"[..]), "a place is free again");
    assert_eq!(receive(&mut right).as_deref(), Some(&b"1"[..]));
    assert_eq!(receive(&mut right).as_deref(), Some(&b"2"[..]));
}

#[test]
fn two_ends_that_both_send_all_they_can_never_wait_for_each_other() {
    let mut cable = Cable::<4, MTU>::new();
    let (mut left, mut right) = cable.ends();
    for _ in 0..100 {
        while send(&mut left, b"") {}
        while send(&mut right, b"") {}
        let mut received = 0;
        while left.receive(NOW).is_some() && received < 100 {
            reply(&mut left, b"");
            received += 1;
        }
        while right.receive(NOW).is_some() && received < 100 {
            reply(&mut right, b"");
            received += 1;
        }
        assert!(received > 0);
    }
}

#[test]
fn the_other_end_works_while_a_frame_is_being_read() {
    let mut cable = Cable::<3, MTU>::new();
    let (mut left, mut right) = cable.ends();
    assert!(send(&mut left, b"first"));
    let (frame, place) = right.receive(NOW).unwrap();
    frame.consume(|frame| {
        assert_eq!(frame, b"first");
        assert!(send(&mut left, b"second"));
        assert!(left.transmit(NOW).is_none(), "the frame being read still takes its place");
        place.consume(5, |reply| reply.copy_from_slice(frame));
        assert_eq!(receive(&mut left).as_deref(), Some(&b"first"[..]));
    });
    assert_eq!(receive(&mut right).as_deref(), Some(&b"second"[..]));
}

#[test]
fn a_token_dropped_unused_changes_nothing() {
    let mut cable = Cable::<2, MTU>::new();
    let (mut left, mut right) = cable.ends();
    drop(left.transmit(NOW));
    assert!(right.receive(NOW).is_none());
    assert!(send(&mut left, b"stays"));
    drop(right.receive(NOW));
    assert_eq!(receive(&mut right).as_deref(), Some(&b"stays"[..]));
}

#[test]
fn capabilities_name_medium_and_mtu_and_leave_checksums_to_the_stack() {
    for medium in [Medium::Ethernet, Medium::Ip] {
        let mut cable = Cable::<2, 600>::with_medium(medium);
        let (left, right) = cable.ends();
        for capabilities in [left.capabilities(), right.capabilities()] {
            assert_eq!(capabilities.medium, medium);
            assert_eq!(capabilities.max_transmission_unit, 600);
            assert!(capabilities.checksum.tcp.rx() && capabilities.checksum.tcp.tx());
        }
    }
}

#[test]
fn two_interfaces_exchange_tcp_through_the_smallest_cable() {
    for medium in [Medium::Ethernet, Medium::Ip] {
        let mut cable = Cable::<2, 590>::with_medium(medium);
        let (mut left, mut right) = cable.ends();
        let (mut storage, mut peers_storage) = (Default::default(), Default::default());
        let (mut client, mut server) =
            (Host::new(&mut left, medium, 1, &mut storage), Host::new(&mut right, medium, 2, &mut peers_storage));
        server.socket().listen(80).unwrap();
        let to = (IpAddress::v4(10, 0, 0, 2), 80);
        let context = client.interface.context();
        client.sockets.get_mut::<tcp::Socket>(client.handle).connect(context, to, 49152).unwrap();

        // The server echoes 5,000 bytes through a receive buffer of 2,048 bytes and a cable of two frames.
        let text = core::array::from_fn::<u8, 5000, _>(|i| i as u8);
        let (mut sent, mut returned, mut now) = (0, Vec::new(), NOW);
        while returned.len() < text.len() {
            assert!(now < Instant::from_secs(60), "{sent} bytes sent, {} came back", returned.len());
            let socket = client.socket();
            if socket.can_send() && sent < text.len() {
                sent += socket.send_slice(&text[sent..]).unwrap();
            }
            if socket.can_recv() {
                socket.recv(|data| (data.len(), returned.extend_from_slice(data))).unwrap();
            }
            let socket = server.socket();
            if socket.can_recv() && socket.send_queue() == 0 {
                let mut data = [0; 512];
                let len = socket.recv_slice(&mut data).unwrap();
                assert_eq!(socket.send_slice(&data[..len]), Ok(len));
            }
            // `|` polls both ends before the clock advances. `||` would not poll the server after a change at the
            // client.
            let changed = client.poll(&mut left, now) | server.poll(&mut right, now);
            if !changed {
                now += Duration::from_millis(10);
            }
        }
        assert_eq!(returned, text);
    }
}

#[test]
fn an_interface_answers_a_ping() {
    let mut cable = Cable::<2, 590>::with_medium(Medium::Ip);
    let (mut left, mut right) = cable.ends();
    let mut storage = Default::default();
    let mut host = Host::new(&mut right, Medium::Ip, 2, &mut storage);

    let checksums = ChecksumCapabilities::default();
    let echo = Icmpv4Repr::EchoRequest { ident: 1, seq_no: 2, data: b"are you there" };
    let ip = Ipv4Repr {
        src_addr: Ipv4Address::new(10, 0, 0, 1),
        dst_addr: Ipv4Address::new(10, 0, 0, 2),
        next_header: IpProtocol::Icmp,
        payload_len: echo.buffer_len(),
        hop_limit: 64,
    };
    left.transmit(NOW).unwrap().consume(ip.buffer_len() + echo.buffer_len(), |packet| {
        ip.emit(&mut Ipv4Packet::new_unchecked(&mut *packet), &checksums);
        echo.emit(&mut Icmpv4Packet::new_unchecked(&mut packet[ip.buffer_len()..]), &checksums);
    });
    host.poll(&mut right, NOW);

    let reply = receive(&mut left).unwrap();
    let reply = Icmpv4Packet::new_checked(&reply[ip.buffer_len()..]).unwrap();
    let reply = Icmpv4Repr::parse(&reply, &checksums).unwrap();
    assert_eq!(reply, Icmpv4Repr::EchoReply { ident: 1, seq_no: 2, data: b"are you there" });
}

/// An interface with one TCP socket, at 10.0.0.N/24.
struct Host<'a> {
    interface: Interface,
    sockets: SocketSet<'a>,
    handle: SocketHandle,
}

impl<'a> Host<'a> {
    fn new<D: Device>(device: &mut D, medium: Medium, n: u8, storage: &'a mut [SocketStorage<'a>; 1]) -> Self {
        let address = match medium {
            Medium::Ip => HardwareAddress::Ip,
            _ => HardwareAddress::Ethernet(EthernetAddress([2, 0, 0, 0, 0, n])),
        };
        let mut interface = Interface::new(Config::new(address), device, NOW);
        interface.update_ip_addrs(|addresses| addresses.push(IpCidr::new(IpAddress::v4(10, 0, 0, n), 24)).unwrap());
        let mut sockets = SocketSet::new(&mut storage[..]);
        let buffer = || tcp::SocketBuffer::new(vec![0; 2048]);
        let handle = sockets.add(tcp::Socket::new(buffer(), buffer()));
        Host { interface, sockets, handle }
    }

    fn socket(&mut self) -> &mut tcp::Socket<'a> {
        self.sockets.get_mut(self.handle)
    }

    fn poll<D: Device>(&mut self, device: &mut D, now: Instant) -> bool {
        self.interface.poll(now, device, &mut self.sockets) == PollResult::SocketStateChanged
    }
}

fn send<const N: usize, const M: usize>(end: &mut CableEnd<'_, N, M>, frame: &[u8]) -> bool {
    let Some(place) = end.transmit(NOW) else { return false };
    place.consume(frame.len(), |bytes| bytes.copy_from_slice(frame));
    true
}

fn receive<const N: usize, const M: usize>(end: &mut CableEnd<'_, N, M>) -> Option<Vec<u8>> {
    Some(end.receive(NOW)?.0.consume(|frame| frame.to_vec()))
}

fn reply<const N: usize, const M: usize>(end: &mut CableEnd<'_, N, M>, answer: &[u8]) {
    let (frame, place) = end.receive(NOW).unwrap();
    frame.consume(|_| place.consume(answer.len(), |bytes| bytes.copy_from_slice(answer)));
}
