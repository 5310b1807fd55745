//! The lab's session: commands and answers in JSON. docs/lab-session.md describes them.

mod by_hand;
mod errors;
mod wasm;
mod why;

use serde_json::{Value, json};
use smolstep::lab::scenarios::SCENARIOS;
use smolstep::lab::session::LabSession;

/// Carries out a command that succeeds, and returns the answer.
#[track_caller]
fn ok(session: &mut LabSession, command: Value) -> Value {
    let answer = ask(session, &command);
    assert_eq!(answer["ok"], true, "{command}: {answer}");
    answer
}

/// Carries out a command that fails, and returns the message.
#[track_caller]
fn fails(session: &mut LabSession, command: Value) -> String {
    let answer = ask(session, &command);
    assert_eq!(answer["ok"], false, "{command}: {answer}");
    answer["error"]["message"].as_str().unwrap().to_owned()
}

/// Carries out a command, and returns the answer.
fn ask(session: &mut LabSession, command: &Value) -> Value {
    serde_json::from_str(&session.command(&command.to_string())).unwrap()
}

/// Returns all entries of a run.
fn trace(session: &mut LabSession, run: &str) -> Vec<Value> {
    let mut entries = Vec::new();
    loop {
        let answer = ok(session, json!({"do": "trace", "run": run, "from": entries.len()}));
        entries.extend(answer["entries"].as_array().unwrap().iter().cloned());
        if entries.len() as u64 >= answer["total"].as_u64().unwrap() {
            return entries;
        }
    }
}

/// Opens a scenario.
#[track_caller]
fn opened(scenario: &str) -> LabSession {
    let mut session = LabSession::new();
    ok(&mut session, json!({"do": "new", "scenario": scenario}));
    session
}

#[test]
fn every_listed_experiment_opens_and_ends() {
    let mut session = LabSession::new();
    let list = ok(&mut session, json!({"do": "list"}));
    let names = |kind: &str| list[kind].as_array().unwrap().clone();
    assert_eq!((names("scenarios").len(), names("exercises").len()), (SCENARIOS.len(), 12));
    assert!(names("programs").contains(&"greeting".into()) && names("programs").contains(&"inbox".into()));
    for (kind, member) in [("scenarios", "scenario"), ("exercises", "exercise"), ("programs", "program")] {
        for item in names(kind) {
            let name = item.get("name").unwrap_or(&item).clone();
            let new = ok(&mut session, json!({"do": "new", member: name}));
            let run = &new["run"];
            assert_eq!((&run["end"], &run["name"], &new["name"]), (&"over".into(), &"a".into(), &name), "{new}");
            assert!(run["expectations"].as_array().unwrap().iter().all(|expected| expected["holds"] == true), "{new}");
            if kind != "programs" {
                assert_eq!(new["title"], item["title"]);
            }
            // Opening only the text gives the same experiment.
            let again = ok(&mut session, json!({"do": "new", "lab": new["lab"]}));
            assert_eq!((&again["run"], &again["lab"]), (run, &new["lab"]));
        }
    }
    let chinese = ok(&mut session, json!({"do": "new", "scenario": "lost-syn", "lang": "zh"}));
    assert_eq!(chinese["title"], "SYN 丢失，一秒后重传");
}

#[test]
fn a_trace_has_the_fields_of_the_lab_and_its_labels() {
    let mut session = opened("fast-retransmit");
    let entries = trace(&mut session, "a");
    for (index, entry) in entries.iter().enumerate() {
        assert_eq!((&entry["i"], &entry["v"], &entry["lane"]), (&index.into(), &1.into(), &0.into()), "{entry}");
        let is_background = entry["event"] == "clock" || entry["protocol"] == "ARP";
        assert_eq!(entry.get("background").is_some(), is_background, "{entry}");
    }
    let label = |wanted: &str| entries.iter().any(|entry| entry["label"].as_str().is_some_and(|l| l.contains(wanted)));
    assert!(label("SYN,ACK seq=0 ack=1") && label("fast") && label("clock"));
    let holds: Vec<&Value> =
        entries.iter().map(|entry| &entry["server_holds"]).filter(|holds| holds.is_object()).collect();
    // The segments after the lost one are out of order in the receive buffer.
    let hole = holds.iter().find(|holds| holds["out_of_order"].is_array()).unwrap();
    assert!(hole["out_of_order"][0][0].as_u64() > hole["rcv_nxt"].as_u64(), "{hole}");
    assert!(holds.iter().any(|holds| holds["unread"].as_u64() > Some(0)));
    let part = ok(&mut session, json!({"do": "trace", "from": 5, "count": 3}));
    assert_eq!(
        (part["entries"].as_array().unwrap().as_slice(), &part["total"]),
        (&entries[5..8], &entries.len().into())
    );
    let none = ok(&mut session, json!({"do": "trace", "from": u64::MAX}));
    assert!(none["entries"].as_array().unwrap().is_empty());
}

