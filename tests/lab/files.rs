//! `smolstep lab FILE`, `lab exercise` and `lab mark`.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;

use crate::common::peer::smolstep;
use crate::terminal::{self, folder};

/// Works like [`terminal::ends`], but returns the standard output.
#[track_caller]
fn ends(args: &[&str], code: i32, what: &str) -> String {
    String::from_utf8(terminal::ends(args, code, what).stdout).unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn a_printed_scenario_runs_as_the_scenario() {
    let folder = folder("files-print");
    let file = folder.join("mine.lab");
    for slug in ["lost-synack", "half-open-reboot", "udp-lost", "keep-alive"] {
        fs::write(&file, ends(&["--print", slug], 0, "")).unwrap();
        assert_eq!(ends(&[text(&file)], 0, ""), ends(&[slug], 0, ""), "{slug}");
    }
    ends(&["--print", "lost-synak"], 2, "there is no scenario 'lost-synak': did you mean 'lost-synack'?");
    ends(&["--print", "refused", "--list"], 2, "stand alone: choose one");
    ends(&["refused", "--print", "refused"], 2, "run nothing");
}

#[test]
fn an_error_in_a_file_names_its_line_and_word() {
    let folder = folder("files-errors");
    let file = folder.join("x.lab");
    let name = text(&file);
    fs::write(&file, "client calls 7000\nfault drop server synak 1\n").unwrap();
    ends(&[name], 2, "x.lab:2:19: 'synak' should be syn, synack");
    ends(&[name], 2, "; see docs/lab-file.md\n");
    let upper = folder.join("X.LAB");
    fs::copy(&file, &upper).unwrap();
    ends(&[text(&upper)], 2, "X.LAB:2:19: 'synak' should be syn, synack");
    ends(&["NONE.LAB"], 2, "NONE.LAB cannot be read: No such file");
    fs::write(&file, [b"# one\n", &b"title \"\xff\""[..]].concat()).unwrap();
    ends(&[name], 2, "x.lab cannot be read: line 2 is not UTF-8 text");
    fs::write(&file, "#".repeat((1 << 20) + 1)).unwrap();
    ends(&[name], 2, "x.lab cannot be read: it is longer than 1 MiB");
    ends(&["none.lab"], 2, "none.lab cannot be read: No such file");
    ends(&[text(&folder)], 2, "cannot be read: Is a directory");
    fs::write(&file, "client calls 7000\n").unwrap();
    ends(&[name, "hello"], 2, "is a file and takes no TEXT");
    ends(&[name, "--udp"], 2, "is a file: --udp is for programs");
    // The port is closed, and the file does not expect that.
    ends(&[name], 1, "the client failed");
    fs::write(&file, "client calls 7000\nexpect client ends refused\n").unwrap();
    ends(&[name], 0, "");
    fs::write(&file, "client calls 7000\nexpect client ends closed\n").unwrap();
    ends(&[name], 1, "x.lab: line 2 does not hold: 'client ends closed': it did not happen");
}

#[test]
fn a_fault_that_matches_no_frame_is_a_warning() {
    let folder = folder("files-faults");
    let file = folder.join("x.lab");
    let printed = ends(&["--print", "lost-synack"], 0, "");
    fs::write(&file, printed + "fault drop client rst 5\n").unwrap();
    ends(&[text(&file)], 0, "x.lab:19:1: no frame matched this fault");
    // If the command line adds other faults, they might be the reason that the frame is missing.
    ends(&[text(&file), "--fault", "drop client syn 1"], 0, "");
}

#[test]
fn a_segment_that_meets_no_connection_is_a_warning() {
    let folder = folder("files-inject");
    let file = folder.join("x.lab");
    let program = "server listens 7000\nread to end\nclose\nclient calls 7000 at 1s\nclose\n";
    let warning = "x.lab:6:1: this segment was not sent, because the hosts had no connection yet: choose a later time";
    for (at, warned) in [("500ms", true), ("1s+3rtt", false)] {
        fs::write(&file, format!("{program}at {at} inject client R 90000:90000(0)\n")).unwrap();
        let output = ends(&[text(&file)], 0, if warned { warning } else { "" });
        // The ladder shows the RST if it was sent.
        assert_eq!(output.contains("RST"), !warned, "{at}: {output}");
    }
}

#[test]
fn a_text_is_found_behind_many_bytes_and_across_reads() {
    let folder = folder("files-receives");
    let file = folder.join("x.lab");
    let run = "server listens 7000\nread to end\nclose\nclient calls 7000\nsend 300000 bytes\nsend \"nee\"\n\
               wait until 5s\nsend \"dle\"\nclose\nexpect server receives \"needle\"\n";
    fs::write(&file, run).unwrap();
    ends(&[text(&file)], 0, "");
    fs::write(&file, format!("{run}expect server receives \"needles\"\n")).unwrap();
    ends(&[text(&file)], 1, "line 11 does not hold: 'server receives \"needles\"'");
}

#[test]
fn the_seed_of_the_command_line_varies_a_file() {
    let folder = folder("files-seed");
    let file = folder.join("x.lab");
    fs::write(
        &file,
        "vary n from 100 to 900\nserver listens 7000\nread to end\nclose\nclient calls 7000\nsend $n bytes\nclose\n",
    )
    .unwrap();
    let runs: Vec<String> = ["1", "2", "1"].map(|seed| ends(&[text(&file), "--seed", seed], 0, "")).into();
    assert!(runs[0] == runs[2] && runs[0] != runs[1]);
}

#[test]
fn each_expectation_is_reported_with_its_verdict() {
    let folder = folder("files-expect");
    let file = folder.join("expect.txt");
    fs::write(&file, "# The greeting.\nclient sends syn 1\nclient RST\nnever server RST\n").unwrap();
    let shown = ends(&["--expect", text(&file)], 1, "line 3 does not hold: 'client RST': it did not happen");
    for line in
        ["line 2 holds: client sends syn 1", "line 3 does not hold: client RST", "line 4 holds: never server RST"]
    {
        assert!(shown.contains(line), "{line}: {shown}");
    }
    fs::write(&file, "# nothing\n\n").unwrap();
    ends(&["--expect", text(&file)], 2, "expect.txt expects nothing: write a line such as");
    fs::write(&file, "client sends syn\n  never server server\n").unwrap();
    ends(&["--expect", text(&file)], 2, "expect.txt:2:16: 'server' should be a TCP state");
    // As for other files, the error names the page that describes the lines.
    ends(&["--expect", text(&file)], 2, "; see docs/lab-file.md\n");
}

const EXERCISE: &str = "\
title \"An exercise\"
vary n from 100 to 900
server listens 7000
  read to end
  close
client calls 7000
  send $n bytes
  close
question \"How long?\" answer field len of client data 1 points 2
question \"Which?\" answer choice right \"TCP\" wrong \"UDP\" wrong \"ICMP\" hint \"Not UDP.\"
question \"Lose it.\" answer make client retransmits data 1 points 3
";

#[test]
fn files_of_answers_are_marked() {
    let folder = folder("files-mark");
    let (exercise, answers) = (folder.join("x.lab"), folder.join("answers"));
    fs::create_dir(&answers).unwrap();
    fs::write(&exercise, EXERCISE).unwrap();
    let len = |seed: &str| {
        let shown = ends(&[text(&exercise), "--seed", seed], 0, "");
        let (_, rest) = shown.split_once("FIN,ACK seq=1 ack=1 len=").unwrap_or_else(|| panic!("{shown}"));
        rest.split(' ').next().unwrap().to_owned()
    };
    fs::write(answers.join("ann.txt"), format!("seed 3\n1: {}\n2: TCP\n3: drop client data 1\n", len("3"))).unwrap();
    // Ben has copied Ann's answers, but his exercise has other numbers.
    fs::write(answers.join("ben.txt"), format!("seed 4\n1: {}\n3: lose it\n", len("3"))).unwrap();
    fs::write(answers.join(".hidden"), "nothing").unwrap();
    let shown = ends(&["mark", text(&exercise), text(&answers)], 0, "");
    for line in [
        "ann.txt: 6 of 6 points\n",
        "  question 1: 2 of 2, right: ",
        "  question 3: 3 of 3, right: drop client data 1\n",
        "ben.txt: 0 of 6 points\n",
        "  question 1: 0 of 2, wrong: ",
        "  question 2: 0 of 1, no answer\n",
        "  question 3: 0 of 3, not valid: 'lose' should be drop, delay TIME, duplicate, reorder or corrupt\n",
    ] {
        assert!(shown.contains(line), "{line}: {shown}");
    }
    let json = ends(&["mark", text(&exercise), text(&answers.join("ann.txt")), "--json", "-"], 0, "");
    let lines: Vec<Value> = json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 4, "{json}");
    assert_eq!((&lines[1]["verdict"], &lines[1]["points"]), (&"right".into(), &1.into()));
    assert_eq!((&lines[3]["points"], &lines[3]["of"], &lines[3]["seed"]), (&6.into(), &6.into(), &3.into()));
    // A file that is not valid does not stop the others.
    fs::write(answers.join("alan.txt"), "1: 5\n").unwrap();
    let shown = ends(&["mark", text(&exercise), text(&answers)], 2, "alan.txt:1:1: '1:' should be the seed");
    assert!(shown.contains("ben.txt: 0 of 6 points"), "{shown}");
}

