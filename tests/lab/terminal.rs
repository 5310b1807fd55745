//! `smolstep lab`: commands at a pseudo-terminal, output files, and errors.

use std::fs;
use std::path::PathBuf;
use std::process::Output;

use crate::common::netns::output;
use crate::common::peer::{python, smolstep};

/// Runs `lab --step` at a terminal, types the lines, and returns the output.
fn typed(lines: &str, args: &[&str]) -> String {
    let mut typist = python::command("typist");
    typist.args([lines, env!("CARGO_BIN_EXE_smolstep"), "lab", "--step"]).args(args);
    let output = output(&mut typist).expect("python3 runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Runs `smolstep lab`, with a ladder of 100 columns.
pub fn lab(args: &[&str]) -> Output {
    output(smolstep().arg("lab").args(args).env("COLUMNS", "100")).expect("smolstep runs")
}

/// Runs the lab, and checks its exit code and its standard error: one line that contains `what`, or nothing if `what`
/// is empty.
#[track_caller]
pub fn ends(args: &[&str], code: i32, what: &str) -> Output {
    let run = lab(args);
    let err = String::from_utf8_lossy(&run.stderr);
    assert_eq!(run.status.code(), Some(code), "{args:?}: {err}");
    assert!(err.contains(what) && err.lines().count() == usize::from(!what.is_empty()), "{args:?}: {err}");
    run
}

/// Returns the standard output of a run that has succeeded.
#[track_caller]
pub fn shown(run: &Output) -> String {
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    String::from_utf8_lossy(&run.stdout).into_owned()
}

/// Returns an empty folder for the files of a test.
pub fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

#[test]
fn the_list_of_scenarios_has_two_columns() {
    let text = shown(&lab(&["--list", "--lang", "en"]));
    let width = text.lines().filter_map(|line| line.find(' ')).max().unwrap();
    for line in text.lines() {
        assert!(line.get(width..).is_some_and(|rest| rest.starts_with(' ') && !rest.starts_with("  ")), "{line}");
    }
}

/// The challenge ACK is the first ACK of the connection. It announces the same window as the SYN.
#[test]
fn a_syn_ack_that_arrives_twice_is_challenged_with_an_open_window() {
    let shown = typed("9|duplicate 4|6|q", &[]);
    assert!(shown.contains("challenge ACK seq=1 ack=1 len=0 win=8192"), "{shown}");
}

#[test]
fn the_syn_ack_is_dropped_by_hand_and_sent_again() {
    let shown = typed("9|d|u ESTABLISHED|s|q", &[]);
    assert!(shown.contains("frame 4 is dropped"), "{shown}");
    assert!(shown.contains("↻ RTO 1s"), "{shown}");
    assert!(shown.contains("SND.UNA 0") && shown.contains("cwnd 1460 "), "{shown}");
}

#[test]
fn going_back_undoes_what_was_broken() {
    let shown = typed("9|d|b|u ESTABLISHED|q", &[]);
    assert!(shown.contains("frame 4 is dropped") && !shown.contains("again"), "{shown}");
}

#[test]
fn frames_are_shown_field_by_field_and_mistakes_are_explained() {
    let shown = typed("6|f|u NOWHERE|17 18|g x|?|q", &[]);
    for part in [
        "sequence number = ",
        "checksum = 0x",
        ", right",
        "unknown state 'NOWHERE': there are CLOSED",
        "'17 18' is not understood: type Enter, a number, step, until, back, goto, drop, ",
        "'x' should be a number",
        "go back a step",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
}

#[test]
fn a_run_stops_when_an_end_comes_into_a_state() {
    // The sides are in CLOSED and LISTEN from the start: the run stops only at a change of state.
    let shown = typed("u closed|s|q", &["abort"]);
    let prompts: Vec<&str> = shown.split("s> ").collect();
    assert!(prompts[1].contains("program runs: abort"), "{shown}");
    let shown = typed("u server=est|q", &[]);
    assert!(shown.lines().filter(|line| line.ends_with("ESTABLISHED")).count() == 2, "{shown}");
    // Before the SYN,ACK arrives, the client does not know the server's window.
    assert!(typed("6|s|q", &[]).contains("SND.WND -"));
}

#[test]
fn any_frame_in_flight_is_dropped_and_a_capture_is_not_overwritten() {
    let shown = typed("u data|d 5|d 99|help|q", &["fast-retransmit"]);
    for part in ["frame 5 is dropped", "frame 99 is not in flight", "go back a step"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let folder = folder("saved");
    let file = folder.join("mine.pcapng");
    let shown = typed(&format!("9|p {}|q", file.display()), &[]);
    assert!(shown.contains("saved to ") && fs::metadata(&file).unwrap().len() > 100, "{shown}");
}

#[test]
fn a_run_stops_at_the_first_frame_of_a_kind() {
    let shown = typed("u tcp|u synack|u data|q", &[]);
    let parts: Vec<&str> = shown.split("s> ").collect();
    for (part, frame) in
        parts[1..4].iter().zip(["#3 SYN seq=0", "#4 SYN,ACK seq=0 ack=1", "#6 PSH,ACK seq=1 ack=1 len=8"])
    {
        assert!(part.contains(frame) && part.lines().rev().nth(1).unwrap().contains(frame), "{frame}: {shown}");
    }
}

/// Steps that were undone by going back are not in the files.
#[test]
fn the_files_of_a_stepped_run_are_those_of_the_last_run() {
    let folder = folder("stepped");
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    typed("200|g 20|q", &["--json", &path("back.json"), "--pcap", &path("back.pcapng")]);
    lab(&["--until", "step=20", "--json", &path("fresh.json"), "--pcap", &path("fresh.pcapng")]);
    for kind in ["json", "pcapng"] {
        let read = |name: &str| fs::read(folder.join(format!("{name}.{kind}"))).unwrap();
        assert!(!read("fresh").is_empty());
        assert!(read("back") == read("fresh"), "{kind}");
    }
}

#[test]
fn the_same_run_gives_the_same_bytes() {
    let folder = folder("same");
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let args = ["--loss", "20%", "--jitter", "3ms", "--seed", "11"];
    for run in ["a", "b"] {
        let files = ["--json", &path(&format!("{run}.json")), "--pcap", &path(&format!("{run}.pcapng"))];
        assert!(lab(&[&args[..], &files].concat()).status.success());
    }
    for kind in ["json", "pcapng"] {
        let read = |name: &str| fs::read(folder.join(format!("{name}.{kind}"))).unwrap();
        assert!(read("a") == read("b"), "{kind}");
    }
    let other = lab(&["--loss", "20%", "--jitter", "3ms", "--seed", "12"]);
    assert!(other.stdout != lab(&args).stdout);
}

#[test]
fn a_run_that_does_not_end_is_stopped_with_complete_files() {
    let folder = folder("limit");
    let json = folder.join("run.json");
    ends(&["--limit", "5ms", "--json", json.to_str().unwrap()], 1, "stopped after");
    let text = fs::read_to_string(json).unwrap();
    assert!(text.ends_with("}\n") && text.lines().all(|line| line.starts_with('{') && line.ends_with('}')));
    let times = text.lines().filter_map(|line| line.split("\"t_us\":").nth(1)?.split(',').next()?.parse::<u64>().ok());
    assert_eq!(times.max(), Some(5000), "nothing is later than the limit");
}

#[test]
fn mistakes_are_one_line_and_leave_nothing() {
    let folder = folder("mistakes");
    let json = folder.join("run.json");
    let json = json.to_str().unwrap();
    let wrong = folder.join("wrong.txt");
    fs::write(&wrong, "client SYN-SENT -> ESTABLISHED\nserver ESTABLISHED -> NOWHERE\n").unwrap();
    for (args, code, what) in [
        (&["nosuch"][..], 2, "'nosuch'"),
        (&["--fault", "drop server synak 1"], 2, "'synak'"),
        (&["--fault", "delay server syn"], 2, "'server'"),
        (&["--until", "client=NOWHERE"], 2, "'NOWHERE'"),
        (&["--mtu", "10"], 2, "10"),
        (&["handshake", "--udp"], 2, "--udp"),
        (&["--loss", "120%"], 2, "'120%'"),
        (&["--rate", "fast"], 2, "'fast' should be like 56kbit, 1Mbit or 1Gbit"),
        (&["--rate", "999bit"], 2, "'999bit' should be like"),
        (&["--seed", "-1"], 2, "it must be a whole number from 0"),
        (&["--latency", "-1ms"], 2, "it must be a time with a unit, not negative"),
        (&["--states", "x.png"], 2, "'x.png' should end in .svg"),
        (&["--svg", "x"], 2, "'x' should end in .svg"),
        (&["--list", "--coverage"], 2, "choose one"),
        (&["--terms", "--explain"], 2, "leave out options for a run"),
        (&["--step", "--json", "-"], 2, "--step"),
        (&["--json", "-", "--pcap", "-"], 2, "written twice"),
        (&["--pcap", "/nowhere/run.pcapng"], 1, "/nowhere/run.pcapng"),
        (&["--expect", wrong.to_str().unwrap(), "--json", json], 2, "NOWHERE"),
        (&["--json", json, "--svg", "/nowhere/run.svg"], 1, "/nowhere/run.svg"),
    ] {
        assert!(ends(args, code, what).stdout.is_empty(), "{args:?}");
    }
    assert!(!fs::exists(json).unwrap());
}

#[test]
fn a_dash_is_standard_output() {
    let folder = folder("dash");
    for (option, file) in [("--json", "a.json"), ("--pcap", "a.pcapng"), ("--svg", "a.svg"), ("--states", "b.svg")] {
        let file = folder.join(file);
        assert!(lab(&["handshake", option, file.to_str().unwrap()]).status.success());
        let run = lab(&["handshake", option, "-"]);
        assert!(run.status.success() && run.stdout == fs::read(&file).unwrap(), "{option}");
    }
    assert!(!fs::exists("-").unwrap());
}

#[test]
fn explanations_fit_the_width_and_the_clock_is_explained_once() {
    let shown = String::from_utf8(lab(&["time-wait", "--explain", "--clock"]).stdout).unwrap();
    assert!(shown.lines().all(|line| line.chars().count() <= 100), "{shown}");
    assert!(shown.starts_with("   seconds  step"), "the header comes first");
    assert_eq!(shown.matches("Neither host has anything to do").count(), 1);
    assert!(shown.matches(" clock ").count() > 5);
    // Without --clock, these lines are omitted.
    let shown = String::from_utf8(lab(&["time-wait", "--explain"]).stdout).unwrap();
    assert!(!shown.contains("clock"), "{shown}");
}

/// The ladder distinguishes the connections of a run, and shows the state of each line's connection.
#[test]
fn each_connection_has_its_port_and_its_own_states() {
    let shown = String::from_utf8(lab(&["thanks-tcp"]).stdout).unwrap();
    let ports: std::collections::BTreeSet<_> =
        shown.split_whitespace().filter(|word| word.starts_with(':') && word.len() == 6).collect();
    assert_eq!(ports.len(), 2, "{shown}");
    let last = shown.lines().find(|line| line.contains("#14")).unwrap();
    assert!(last.contains("LAST-ACK") && last.ends_with("TIME-WAIT"), "{last}");
    // The port still listens, but the connection is over.
    let shown = String::from_utf8(lab(&["client-closes-first"]).stdout).unwrap();
    let (_, after) = shown.rsplit_once("TIME-WAIT is over").unwrap();
    assert!(after.lines().next().unwrap().trim_end().ends_with("CLOSED"), "{shown}");
    // A run with one connection needs no port.
    assert!(!shown.contains(" :"), "{shown}");
}

#[test]
fn the_glossary_has_forty_words() {
    let terms = String::from_utf8(lab(&["--terms"]).stdout).unwrap();
    assert_eq!(terms.lines().filter(|line| !line.starts_with(' ')).count(), 40);
    assert!(terms.contains("half-open\n") && terms.contains("(RFC 9293 section 3.5.1)"), "{terms}");
}

#[test]
fn a_program_that_the_lab_cannot_run_is_not_offered() {
    let err = String::from_utf8(lab(&["zzz"]).stderr).unwrap();
    assert!(err.contains("greeting") && !err.contains("http"), "{err}");
}

#[test]
fn expectations_are_checked() {
    let folder = folder("expect");
    let file = folder.join("expect.txt");
    fs::write(&file, "client SYN-SENT -> ESTABLISHED\nclient receives \"Hello,Li!\"\nnever client RST\n").unwrap();
    assert!(lab(&["--expect", file.to_str().unwrap()]).status.success());
    ends(&["greeting", "Ann", "--expect", file.to_str().unwrap()], 1, "Hello,Li!");
}

/// A client's failure is an error, unless the scenario or the file expects that end of the connection.
#[test]
fn a_client_that_fails_is_reported() {
    let folder = folder("failed");
    let file = folder.join("expect.txt");
    fs::write(&file, "client ends timed-out\n").unwrap();
    let drop = ["--fault", "drop client any"];
    for (args, code, what) in [
        (&drop[..], 1, "the client failed: timed out"),
        (&[&drop[..], &["--expect", file.to_str().unwrap()]].concat(), 0, ""),
        (&["--loss", "100%"], 1, "the client failed: no host answers at this address"),
        (&["greeting", "--udp", "--loss", "100%"], 1, "the client failed: "),
        (&["thanks-udp", "--loss", "100%"], 1, "the client failed: "),
        (&["thanks-udp", "--fault", "drop server udp 1"], 1, "the client failed: "),
        (&["udp-exchange", "--loss", "100%"], 1, "the client failed: "),
        (&["udp-lost"], 0, ""),
        (&["udp-lost", "--congestion", "none", "--loss", "0"], 0, ""),
        (&["handshake", "--fault", "drop client any"], 1, "the client failed: timed out"),
        (&["refused", "--fault", "delay 20ms server rst"], 0, ""),
    ] {
        ends(args, code, what);
    }
    // Nothing is sent after the connection has timed out.
    let shown = String::from_utf8(lab(&drop).stdout).unwrap();
    assert!(shown.trim_end().ends_with("LISTEN") && shown.lines().last().unwrap().contains("timed out"), "{shown}");
}

#[test]
fn a_scenario_keeps_its_promise_or_says_what_it_needs() {
    for (args, code, what) in [
        (&["lost-data", "--latency", "300ms"][..], 0, ""),
        (&["lost-data", "--latency", "301ms"], 2, "lost-data needs a latency of at most 300ms"),
        (&["lost-data", "--latency", "0s"], 2, "lost-data needs a latency of at least 1us"),
        (&["lost-data", "--latency", "1us"], 0, ""),
        (&["handshake", "--seed", "99"], 0, ""),
    ] {
        ends(args, code, what);
    }
}

#[test]
fn a_fault_that_matches_no_frame_is_an_error_unless_the_run_was_to_stop_early() {
    let (first, second) = (["--fault", "drop server rst 1"], ["--fault", "drop client data 9"]);
    let told = "no frame matched the fault 'drop server rst 1'";
    for (args, code, what) in [
        (
            &first[..],
            1,
            "smolstep: no frame matched the fault 'drop server rst 1': correct its sender, kind or number\n",
        ),
        (&[first, second].concat(), 1, "the fault 'drop server rst 1', 'drop client data 9': correct"),
        (&[&first[..], &["handshake"]].concat(), 1, told),
        (&[&first[..], &["--until", "step=11"]].concat(), 0, told),
        (&[&first[..], &["--until", "client=ESTABLISHED"]].concat(), 0, told),
        (&["--fault", "drop server synack 1"], 0, ""),
    ] {
        ends(args, code, what);
    }
    // If a limit ended the run, the limit is the error, and the unmatched fault is only a warning.
    let limited = lab(&["--fault", "drop server rst 1", "--limit", "2ms"]);
    let err = String::from_utf8_lossy(&limited.stderr);
    assert_eq!(limited.status.code(), Some(1), "{err}");
    assert!(err.contains(told) && err.ends_with("--limit allows more\n") && !err.contains("correct its"), "{err}");
    // With --step, an unmatched fault is not an error, because the user can quit before the frame is sent.
    typed("q", &first);
    typed("1000|q", &first);
}
