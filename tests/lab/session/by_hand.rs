//! Manual changes: faults, forged segments, branches, and their export to a file.

use serde_json::{Value, json};
use smolstep::lab::scenarios::SCENARIOS;
use smolstep::lab::session::LabSession;

use super::{ask, fails, ok, opened, trace};
use crate::common::hostile::random::Random;

/// Returns the first frame that a host sends with these flags, preceded by the step of its entry.
fn sent(entries: &[Value], flags: &str) -> (u64, u64) {
    let entry = entries.iter().find(|entry| entry["event"] == "sent" && entry["flags"] == flags).unwrap();
    (entry["step"].as_u64().unwrap(), entry["frame"].as_u64().unwrap())
}

#[test]
fn each_fault_makes_a_run() {
    let mut session = opened("handshake");
    let entries = trace(&mut session, "a");
    let (step, frame) = sent(&entries, "SYN,ACK");
    let faults =
        [("drop", "dropped"), ("delay 300ms", "delayed"), ("duplicate", "duplicated"), ("corrupt", "corrupted")];
    for ((fault, fate), name) in faults.into_iter().zip(["b", "c", "d", "e"]) {
        let run = ok(&mut session, json!({"do": "fault", "step": step, "frame": frame, "fault": fault}));
        assert_eq!((&run["name"], &run["parent"], &run["after"]), (&name.into(), &"a".into(), &step.into()));
        let branch = trace(&mut session, name);
        let entry = branch.iter().find(|entry| entry["frame"] == frame && entry["event"] == "sent").unwrap();
        assert_eq!(entry["fate"], fate);
        // Up to the frame, both runs are the same.
        let same = entries.iter().zip(&branch).take_while(|(one, other)| one == other).count();
        assert_eq!(entries[same]["frame"], frame);
    }
    assert_eq!(trace(&mut session, "a"), entries);
    let names =
        |runs: &Value| runs["runs"].as_array().unwrap().iter().map(|run| run["name"].clone()).collect::<Vec<_>>();
    assert_eq!(names(&ok(&mut session, json!({"do": "remove", "run": "c"}))), ["a", "b", "d", "e"]);
    // A branch of a branch repeats the changes of its parent.
    let (step, frame) = sent(&trace(&mut session, "d"), "FIN,ACK");
    let run = ok(&mut session, json!({"do": "fault", "run": "d", "step": step, "frame": frame, "fault": "drop"}));
    assert_eq!((&run["name"], &run["parent"]), (&"c".into(), &"d".into()));
    assert_eq!(run["by_hand"].as_array().unwrap().len(), 2);
    assert!(fails(&mut session, json!({"do": "remove", "run": "a"})).contains("run a stays"));
}

#[test]
fn an_impossible_fault_says_why_and_changes_nothing() {
    let mut session = opened("handshake");
    let (step, frame) = sent(&trace(&mut session, "a"), "SYN,ACK");
    let before = ask(&mut session, &json!({"do": "runs"}));
    for (command, message) in [
        (json!({"step": step - 1, "frame": frame, "fault": "drop"}), "is not in flight after step"),
        (json!({"step": step, "frame": 999, "fault": "drop"}), "it is never sent"),
        (json!({"step": 100_000, "frame": frame, "fault": "drop"}), "there is no step 100000"),
        (json!({"step": step, "frame": frame, "fault": "lose"}), "should be drop, delay TIME"),
        (json!({"step": step, "frame": frame, "fault": "delay soon"}), "should be drop, delay TIME"),
        (json!({"step": 1, "frame": 1, "fault": "corrupt"}), "ARP has no checksum"),
        (json!({"step": step, "fault": "drop"}), "'frame' is missing"),
        (json!({"step": step, "frame": frame, "fault": "drop", "run": "q"}), "there is no run 'q'"),
    ] {
        let mut command = command;
        command["do"] = "fault".into();
        assert!(fails(&mut session, command.clone()).contains(message), "{command}");
    }
    let inject = |segment: &str| json!({"do": "inject", "step": step, "host": "server", "segment": segment});
    assert!(fails(&mut session, inject("R 1")).contains("column "));
    assert_eq!(ask(&mut session, &json!({"do": "runs"})), before);
}

#[test]
fn there_are_at_most_26_runs() {
    let mut session = opened("handshake");
    let (step, frame) = sent(&trace(&mut session, "a"), "SYN,ACK");
    let fault = json!({"do": "fault", "step": step, "frame": frame, "fault": "drop"});
    for _ in 1..26 {
        ok(&mut session, fault.clone());
    }
    assert!(fails(&mut session, fault.clone()).contains("there can be 26 runs"));
    ok(&mut session, json!({"do": "remove", "run": "k"}));
    assert_eq!(ok(&mut session, fault)["name"], "k");
}

#[test]
fn a_forged_segment_is_put_on_the_wire() {
    let mut session = opened("half-close");
    let established = ok(&mut session, json!({"do": "until", "step": 0, "goal": "client=est"}))["step"].clone();
    let inject = json!({"do": "inject", "step": established, "host": "client", "segment": "R 1:1(0)"});
    let run = ok(&mut session, inject);
    assert!(run["by_hand"][0].as_str().unwrap().starts_with("server < R 1:1(0)"), "{run}");
    let forged = |entries: &[Value]| {
        let entry = entries.iter().find(|entry| entry["host"] == "wire").unwrap();
        (entry["rel_seq"].clone(), entry["flags"].clone(), entry["dst"].clone(), entry["t_us"].clone())
    };
    let by_hand = forged(&trace(&mut session, "b"));
    assert_eq!((&by_hand.0, &by_hand.1), (&1.into(), &"RST".into()));
    let lab = ok(&mut session, json!({"do": "export", "run": "b"}))["lab"].clone();
    assert!(lab.as_str().unwrap().contains("inject client R 1:1(0)\n"), "{lab}");
    ok(&mut session, json!({"do": "new", "lab": lab}));
    assert_eq!(forged(&trace(&mut session, "a")), by_hand);
}

