//! Tests the benchmark benches/compare: its table, its JSON file, its exit codes, and Ctrl-C. The measured figures are
//! not checked.

/// The benchmark, as a module of this test binary, so that its unit tests run.
#[path = "../../benches/compare/main.rs"]
#[allow(dead_code, reason = "a program, of which the tests use parts")]
mod compare;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use crate::common::netns::{output, sandbox_possible, skip, write_program};
use crate::common::peer::{Finished, Peer, python, smolstep};
use crate::common::terminal;
use rustix::process::{Pid, Signal, kill_process};

#[test]
fn rows_become_a_table_and_json() {
    let Some(folder) = Folder::new("files") else { return };
    let json = folder.path("bench.json");
    let rows = ["receive-tuntap", "latency-kernel", "cable-16384"];
    let run = bench(&[&["--quick", "--rounds", "2", "--json", &json][..], &rows[..2]].concat());
    assert_eq!((run.code(), run.err().as_str()), (Some(0), ""), "{run:?}");
    let out = run.out();
    assert!(out.lines().next().unwrap().contains("median of 2 rounds, quick"), "{out}");
    for row in &rows[..2] {
        let line = out.lines().find(|line| line.starts_with(row)).unwrap_or_else(|| panic!("no {row} in {out}"));
        assert!(line.ends_with("met") || line.ends_with("missed"), "{line}");
    }
    assert!(!out.contains(rows[2]), "{out}");
    let checked = output(python::command("check_bench").arg(&json)).unwrap();
    let said = String::from_utf8_lossy(&checked.stderr);
    assert!(checked.status.success(), "{said}\n{}", fs::read_to_string(json).unwrap());

    let markdown = bench(&["--quick", "--markdown", "latency-kernel"]).out();
    let table: Vec<&str> = markdown.lines().filter(|line| line.starts_with('|')).collect();
    assert_eq!(table.len(), 3, "{markdown}");
    assert!(table.iter().all(|line| line.matches('|').count() == 8), "{markdown}");
}

#[test]
fn a_json_file_keeps_its_contents_until_the_results_are_complete() {
    let Some(folder) = Folder::new("before") else { return };
    let (json, seen) = (folder.path("bench.json"), folder.path("seen"));
    fs::write(&json, "the last results\n").unwrap();
    // The benchmark starts this script during the measurements.
    folder.python(&format!("read -r line <{json}\necho \"$line\" >{seen}"));
    let row = ["--quick", "greeting-python", "--json", &json];
    let run = Peer::start(program().env("PATH", &folder.0).args(row)).finish();
    assert_eq!((run.code(), run.err().as_str()), (Some(1), ""), "{run:?}");
    assert_eq!(fs::read_to_string(seen).unwrap(), "the last results\n");
    assert!(fs::read_to_string(&json).unwrap().contains("\"smolstep\":"), "{run:?}");
    let files = fs::read_dir(&folder.0).unwrap().flatten().map(|entry| entry.file_name());
    assert_eq!(files.count(), 3, "there is no other file");
}

#[test]
fn every_row_is_listed_once() {
    let run = bench(&["--list"]);
    let out = run.out();
    let mut names: Vec<&str> = out.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert!(run.code() == Some(0) && names.contains(&"send-tuntap") && names.contains(&"memory"), "{run:?}");
    names.sort_unstable();
    assert!(names.windows(2).all(|two| two[0] != two[1]), "{out}");
}

#[test]
fn wrong_arguments_are_explained() {
    for (arguments, code, what) in [
        (&["send-tuntp"][..], 2, "send-tuntap"),
        (&["--rounds", "0"], 2, "--rounds"),
        (&["--list", "--quick"], 2, "--quick"),
        (&["--svg", "bench.svg"], 2, "--svg"),
        (
            &["latency-kernel", "--json", "/nonexistent/file"],
            1,
            "compare: /nonexistent/file cannot be written: No such file",
        ),
    ] {
        let run = bench(arguments);
        let err = run.err();
        assert_eq!((run.code(), run.out().as_str()), (Some(code), ""), "{run:?}");
        assert!(err.contains(what), "{err}");
    }
}

/// smolstep no longer has a command `bench`: the benchmark is a separate program.
#[test]
fn smolstep_has_no_command_bench() {
    let run = Peer::start(smolstep().args(["bench", "--list"])).finish();
    assert!(run.code() == Some(2) && run.err().contains("there is no command 'bench'"), "{run:?}");
}

#[test]
fn a_failed_peer_marks_only_its_row() {
    let Some(folder) = Folder::new("failing") else { return };
    folder.python("printf 'Traceback\\nno such port\\n\\n' >&2\necho no port");
    let run = with_path(&folder.0);
    assert_eq!((run.code(), run.err().as_str()), (Some(1), ""), "{run:?}");
    let out = run.out();
    let line = |start: &str| out.lines().find(|line| line.starts_with(start)).unwrap_or_default().to_owned();
    assert!(line("greeting-python ").ends_with("failed"), "{out}");
    assert_eq!(line("greeting-python:"), "greeting-python: python3 does not listen: no such port");
    assert!(line("greeting-threads ").contains("round trips/s"), "{out}");
}

