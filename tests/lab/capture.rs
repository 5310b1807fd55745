//! Captures of the lab contain each frame once, with a comment. tshark reads the captures back.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use smolstep::cli::replay::replay_steps;
use smolstep::lab::scenarios::{self, SCENARIOS};
use smolstep::lab::show::{LabCapture, What};
use smolstep::lab::{Setup, Snapshot};
use smolstep::trace::IoSink;

use crate::common::netns::output;
use crate::common::skip;

/// Runs a scenario for at most `steps` steps. Returns its capture and the number of frames sent.
fn capture(slug: &str, steps: u32) -> (Vec<u8>, usize) {
    let mut sent = 0;
    let mut setup = (scenarios::find(slug).unwrap().setup)();
    setup.steps = steps.min(setup.steps);
    let bytes = run(&setup, |snapshot| {
        sent += usize::from(matches!(snapshot.entry.what, What::Sent { .. }));
    });
    (bytes, sent)
}

/// Runs the lab with a set-up, and calls `each` for each entry of the trace. Returns the bytes of the capture.
pub fn run(setup: &Setup<'_>, mut each: impl FnMut(&Snapshot)) -> Vec<u8> {
    let mut capture = LabCapture::new(IoSink(Vec::new()), 2).unwrap();
    replay_steps(setup, |lab| {
        while let Some(entry) = lab.entries.pop() {
            let snapshot = lab.snapshot(entry);
            capture.note(&snapshot, &lab.wire).unwrap();
            each(&snapshot);
        }
    })
    .unwrap();
    capture.finish().unwrap().0
}

#[test]
fn the_same_run_makes_the_same_capture() {
    for scenario in SCENARIOS {
        assert!(capture(scenario.slug, u32::MAX) == capture(scenario.slug, u32::MAX), "{}", scenario.slug);
    }
}

#[test]
fn every_frame_of_every_scenario_is_readable() {
    for scenario in SCENARIOS {
        let (bytes, sent) = capture(scenario.slug, u32::MAX);
        let Some(lines) = tshark(&bytes, scenario.slug) else { return };
        assert_eq!(lines.len(), sent, "{}", scenario.slug);
        for line in &lines {
            assert!(["client", "server", "wire"].contains(&line[0].as_str()), "{line:?}");
            assert!(line[1].starts_with("step ") && line[1].contains(&format!("; {}", line[0])), "{line:?}");
        }
    }
}

#[test]
fn a_comment_names_the_change_the_fate_and_the_reason() {
    let Some(lines) = tshark(&capture("lost-synack", u32::MAX).0, "comments") else { return };
    let comment = |flags: &str, nth: usize| lines.iter().filter(|l| l[2] == flags).nth(nth).unwrap()[1].clone();
    let lost = comment("0x0012", 0);
    assert!(lost.starts_with("step 9; server; LISTEN -> SYN-RECEIVED at step 8; in SYN-RECEIVED; dropped; "), "{lost}");
    assert!(lost.ends_with("(RFC 9293 section 3.8.1)"), "{lost}");
    let again = comment("0x0012", 1);
    assert!(again.contains("; delivered; retransmission 1, RTO 1.000s; "), "{again}");
    assert!(again.ends_with("(RFC 6298 section 2)"), "{again}");
}

#[test]
fn a_damaged_frame_is_captured_as_it_was_sent() {
    // tshark() would fail on the wrong checksum of the corrupted frame.
    let Some(lines) = tshark(&capture("corrupted", u32::MAX).0, "corrupted") else { return };
    assert!(lines.iter().any(|line| line[1].contains("; corrupted; ")));
}

#[test]
fn a_run_that_ends_early_leaves_a_complete_capture() {
    let (bytes, sent) = capture("lost-data", 15);
    let Some(lines) = tshark(&bytes, "early") else { return };
    assert!(sent > 2 && lines.len() == sent);
}

/// Returns the interface, comment and flags of each frame.
///
/// Returns `None` without tshark.
///
/// Fails if a frame is malformed or has a wrong checksum.
fn tshark(bytes: &[u8], name: &str) -> Option<Vec<Vec<String>>> {
    let fields = [
        "frame.interface_name",
        "frame.comment",
        "tcp.flags",
        "_ws.malformed",
        "ip.checksum.status",
        "tcp.checksum.status",
        "udp.checksum.status",
    ];
    // Otherwise tshark would reassemble the messages of another protocol that uses port 7000.
    let whole = ["-o", "tcp.desegment_tcp_streams:FALSE"];
    let options = [&["-o", "ip.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE"][..], &whole].concat();
    let lines = tshark_fields(bytes, name, &options, &fields)?;
    for line in &lines {
        let bad = |status: &String| ["0", "Bad"].contains(&status.as_str());
        assert!(line[3].is_empty() && !line[4..].iter().any(bad), "{name}: tshark finds fault with {line:?}");
    }
    Some(lines)
}

/// Returns these fields of each frame of the capture in `bytes`. `name` is part of the name of its file.
///
/// Returns `None` without tshark.
pub fn tshark_fields(bytes: &[u8], name: &str, options: &[&str], fields: &[&str]) -> Option<Vec<Vec<String>>> {
    let file = TempFile::new(name);
    fs::write(&file.0, bytes).unwrap();
    let mut tshark = Command::new("tshark");
    tshark.arg("-n").args(options).arg("-r").arg(&file.0);
    tshark.args(["-T", "fields", "-E", "separator=/t"]).args(fields.iter().flat_map(|field| ["-e", field]));
    let Ok(output) = output(&mut tshark) else {
        skip("tshark", "no tshark here (Debian and Ubuntu: apt-get install tshark)");
        return None;
    };
    assert!(output.status.success(), "tshark: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    Some(text.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect())
}

/// A file in the folder for test files, which is removed on drop.
struct TempFile(PathBuf);

impl TempFile {
    fn new(name: &str) -> Self {
        TempFile(Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("lab-{name}-{}.pcapng", std::process::id())))
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}
