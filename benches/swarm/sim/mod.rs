//! Two stacks, a bad network and an attacker, on a virtual clock: one run for each seed.
//!
//! plan.rs draws the random plan of a run, and judge.rs checks the invariants. consecutive.rs measures the delay that
//! consecutive losses of one segment cause.
#![allow(dead_code, reason = "the benchmark and the test each use only some parts")]

mod attacker;
pub mod consecutive;
mod host;
pub mod judge;
mod network;
pub mod plan;
pub mod program;
mod world;

#[allow(clippy::duplicate_mod, reason = "the library's own tests also have it")]
#[path = "../../../src/testing/link.rs"]
mod link;

use std::panic::{AssertUnwindSafe, catch_unwind};

use judge::{Breach, Findings};
use plan::Plan;
use world::World;

use crate::hostile::random::Random;

/// The result of a seed.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The broken invariants.
    pub findings: Findings,
    /// The number of programs whose connections ended as `Closed` and the number of all programs.
    pub closed: (usize, usize),
    /// The number of frames that the hosts sent.
    pub frames: u64,
}

/// Runs a seed, and passes each line of the trace to `trace`.
pub fn run(seed: u64, trace: Option<&mut dyn FnMut(String)>) -> Outcome {
    let mut traced = trace;
    let result = catch_unwind(AssertUnwindSafe(|| {
        let random = &mut Random(seed);
        let plan = Plan::new(random);
        if let Some(trace) = &mut traced {
            trace(format!("{plan:#?}"));
        }
        World::run(&plan, random.next(), traced)
    }));
    result.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
        let mut outcome = Outcome::default();
        outcome.findings.add(Breach::Panic, text.into());
        outcome
    })
}

/// Returns the command that repeats a seed with its trace.
pub fn replay(seed: u64) -> String {
    format!("cargo bench --bench swarm -- --seed {seed} --verbose")
}
