//! `lab --step`: line editing at a terminal, manual changes, and several runs.

use std::fs;

use crate::common::peer::{Peer, smolstep};
use crate::common::terminal;
use crate::terminal::folder;

/// Runs `lab --step ARGS` with the lines as its standard input. Returns the answers to the lines.
fn answers(args: &[&str], lines: &[&str]) -> Vec<String> {
    let mut command = smolstep();
    command.args(["lab", "--step"]).args(args).env("COLUMNS", "100");
    let run = Peer::start(&mut command).finish_with(format!("{}\n", lines.join("\n")).as_bytes());
    assert_eq!((run.code(), run.err().as_str()), (Some(0), ""), "{run:?}");
    run.out().split("s> ").skip(1).map(String::from).collect()
}

/// Starts `lab --step` at a terminal.
fn start() -> Peer {
    terminal::start(&[env!("CARGO_BIN_EXE_smolstep"), "lab", "--step"])
}

#[test]
fn lines_are_edited_with_the_arrow_keys() {
    let mut peer = start();
    terminal::wait_for_last(&peer, "step 0 0.000s>");
    peer.type_in(b"9\r");
    terminal::wait_for_last(&peer, "step 9 0.003s>");
    // The up key recalls the previous line, and the left key moves the cursor to the left of the 9.
    peer.type_in(b"\x1b[A");
    terminal::wait_for_last(&peer, "step 9 0.003s> 9");
    peer.type_in(b"\x1b[D1\r");
    terminal::wait_for_line(&peer, "step 9 0.003s> 19");
    peer.wait_for("step 28", |out| out.contains("step 28 "));
    peer.type_in(b"q\r");
    let finished = peer.finish();
    terminal::left_well(&finished);
    assert!(!finished.out().contains("^["), "{finished:?}");
}

#[test]
fn the_end_of_input_and_ctrl_c_leave_the_terminal_as_it_was() {
    for (key, code) in [(&b"\x04"[..], 0), (b"\x03", 254)] {
        let mut peer = start();
        terminal::wait_for_last(&peer, "step 0 0.000s>");
        peer.type_in(key);
        let finished = peer.finish();
        assert_eq!(finished.code(), Some(code), "{finished:?}");
        assert!(finished.out().ends_with("\r\necho on\n"), "{finished:?}");
    }
}

/// A script's background jobs start with SIGINT ignored. Ctrl-C then ends the prompt like the end of input.
#[test]
fn ctrl_c_ends_the_prompt_even_if_sigint_is_ignored() {
    let script = "trap '' INT; exec \"$0\" lab --step";
    let mut peer = terminal::start(&["sh", "-c", script, env!("CARGO_BIN_EXE_smolstep")]);
    terminal::wait_for_last(&peer, "step 0 0.000s>");
    peer.type_in(b"\x03");
    let finished = peer.finish();
    assert_eq!(finished.code(), Some(0), "{finished:?}");
    assert!(finished.out().ends_with("\r\necho on\n"), "{finished:?}");
}

#[test]
fn pasted_lines_are_commands() {
    let mut peer = start();
    terminal::wait_for_last(&peer, "step 0 0.000s>");
    peer.type_in(b"\x1b[200~2\n3\n\x1b[201~q\r");
    let finished = peer.finish();
    terminal::left_well(&finished);
    let screen = terminal::screen(&finished.out());
    assert!(screen.iter().any(|line| line.starts_with("step 5 ") && line.ends_with("s> q")), "{screen:?}");
}

#[test]
fn a_run_goes_to_a_loss_a_time_and_a_step() {
    let shown = answers(
        &["--fault", "drop server synack 1"],
        &[
            "until loss",
            "until time=1s",
            "until step=13",
            "until server=est",
            "until packet",
            "u client=time-wait",
            "q",
        ],
    );
    let last = |place: usize| shown[place].lines().rev().nth(1).unwrap_or_default().to_owned();
    assert!(last(0).contains("#4 dropped SYN,ACK"), "{shown:?}");
    assert!(shown[1].ends_with("step 10 1.002"), "{shown:?}");
    assert!(shown[2].ends_with("step 13 1.003"), "{shown:?}");
    assert!(last(3).ends_with("ESTABLISHED"), "{shown:?}");
    assert!(last(4).contains("#8 "), "{shown:?}");
    assert!(shown[5].contains("FIN,ACK"), "{shown:?}");
}

