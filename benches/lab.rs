//! Measures the lab's steps, with its trace on.
//!
//! A run is a session of 1,000 greetings, without loss or with 10% loss.
//!
//! Run this benchmark with `cargo bench --bench lab`. Every trace entry is collected and prepared for display, as for
//! the lab's outputs. The throughput is in steps per second.
#![allow(missing_docs, reason = "a program, not a library")]

use core::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use smolstep::app;
use smolstep::cli::replay::replay;
use smolstep::lab::Setup;
use smoltcp::time::Duration;

/// A loss rate of 10%, in lost frames per million.
const TEN_PERCENT: u32 = 100_000;

fn lab(criterion: &mut Criterion) {
    let texts: Vec<String> = (0..1000).map(|number| number.to_string()).collect();
    let texts: Vec<&[u8]> = texts.iter().map(String::as_bytes).collect();
    let greeting = app::find("greeting").expect("there is such a program");
    let mut group = criterion.benchmark_group("lab");
    for loss in [0, TEN_PERCENT] {
        let mut setup = Setup::program(&greeting, &texts, false).expect("it can be set up");
        setup.line.loss = loss;
        setup.limit = Duration::from_secs(1_000_000);
        setup.steps = u32::MAX;
        let run = || {
            let mut steps = 0;
            let ended = replay(&setup, |snapshot, _| steps = black_box(snapshot).entry.step);
            assert_eq!(ended, Ok(true), "the run ends by itself");
            steps
        };
        group.throughput(Throughput::Elements(run().into()));
        group.bench_function(BenchmarkId::from_parameter(format!("{}% loss", loss / 10_000)), |bencher| {
            bencher.iter(run);
        });
    }
    group.finish();
}

criterion_group!(benches, lab);
criterion_main!(benches);
