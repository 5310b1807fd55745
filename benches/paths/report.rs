//! The results as a table and as JSON.

use serde_json::{Value, json};

use super::machine::Machine;
use super::metric::Spread;
use super::relay::{DELAY, Faults};
use super::server::Program;
use super::transfer::Transfer;

/// The parameters that all results share.
pub struct Run {
    pub machine: Machine,
    pub rounds: u16,
    pub quick: bool,
    pub seed: u64,
}

/// A case and its transfers: smolstep's, then Linux's.
pub struct Case {
    pub name: &'static str,
    pub program: Program,
    pub faults: Faults,
    pub transfers: [Vec<Transfer>; 2],
}

/// The figures of a case.
struct Figures {
    /// smolstep's and Linux's rates, in Mbit/s.
    rates: [Spread; 2],
    /// The ratio of the medians.
    ratio: f64,
    /// The ratio round by round.
    ratios: Spread,
    /// The longest gaps, in ms.
    gaps: [Spread; 2],
}

impl Case {
    /// Returns the figures, or `None` if there is no transfer.
    fn figures(&self) -> Option<Figures> {
        let rates = self.transfers.each_ref().map(|all| all.iter().map(Transfer::rate).collect::<Vec<_>>());
        let gaps = self.transfers.each_ref().map(|all| all.iter().map(|one| one.gap.as_secs_f64() * 1e3).collect());
        let [ours, theirs] = &rates;
        let ratios: Vec<f64> = ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs).collect();
        let both = |values: [Vec<f64>; 2]| Some([Spread::of(&values[0])?, Spread::of(&values[1])?]);
        let rates = both(rates)?;
        let [ours, theirs] = &rates;
        let ratio = ours.median / theirs.median;
        Some(Figures { rates, ratio, ratios: Spread::of(&ratios)?, gaps: both(gaps)? })
    }
}

/// Formats the results as a table in Markdown.
pub fn table(run: &Run, cases: &[Case]) -> String {
    let quick = if run.quick { ", quick: whether it runs, not how fast" } else { "" };
    let debug = if cfg!(debug_assertions) { ", debug build: the figures mean nothing" } else { "" };
    let (version, machine, rounds, seed) = (env!("CARGO_PKG_VERSION"), &run.machine, run.rounds, run.seed);
    let trip = DELAY.as_millis() * 2;
    let mut out = format!(
        "smolstep {version} on {machine}; round trip {trip} ms; median of {rounds}, lowest to highest; seed {seed}{quick}{debug}\n\n\
         | case | smolstep, Mbit/s | Linux with Reno, Mbit/s | ratio of the medians | ratio by round | longest gap, ms | Linux's |\n\
         |---|---|---|---|---|---|---|\n"
    );
    for case in cases {
        let Some(Figures { rates, ratio, ratios, gaps }) = case.figures() else { continue };
        let spread = |Spread { median, low, high }: &Spread| format!("{median:.2} ({low:.2} to {high:.2})");
        let gap = |Spread { median, high, .. }: &Spread| format!("{median:.0}, at most {high:.0}");
        let ([our_rate, their_rate], [our_gap, their_gap]) = (&rates, &gaps);
        let cells = [
            case.name.to_owned(),
            spread(our_rate),
            spread(their_rate),
            format!("{ratio:.2}"),
            spread(&ratios),
            gap(our_gap),
            gap(their_gap),
        ];
        out += &format!("| {} |\n", cells.join(" | "));
    }
    out
}

/// Formats the results as one JSON object.
///
/// The object contains the machine, the run, and the cases with every transfer.
pub fn json(run: &Run, cases: &[Case]) -> String {
    let Machine { cpu, cores, kernel, load, .. } = &run.machine;
    let cases: Vec<Value> = cases.iter().filter_map(case_object).collect();
    let object = json!({
        "smolstep": env!("CARGO_PKG_VERSION"),
        "machine": { "cpu": cpu, "cores": cores, "kernel": kernel, "load": load },
        "debug": cfg!(debug_assertions),
        "rounds": run.rounds,
        "quick": run.quick,
        "seed": run.seed,
        "cases": cases,
    });
    format!("{object:#}\n")
}

/// Returns the JSON object of a case, or `None` if the case has no transfers.
fn case_object(case: &Case) -> Option<Value> {
    let Figures { rates, ratio, ratios, .. } = case.figures()?;
    let spread = |Spread { median, low, high }: &Spread| json!({ "median": median, "low": low, "high": high });
    let server = |index: usize| {
        let transfers = case.transfers[index].iter().map(|transfer| {
            json!({
                "bytes": transfer.bytes,
                "seconds": transfer.time.as_secs_f64(),
                "gap_ms": transfer.gap.as_secs_f64() * 1e3,
            })
        });
        json!({ "mbit_per_s": spread(&rates[index]), "transfers": transfers.collect::<Vec<_>>() })
    };
    Some(json!({
        "name": case.name,
        "program": case.program.name(),
        "loss_percent": case.faults.loss_percent,
        "reorder_ms": case.faults.reorder.as_millis() as u64,
        "smolstep": server(0),
        "linux": server(1),
        "ratio": ratio,
        "ratio_by_round": spread(&ratios),
    }))
}