#[test]
fn a_step_of_the_clock_is_shown_only_if_it_is_the_only_one() {
    let shown = answers(&[], &["9", "", "b", "2", "q"]);
    assert!(!shown[0].contains(" clock ") && shown[1].contains(" clock "), "{shown:?}");
    assert!(!shown[3].contains(" clock ") && shown[3].contains("SYN,ACK arrives"), "{shown:?}");
    let shown = answers(&["--clock"], &["9", "q"]);
    assert!(shown[0].matches(" clock ").count() > 2, "{shown:?}");
}

/// The frame of step 9 is the SYN,ACK.
#[test]
fn frames_in_flight_are_changed_by_hand() {
    for (change, answer, later) in [
        ("drop", "frame 4 is dropped", "RTO 1s"),
        ("delay 4 5ms", "frame 4 is delayed by ", "0.009000"),
        ("duplicate 4", "frame 4 is duplicated", "dropped: SYN for an established connection"),
        ("corrupt", "frame 4 is corrupted", "#4 SYN,ACK arrives damaged: thrown away"),
    ] {
        let shown = answers(&[], &["9", change, "u client=est", "step 6", "q"]);
        assert!(shown[1].starts_with(answer), "{shown:?}");
        assert!(shown[2..].concat().contains(later), "{change}: {shown:?}");
    }
    let shown = answers(&[], &["step", "corrupt", "q"]);
    assert!(shown[1].starts_with("frame 1 is not an IP packet"), "{shown:?}");
    let shown = answers(&[], &["drop", "9", "drop 99", "q"]);
    assert!(shown[0].starts_with("no frame is in flight\n"), "{shown:?}");
    assert!(shown[2].starts_with("frame 99 is not in flight: frames shows"), "{shown:?}");
}

/// A forged RST ends a connection only if it has the expected sequence number.
#[test]
fn a_segment_by_hand_is_put_on_the_wire() {
    for (segment, what) in [
        ("inject client < R 1:1(0) win 0", "connection over: connection reset by peer"),
        ("inject client < R 9:9(0) win 0", "challenge ACK"),
        ("inject server < S 0:0(0) win 1000 <mss 1000>", "challenge ACK"),
        ("inject server > . 1:11(10) ack 1 win 1000", "len=10"),
    ] {
        let shown = answers(&[], &["u server=est", segment, "step 12", "goto 15", segment, "step 12", "branches", "q"]);
        assert!(shown[1].contains("#6 "), "{segment}: {shown:?}");
        assert!(shown[2].contains(what) && shown[5].contains(what), "{segment}: {shown:?}");
        assert!(shown[6].contains("after step 15"), "{segment}: {shown:?}");
    }
    // Without a connection, a SYN opens a new connection, and other segments are answered with RST.
    let shown = answers(&[], &["inject server < S 0:0(0) win 1000 <mss 1000,sackOK,nop,nop>", "30", "q"]);
    assert!(shown[1].contains("SYN,ACK seq=0 ack=1"), "{shown:?}");
    let shown = answers(&[], &["inject client < . 5:5(0) ack 7 win 1000", "30", "q"]);
    assert!(shown[1].contains("RST seq="), "{shown:?}");
}

/// A word of the input that is wrong is shown short, and without control characters.
#[test]
fn a_wrong_segment_by_hand_is_shown_on_one_line() {
    let long = "x".repeat(3000);
    for (segment, what) in
        [("\u{1b}]0;x\u{7}", "'\\u{1b}' should be the flags"), (&long, "xxx...' should be the flags")]
    {
        let shown = answers(&[], &[&format!("inject client < {segment}"), "q"]);
        assert!(shown[0].contains(what) && !shown[0].contains('\u{1b}') && shown[0].len() < 400, "{shown:?}");
    }
}

