//! The WebAssembly module answers the same commands as the library, byte for byte.
//!
//! `SMOLSTEP_WASM=$(scripts/web wasm) cargo test --test lab wasm` tests an existing module. If SMOLSTEP_REQUIRE
//! contains `node`, the test builds the module itself.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use smolstep::lab::scenarios::SCENARIOS;
use smolstep::lab::session::LabSession;

use super::{ok, trace};
use crate::common::{is_required, skip};

/// Returns commands of every kind for a session about a scenario.
fn commands(scenario: &str) -> Vec<Value> {
    let mut session = LabSession::new();
    let new = json!({"do": "new", "scenario": scenario, "settings": {"jitter_us": 50}, "lang": "zh"});
    let steps = ok(&mut session, new.clone())["run"]["steps"].as_u64().unwrap();
    let entries = trace(&mut session, "a");
    let mut frames = entries.iter().filter(|entry| entry["event"] == "sent" && entry["fate"] == "delivered");
    let frame = frames.next_back().unwrap();
    let fault = json!({"do": "fault", "step": frame["step"], "frame": frame["frame"], "fault": "drop"});
    let inject = json!({"do": "inject", "step": steps / 2, "host": "client", "segment": "R 1:1(0)"});
    let mut commands = vec![new, fault, inject];
    for run in ["a", "b", "c"] {
        commands.push(json!({"do": "trace", "run": run}));
    }
    for kind in ["ladder", "states", "time-sequence", "cwnd", "rtt", "throughput"] {
        commands.push(json!({"do": "svg", "run": "b", "kind": kind}));
    }
    for name in ["pcapng", "mermaid", "export", "runs"] {
        commands.push(json!({"do": name, "run": "b"}));
    }
    commands.push(json!({"do": "table", "step": steps / 2}));
    commands.push(json!({"do": "frame", "frame": 3}));
    commands.push(json!({"do": "why", "entry": 5}));
    commands.push(json!({"do": "until", "step": 3, "goal": "packet"}));
    commands.push(json!({"do": "remove", "run": "b"}));
    commands
}

/// Returns the file of the module, or `None` if the test is to be skipped.
fn module() -> Option<String> {
    if let Ok(file) = std::env::var("SMOLSTEP_WASM") {
        return Some(file);
    }
    if !is_required("node") {
        skip("node", "the module is compared only if SMOLSTEP_WASM names its file, or SMOLSTEP_REQUIRE has node");
        return None;
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/web");
    let built = Command::new(script).arg("wasm").stderr(Stdio::inherit()).output().unwrap();
    assert!(built.status.success(), "scripts/web wasm has failed");
    Some(String::from_utf8(built.stdout).unwrap().lines().last().unwrap().to_owned())
}

#[test]
fn the_module_answers_like_the_library() {
    let Some(module) = module() else { return };
    let mut all: Vec<String> =
        [r#"{"do":"list"}"#, r#"{"do":"terms","lang":"zh"}"#, "{", "\u{1f980}", ""].map(String::from).into();
    for scenario in SCENARIOS {
        all.extend(commands(scenario.slug).iter().map(Value::to_string));
    }
    for (question, answer) in [(1, "a b c"), (2, "1"), (3, "LISTEN")] {
        all.push(json!({"do": "new", "exercise": "01-handshake"}).to_string());
        all.push(json!({"do": "mark", "question": question, "answer": answer}).to_string());
        all.push(json!({"do": "hint", "question": question}).to_string());
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab/session/wasm.js");
    let mut node = Command::new("node");
    node.arg(script).arg(module).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut node = match node.spawn() {
        Ok(node) => node,
        Err(error) => return skip("node", &format!("node does not start: {error}")),
    };
    node.stdin.take().unwrap().write_all((all.join("\n") + "\n").as_bytes()).unwrap();
    let output = node.wait_with_output().unwrap();
    assert!(output.status.success(), "node has failed");
    let answers = String::from_utf8(output.stdout).unwrap();
    let mut session = LabSession::new();
    let mut count = 0;
    for (command, answer) in all.iter().zip(answers.lines()) {
        let own = session.command(command);
        let place = own.bytes().zip(answer.bytes()).position(|(own, other)| own != other);
        let place = place.unwrap_or(own.len().min(answer.len()));
        let near = |text: &str| {
            String::from_utf8_lossy(&text.as_bytes()[place.saturating_sub(80)..text.len().min(place + 80)]).into_owned()
        };
        assert!(own == answer, "{command}: byte {place}: {} but the module: {}", near(&own), near(answer));
        count += 1;
    }
    assert_eq!(count, all.len());
}
