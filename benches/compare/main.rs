//! Compares smolstep with smoltcp alone, the kernel's TCP and Python in one run.
//!
//! Run this benchmark with `cargo bench --bench compare -- ROW…`. The measurements take turns, round by round, so a
//! slow phase of the machine affects all of them. Each measurement runs in its own network namespace with a new TAP.
//! rows.rs lists the comparisons, and measure.rs takes the measurements.
#![allow(missing_docs, reason = "a program, not a library")]

#[allow(dead_code, reason = "the benchmark demux uses the rest")]
mod cable;
mod child;
mod client;
mod crowd;
mod deadline;
mod json;
mod kernel;
mod machine;
mod measure;
mod metric;
mod network;
mod pattern;
#[allow(clippy::duplicate_mod, reason = "tests/commands/bench.rs also has it, for other tests")]
#[path = "../../src/testing/random.rs"]
mod random;
mod results;
mod rows;
mod server;
mod stack;
mod table;
mod talk;
#[cfg(test)]
mod tests;
mod tuntap;

use std::io::Write;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Parser;
use clap::builder::PossibleValuesParser;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use json::JsonFile;
use machine::Machine;
use measure::{Effort, Meter};
use metric::{Figure, Job};
use results::{Measured, RowResult};
use rows::{ROWS, Row};

/// Compares smolstep with smoltcp alone, the kernel's TCP and Python: throughput, round trips, connections, memory
///
/// Everything is measured in a private network. A row that misses its limit does not change the exit code.
#[derive(Parser, Clone, Debug)]
#[command(
    name = "compare",
    bin_name = "cargo bench --bench compare --",
    version,
    after_help = "Examples:
  cargo bench --bench compare
  cargo bench --bench compare -- send-tuntap latency-kernel --rounds 3 --json bench.json
  cargo bench --bench compare -- --list"
)]
pub struct Args {
    /// The rows to measure [default: all]
    #[arg(value_name = "ROW", hide_possible_values = true, value_parser = PossibleValuesParser::new(ROWS.map(|row| row.name)))]
    rows: Vec<String>,
    /// Run N rounds of all measurements [default: 5; 1 with --quick]
    #[arg(long, value_name = "N")]
    rounds: Option<NonZeroUsize>,
    /// Take 0.1 s instead of 1 s for each measurement, only to check that everything runs
    #[arg(long)]
    quick: bool,
    /// List the rows with their descriptions
    #[arg(long, conflicts_with_all = ["rows", "rounds", "quick", "json", "markdown"])]
    list: bool,
    /// Write the results to FILE as JSON [default: no file]
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Print the table as Markdown
    #[arg(long)]
    markdown: bool,
    /// `cargo bench` passes this option. `cargo test` does not, and then --quick applies
    #[arg(long, hide = true)]
    bench: bool,
    /// Run a server for N connections; the parent process measures its memory
    #[arg(long, hide = true, value_name = "N", exclusive = true)]
    child: Option<u16>,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("compare: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Takes the measurements and prints the results. Returns false if a measurement failed.
///
/// # Errors
/// Returns a one-line message for the user.
fn run(args: &Args) -> Result<bool, String> {
    if let Some(connections) = args.child {
        return Err(child::become_server(connections));
    }
    if args.list {
        let list: String = ROWS.iter().map(|row| format!("{:<17} {}\n", row.name, row.text)).collect();
        return print(&list).map(|()| true);
    }
    let chosen = |row: &&Row| args.rows.is_empty() || args.rows.iter().any(|name| name == row.name);
    let rows: Vec<&Row> = ROWS.iter().filter(chosen).collect();
    let json_file = args.json.as_deref().map(JsonFile::open).transpose()?;
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGHUP, SIGINT, SIGTERM] {
        // A second signal terminates the process immediately.
        signal_hook::flag::register_conditional_shutdown(signal, 1, stop.clone())
            .and_then(|_| signal_hook::flag::register(signal, stop.clone()))
            .map_err(|error| format!("catching signals: {error}"))?;
    }
    network::enter()?;

    let machine = Machine::here();
    let quick = args.quick || !args.bench;
    let (rounds, effort) = if quick { (1, Effort::QUICK) } else { (5, Effort::FULL) };
    let rounds = args.rounds.map_or(rounds, NonZeroUsize::get);
    let measured = measure_all(&rows, rounds, effort, &stop);
    let results: Vec<(&Row, RowResult)> = rows.iter().map(|row| (*row, measured.row(row))).collect();

    let quick_note = if quick { ", quick: whether it runs, not how fast" } else { "" };
    let debug = if cfg!(debug_assertions) { ", debug build: the figures mean nothing" } else { "" };
    let s = if rounds == 1 { "" } else { "s" };
    let version = env!("CARGO_PKG_VERSION");
    let head = format!("smolstep {version} on {machine}; median of {rounds} round{s}{quick_note}{debug}");
    print(&table::table(&head, args.markdown, &results))?;
    if let Some(file) = json_file {
        file.finish(&json::json(&machine, rounds, quick, &results))?;
    }
    if stop.load(Ordering::Relaxed) {
        return Err("interrupted: the table has what was measured before".into());
    }
    Ok(!measured.has_failed())
}

/// Takes the measurements that the rows need, in `rounds` rounds.
fn measure_all(rows: &[&Row], rounds: usize, effort: Effort, stop: &AtomicBool) -> Measured {
    let mut jobs: Vec<Job> = Vec::new();
    for job in rows.iter().flat_map(|row| row.figures()).map(Figure::job) {
        if !jobs.contains(&job) {
            jobs.push(job);
        }
    }
    let bar = bar(rounds.saturating_mul(jobs.len()));
    let (mut meter, mut measured) = (Meter::new(effort, stop), Measured::default());
    'rounds: for _ in 0..rounds {
        for job in &jobs {
            if stop.load(Ordering::Relaxed) {
                break 'rounds;
            }
            bar.set_message(job.to_string());
            bar.tick();
            if !measured.has_missed(*job) {
                measured.take(*job, meter.measure(*job));
            }
            bar.inc(1);
        }
    }
    bar.finish_and_clear();
    measured
}

/// Creates a progress bar on standard error. The bar is hidden unless standard error is a terminal.
fn bar(steps: usize) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(steps as u64), ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos} of {len}, {eta} left  {msg}") {
        bar.set_style(style.progress_chars("=> "));
    }
    bar
}

fn print(text: &str) -> Result<(), String> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|error| format!("standard output: {error}"))
}