/// Returns the fates of the frames, with their senders and headers.
fn fates(entries: &[Value]) -> Vec<[Value; 7]> {
    let sent = entries.iter().filter(|entry| entry["event"] == "sent");
    let fields = ["t_us", "host", "frame", "flags", "rel_seq", "rel_ack", "fate"];
    sent.map(|entry| fields.map(|field| entry[field].clone())).collect()
}

/// Makes a random change to a random frame that a fault can name. Returns the name of the new run, or `None` if the
/// frame is not in flight.
fn random_fault(session: &mut LabSession, run: &str, entries: &[Value], random: &mut Random) -> Option<String> {
    let is_free = |entry: &&Value| {
        let is_from_host = entry["host"] == "client" || entry["host"] == "server";
        entry["event"] == "sent" && entry["fate"] == "delivered" && entry["protocol"] != "ARP" && is_from_host
    };
    let frames: Vec<&Value> = entries.iter().filter(is_free).collect();
    if frames.is_empty() {
        return None;
    }
    let entry = random.pick(&frames);
    let fault = random.pick(&["drop", "drop", "delay 250ms", "delay 1500us", "duplicate", "corrupt"]);
    let command = json!({"do": "fault", "run": run, "step": entry["step"], "frame": entry["frame"], "fault": fault});
    let answer = ask(session, &command);
    (answer["ok"] == true).then(|| answer["name"].as_str().unwrap().to_owned())
}

#[test]
fn an_exported_file_makes_the_same_run() {
    let mut differ = Vec::new();
    let mut made = 0;
    for (index, scenario) in SCENARIOS.iter().enumerate() {
        let mut random = Random(index as u64);
        let mut session = opened(scenario.slug);
        let mut run = "a".to_owned();
        for _ in 0..1 + random.below(3) {
            let entries = trace(&mut session, &run);
            run = random_fault(&mut session, &run, &entries, &mut random).unwrap_or(run);
        }
        let entries = trace(&mut session, &run);
        let by_hand =
            ask(&mut session, &json!({"do": "runs"}))["runs"].as_array().unwrap().last().unwrap()["by_hand"].clone();
        made += usize::from(run != "a");
        let lab = ok(&mut session, json!({"do": "export", "run": run}))["lab"].clone();
        ok(&mut session, json!({"do": "new", "lab": lab}));
        let again = trace(&mut session, "a");
        let (one, other) = (fates(&entries), fates(&again));
        if one != other {
            let place = one.iter().zip(&other).position(|(one, other)| one != other);
            differ.push(format!(
                "{}: {by_hand} {place:?} {:?} {:?}",
                scenario.slug,
                place.map(|p| &one[p]),
                place.map(|p| &other[p])
            ));
        }
    }
    assert!(made > SCENARIOS.len() - 5, "{made}");
    assert!(differ.is_empty(), "{differ:#?}");
}

/// A segment that was put on the wire after any step of a run leaves at the same place among the other frames in the
/// exported file, although many steps have the same time.
#[test]
fn an_exported_file_repeats_an_injection_after_the_same_step() {
    for host in ["client", "server"] {
        for step in 1..30 {
            let mut session = opened("handshake");
            let command = json!({"do": "inject", "step": step, "host": host, "segment": "R 1:1(0)"});
            let run = ok(&mut session, command)["name"].as_str().unwrap().to_owned();
            let entries = trace(&mut session, &run);
            let lab = ok(&mut session, json!({"do": "export", "run": run}))["lab"].clone();
            ok(&mut session, json!({"do": "new", "lab": lab}));
            // The relative numbers of a frame depend on whether the SYNs were known when the frame was shown.
            let names = ["event", "t_us", "host", "frame", "flags", "seq", "ack", "from", "to"];
            let raw = |entries: &[Value]| -> Vec<_> {
                let shown = entries.iter().filter(|entry| entry["event"] != "connecting");
                shown.map(|entry| names.map(|name| entry[name].clone())).collect()
            };
            assert_eq!(raw(&entries), raw(&trace(&mut session, "a")), "{host} after step {step}: {lab}");
        }
    }
}

#[test]
fn exporting_what_a_file_cannot_express_is_an_error() {
    let mut session = opened("handshake");
    let early = json!({"do": "inject", "step": 0, "host": "client", "segment": "R 1:1(0)"});
    let run = ok(&mut session, early)["name"].clone();
    let message = fails(&mut session, json!({"do": "export", "run": run}));
    assert!(message.contains("before the first step"), "{message}");
    let run = ok(&mut session, json!({"do": "fault", "step": 1, "frame": 1, "fault": "drop"}))["name"].clone();
    let message = fails(&mut session, json!({"do": "export", "run": run}));
    assert!(message.contains("frame 1 was changed by hand, but no fault of a file can name it"), "{message}");
    let segment = json!({"do": "inject", "step": 20, "host": "client", "segment": "P. 1:11(10) ack 1 win 500"});
    let run = ok(&mut session, segment)["name"].clone();
    let message = fails(&mut session, json!({"do": "export", "run": run}));
    assert!(message.contains("no file can make this run") && message.contains("without data"), "{message}");
}