#[test]
fn connections_have_lanes() {
    let mut session = LabSession::new();
    let new = ok(&mut session, json!({"do": "new", "scenario": "shared-bottleneck"}));
    assert_eq!(new["run"]["lanes"], 2);
    assert!((0..2).all(|lane| trace(&mut session, "a").iter().any(|entry| entry["lane"] == lane)));
}

/// Two calls at the same time are different connections even before their SYNs, and a page shows each in its own lane.
/// An entry without a connection is in the lane of the connection whose states it shows.
#[test]
fn an_entry_is_in_the_lane_of_the_states_that_it_shows() {
    let mut session = opened("three-and-four-way-close");
    let entries = trace(&mut session, "a");
    let mut ports: [Option<&str>; 2] = [None; 2];
    let mut states: [Value; 2] = Default::default();
    for entry in &entries {
        let lane = entry["lane"].as_u64().unwrap() as usize;
        let ends = ["local", "remote", "src", "dst"].map(|end| entry[end].as_str().unwrap_or_default());
        let now = json!([entry["client"], entry["server"]]);
        match ends.into_iter().find(|end| end.starts_with("192.168.69.2:")) {
            Some(port) => assert_eq!(*ports[lane].get_or_insert(port), port, "{entry}"),
            None => assert_eq!(now, states[lane], "{entry}"),
        }
        states[lane] = now;
    }
    assert!(entries[..2].iter().all(|entry| entry["event"] == "connecting" && entry["client_holds"].is_object()));
    assert!(ports[0].is_some() && ports[1].is_some() && ports[0] != ports[1], "{ports:?}");
}

#[test]
fn settings_change_the_run_and_its_file() {
    let mut session = LabSession::new();
    let settings = json!({"latency_us": 20_000, "rate_bit_s": 1_000_000, "queue": 5, "loss_percent": 0.5, "mtu": 1000,
        "router_mtu": 900, "buffer": 4096, "congestion": "reno", "nagle": true, "ack_delay_us": 0, "jitter_us": 0});
    let new = ok(&mut session, json!({"do": "new", "scenario": "slow-start", "settings": settings, "seed": 9}));
    assert_eq!((&new["settings"], &new["seed"]), (&settings, &9.into()));
    let again = ok(&mut session, json!({"do": "new", "lab": new["lab"]}));
    assert_eq!((&again["settings"], &again["run"]), (&new["settings"], &new["run"]));
    let none = json!({"rate_bit_s": null, "queue": 0, "router_mtu": null, "mtu": null});
    let again = ok(&mut session, json!({"do": "new", "lab": new["lab"], "settings": none}));
    let now = &again["settings"];
    assert!(now["queue"].is_null() && now["rate_bit_s"].is_null() && now["router_mtu"].is_null(), "{now}");
    assert_eq!((&now["mtu"], &now["latency_us"]), (&1000.into(), &20_000.into()));
}

#[test]
fn an_entry_is_explained() {
    let mut session = opened("lost-synack");
    let entries = trace(&mut session, "a");
    let find = |field: &str, value: &str| entries.iter().position(|entry| entry[field] == value).unwrap();
    let why = ok(&mut session, json!({"do": "why", "entry": find("fate", "dropped")}));
    assert!(why["text"].as_str().unwrap().contains("never arrives") && why.get("differs").is_none(), "{why}");
    assert_eq!(why["url"], "https://www.rfc-editor.org/rfc/rfc9293#section-3.8.1", "{why}");
    let over = entries.iter().position(|entry| entry["from"] == "TIME-WAIT").unwrap();
    let why = ok(&mut session, json!({"do": "why", "entry": over}));
    assert!(why["differs"].as_str().unwrap().starts_with("The RFC asks for twice"), "{why}");
    assert!(why["text"].as_str().unwrap().ends_with('.'), "{why}");
    assert!(fails(&mut session, json!({"do": "why", "entry": entries.len()})).contains("there is no entry"));
}

