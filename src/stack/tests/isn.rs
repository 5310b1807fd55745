//! Tests of initial sequence numbers: they follow RFC 6528 and do not reveal the state of a generator.

use std::vec::Vec;

use smoltcp::iface::{SocketSet, SocketStorage};
use smoltcp::phy::Medium;
use smoltcp::socket::tcp;
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{IpCidr, IpEndpoint, Ipv4Packet, TcpPacket};

use super::pair::*;
use crate::host::Sizes;
use crate::stack::isn::{interface, isn, seed};
use crate::stack::*;
use crate::testing::link;

/// Returns the ports and the sequence number of each TCP segment in `frames`.
fn numbers(frames: &link::Frames) -> Vec<(u16, u16, u32)> {
    let tcp = |frame: &Vec<u8>| {
        let segment = TcpPacket::new_checked(frame.get(34..)?).ok()?;
        (frame[12..14] == [8, 0]).then(|| (segment.src_port(), segment.dst_port(), segment.seq_number().0 as u32))
    };
    frames.borrow().iter().filter_map(tcp).collect()
}

/// Returns two stacks that know each other's hardware address.
fn acquainted() -> Pair {
    let mut pair = Pair::with(Sizes { connections: 64, ..SMALL }, |_| {});
    pair.server.listen(Listener::new(7, App::Echo));
    pair.meet(SERVER);
    pair
}

/// Opens a connection. Returns both ISNs, each with the ISN that RFC 6528 requires.
fn open(pair: &mut Pair) -> [(u32, u32); 2] {
    let id = pair.call(7, App::Idle);
    let tuple = pair.client.stack.connections_in_use().find(|c| c.id == id).unwrap().tuple;
    pair.client.stack.poll(pair.now, &mut pair.client.io);
    let [(local, 7, syn)] = numbers(&pair.to_server)[..] else { panic!("not a SYN alone") };
    pair.server.stack.poll(pair.now, &mut pair.server.io);
    let [(7, remote, reply)] = numbers(&pair.to_client)[..] else { panic!("not a SYN,ACK alone") };
    assert_eq!((local, remote), (tuple.local.port, tuple.local.port));
    let key = |host: &Host| host.stack.config.seed.endpoints();
    let turned = Tuple { local: tuple.remote, remote: tuple.local };
    let wanted = [isn(pair.now, &tuple, key(&pair.client)), isn(pair.now, &turned, key(&pair.server))];
    pair.run_until_idle();
    [(syn, wanted[0]), (reply, wanted[1])]
}

/// This test fails if smoltcp changes its generator or the order in which an interface draws from it.
#[test]
fn both_hosts_use_the_initial_sequence_numbers_of_rfc_6528() {
    let mut pair = acquainted();
    for round in 0..40 {
        for (drawn, wanted) in open(&mut pair) {
            assert_eq!(drawn, wanted, "round {round}");
        }
        pair.now += Duration::from_micros(7);
    }
}

/// For two of these numbers, smoltcp would first draw the IPv4 identification 0, and would therefore draw the
/// identification again.
#[test]
fn every_initial_sequence_number_can_be_drawn() {
    let state = |number| next(next(seed(number)).0).0;
    let drawn_again = (0..).filter(|&number| state(number) % (1 << 29) != 0).take(2);
    for number in [0, 1, u32::MAX, 1 << 31].into_iter().chain(drawn_again) {
        assert_eq!(Drawer::new(seed(number)).draw(), number, "{number:#x}");
    }
}

#[test]
fn a_new_connection_of_the_same_endpoints_begins_higher() {
    let ends = Tuple { local: IpEndpoint::new(SERVER, 7), remote: IpEndpoint::new(CLIENT, 50_000) };
    let at = |micros| isn(Instant::from_micros(micros), &ends, 1);
    assert_eq!(at(1_000_000).wrapping_sub(at(0)), 250_000, "every 4 µs");
    let other = Tuple { remote: IpEndpoint::new(CLIENT, 50_001), ..ends };
    assert_ne!(isn(Instant::ZERO, &other, 1), at(0));
    assert_ne!(isn(Instant::ZERO, &ends, 2), at(0));
}

