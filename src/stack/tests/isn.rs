//! Initial sequence numbers: what RFC 6528 asks for, and that they do not give a generator away.

use std::vec::Vec;

use smoltcp::iface::{SocketSet, SocketStorage};
use smoltcp::phy::Medium;
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{IpCidr, IpEndpoint, TcpPacket};

use super::pair::*;
use crate::host::Sizes;
use crate::stack::isn::{interface, isn, seed};
use crate::stack::*;
use crate::testing::link;

/// The TCP segments that are on the way, each with its ports and sequence number.
fn numbers(frames: &link::Frames) -> Vec<(u16, u16, u32)> {
    let tcp = |frame: &Vec<u8>| {
        let segment = TcpPacket::new_checked(frame.get(34..)?).ok()?;
        (frame[12..14] == [8, 0]).then(|| (segment.src_port(), segment.dst_port(), segment.seq_number().0 as u32))
    };
    frames.borrow().iter().filter_map(tcp).collect()
}

/// Two stacks that know each other's hardware address.
fn acquainted() -> Pair {
    let mut pair = Pair::with(Sizes { connections: 64, ..SMALL }, |_| {});
    pair.server.listen(Listener::new(7, App::Echo));
    let refused = pair.call(99, App::Idle);
    pair.run_for(Duration::from_secs(3));
    pair.client.stack.take(refused).unwrap();
    pair
}

/// Begins a connection; returns the ISNs of both ends, and those that RFC 6528 asks for.
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

/// Fails if smoltcp changes its generator, or what an interface draws from it.
#[test]
fn both_ends_begin_where_rfc_6528_says() {
    let mut pair = acquainted();
    for round in 0..40 {
        for (drawn, wanted) in open(&mut pair) {
            assert_eq!(drawn, wanted, "round {round}");
        }
        pair.now += Duration::from_micros(7);
    }
}

/// Among them two numbers for which the identification before them would be 0, and be drawn again.
#[test]
fn every_number_can_be_drawn() {
    let state = |number| next(next(seed(number)).0).0;
    let drawn_again = (0..).filter(|&number| state(number) % (1 << 29) != 0).take(2);
    for number in [0, 1, u32::MAX, 1 << 31].into_iter().chain(drawn_again) {
        assert_eq!(Drawer::new(seed(number)).draw(), number, "{number:#x}");
    }
}

#[test]
fn a_new_connection_of_the_same_ends_begins_higher() {
    let ends = Tuple { local: IpEndpoint::new(SERVER, 7), remote: IpEndpoint::new(CLIENT, 50_000) };
    let at = |micros| isn(Instant::from_micros(micros), &ends, 1);
    assert_eq!(at(1_000_000).wrapping_sub(at(0)), 250_000, "every 4 µs");
    let other = Tuple { remote: IpEndpoint::new(CLIENT, 50_001), ..ends };
    assert_ne!(isn(Instant::ZERO, &other, 1), at(0));
    assert_ne!(isn(Instant::ZERO, &ends, 2), at(0));
}

#[test]
fn four_observed_numbers_do_not_give_the_generator_away() {
    // The attack finds a generator that draws all numbers, as an interface of smoltcp does.
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

/// An interface of smoltcp, from which sockets draw their numbers.
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

/// smoltcp's generator: the next state, and the number drawn then.
fn next(state: u64) -> (u64, u32) {
    let state = state.wrapping_mul(MULTIPLIER).wrapping_add(0x7590_ef39);
    (state, (state >> (29 - (state >> 61))) as u32)
}

const MULTIPLIER: u64 = 0xbb2e_fcec_3c39_611d;

/// The states of smoltcp's generator after it has drawn these numbers in a row.
///
/// A number shows 32 bits of the state, from a place that the highest three bits tell. All states that could show the first
/// number and then the second are tried against the others.
fn states(seen: [u32; 4]) -> Vec<u64> {
    let mut found = Vec::new();
    for ((first, free), (second, width)) in possible(seen[0]).flat_map(|a| possible(seen[1]).map(move |b| (a, b))) {
        let mut low = 0;
        // The next state is `start` and a multiple of the multiplier; it is to lie in a window.
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

/// The states that show this number, as ranges: the first state, and the number of states.
fn possible(number: u32) -> impl Iterator<Item = (u64, u64)> {
    (0..8u64).flat_map(move |top| {
        let unseen = 29 - top;
        (0..1 << top).map(move |high| (top << 61 | high << (61 - top) | u64::from(number) << unseen, 1 << unseen))
    })
}

/// The smallest factor by which the multiplier lies in this window modulo 2^64.
fn first_in(start: u64, width: u64) -> Option<u64> {
    // A window that wraps around has 0 in it.
    let Some(end) = start.checked_add(width - 1) else { return Some(0) };
    let found = first_multiple(MULTIPLIER.into(), 1 << 64, start.into(), end.into())?;
    u64::try_from(found).ok()
}

/// The smallest `x` for which `low <= factor * x % modulus <= high`, by Euclid's algorithm.
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
    // `factor * x` is in the window after `turns` times around: turns * modulus + low <= factor * x <= turns * modulus + high.
    let negative = |value: u128| (factor - value % factor) % factor;
    let turns = first_multiple(modulus % factor, factor, negative(high), negative(low))?;
    Some((turns * modulus + low).div_ceil(factor))
}
