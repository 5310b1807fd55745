//! Invalid commands: the answer says why a command is invalid, and the session continues.

use serde_json::{Value, json};
use smolstep::lab::session::LabSession;

use super::{ask, fails, ok, opened, trace};

#[test]
fn a_command_that_is_not_valid_says_why() {
    let mut session = LabSession::new();
    for (command, message) in [
        ("", "the command is not JSON"),
        ("\u{0}", "the command is not JSON"),
        ("[]", "the command is not a JSON object"),
        ("{}", "'do' is missing"),
        (r#"{"do":7}"#, "'do' should be a text"),
        (r#"{"do":"runs"}"#, "there is no experiment: the command new opens one"),
        (r#"{"do":"new"}"#, "new needs exactly one of"),
        (r#"{"do":"new","lab":"","scenario":"refused"}"#, "new needs exactly one of"),
        (r#"{"do":"new","scenario":"refusd"}"#, "there is no scenario 'refusd'"),
        (r#"{"do":"new","exercise":"99"}"#, "there is no exercise '99'"),
        (r#"{"do":"new","program":"echoo"}"#, "there is no program 'echoo'"),
        (r#"{"do":"new","scenario":"refused","lang":"fr"}"#, "'fr' should be en"),
        (r#"{"do":"new","scenario":"refused","seed":-1}"#, "'seed' should be a whole number"),
        (r#"{"do":"new","scenario":"refused","settings":[]}"#, "'settings' should be an object"),
        (r#"{"do":"new","scenario":"refused","settings":{"speed":1}}"#, "there is no setting 'speed'"),
        (r#"{"do":"new","scenario":"refused","settings":{"mtu":5}}"#, "'5' should be a number from 576 to 1500"),
        (r#"{"do":"new","scenario":"refused","settings":{"queue":5}}"#, "queue needs rate"),
        (r#"{"do":"new","lab":"server listens 7000"}"#, "nothing happens in this file"),
    ] {
        let answer: Value = serde_json::from_str(&session.command(command)).unwrap();
        let found = answer["error"]["message"].as_str().unwrap_or_default();
        assert!(answer["ok"] == false && found.contains(message), "{command}: {answer}");
        assert!(answer["error"].get("line").is_none(), "{command}: {answer}");
    }
    let long = "[".repeat(1 << 20);
    assert!(session.command(&long).contains("the command is not JSON"));
    assert!(session.command(&" ".repeat((4 << 20) + 1)).contains("longer than 4194304 bytes"));
}

#[test]
fn an_error_in_a_file_names_its_line_and_column() {
    let mut session = opened("refused");
    let before = ask(&mut session, &json!({"do": "runs"}));
    for (lab, line, column) in [
        ("client calls 7000\nfault drop server synak 1\n", 2, 19),
        ("title \"one\"\n\u{7}", 2, 1),
        ("network latency soon", 1, 17),
    ] {
        let answer = ask(&mut session, &json!({"do": "new", "lab": lab, "seed": 3, "settings": {"mtu": 1000}}));
        assert_eq!((&answer["error"]["line"], &answer["error"]["column"]), (&line.into(), &column.into()), "{answer}");
    }
    let long = "#".repeat((1 << 20) + 1);
    assert!(fails(&mut session, json!({"do": "new", "lab": long})).contains("longer than 1 MiB"));
    assert_eq!(ask(&mut session, &json!({"do": "runs"})), before);
    assert!(fails(&mut session, json!({"do": "step"})).contains("there is no command 'step'"));
}

#[test]
fn a_fault_that_matches_no_frame_is_named() {
    let mut session = LabSession::new();
    let lab = "# One.\nclient calls 7000\nfault drop client rst 1\nfault drop server rst 1\n";
    let run = ok(&mut session, json!({"do": "new", "lab": lab}))["run"].clone();
    assert_eq!((&run["unmet"], run["failed"].as_array().map(Vec::len)), (&json!([3]), Some(1)), "{run}");
}

#[test]
fn a_session_with_less_memory_stops_a_run_earlier() {
    let new = json!({"do": "new", "scenario": "slow-start"});
    let whole = ok(&mut LabSession::new(), new.clone())["run"].clone();
    let mut small = LabSession::with_memory(64 << 10);
    let run = ok(&mut small, new)["run"].clone();
    assert_eq!((&whole["end"], &run["end"]), (&"over".into(), &"limit".into()), "{run}");
    assert!(run["steps"].as_u64() < whole["steps"].as_u64(), "{run}");
    assert_eq!(trace(&mut small, "a").len() as u64, run["entries"].as_u64().unwrap());
}

#[test]
fn a_run_stops_at_its_limit() {
    let mut session = LabSession::new();
    let lab = "limit 10ms\nserver listens 7000\n read to end\nclient calls 7000\n wait until 1s\n close\n";
    let run = ok(&mut session, json!({"do": "new", "lab": lab}))["run"].clone();
    assert_eq!((&run["end"], &run["time_us"]), (&"limit".into(), &10_000.into()), "{run}");
}