#[test]
fn four_observed_numbers_do_not_reveal_the_generator() {
    // The attack predicts the next number if smoltcp's interface draws all numbers from its generator.
    let mut drawer = Drawer::new(0x0123_4567_89ab_cdef);
    let [seen @ .., later] = [(); 5].map(|()| drawer.draw());
    let found = states(seen);
    assert_eq!(found.iter().map(|&state| next(state).1).collect::<Vec<_>>(), [later]);

    let mut pair = acquainted();
    let seen = [(); 4].map(|()| open(&mut pair));
    for end in 0..2 {
        assert!(states(seen.map(|both| both[end].0)).is_empty(), "end {end}");
    }
}

/// Ports follow RFC 6056 section 3.3.4. The ports for one destination are consecutive. The first port is secret, and is
/// different for each destination and each host.
#[test]
fn ephemeral_ports_follow_rfc_6056() {
    let mut pair = acquainted();
    let ports = |host: &mut Host, now, port| -> Vec<u16> {
        let remote = IpEndpoint::new(if port == 8 { CLIENT } else { SERVER }, port);
        let Host { stack, io } = host;
        let open = |_| {
            let id = stack.connect(now, remote, App::Idle, Duration::from_secs(1), io).unwrap();
            stack.connections.tuple(id.slot()).unwrap().local.port
        };
        (0..10).map(open).collect()
    };
    let seen = [
        ports(&mut pair.client, pair.now, 7),
        ports(&mut pair.client, pair.now, 9),
        ports(&mut pair.server, pair.now, 8),
    ];
    for ports in &seen {
        assert!(ports.iter().all(|port| *port >= 49_152), "{ports:?}");
        let follows = |two: &[u16]| two[1] == if two[0] == u16::MAX { 49_152 } else { two[0] + 1 };
        assert!(ports.windows(2).all(follows), "{ports:?}");
    }
    assert!(seen[1].iter().chain(&seen[2]).all(|port| !seen[0].contains(port)), "{seen:?}");
    // The search for a UDP port begins at a random port (section 3.3.1).
    let Host { stack, .. } = &mut pair.client;
    let bound = [(); 2].map(|()| stack.bind(0, Respond::new(Parrot)).unwrap());
    assert!(bound.iter().all(|port| *port >= 49_152) && bound[0].abs_diff(bound[1]) > 1, "{bound:?}");
}

/// Whole IPv4 packets have the identification 0, which reveals nothing (RFC 6864 section 4.1). The packets are
/// segments, RSTs, datagrams and ICMP errors.
#[test]
fn no_whole_packet_has_an_identification() {
    let mut pair = acquainted();
    pair.server.stack.bind(7, Respond::new(Parrot)).unwrap();
    let mut kinds = std::collections::BTreeSet::new();
    let id = pair.call(7, App::ask(b"hello", 5));
    let closed = pair.call(99, App::Idle);
    for port in [7, 99] {
        let frame = datagram(port);
        pair.to_server.borrow_mut().push_back(frame);
    }
    for _ in 0..20 {
        pair.client.stack.poll(pair.now, &mut pair.client.io);
        pair.server.stack.poll(pair.now, &mut pair.server.io);
        for frame in pair.to_client.borrow().iter().chain(pair.to_server.borrow().iter()) {
            if frame[12..14] == [8, 0] {
                assert_eq!(frame[18..20], [0, 0], "{frame:x?}");
                kinds.insert(frame[23]);
            }
        }
    }
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), [1, 6, 17], "ICMP, TCP and UDP");
    assert_eq!(pair.client.stack.ended(id), Some(End::Closed));
    assert_eq!(pair.client.stack.ended(closed), Some(End::Refused));
}

/// Returns a datagram from the client to a port of the server.
fn datagram(port: u16) -> Vec<u8> {
    let udp = [&40_000u16.to_be_bytes()[..], &port.to_be_bytes(), &[0, 13, 0, 0], b"hello"].concat();
    let mut ip = [&[0x45, 0, 0, 33, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 2, 10, 0, 0, 1][..], &udp].concat();
    Ipv4Packet::new_unchecked(&mut ip[..]).fill_checksum();
    [&[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0][..], &ip].concat()
}