#[test]
fn wrong_use_of_mark_and_exercise_is_explained() {
    let folder = folder("files-usage");
    let (exercise, none) = (folder.join("x.lab"), folder.join("none.lab"));
    fs::write(&exercise, EXERCISE).unwrap();
    fs::write(&none, "client calls 7000\n").unwrap();
    let (exercise, none) = (text(&exercise), text(&none));
    let answers = folder.join("a.txt");
    fs::write(&answers, "seed 1\n").unwrap();
    let answers = text(&answers);
    for (args, what) in [
        (&["mark"][..], "mark needs a file and answers"),
        (&["mark", exercise], "mark needs files of answers"),
        (&["mark", exercise, "nobody.txt"], "nobody.txt cannot be read"),
        (&["mark", none, answers], "none.lab has no question"),
        (
            &["mark", "docs/packetdrill/handshake.pkt", answers],
            "handshake.pkt is a packetdrill script, and an exercise is a",
        ),
        (&["mark", exercise, "docs/packetdrill/handshake.pkt"], "is a packetdrill script, not a file of answers"),
        (&["mark", "lost-synack", answers], "lost-synack is a scenario, and an exercise is a .lab file"),
        (&["mark", exercise, answers, "--seed", "3"], "mark takes no --seed"),
        (&["mark", exercise, answers, "--explain", "--pcap", "x"], "of the options, mark takes only --json"),
        (&["exercise"], "exercise needs a file"),
        (&["exercise", "HANDSHAKE.PKT"], "HANDSHAKE.PKT is a packetdrill script, and an exercise is a .lab file"),
        (&["exercise", "greeting"], "greeting is a program, and an exercise is a .lab file"),
        (&["exercise", exercise, answers], "a.txt exists: name a new file"),
        (&["exercise", exercise, "--loss", "1%"], "of the options, exercise takes only --seed, --explain, --ascii"),
        (&["exercise", none], "none.lab has no question"),
    ] {
        ends(args, 2, what);
    }
    let missing = folder.join("missing.lab");
    fs::write(&missing, "client calls 7000\n\nquestion \"?\" answer field ack of frame 90\n").unwrap();
    ends(&["exercise", text(&missing)], 2, "missing.lab:3:1: with seed 7, the run has no such frame");
    fs::write(&missing, "client calls 7000\nquestion \"?\" answer make server RST\n").unwrap();
    ends(&["exercise", text(&missing)], 2, "missing.lab:2:1: the expectation is met without further faults");
}