#[test]
fn an_event_is_found_by_its_step() {
    let mut session = opened("lost-synack");
    let mut until = |step: u64, goal: &str| {
        let answer = ok(&mut session, json!({"do": "until", "step": step, "goal": goal}));
        answer.get("step").and_then(Value::as_u64)
    };
    let loss = until(0, "loss").unwrap();
    let established = until(loss, "client=est").unwrap();
    assert!(until(0, "state").unwrap() < loss && loss < established);
    assert_eq!((until(loss, "loss"), until(0, "step=7"), until(0, "rst")), (None, Some(7), None));
    assert!(until(0, "time=2s").unwrap() >= established);
}

#[test]
fn a_step_has_a_table() {
    let mut session = opened("lost-synack");
    let table = ok(&mut session, json!({"do": "table", "step": 12}));
    let text = table["text"].as_str().unwrap();
    assert!(
        text.starts_with("client  SYN-SENT") && text.contains("SND.NXT") && text.contains("retransmission in"),
        "{text}"
    );
    assert!(fails(&mut session, json!({"do": "table", "step": 4000})).contains("there is no step 4000: the run has"));
}

#[test]
fn a_frame_has_fields_and_a_checksum() {
    for (scenario, name, frame) in [("handshake", "TCP", 3), ("udp-exchange", "UDP", 3), ("udp-closed-port", "ICMP", 4)]
    {
        let mut session = opened(scenario);
        let answer = ok(&mut session, json!({"do": "frame", "frame": frame}));
        let bytes = answer["bytes"].as_str().unwrap().len() / 2;
        let fields = answer["fields"].as_array().unwrap();
        let mut end = 0;
        for field in fields {
            assert_eq!(field["offset"], end, "{field}");
            end += field["len"].as_u64().unwrap();
        }
        assert_eq!(end as usize, bytes, "{answer}");
        let checksum = &answer["checksum"];
        assert_eq!((&checksum["name"], &checksum["is_right"]), (&name.into(), &true.into()), "{checksum}");
        let words = checksum["words"].as_array().unwrap();
        assert_eq!(words.iter().map(|word| word.as_u64().unwrap()).sum::<u64>(), checksum["sum"].as_u64().unwrap());
        assert_eq!(checksum["pseudo"], if name == "ICMP" { 0 } else { 6 });
        let field = fields.iter().find(|field| field["offset"] == checksum["offset"]).unwrap();
        assert_eq!(field["name"], "checksum", "{field}");
        assert!(field["value"].as_str().unwrap().ends_with(", right"), "{field}");
    }
    let mut session = opened("handshake");
    let arp = ok(&mut session, json!({"do": "frame", "frame": 1}));
    assert!(arp.get("checksum").is_none());
    assert!(fails(&mut session, json!({"do": "frame", "frame": 0})).contains("there is no frame 0"));
}

