//! The scenarios of the lab.
//!
//! The expectations of all scenarios hold. Together, the scenarios reach all states and transitions.

use std::collections::BTreeSet;

use smolstep::app::APPS;
use smolstep::cli::replay::{coverage, replay};
use smolstep::lab::change;
use smolstep::lab::figure::{NAMES, STATES, TRANSITIONS};
use smolstep::lab::file::Experiment;
use smolstep::lab::lang::Lang;
use smolstep::lab::scenarios::{SCENARIOS, Scenario};
use smolstep::lab::selftest::CHECKS;
use smolstep::lab::show::What;
use smolstep::lab::{Setup, Snapshot, StartError};
use smoltcp::time::Duration;

/// Returns all entries of a run and whether it ended by itself.
fn entries(scenario: &Scenario) -> (bool, Vec<Snapshot>) {
    let mut entries = Vec::new();
    let ended = replay(&(scenario.setup)(), |snapshot, _| entries.push(*snapshot)).expect("it starts");
    (ended, entries)
}

#[test]
fn every_expectation_holds() {
    for scenario in SCENARIOS {
        let default = (scenario.setup)().line.latency;
        for latency in [default].into_iter().chain([1, 20, 60, 300].map(Duration::from_millis)) {
            let mut setup = (scenario.setup)();
            setup.line.latency = latency;
            let mut expectations = scenario.expectations(latency);
            let ended = replay(&setup, |snapshot, frame| expectations.see(snapshot, frame)).expect(scenario.slug);
            assert_eq!(expectations.result(), Ok(()), "{} at {latency}", scenario.slug);
            assert!(ended, "{} does not end by itself at {latency}", scenario.slug);
        }
        let experiment = Experiment::parse(scenario.text, None).expect(scenario.slug);
        assert!(experiment.expects(), "{} expects nothing", scenario.slug);
        assert_eq!(experiment.title, scenario.summary);
    }
}

#[test]
fn a_run_is_the_same_every_time() {
    for scenario in SCENARIOS {
        assert!(entries(&scenario) == entries(&scenario), "{}", scenario.slug);
    }
}

#[test]
fn all_states_and_all_possible_transitions_are_reached() {
    let mut reached = BTreeSet::from([("CLOSED".to_string(), "LISTEN".to_string())]);
    for scenario in SCENARIOS {
        for snapshot in entries(&scenario).1 {
            if let What::Stack(event) = snapshot.entry.what {
                reached.extend(change(&event).map(|(from, to)| (from.to_string(), to.to_string())));
            }
        }
    }
    for (state, name) in STATES.iter().zip(NAMES) {
        assert_eq!(state.to_string(), name);
        assert!(reached.iter().any(|(_, to)| to == name), "no scenario reaches {name}");
    }
    for transition in TRANSITIONS {
        let pair = (transition.from.to_string(), transition.to.to_string());
        assert_eq!(reached.contains(&pair), transition.never.is_none(), "{pair:?}");
    }
    assert!(!coverage(Lang::En).expect("it starts").contains("not reached"));
}

#[test]
fn slugs_are_distinct_and_no_command() {
    let slugs: BTreeSet<_> = SCENARIOS.iter().map(|scenario| scenario.slug).collect();
    assert_eq!(slugs.len(), SCENARIOS.len());
    for word in ["exercise", "mark"] {
        assert!(!slugs.contains(word) && APPS.iter().all(|app| app.name != word), "{word} is a word after lab");
    }
}

#[test]
fn a_restarted_caller_is_let_in_whatever_the_sequence_numbers() {
    let scenario = smolstep::lab::scenarios::find("half-open-reboot").expect("a scenario");
    for seed in 0..200 {
        let mut setup = (scenario.setup)();
        setup.seed = seed;
        let mut expectations = scenario.expectations(setup.line.latency);
        assert_eq!(replay(&setup, |snapshot, frame| expectations.see(snapshot, frame)), Ok(true));
        assert_eq!(expectations.result(), Ok(()), "seed {seed}");
    }
}

#[test]
fn every_program_runs_and_ends() {
    const TEXTS: &[&[u8]] = &[b"Li", b"Cheng"];
    for app in APPS {
        for udp in [false, true] {
            match Setup::program(&app, TEXTS, udp) {
                Ok(setup) => assert_eq!(replay(&setup, |_, _| {}), Ok(true), "{} udp: {udp}", app.name),
                Err(error) => {
                    assert_eq!(error, StartError::NoServer { app: app.name, udp });
                    // http has no client here, and no user answers a datagram of chat.
                    assert!(app.name == "http" || (udp && (app.udp.is_none() || app.name == "chat")));
                }
            }
        }
    }
}

/// The self-test of the boards passes on this machine.
#[test]
fn selftest_passes() {
    let mut digests = Vec::new();
    for check in CHECKS {
        let passed = check.run().unwrap_or_else(|failure| panic!("{}: {failure}", check.name));
        println!("{}: {passed}", check.name);
        assert_eq!(check.run(), Ok(passed), "{}: the same every time", check.name);
        digests.push(passed.digest);
    }
    digests.dedup();
    assert_eq!(digests.len(), CHECKS.len(), "each run has frames of its own");
}
