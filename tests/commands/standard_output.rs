//! Failures of standard output: a full disk causes one line of error, and a closed pipe causes a silent exit.

use std::fs::File;
use std::process::{Command, Stdio};

use crate::common::link::on_tap;
use crate::common::netns::spawn;
use crate::common::peer::smolstep;

#[test]
fn a_full_disk_is_a_one_line_error() {
    check_all("a_full_disk_is_a_one_line_error", assert_error_of_full_disk);
}

#[test]
fn a_closed_pipe_is_a_silent_exit() {
    check_all("a_closed_pipe_is_a_silent_exit", assert_silent_exit);
}

/// Calls `check` with each command, first with the commands that need no interface.
fn check_all(test: &str, check: fn(&str)) {
    IN_MEMORY.into_iter().for_each(check);
    on_tap(test, move |_| ON_TAP.into_iter().for_each(check));
}

/// Commands that need no interface. Without arguments, smolstep shows its tour.
const IN_MEMORY: [&str; 10] = [
    "",
    "--help",
    "--version",
    "apps",
    "doctor",
    "lab",
    "lab --list",
    "lab --coverage",
    "lab --step",
    "completions bash",
];

const ON_TAP: [&str; 4] = [
    "serve greeting --tap tap0",
    "serve greeting --events - --tap tap0",
    "ping 192.168.69.100 -c 2 --tap tap0",
    "resolve ::1 --tap tap0",
];

/// Asserts that a command reports a full disk.
fn assert_error_of_full_disk(arguments: &str) {
    let (code, err) = run(arguments, File::create("/dev/full").unwrap());
    assert_eq!(
        (code, err.as_str()),
        (Some(1), "smolstep: standard output: No space left on device (os error 28)\n"),
        "{arguments}"
    );
}

/// Asserts that a command exits silently if nobody reads its output.
fn assert_silent_exit(arguments: &str) {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    // The exit code is 128 plus the number of SIGPIPE, as a shell reports it for a program that SIGPIPE has killed.
    assert_eq!(run(arguments, writer), (Some(141), String::new()), "{arguments}");
}

/// Runs smolstep, and returns its exit code and its standard error.
fn run(arguments: &str, output: impl Into<Stdio>) -> (Option<i32>, String) {
    let mut command: Command = smolstep();
    command.args(arguments.split_whitespace()).env("RUST_LOG", "warn").stdin(Stdio::null());
    let child = spawn(command.stdout(output).stderr(Stdio::piped())).unwrap();
    let ended = child.wait_with_output().unwrap();
    (ended.status.code(), String::from_utf8(ended.stderr).unwrap())
}
