//! Runs some seeds of `cargo bench --bench swarm`.
//!
//! Each seed selects a run of random programs on a bad network, with restarts and an attacker.

#[path = "../../benches/swarm/sim/mod.rs"]
mod sim;

use crate::common::hostile::random::seed;
use sim::consecutive::{MAX_LOSSES, cases, delay, limit};

const SEEDS: u64 = 2000;

/// SMOLSTEP_SEED selects the first seed.
#[test]
fn no_seed_finds_anything() {
    let first = seed(1);
    for seed in first..first + SEEDS {
        let findings = sim::run(seed, None).findings.0;
        assert!(findings.is_empty(), "seed {seed}: {findings:?}\n{}", sim::replay(seed));
    }
}

#[test]
fn losses_in_a_row_cost_no_more_than_the_timer() {
    for case in cases() {
        for losses in 1..=MAX_LOSSES {
            let (delay, limit) = (delay(&case, losses), limit(&case, losses));
            assert!(delay.is_some_and(|delay| delay <= limit), "{case:?}, {losses} losses: {delay:?}, not {limit}");
        }
    }
}
