//! The scenarios of the lab.
//!
//! The expectations of all scenarios hold. Together, the scenarios reach all states and transitions.

use std::collections::{BTreeMap, BTreeSet};

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
use smolstep::stack::{End, Event};
use smoltcp::socket::tcp::State;
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

/// The states of a row are those after its step, and a state changes only by what happens at its host. So if a host's
/// state differs from the row before, the row's step has an entry of this host.
#[test]
fn a_row_shows_the_states_after_its_step() {
    for scenario in SCENARIOS {
        let entries = entries(&scenario).1;
        let active: BTreeSet<(u32, usize)> = entries.iter().map(|s| (s.entry.step, s.entry.host)).collect();
        let mut known: BTreeMap<Option<u16>, [State; 2]> = BTreeMap::new();
        for snapshot in entries {
            // In a run with several connections, a row without a port belongs to none of them.
            if !snapshot.has_states || snapshot.lane.of > 1 && snapshot.port.is_none() {
                continue;
            }
            let before = known.insert(snapshot.port, snapshot.states).unwrap_or(snapshot.states);
            // The client is no side of a connection from a forged address: it shows its own connection there.
            let sides = if snapshot.lane.is_shared { &[1][..] } else { &[0, 1] };
            for &host in sides.iter().filter(|&&host| before[host] != snapshot.states[host]) {
                let is_active = active.contains(&(snapshot.entry.step, host));
                assert!(is_active, "{}: {before:?} to {snapshot:?}", scenario.slug);
            }
        }
    }
}

/// If a run has several connections, each row of a connection has a port, and a lane that no other port has. Only the
/// connections from forged addresses share a lane. A handshake that the stack has given up leaves CLOSED.
#[test]
fn each_connection_has_a_lane_and_a_port() {
    let mut with_lanes = BTreeSet::new();
    for scenario in SCENARIOS {
        let mut lanes: BTreeMap<u32, BTreeSet<u16>> = BTreeMap::new();
        for snapshot in entries(&scenario).1 {
            let is_of_connection = match snapshot.entry.what {
                What::Arrived { summary, .. } | What::Sent { summary, .. } => summary.segment().is_some(),
                What::Ran(_, tuple, _) => tuple.is_some(),
                What::Stack(event) => event.tuple().is_some(),
                _ => false,
            };
            if let What::Stack(Event::HandshakeEnded { end, .. }) = snapshot.entry.what
                && end != End::Reset
            {
                assert_eq!(snapshot.states[snapshot.entry.host], State::Closed, "{}: {snapshot:?}", scenario.slug);
            }
            if snapshot.lane.of < 2 || !is_of_connection {
                continue;
            }
            let known = snapshot.lane.number.zip(snapshot.port).filter(|(number, _)| *number < snapshot.lane.of);
            let Some((number, port)) = known else { panic!("{}: {snapshot:?}", scenario.slug) };
            let ports = lanes.entry(number).or_default();
            ports.insert(port);
            assert!(ports.len() == 1 || snapshot.lane.is_shared, "{}: {snapshot:?}", scenario.slug);
        }
        let ports: Vec<u16> = lanes.values().flatten().copied().collect();
        assert_eq!(ports.iter().collect::<BTreeSet<_>>().len(), ports.len(), "{}: {lanes:?}", scenario.slug);
        with_lanes.extend((lanes.len() > 1).then_some(scenario.slug));
    }
    assert!(with_lanes.contains("syn-flood") && with_lanes.contains("backlog-full"), "{with_lanes:?}");
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