#[test]
fn an_exercise_asks_and_writes_a_file_that_is_marked() {
    let folder = folder("files-exercise");
    let (exercise, answers) = (folder.join("x.lab"), folder.join("a.txt"));
    fs::write(&exercise, EXERCISE).unwrap();
    let mut command = smolstep();
    command.args(["lab", "exercise", text(&exercise), text(&answers), "--seed", "9"]);
    let mut run = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    run.stdin.take().unwrap().write_all(b"ten\n5\n\n?\nTCP\ndrop client data 1\n").unwrap();
    let run = run.wait_with_output().unwrap();
    let shown = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success() && run.stderr.is_empty(), "{shown}{}", String::from_utf8_lossy(&run.stderr));
    for part in [
        "An exercise\n",
        "How long?\n",
        "1 of 3, 2 points> 'ten' should be a whole number\n",
        "wrong: try again",
        "2 of 3, 1 point> Not UDP.\n",
        "2 of 3, 1 point> right\n",
        "4 of 6 points\n",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    assert_eq!(fs::read_to_string(&answers).unwrap(), "seed 9\n1: 5\n2: TCP\n3: drop client data 1\n");
    assert!(ends(&["mark", text(&exercise), text(&answers)], 0, "").contains("a.txt: 4 of 6 points\n"));
}

/// Runs `lab exercise` with the file of answers `-`, which is standard output, and the lines as standard input.
fn answers_to_stdout(exercise: &Path, lines: &str) -> String {
    let mut command = smolstep();
    command.args(["lab", "exercise", text(exercise), "-"]);
    let mut run = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    run.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    let run = run.wait_with_output().unwrap();
    assert!(run.status.success());
    String::from_utf8(run.stdout).unwrap()
}

#[test]
fn answers_that_go_to_standard_output_are_in_no_file() {
    let exercise = folder("files-stdout").join("x.lab");
    fs::write(&exercise, EXERCISE).unwrap();
    assert!(answers_to_stdout(&exercise, "5\nq\n").ends_with(" points\nseed 7\n1: 5\n"));
}

