//! Random programs on a bad network, with restarts and an attacker: some seeds of `cargo bench --bench swarm`.

#[path = "../../benches/swarm/sim/mod.rs"]
mod sim;

use crate::common::hostile::random::seed;
use sim::consecutive::{MAIN_LEAST_RTO, MAX_LOSSES, cases, delay, limit};
use sim::known::known;

const SEEDS: u64 = 2000;

/// SMOLSTEP_SEED selects the first of the seeds. Breaches that main is known to have are in sim/known.rs.
#[test]
fn no_seed_finds_anything_new() {
    let first = seed(1);
    for seed in first..first + SEEDS {
        for (breach, detail) in sim::run(seed, None).findings.0 {
            assert!(known(breach).is_some(), "seed {seed}: {breach}: {detail}\n{}", sim::replay(seed));
        }
    }
}

/// With the least RTO of main. The benchmark's table shows where the one that is aimed at is missed.
#[test]
fn losses_in_a_row_cost_no_more_than_the_timer() {
    for case in cases() {
        for losses in 1..=MAX_LOSSES {
            let (delay, limit) = (delay(&case, losses), limit(&case, losses, MAIN_LEAST_RTO));
            assert!(delay.is_some_and(|delay| delay <= limit), "{case:?}, {losses} losses: {delay:?}, not {limit}");
        }
    }
}
