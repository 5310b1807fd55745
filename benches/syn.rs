//! How fast SYNs are answered that nothing follows, in a table of 1,024: each makes the oldest half-open connection go.
//!
//! `cargo bench --bench syn`.
#![allow(missing_docs, reason = "a program, not a library")]

#[path = "../tests/common/hostile/frame.rs"]
#[allow(dead_code, reason = "the tests use the rest")]
mod frame;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use frame::{CLIENT, CLIENT_MAC, Ends, SERVER, SERVER_MAC, SYN, TCP};
use smolstep::app::echo;
use smolstep::host::{HeapPool, Sizes};
use smolstep::stack::{Config, Io, Listener, Quiet, Seed, Stack};
use smoltcp::phy::{self, Device, DeviceCapabilities, Medium};
use smoltcp::time::Instant;
use smoltcp::wire::{EthernetAddress, IpAddress, IpCidr};

const CONNECTIONS: usize = 1024;

fn syn(criterion: &mut Criterion) {
    let mut io = Io::new(Wire { incoming: Some(arp()), answered: 0, buffer: [0; 1514] }, Quiet);
    let sizes = Sizes { connections: CONNECTIONS, receive: 2048, send: 2048, ports: 0, datagrams: 0, payload: 0 };
    let mut pool = HeapPool::new(sizes);
    let addresses = [IpCidr::new(IpAddress::Ipv4(SERVER.into()), 24)];
    let config = Config::new(EthernetAddress(SERVER_MAC).into(), Seed([1; 32]), &addresses);
    let now = Instant::from_secs(1);
    let mut stack: Stack<'_, echo::Server, ()> =
        Stack::new(config, &mut io.device, pool.memory(), now).expect("the configuration is right");
    stack.listen(Listener::new(7, echo::Server)).expect("the port is free");
    stack.poll(now, &mut io);

    let frames: Vec<Vec<u8>> = (1024..=u16::MAX).map(segment).collect();
    let mut turns = frames.iter().cycle();
    let mut group = criterion.benchmark_group("syn");
    group.throughput(Throughput::Elements(1));
    group.bench_function(CONNECTIONS.to_string(), |bencher| {
        bencher.iter(|| {
            let before = io.device.answered;
            io.device.incoming = turns.next().cloned();
            stack.poll(now, &mut io);
            assert_eq!(io.device.answered, before + 1);
        });
    });
    group.finish();
}

/// A SYN from this port.
fn segment(port: u16) -> Vec<u8> {
    let tcp = frame::tcp((port, 7), u32::from(port), 0, SYN, 65_535, &[2, 4, 5, 0xb4], &[]);
    let mut packet = frame::ip(Ends::V4(CLIENT, SERVER), TCP, 0, &tcp);
    frame::fix_checksums(&mut packet);
    frame::frame(Medium::Ethernet, SERVER_MAC, CLIENT_MAC, packet)
}

/// The client asks for the server's hardware address, and so tells its own.
fn arp() -> Vec<u8> {
    let packet = [&[0, 1, 8, 0, 6, 4, 0, 1][..], &CLIENT_MAC, &CLIENT, &[0; 6], &SERVER].concat();
    frame::ether(Medium::Ethernet, [0xff; 6], CLIENT_MAC, 0x0806, packet)
}

/// Hands out one frame, and counts those that come back.
struct Wire {
    incoming: Option<Vec<u8>>,
    answered: u64,
    buffer: [u8; 1514],
}

impl Device for Wire {
    type RxToken<'t> = Frame;
    type TxToken<'t> = Room<'t>;

    fn receive(&mut self, now: Instant) -> Option<(Frame, Room<'_>)> {
        let frame = self.incoming.take()?;
        Some((Frame(frame), self.transmit(now)?))
    }

    fn transmit(&mut self, _now: Instant) -> Option<Room<'_>> {
        Some(Room { answered: &mut self.answered, buffer: &mut self.buffer })
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = self.buffer.len();
        capabilities
    }
}

struct Frame(Vec<u8>);

impl phy::RxToken for Frame {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        f(&self.0)
    }
}

struct Room<'t> {
    answered: &'t mut u64,
    buffer: &'t mut [u8],
}

impl phy::TxToken for Room<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, f: F) -> R {
        *self.answered += 1;
        f(&mut self.buffer[..len])
    }
}

criterion_group!(benches, syn);
criterion_main!(benches);