/// The server's first connection is over. The third connection has taken its slot, so the newest connection is not the
/// last one in slot order.
#[test]
fn a_segment_by_hand_belongs_to_the_newest_connection() {
    let file = folder("prompt-newest").join("x.lab");
    let server = "server listens 7000\nread to end\nclose\n";
    let first = "client calls 7000\nwait until 200ms\nclose\n";
    let others = ["100ms", "1s"].map(|at| format!("client calls 7000 at {at}\nwait until 10s\nclose\n"));
    fs::write(&file, format!("title \"newest\"\n{server}{first}{}", others.concat())).unwrap();
    let shown = answers(&[file.to_str().unwrap()], &["u step=50", "inject client < R 1:1(0)", "q"]);
    let ports = ["50743", "50744", "50745"].map(|port| shown[0].contains(port));
    assert_eq!(ports, [true; 3], "{shown:?}");
    assert!(shown[1].contains("50745 RST is forged"), "{shown:?}");
}

/// After the user goes back and runs again, the manual changes are repeated. The files contain them, too.
#[test]
fn changes_by_hand_are_repeated() {
    let folder = folder("by-hand");
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let steps =
        ["9", "delay 4 5ms", "12", "duplicate", "step 2", "corrupt", "inject server < . 1:3(2) ack 1 win 99", "500"];
    let again = ["goto 26", "500"];
    let save = |name: &str| format!("save {}", path(name));
    let (first, second) = (save("first.pcapng"), save("second.pcapng"));
    let lines = [&steps[..], &[&first], &again, &[&second, "q"]].concat();
    let shown = answers(&["--json", &path("run.json")], &lines);
    let whole = |place: usize| shown[place].lines().filter(|line| !line.starts_with("step")).count();
    assert!(whole(7) > 3 && shown.iter().any(|answer| answer.contains("damaged")), "{shown:?}");
    let read = |name: &str| fs::read(folder.join(name)).unwrap();
    assert!(read("first.pcapng") == read("second.pcapng") && read("first.pcapng").len() > 1000);
    let json = String::from_utf8(read("run.json")).unwrap();
    assert!(json.contains("\"delayed") || json.contains("delay"), "{json}");
}

#[test]
fn two_runs_are_kept_and_compared() {
    let lines =
        ["u client=est", "branch", "goto 9", "drop", "u client=est", "compare", "branches", "branch a", "step", "q"];
    let shown = answers(&[], &lines);
    assert!(shown[1].contains("  run a: step 11\n* run b: step 11\nrun b, step 11"), "{shown:?}");
    // The ladders begin at the SYN,ACK: it arrives in run a, and is dropped in run b.
    let (a, b) = shown[5].split_once("run b\n").unwrap();
    assert!(a.starts_with("run a\n") && a.contains("#4 SYN,ACK seq=0") && a.contains("connected"), "{shown:?}");
    assert!(b.contains("#4 dropped SYN,ACK") && b.contains("1.004000"), "{shown:?}");
    assert!(!shown[5].contains("#3 SYN seq=0"), "both runs have this line: {shown:?}");
    assert!(shown[6].contains("* run b: step 16, frame 4 dropped after step 9\n"), "{shown:?}");
    assert!(shown[7].starts_with("run a, step 11 "), "{shown:?}");
    assert!(shown[8].contains("program runs"), "{shown:?}");
    let shown = answers(&[], &["compare", "9", "branch", "compare", "compare b", "branch c", "q"]);
    for (place, what) in [
        (0, "there is only this run: branch keeps it"),
        (3, "run a and run b are the same so far\n"),
        (4, "this is the present run"),
        (5, "there is no run 'c': the runs are a to b\n"),
    ] {
        assert!(shown[place].starts_with(what), "{what}: {shown:?}");
    }
}