/// An interface of smoltcp, which draws the sockets' initial sequence numbers.
struct Drawer {
    iface: Interface,
    device: link::End,
}

impl Drawer {
    fn new(seed: u64) -> Self {
        let (device, _) = link::ends(Medium::Ip);
        let mut iface = interface(device.capabilities(), seed, Instant::from_secs(1));
        iface.update_ip_addrs(|addresses| addresses.push(IpCidr::new(CLIENT, 24)).unwrap());
        Drawer { iface, device }
    }

    /// Returns the sequence number of the SYN of a new connection.
    fn draw(&mut self) -> u32 {
        let buffer = || tcp::SocketBuffer::new(vec![0; 64]);
        let mut socket = tcp::Socket::new(buffer(), buffer());
        socket.connect(self.iface.context(), (SERVER, 7), 50_000).unwrap();
        let mut storage = [SocketStorage::EMPTY];
        let mut set = SocketSet::new(&mut storage[..]);
        set.add(socket);
        self.iface.poll_egress(Instant::from_secs(1), &mut self.device, &mut set);
        let syn = self.device.outgoing.borrow_mut().pop_front().unwrap();
        TcpPacket::new_checked(&syn[20..]).unwrap().seq_number().0 as u32
    }
}

/// Steps smoltcp's generator: returns the next state and the number drawn from it.
fn next(state: u64) -> (u64, u32) {
    let state = state.wrapping_mul(MULTIPLIER).wrapping_add(0x7590_ef39);
    (state, (state >> (29 - (state >> 61))) as u32)
}

const MULTIPLIER: u64 = 0xbb2e_fcec_3c39_611d;

/// Returns the possible states of smoltcp's generator after it has drawn these four numbers in a row.
///
/// A number reveals 32 bits of the state. The state's top three bits select which 32 bits these are. Each pair of
/// states that matches the first two numbers is tested against the other numbers.
pub(super) fn states(seen: [u32; 4]) -> Vec<u64> {
    let mut found = Vec::new();
    for ((first, free), (second, width)) in possible(seen[0]).flat_map(|a| possible(seen[1]).map(move |b| (a, b))) {
        let mut low = 0;
        // The next state is `start` plus a multiple of the multiplier and must lie in the window.
        while let Some(more) = first_in(second.wrapping_sub(next(first | low).0), width) {
            low = match low.checked_add(more) {
                Some(low) if low < free => low,
                _ => break,
            };
            let end = seen[1..].iter().try_fold(first | low, |state, &number| {
                let (state, drawn) = next(state);
                (drawn == number).then_some(state)
            });
            found.extend(end);
            low += 1;
        }
    }
    found
}

/// Returns the states from which this number is drawn, as ranges: the first state and the number of states.
fn possible(number: u32) -> impl Iterator<Item = (u64, u64)> {
    (0..8u64).flat_map(move |top| {
        let unseen = 29 - top;
        (0..1 << top).map(move |high| (top << 61 | high << (61 - top) | u64::from(number) << unseen, 1 << unseen))
    })
}

/// Returns the smallest factor that moves the multiplier into this window, modulo 2^64.
fn first_in(start: u64, width: u64) -> Option<u64> {
    // A window that wraps round contains 0.
    let Some(end) = start.checked_add(width - 1) else { return Some(0) };
    let found = first_multiple(MULTIPLIER.into(), 1 << 64, start.into(), end.into())?;
    u64::try_from(found).ok()
}

/// Returns the smallest `x` for which `low <= factor * x % modulus <= high`, by Euclid's algorithm.
fn first_multiple(factor: u128, modulus: u128, low: u128, high: u128) -> Option<u128> {
    if low == 0 {
        return Some(0);
    }
    if factor == 0 {
        return None;
    }
    let reached = low.div_ceil(factor);
    if reached * factor <= high {
        return Some(reached);
    }
    // `turns` is how many times `factor * x` wraps round: turns * modulus + low <= factor * x <= turns * modulus +
    // high.
    let negative = |value: u128| (factor - value % factor) % factor;
    let turns = first_multiple(modulus % factor, factor, negative(high), negative(low))?;
    Some((turns * modulus + low).div_ceil(factor))
}
