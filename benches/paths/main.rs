//! Compares smolstep with Linux and Reno over a path with delay, loss and reordering.
//!
//! smolstep and Linux are measured in one run.
//!
//! Run this benchmark with `cargo bench --bench paths`. Both servers share one path, which relay.rs builds from two
//! TAPs. path.rs creates the network namespaces, and transfer.rs contains the clients. The two servers take turns, so a
//! slow phase of the machine affects both.
#![allow(missing_docs, reason = "a program, not a library")]

#[path = "../compare/deadline.rs"]
#[allow(dead_code, reason = "the comparison uses the rest")]
mod deadline;
#[path = "../compare/machine.rs"]
mod machine;
#[path = "../compare/metric.rs"]
#[allow(dead_code, reason = "the comparison uses the rest")]
mod metric;
#[path = "../compare/network.rs"]
#[allow(dead_code, reason = "the comparison uses the rest")]
mod network;
mod path;
#[path = "../../src/testing/random.rs"]
mod random;
mod relay;
mod report;
mod server;
mod transfer;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;

use machine::Machine;
use path::Path;
use relay::Faults;
use report::{Case, Run};
use server::Program;

/// Compares smolstep with Linux and Reno over a path of 20 ms that loses or reorders segments
///
/// Everything is measured in a private network. The benchmark takes a few minutes, because a transfer can take up to 25
/// s.
#[derive(Parser, Clone, Debug)]
#[command(name = "paths", bin_name = "cargo bench --bench paths --", version)]
struct Args {
    /// Measure each case N times with each server [default: 12; 1 with --quick]
    #[arg(long, value_name = "N")]
    rounds: Option<u16>,
    /// Transfer only a tenth of the bytes, to check that everything runs
    #[arg(long)]
    quick: bool,
    /// Write the results to FILE as JSON [default: no file]
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// The seed of the random losses and delays
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// `cargo bench` passes this option. `cargo test` does not, and then --quick applies
    #[arg(long, hide = true)]
    bench: bool,
    /// Run smolstep as the server of this program
    #[arg(long, hide = true, value_enum, exclusive = true)]
    child: Option<Program>,
}

/// The measured cases. Each has a name, a program, faults, and a number of bytes.
const CASES: [(&str, Program, Faults, usize); 4] = [
    ("loss-0", Program::Chargen, Faults { loss_percent: 0, reorder: Duration::ZERO }, 2_000_000),
    ("loss-1", Program::Chargen, Faults { loss_percent: 1, reorder: Duration::ZERO }, 2_000_000),
    ("loss-5", Program::Chargen, Faults { loss_percent: 5, reorder: Duration::ZERO }, 2_000_000),
    ("reorder", Program::Echo, Faults { loss_percent: 0, reorder: Duration::from_millis(3) }, 1_000_000),
];

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("paths: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Measures all cases, and prints the results.
///
/// # Errors
/// Returns a one-line message for the user.
fn run(args: &Args) -> Result<(), String> {
    if let Some(program) = args.child {
        return Err(server::become_smolstep(program));
    }
    network::enter()?;
    let quick = args.quick || !args.bench;
    let rounds = args.rounds.unwrap_or(if quick { 1 } else { 12 }).max(1);
    let mut results = Vec::new();
    for (name, program, faults, bytes) in CASES {
        let bytes = if quick { bytes / 10 } else { bytes };
        let path = Path::new(program, faults, args.seed)?;
        let transfers = path.measure(rounds, |address| transfer::transfer(program, address, bytes));
        results.push(Case { name, program, faults, transfers: transfers.map_err(|error| format!("{name}: {error}"))? });
    }
    let run = Run { machine: Machine::here(), rounds, quick, seed: args.seed };
    print!("{}", report::table(&run, &results));
    if let Some(file) = &args.json {
        let json = report::json(&run, &results);
        std::fs::write(file, json).map_err(|error| format!("{} cannot be written: {error}", file.display()))?;
    }
    Ok(())
}