/// An answer is shown short, and without the control characters that could disturb a terminal.
#[test]
fn an_answer_is_shown_on_one_line() {
    let folder = folder("files-answers");
    let (exercise, answers) = (folder.join("x.lab"), folder.join("a.txt"));
    fs::write(&exercise, EXERCISE).unwrap();
    let shown = answers_to_stdout(&exercise, &format!("\u{1b}]0;pwn\u{7}\n{}\nq\n", "x".repeat(3000)));
    assert!(shown.contains("'\\u{1b}]0;pwn\\u{7}' should be") && shown.contains("xxx...' should be"), "{shown}");
    assert!(!shown.contains(['\u{1b}', '\u{7}']) && !shown.contains(&"x".repeat(41)), "{shown}");
    fs::write(&answers, format!("seed 1\n1: {}\n", "9".repeat(500_000))).unwrap();
    let marks = ends(&["mark", text(&exercise), text(&answers)], 0, "");
    assert!(marks.contains("999...' should be a whole number") && marks.len() < 1000, "{}", marks.len());
}

#[test]
fn an_exercise_is_asked_in_chinese() {
    let mut command = smolstep();
    command.args(["lab", "exercise", "docs/exercises/03-lost-syn.lab", "--lang", "zh"]);
    let mut run = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    run.stdin.take().unwrap().write_all(b"\n?\n").unwrap();
    let shown = String::from_utf8(run.wait_with_output().unwrap().stdout).unwrap();
    for part in ["SYN 丢失\n客户最先发送的", "客户发送几个 SYN？", "在测量到往返时间之前，计时器设为一秒"]
    {
        assert!(shown.contains(part), "{part}: {shown}");
    }
}

/// No file is both read and written, and no file is written twice, however its name is spelt. If the set-up is invalid,
/// existing files stay unchanged.
#[test]
fn no_file_is_lost() {
    let folder = folder("files-twice");
    let [lab, answers, link] = ["x.lab", "a.txt", "x.json"].map(|name| folder.join(name));
    fs::copy("docs/exercises/01-handshake.lab", &lab).unwrap();
    fs::write(&answers, "seed 7\n2: 1\n").unwrap();
    std::os::unix::fs::symlink("x.lab", &link).unwrap();
    let before = fs::read(&lab).unwrap();
    let [svg, same, page] = ["x.svg", "./x.svg", "x-2.svg"].map(|name| format!("{}/{name}", text(&folder)));
    let dotted = format!("{}/./x.lab", text(&folder));
    for json in [text(&lab), text(&link), &dotted] {
        ends(&[text(&lab), "--json", json], 2, "x.lab is read: write to another file");
        ends(&["mark", text(&lab), text(&answers), "--json", json], 2, "is read: write to another file");
    }
    ends(&["refused", "--expect", text(&answers), "--json", text(&answers)], 2, "a.txt is read");
    ends(&["mark", text(&lab), text(&folder), "--json", text(&answers)], 2, "a.txt is a file of answers");
    ends(&["refused", "--svg", &svg, "--states", &same], 2, "cannot be written twice");
    ends(&["refused", "--svg", &svg, "--states", &page], 2, "x-2.svg can be a page of");
    ends(&["refused", "--window-scale", "12", "--json", text(&answers)], 2, "needs receive buffers");
    assert_eq!(fs::read(&lab).unwrap(), before);
    assert_eq!(fs::read(&answers).unwrap(), b"seed 7\n2: 1\n");
    assert!(!Path::new(&svg).exists());
    // The command checks that it can write the answers before it asks questions.
    let shown = ends(&["exercise", text(&lab), "/no/such/folder"], 1, "/no/such/folder cannot be written");
    assert_eq!(shown, "");
}

#[test]
fn options_of_a_run_do_not_fit_exercises() {
    let file = "docs/exercises/01-handshake.lab";
    for option in [&["--frames"][..], &["--clock"], &["--show", "cwnd"], &["--limit", "1s"]] {
        ends(&[&["exercise", file], option].concat(), 2, "exercise takes only --seed, --explain, --ascii, --lang");
        ends(&[&["mark", file, "a.txt"], option].concat(), 2, "mark takes only --json");
    }
    ends(&["mark", file, "a.txt", "--explain"], 2, "mark takes only --json");
}

#[test]
fn a_file_in_which_nothing_happens_is_an_error() {
    let folder = folder("files-nothing");
    let file = folder.join("x.lab");
    for nothing in ["", "# later", "server listens 7000", "server runs greeting"] {
        fs::write(&file, nothing).unwrap();
        ends(&[text(&file)], 2, "x.lab:1:1: nothing happens in this file");
    }
    assert!(ends(&[text(&file), "--flood", "2"], 0, "").contains("SYN"));
}
