//! Measures how fast a stack answers the SYNs of a flood.
//!
//! The connection table is full: it contains 1,024 half-way connections (SYN-RECEIVED).
//!
//! Each SYN evicts the oldest half-way connection. Run this benchmark with `cargo bench --bench syn`.
#![allow(missing_docs, reason = "a program, not a library")]

#[path = "../tests/common/hostile/frame.rs"]
#[allow(dead_code, reason = "the tests use the rest")]
mod frame;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use frame::{CLIENT, CLIENT_MAC, Ends, SERVER, SERVER_MAC, SYN, TCP};
use smolstep::app::echo;
use smolstep::host::{HeapPool, Sizes};
use smolstep::phy::{Cable, CableEnd};
use smolstep::stack::{Config, Io, Listener, NullConsole, Seed, Stack};
use smoltcp::phy::{Device, Medium, RxToken, TxToken};
use smoltcp::time::Instant;
use smoltcp::wire::{EthernetAddress, IpAddress, IpCidr};

const CONNECTIONS: usize = 1024;
const FRAMES: usize = 8;
const MTU: usize = 1514;

fn syn(criterion: &mut Criterion) {
    let mut cable = Cable::<FRAMES, MTU>::new();
    let (near, mut far) = cable.ends();
    let mut io = Io::new(near, NullConsole);
    let sizes = Sizes { connections: CONNECTIONS, receive: 2048, send: 2048, ports: 0, datagrams: 0, payload: 0 };
    let mut pool = HeapPool::new(sizes);
    let addresses = [IpCidr::new(IpAddress::Ipv4(SERVER.into()), 24)];
    let config = Config::new(EthernetAddress(SERVER_MAC).into(), Seed([1; 32]), &addresses);
    let now = Instant::from_secs(1);
    let mut stack: Stack<'_, echo::Server, ()> =
        Stack::new(config, &mut io.device, pool.memory(), now).expect("the configuration is right");
    stack.listen(Listener::new(7, echo::Server)).expect("the port is free");
    send(&mut far, now, &arp());
    stack.poll(now, &mut io);
    drain(&mut far, now);

    let frames: Vec<Vec<u8>> = (1024..=u16::MAX).map(segment).collect();
    let mut turns = frames.iter().cycle();
    let mut group = criterion.benchmark_group("syn");
    group.throughput(Throughput::Elements(1));
    group.bench_function(CONNECTIONS.to_string(), |bencher| {
        bencher.iter(|| {
            let frame = turns.next().expect("there are frames");
            send(&mut far, now, frame);
            stack.poll(now, &mut io);
            assert_eq!(drain(&mut far, now), 1);
        });
    });
    group.finish();
}

/// Builds a SYN with the source port `port`.
fn segment(port: u16) -> Vec<u8> {
    let tcp = frame::tcp((port, 7), u32::from(port), 0, SYN, 65_535, &[2, 4, 5, 0xb4], &[]);
    let mut packet = frame::ip(Ends::V4(CLIENT, SERVER), TCP, 0, &tcp);
    frame::fix_checksums(&mut packet);
    frame::frame(Medium::Ethernet, SERVER_MAC, CLIENT_MAC, packet)
}

/// Builds the client's ARP request for the server's address. The server learns the client's address from the request.
fn arp() -> Vec<u8> {
    let packet = [&[0, 1, 8, 0, 6, 4, 0, 1][..], &CLIENT_MAC, &CLIENT, &[0; 6], &SERVER].concat();
    frame::ether(Medium::Ethernet, [0xff; 6], CLIENT_MAC, 0x0806, packet)
}

/// Receives all frames that the other end has sent. Returns the number of frames.
fn drain(end: &mut CableEnd<'_, FRAMES, MTU>, now: Instant) -> usize {
    let mut frames = 0;
    while let Some((frame, _)) = end.receive(now) {
        frame.consume(|_| frames += 1);
    }
    frames
}

fn send(end: &mut CableEnd<'_, FRAMES, MTU>, now: Instant, frame: &[u8]) {
    let token = end.transmit(now).expect("the cable is empty");
    token.consume(frame.len(), |room| room.copy_from_slice(frame));
}

criterion_group!(benches, syn);
criterion_main!(benches);
