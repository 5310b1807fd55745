//! Measures the time that a stack needs to find the connection of a frame.
//!
//! To find a connection, the stack reads the headers and looks up the connection table.
//!
//! Run this benchmark with `cargo bench --bench demux`. The segments belong to all connections in turn.
#![allow(missing_docs, reason = "a program, not a library")]

#[path = "compare/cable.rs"]
#[allow(dead_code, reason = "the comparison uses the rest")]
mod cable;
#[path = "../tests/common/hostile/frame.rs"]
#[allow(dead_code, reason = "the tests use the rest")]
mod frame;

use core::hint::black_box;

use cable::EchoCable;
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use frame::{ACK, CLIENT_MAC, Ends, SERVER_MAC, TCP};
use smolstep::stack::Tuple;
use smoltcp::phy::Medium;
use smoltcp::wire::IpAddress;

fn demux(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("demux");
    for connections in [1, 64, 1024, 4096, 16_384] {
        let cable = EchoCable::new(connections).expect("every connection is established");
        let server = cable.server().expect("it is smolstep's");
        let frames: Vec<Vec<u8>> = server.connections_in_use().map(|connection| segment(&connection.tuple)).collect();
        assert!(frames.len() == connections && frames.iter().all(|frame| server.connection_of(frame).is_some()));
        let mut turns = frames.iter().cycle();
        group.bench_function(BenchmarkId::from_parameter(connections), |bencher| {
            bencher.iter(|| server.connection_of(black_box(turns.next()?)));
        });
    }
    group.finish();
}

/// Builds a segment with 64 bytes of data for the server.
fn segment(tuple: &Tuple) -> Vec<u8> {
    let (IpAddress::Ipv4(from), IpAddress::Ipv4(to)) = (tuple.remote.addr, tuple.local.addr) else {
        return Vec::new();
    };
    let tcp = frame::tcp((tuple.remote.port, tuple.local.port), 1, 1, ACK, 2048, &[], &[b'x'; 64]);
    let packet = frame::ip(Ends::V4(from.octets(), to.octets()), TCP, 0, &tcp);
    frame::frame(Medium::Ethernet, SERVER_MAC, CLIENT_MAC, packet)
}

criterion_group!(benches, demux);
criterion_main!(benches);