#[test]
fn a_silent_peer_does_not_block_ctrl_c() {
    let Some(folder) = Folder::new("silent") else { return };
    folder.python("kill -INT $PPID\nread -r _");
    let run = with_path(&folder.0);
    assert_eq!((run.code(), run.err().lines().count()), (Some(1), 1), "{run:?}");
    assert!(run.err().contains("interrupted"), "{run:?}");
}

#[test]
fn a_missing_peer_is_skipped() {
    let Some(folder) = Folder::new("absent") else { return };
    let run = with_path(&folder.0);
    assert_eq!(run.code(), Some(0), "{run:?}");
    assert!(run.out().contains("greeting-python: there is no python3 here\n"), "{run:?}");
}

#[test]
fn ctrl_c_prints_the_results_so_far() {
    let Some(_folder) = Folder::new("interrupt") else { return };
    let mut run = terminal::start(&[&PROGRAM, "--quick", "--rounds", "1000000", "accept-kernel", "latency-kernel"]);
    // The progress bar shows that the measurements have started.
    run.wait_for("a progress bar", |out| out.contains("of 4000000"));
    run.type_in(b"\x03");
    let run = run.finish();
    assert_eq!(run.code(), Some(1), "{run:?}");
    let shown = run.out();
    assert!(shown.contains("interrupted: the table has what was measured before"), "{shown}");
    assert!(shown.contains("latency-kernel") && shown.ends_with("echo on\n"), "{shown}");
}

/// Ctrl-C works even with the largest number of rounds.
#[test]
fn ctrl_c_works_with_the_largest_number_of_rounds() {
    let Some(_folder) = Folder::new("rounds") else { return };
    let rounds = u64::MAX.to_string();
    let mut run = terminal::start(&[&PROGRAM, "--quick", "--rounds", &rounds, "accept-kernel"]);
    run.wait_for("a progress bar", |out| out.contains("accepting"));
    run.type_in(b"\x03");
    let run = run.finish();
    assert!(run.code() == Some(1) && run.out().contains("interrupted: "), "{run:?}");
}

#[test]
fn the_server_exits_when_sigkill_kills_its_parent() {
    let Some(_folder) = Folder::new("orphan") else { return };
    // Without the redirection, a command that a shell starts in the background has no input.
    let script = format!("echo $$; exec 3<&0; {} --child 4 <&3 & wait", *PROGRAM);
    let run = Peer::start(smolstep().args(["sandbox", "--", "sh", "-c", &script])).listening(1);
    let out = run.out();
    let shell = out.lines().find_map(|line| Pid::from_raw(line.parse().ok()?)).expect("the shell's number");
    kill_process(shell, Signal::KILL).unwrap();
    // The output ends only when the server has also exited, because the server has it open.
    assert_eq!(run.finish().code(), Some(128 + 9));
}

/// The benchmark's executable, freshly built.
static PROGRAM: LazyLock<String> = LazyLock::new(|| {
    let mut build = Command::new(env!("CARGO"));
    build.args(["test", "--no-run", "--bench", "compare"]).args((!cfg!(debug_assertions)).then_some("--release"));
    let built = output(&mut build).unwrap();
    let said = String::from_utf8_lossy(&built.stderr).into_owned();
    // The final line is: Executable benches/compare/main.rs (PATH)
    let path = said.rsplit_once('(').and_then(|(_, path)| path.split_once(')')).map(|(path, _)| path);
    let path = path.filter(|_| built.status.success()).unwrap_or_else(|| panic!("{said}"));
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path).to_str().unwrap().into()
});

fn program() -> Command {
    Command::new(&*PROGRAM)
}

fn bench(arguments: &[&str]) -> Finished {
    Peer::start(program().args(arguments)).finish()
}

/// Measures greetings with PATH set to `folder`, so that the benchmark finds python3 only in `folder`.
fn with_path(folder: &Path) -> Finished {
    let rows = ["--quick", "greeting-python", "greeting-threads"];
    Peer::start(program().env("PATH", folder).args(rows)).finish()
}

/// A folder for a test's files, which is removed on drop.
struct Folder(PathBuf);

impl Folder {
    /// Creates the folder. Returns `None` if this machine cannot run the benchmark.
    fn new(name: &str) -> Option<Self> {
        if let Err(why) = sandbox_possible() {
            skip(&why);
            return None;
        }
        let folder = std::env::temp_dir().join(format!("smolstep-bench-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Some(Folder(folder))
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().into()
    }

    /// Writes a shell script to the folder under the name python3.
    fn python(&self, script: &str) {
        write_program(&self.0.join("python3"), &format!("#!/bin/sh\n{script}\n")).unwrap();
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
