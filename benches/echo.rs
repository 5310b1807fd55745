//! Measures the round trip of an echo on the cable, with 1 to 16,384 connections.
//!
//! Run this benchmark with `cargo bench --bench echo`. A client sends 64 bytes through both stacks to the echo server,
//! which sends them back. One message is in flight at a time, and the connections take turns. Between two turns of a
//! connection, the other connections displace its memory from the cache. `cargo bench --bench compare -- cable-flat
//! cable-16384` takes the same measurement in several rounds.
#![allow(missing_docs, reason = "a program, not a library")]

#[path = "compare/cable.rs"]
#[allow(dead_code, reason = "the comparison uses the rest")]
mod cable;

use cable::EchoCable;
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};

fn echo(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("echo");
    for connections in [1, 64, 1024, 4096, 16_384] {
        let mut cable = EchoCable::new(connections).expect("every connection is established");
        group.bench_function(BenchmarkId::from_parameter(connections), |bencher| {
            bencher.iter(|| assert!(cable.round_trip(), "the echo comes back"));
        });
    }
    group.finish();
}

criterion_group!(benches, echo);
criterion_main!(benches);
