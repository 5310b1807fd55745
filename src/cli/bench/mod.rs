//! `smolstep bench`: smolstep beside smoltcp alone, the kernel's TCP and Python, measured in one run.
//!
//! The measurements take turns, round by round, so that what slows the machine down for a while slows all of them. Each has
//! a network namespace of its own, with a new TAP. What the rows compare is in `rows`; how each figure is measured, in `figure`.

mod beside;
mod cable;
mod child;
mod client;
mod crowd;
mod figure;
mod guard;
mod json;
mod machine;
mod network;
mod output;
mod pattern;
mod picture;
mod result;
mod rows;
mod server;
mod stack;
mod table;
mod talk;
mod tuntap;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::error::Failure;
use super::number::whole;
use super::sandbox::namespace;
use super::say::say;
use super::stop::SIGNALS;
use super::suggest::did_you_mean;
use figure::{Effort, Figure, Job, Meter};
use machine::Machine;
use output::Output;
use result::{Measured, RowResult};
use rows::{ROWS, Row};

pub use cable::EchoCable;

/// Compare with smoltcp alone, the kernel's TCP and Python: throughput, round trips, connections, memory
///
/// Everything is measured in a private network. A row that misses its limit does not change the exit code.
#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:
  smolstep bench
  smolstep bench send-tuntap latency-kernel --rounds 3 --json bench.json --svg bench.svg
  smolstep bench --list")]
pub struct BenchArgs {
    /// The rows to measure [default: all]
    #[arg(value_name = "ROW")]
    pub rows: Vec<String>,
    /// Measure everything N times, in turn [default: 5; 1 with --quick]
    #[arg(long, value_name = "N", value_parser = whole::<usize>(1..=u64::MAX, "3"))]
    pub rounds: Option<usize>,
    /// Measure for a tenth of a second each instead of one, to see whether it runs
    #[arg(long)]
    pub quick: bool,
    /// List the rows and what they compare
    #[arg(long, conflicts_with_all = ["rows", "rounds", "quick", "json", "svg", "markdown"])]
    pub list: bool,
    /// Write the results to FILE as JSON [default: no file]
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Write the results to FILE as a picture [default: no file]
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
    /// Print the table as Markdown
    #[arg(long)]
    pub markdown: bool,
    /// Be the server of so many connections that another process measures
    #[arg(long, hide = true, value_name = "N", exclusive = true)]
    pub child: Option<u16>,
}

/// Runs `smolstep bench`; returns the exit code: 1 where a measurement failed.
///
/// # Errors
/// One line for the user.
pub fn bench(args: &BenchArgs) -> Result<u8, Failure> {
    if let Some(connections) = args.child {
        return child::serve_as_child(connections).map(|()| 0);
    }
    let rows = chosen(&args.rows)?;
    if args.list {
        let list: String = rows.iter().map(|row| format!("{:<17} {}\n", row.name, row.text)).collect();
        return say(list).map(|()| 0);
    }
    let open = |path: &Option<PathBuf>| path.as_deref().map(Output::open).transpose();
    let (json_file, svg_file) = (open(&args.json)?, open(&args.svg)?);
    let stop = Arc::new(AtomicBool::new(false));
    for signal in SIGNALS {
        signal_hook::flag::register(signal, stop.clone()).map_err(Failure::run)?;
    }
    // Lines about each connection would be part of what is measured.
    super::log_lines::quieten();
    namespace::enter().map_err(Failure::run)?;

    let machine = Machine::here();
    let (rounds, effort) = match args.quick {
        true => (1, Effort::QUICK),
        false => (5, Effort::FULL),
    };
    let rounds = args.rounds.unwrap_or(rounds);
    let measured = measure(&rows, rounds, effort, &stop);
    let results: Vec<(&Row, RowResult)> = rows.iter().map(|row| (*row, measured.row(row))).collect();

    let quick = if args.quick { ", quick: whether it runs, not how fast" } else { "" };
    let debug = if cfg!(debug_assertions) { ", debug build: the figures mean nothing" } else { "" };
    let s = if rounds == 1 { "" } else { "s" };
    let head =
        format!("smolstep {} on {machine}; median of {rounds} round{s}{quick}{debug}", env!("CARGO_PKG_VERSION"));
    let mut table = String::new();
    // Writing to a string does not fail.
    let _ = table::write_table(&mut table, &table::Head { line: &head, markdown: args.markdown }, &results);
    say(table)?;
    if let Some(file) = json_file {
        let mut json = String::new();
        let _ = json::write_json(&mut json, &machine, rounds, args.quick, &results);
        file.finish(&json, &stop)?;
    }
    if let Some(file) = svg_file {
        let mut svg = String::new();
        let _ = picture::write_svg(&mut svg, &head, &results);
        file.finish(&svg, &stop)?;
    }
    if stop.load(Ordering::Relaxed) {
        return Err(Failure::run("interrupted: the table is of what had been measured"));
    }
    Ok(u8::from(measured.has_failed()))
}

/// The rows of these names; all without any.
fn chosen(names: &[String]) -> Result<Vec<&'static Row>, Failure> {
    if let Some(unknown) = names.iter().find(|name| !ROWS.iter().any(|row| row.name == *name)) {
        let all: Vec<&str> = ROWS.iter().map(|row| row.name).collect();
        return Err(Failure::usage(format_args!("unknown row '{unknown}': {}", did_you_mean(unknown, &all))));
    }
    Ok(ROWS.iter().filter(|row| names.is_empty() || names.iter().any(|name| name == row.name)).collect())
}

/// Measures what the rows need, in turn.
fn measure(rows: &[&Row], rounds: usize, effort: Effort, stop: &AtomicBool) -> Measured {
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

/// A progress bar on standard error; it hides itself where that is no terminal.
fn bar(steps: usize) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(steps as u64), ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos} of {len}, {eta} left  {msg}") {
        bar.set_style(style.progress_chars("=> "));
    }
    bar
}
