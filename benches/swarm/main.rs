//! Runs random programs on a bad network, and counts broken invariants.
//!
//! Hosts restart, and an attacker forges segments.
//!
//! Run this benchmark with `cargo bench --bench swarm`. sim/ is the simulation; tests/lab/swarm.rs runs some of its
//! seeds. The second table shows the delay that up to six consecutive losses of one segment cause.
#![allow(missing_docs, reason = "a program, not a library")]

#[path = "../../tests/common/hostile/mod.rs"]
#[allow(dead_code, reason = "the tests use the rest")]
mod hostile;
mod sim;

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use clap::Parser;

use sim::consecutive::{self, MAX_LOSSES};
use sim::judge::{BREACHES, Breach};
use sim::{Outcome, replay};

/// Runs random programs on a bad network, and counts broken invariants
///
/// The exit code is 1 if an invariant is broken.
#[derive(Parser)]
#[command(name = "swarm", bin_name = "cargo bench --bench swarm --")]
struct Args {
    /// The number of seeds [default: 100000; 1 with --seed; 500 in `cargo test`]
    #[arg(long, value_name = "N")]
    seeds: Option<u64>,
    /// The first seed
    #[arg(long, value_name = "S")]
    seed: Option<u64>,
    /// The number of threads [default: the number of processors]
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// Print the trace of one seed
    #[arg(long, requires = "seed", conflicts_with = "seeds")]
    verbose: bool,
    /// `cargo bench` passes this option; `cargo test` does not
    #[arg(long, hide = true)]
    bench: bool,
}

/// The results of all seeds.
#[derive(Default)]
struct Total {
    /// For each breach, the seeds in which it occurred, each with a description. [`Total::print`] sorts the seeds.
    breaches: BTreeMap<Breach, Vec<(u64, String)>>,
    /// The number of programs whose connections ended as `Closed`, and the number of all programs.
    closed: (usize, usize),
    frames: u64,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let first = args.seed.unwrap_or(1);
    let many = if args.bench { 100_000 } else { 500 };
    let seeds = args.seeds.unwrap_or(if args.seed.is_some() { 1 } else { many });
    let jobs = args.jobs.or_else(|| std::thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get);
    // A panic of the stack is a finding, and the table shows its message. So the default hook must not also print it.
    std::panic::set_hook(Box::new(|_| {}));

    let (next, total) = (AtomicU64::new(0), Mutex::new(Total::default()));
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= seeds {
                        return;
                    }
                    let seed = first.wrapping_add(number);
                    let mut print = |line: String| println!("{line}");
                    let outcome = sim::run(seed, args.verbose.then_some(&mut print));
                    total.lock().expect("no thread panics with it").add(seed, outcome);
                }
            });
        }
    });
    let mut total = total.into_inner().expect("no thread panics with it");
    let broken = total.print(seeds);
    if args.seed.is_none() {
        print_losses();
    }
    if broken { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

impl Total {
    /// Adds the result of a seed. A breach is listed once for each seed.
    fn add(&mut self, seed: u64, outcome: Outcome) {
        for (breach, detail) in outcome.findings.0 {
            let seeds = self.breaches.entry(breach).or_default();
            if seeds.last().is_none_or(|(last, _)| *last != seed) {
                seeds.push((seed, detail));
            }
        }
        self.closed.0 += outcome.closed.0;
        self.closed.1 += outcome.closed.1;
        self.frames += outcome.frames;
    }

    /// Prints the table of breaches. Returns whether there is a breach.
    fn print(&mut self, seeds: u64) -> bool {
        let (closed, all) = self.closed;
        println!("{seeds} seeds, {} frames; of {all} programs {closed} closed well\n", self.frames);
        println!("{:<36} {:>7}  first seeds", "breach", "seeds");
        let mut broken = false;
        for breach in BREACHES {
            let found = self.breaches.entry(breach).or_default();
            found.sort();
            let first: Vec<String> = found.iter().take(4).map(|(seed, _)| seed.to_string()).collect();
            println!("{breach:<36} {:>7}  {}", found.len(), first.join(" "));
            if let Some((seed, detail)) = found.first() {
                broken = true;
                println!("    {detail}\n    {}", replay(*seed));
            }
        }
        broken
    }
}

/// Prints the table of the delays that consecutive losses of one segment cause.
fn print_losses() {
    println!(
        "\nDelay in ms of a byte whose segment is lost 1 to {MAX_LOSSES} times in a row. '!' is above the limit.\n"
    );
    println!("segment  sender    RTT");
    for case in consecutive::cases() {
        let cell = |losses| {
            let delay = consecutive::delay(&case, losses);
            let mark = if delay.is_some_and(|delay| delay <= consecutive::limit(&case, losses)) { "" } else { "!" };
            let shown = delay.map_or("never".into(), |delay| delay.total_millis().to_string());
            format!("{:>9}", shown + mark)
        };
        let cells: String = (1..=MAX_LOSSES).map(cell).collect();
        let sender = if case.client_sends { "client" } else { "server" };
        println!("{:<8} {sender:<6} {:>6} {cells}", case.name, (case.latency * 2).total_millis());
    }
}