#[test]
fn pictures_are_drawn() {
    let mut session = opened("fast-retransmit");
    for kind in ["ladder", "states", "time-sequence", "cwnd", "rtt", "throughput"] {
        let answer = ok(&mut session, json!({"do": "svg", "kind": kind, "to_us": 200_000}));
        let svg = answer["svg"].as_str().unwrap();
        assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"), "{kind}");
        let plot = &answer["plot"];
        assert_eq!(plot.is_object(), !["ladder", "states"].contains(&kind), "{kind}");
        if plot.is_object() {
            let number = |name: &str| plot[name].as_f64().unwrap();
            let (left, right) = (number("left"), number("right"));
            assert!(svg.contains(&format!(r#"<rect x="{left}""#)) && right < number("width"), "{plot}");
            assert!(number("top") < number("bottom") && number("bottom") < number("height"), "{plot}");
            assert!(number("from_us") < number("to_us") && number("to_us") < 210_000.0, "{plot}");
        }
    }
    // The page's switches select what a picture of the ladder shows.
    let drawn = |session: &mut LabSession, name: &str| {
        let answer = ok(session, json!({"do": "svg", "kind": "ladder", "to_us": 20_000, name: true}));
        answer["svg"].as_str().unwrap().to_string()
    };
    let plain = drawn(&mut session, "other");
    let raw = drawn(&mut session, "raw");
    assert!(plain.contains("SYN seq=0") && !raw.contains("SYN seq=0") && raw.contains("SYN seq="), "{raw}");
    for (name, shown) in [("background", "ARP"), ("clock", ">clock<"), ("options", " mss=1460 ws=")] {
        assert!(!plain.contains(shown) && !raw.contains(shown), "{shown}");
        let svg = drawn(&mut session, name);
        assert!(svg.contains(shown), "{name}: {svg}");
    }
    let svg = json!({"do": "svg", "kind": "ladder", "raw": 1});
    assert!(fails(&mut session, svg).contains("'raw' should be true or false"));
    assert!(fails(&mut session, json!({"do": "svg", "kind": "pie"})).contains("should be ladder, states, cwnd"));
    let pcapng = ok(&mut session, json!({"do": "pcapng"}));
    // The block type of a section header is 0a0d0d0a.
    assert!(pcapng["base64"].as_str().unwrap().starts_with("Cg0NC"));
    let mermaid = ok(&mut session, json!({"do": "mermaid"}));
    let text = mermaid["text"].as_str().unwrap();
    assert!(text.starts_with("sequenceDiagram\n    participant client as client\n"), "{text}");
    assert!(text.contains("    client->>server: #35;3 SYN ") && text.contains("--x"), "{text}");
    assert!(text.contains("    Note left of client: ESTABLISHED\n"), "{text}");
}

#[test]
fn an_exercise_is_marked() {
    let mut session = LabSession::new();
    let new = ok(&mut session, json!({"do": "new", "exercise": "01-handshake"}));
    let questions = new["questions"].as_array().unwrap();
    assert!(questions[0]["options"].as_array().unwrap().len() == 3 && questions[0]["hint"] == true, "{new}");
    let mut mark = |number: usize, answer: &str| {
        ok(&mut session, json!({"do": "mark", "question": number, "answer": answer}))["verdict"].clone()
    };
    assert_eq!([mark(2, "1"), mark(2, "2"), mark(2, "one")], ["right", "wrong", "invalid"]);
    assert_eq!(mark(3, "syn-received"), "right");
    let hint = ok(&mut session, json!({"do": "hint", "question": 1}));
    assert!(hint["text"].as_str().unwrap().starts_with("The side that calls"), "{hint}");
    assert!(fails(&mut session, json!({"do": "hint", "question": 0})).contains("there is no question 0"));
    // The last question asks the reader to lose the SYN,ACK. A fault in words and a manual change are both right.
    let last = questions.len();
    let right = ok(&mut session, json!({"do": "mark", "question": last, "answer": "drop server synack 1"}));
    assert_eq!((&right["verdict"], &right["points"]), (&"right".into(), &right["of"]), "{right}");
    let nothing = ok(&mut session, json!({"do": "mark", "question": last}));
    assert_eq!(nothing["verdict"], "invalid", "{nothing}");
    let entries = trace(&mut session, "a");
    let synack = entries.iter().find(|entry| entry["event"] == "sent" && entry["flags"] == "SYN,ACK").unwrap();
    let fault = json!({"do": "fault", "step": synack["step"], "frame": synack["frame"], "fault": "drop"});
    let run = ok(&mut session, fault)["name"].clone();
    let by_hand = ok(&mut session, json!({"do": "mark", "question": last, "run": run}));
    assert_eq!(by_hand["verdict"], "right", "{by_hand}");
}

/// A forged segment is a manual change that a file of answers can contain, too.
#[test]
fn a_forged_segment_is_an_answer() {
    const TEXT: &str = "title \"Reset\"\nserver listens 7000\n  read to end\n  close\n\
        client calls 7000\n  wait until 400ms\n  close\n\
        question \"End the connection by a reset.\"\n  answer make client ends reset\n";
    let mut session = LabSession::new();
    ok(&mut session, json!({"do": "new", "lab": TEXT}));
    let step = ok(&mut session, json!({"do": "until", "step": 0, "goal": "client=ESTABLISHED"}))["step"].clone();
    let inject = json!({"do": "inject", "step": step, "host": "server", "segment": "R 1:1(0)"});
    let run = ok(&mut session, inject)["name"].clone();
    let mark = |session: &mut LabSession, answer: serde_json::Value| {
        ok(session, json!({"do": "mark", "question": 1, "run": run, "answer": answer}))
    };
    assert_eq!(ok(&mut session, json!({"do": "mark", "question": 1, "run": run}))["verdict"], "right");
    let lab = ok(&mut session, json!({"do": "export", "run": run}))["lab"].clone();
    let line = lab.as_str().unwrap().lines().find(|line| line.contains(" inject ")).unwrap().to_string();
    assert_eq!(mark(&mut session, line.clone().into())["verdict"], "right", "{line}");
    assert_eq!(mark(&mut session, format!("drop server fin 9; {line}").into())["verdict"], "right");
    assert_eq!(mark(&mut session, "at 59s inject server R 1:1(0)".into())["verdict"], "wrong");
    for (wrong, why) in [
        ("at x inject server R 1:1(0)", "'x' should be a time"),
        ("at 1s cut server", "'cut' should be inject"),
        ("at 1s inject server R", ""),
        (&[line.as_str(); 9].join(";"), "at most 8 calls and events"),
        (&[line.as_str(); 8].join(";"), "including those of the exercise"),
    ] {
        let marked = mark(&mut session, wrong.into());
        assert_eq!(marked["verdict"], "invalid", "{wrong}: {marked}");
        assert!(marked["message"].as_str().unwrap().contains(why), "{wrong}: {marked}");
    }
}

#[test]
fn a_forged_segment_finds_no_room_beside_eight_clients() {
    // The calls of all clients count.
    const TEXT: &str = "clients 8\nserver listens 7000\n  close\nclient calls 7000\n  close\n\
        question \"End the connection by a reset.\"\n  answer make client ends reset\n";
    let mut session = LabSession::new();
    for (lang, why) in [("en", "including those of the exercise"), ("zh", "包括练习自身的")] {
        ok(&mut session, json!({"do": "new", "lab": TEXT, "lang": lang}));
        let marked = ok(&mut session, json!({"do": "mark", "question": 1, "answer": "at 1s inject server R 1:1(0)"}));
        assert_eq!(marked["verdict"], "invalid", "{marked}");
        assert!(marked["message"].as_str().unwrap().contains(why), "{marked}");
    }
    let refused = session.command(&json!({"do": "new", "lab": "seed x", "lang": "zh"}).to_string());
    assert!(refused.contains("应为") && !refused.contains("should be"), "{refused}");
}

#[test]
fn an_exercise_is_in_the_language_of_the_session() {
    let mut session = LabSession::new();
    let list = ok(&mut session, json!({"do": "list", "lang": "zh"}));
    let new = ok(&mut session, json!({"do": "new", "exercise": "01-handshake", "lang": "zh"}));
    let hint = ok(&mut session, json!({"do": "hint", "question": 1}));
    let is_chinese = |value: &Value| value.as_str().unwrap().contains(|c: char| ('\u{4e00}'..'\u{a000}').contains(&c));
    let question = &new["questions"][0];
    for text in [&new["title"], &new["text"][0], &question["text"], &question["form"], &hint["text"]] {
        assert!(is_chinese(text), "{text}");
    }
    assert!(list["exercises"].as_array().unwrap().iter().all(|exercise| is_chinese(&exercise["title"])), "{list}");
    assert_eq!(new["title"], list["exercises"][0]["title"]);
    let english = ok(&mut session, json!({"do": "new", "exercise": "01-handshake"}));
    assert_eq!((&english["title"], &english["lab"]), (&"The handshake".into(), &new["lab"]));
}

#[test]
fn the_glossary_has_sources() {
    let terms = ok(&mut LabSession::new(), json!({"do": "terms", "lang": "zh"}));
    let terms = terms["terms"].as_array().unwrap();
    assert!(
        terms.iter().any(|term| term["rfc"] == "RFC 826" && term["url"] == "https://www.rfc-editor.org/rfc/rfc826")
    );
}
