//! Tests that the labels of frames agree with tshark's labels, except for a table of differences.

use std::collections::BTreeSet;
use std::fs;

use smolstep::lab::scenarios::{SCENARIOS, find};
use smolstep::lab::show::{What, write_json};
use smolstep::lab::{Fault, Setup};
use smoltcp::time::Duration;

use crate::capture::{run, tshark_fields};

/// Our label and tshark's label with the same meaning.
const SAME: [(&str, &str); 11] = [
    ("", ""),
    ("delayed-ack", ""),
    ("duplicate-ack", "duplicate_ack"),
    ("fast-retransmission", "fast_retransmission"),
    ("keep-alive", "keep_alive"),
    ("keep-alive-ack", "keep_alive_ack"),
    ("retransmission", "retransmission"),
    ("spurious-retransmission", "spurious_retransmission"),
    ("window-update", "window_update"),
    ("zero-window-probe", "zero_window_probe"),
    ("zero-window-probe-ack", "zero_window_probe_ack"),
];

/// Our label, tshark's label, and the reason for the difference. docs/lab.md contains the same table.
const DIFFERENT: [(&str, &str, &str); 11] = [
    ("", "retransmission", "the SYN,ACK of a simultaneous open repeats the number of the SYN"),
    ("after-timeout", "retransmission", "a capture does not show which segment the timer was for"),
    ("challenge-ack", "", "tshark has no such label"),
    ("challenge-ack", "duplicate_ack", "tshark has no such label"),
    (
        "fast-retransmission",
        "retransmission",
        "tshark counts duplicate ACKs; the stack also uses selective acknowledgements",
    ),
    (
        "path-mtu",
        "out_of_order",
        "tshark takes a segment that follows within a few milliseconds for an out-of-order segment",
    ),
    ("path-mtu", "retransmission", "tshark has no such label"),
    ("repeated-ack", "duplicate_ack", "tshark does not check whether the acknowledged segment arrived again"),
    ("repeated-syn", "retransmission", "tshark has no such label"),
    ("spurious-retransmission", "retransmission", "tshark calls only payload spurious, not SYN or FIN"),
    ("tail-probe", "retransmission", "tshark has no such label"),
];

/// Scenarios with faults, which show labels that no scenario shows alone.
const FAULTS: [(&str, &[&str]); 9] = [
    ("client-closes-first", &["drop server data 1"]),
    ("corrupted", &["drop server ack 1"]),
    ("duplicated", &["duplicate client syn 1"]),
    ("fast-retransmit", &["drop client data 8"]),
    (
        "fast-retransmit",
        &[
            "drop client data 1",
            "drop client data 3",
            "drop client data 4",
            "drop client data 5",
            "drop client data 6",
            "drop client data 7",
            "drop client data 8",
        ],
    ),
    ("fast-retransmit", &["drop client data 4", "drop client data 7"]),
    ("fast-retransmit", &["drop client data 4", "drop client data 9"]),
    ("reordered", &["delay 20ms client data 3"]),
    ("zero-window", &["drop server ack 2"]),
];

/// Returns the bytes of a run's capture and the lab's label of each frame.
fn capture(setup: &Setup<'_>) -> (Vec<u8>, Vec<String>) {
    let mut labels = Vec::new();
    let bytes = run(setup, |snapshot| {
        if matches!(snapshot.entry.what, What::Sent { .. }) {
            let mut line = String::new();
            write_json(&mut line, snapshot).unwrap();
            let label = line.split("\"reason\":\"").nth(1).and_then(|rest| rest.split('"').next());
            labels.push(label.unwrap_or_default().to_owned());
        }
    });
    (bytes, labels)
}

/// Returns tshark's labels of each frame, or `None` without tshark.
fn tshark(bytes: &[u8], name: &str) -> Option<Vec<BTreeSet<&'static str>>> {
    // tshark's notes on zero windows, full windows and missing segments are not reasons for a segment.
    const LABELS: [&str; 11] = [
        "duplicate_ack",
        "fast_retransmission",
        "keep_alive",
        "keep_alive_ack",
        "out_of_order",
        "retransmission",
        "reused_ports",
        "spurious_retransmission",
        "window_update",
        "zero_window_probe",
        "zero_window_probe_ack",
    ];
    let analysis = LABELS.map(|label| format!("tcp.analysis.{label}"));
    // A line that begins with the frame's number is never empty.
    let fields: Vec<&str> = ["frame.number"].into_iter().chain(analysis.iter().map(String::as_str)).collect();
    let labels = |line: &Vec<String>| {
        let fields = line.iter().skip(1).zip(LABELS);
        fields.filter(|(field, _)| !field.is_empty()).map(|(_, label)| label).collect()
    };
    Some(tshark_fields(bytes, name, &[], &fields)?.iter().map(labels).collect())
}

#[test]
fn tshark_agrees_with_every_label() {
    let time = |word: &str| word.strip_suffix("ms")?.parse().ok().map(Duration::from_millis);
    let plain = SCENARIOS.map(|scenario| (scenario.slug, &[][..]));
    let (mut same, mut different) = (BTreeSet::new(), BTreeSet::new());
    for (number, (slug, faults)) in plain.into_iter().chain(FAULTS).enumerate() {
        let mut setup = (find(slug).unwrap().setup)();
        for words in faults {
            assert!(setup.faults.add(Fault::parse(words, time).unwrap()));
        }
        let (bytes, labels) = capture(&setup);
        let Some(theirs) = tshark(&bytes, &format!("labels-{number}")) else { return };
        assert_eq!(theirs.len(), labels.len(), "{slug}");
        for ((ours, mut theirs), frame) in labels.iter().zip(theirs).zip(1..) {
            // tshark gives the specific kinds of retransmission the general label as well.
            if theirs.len() > 1 {
                theirs.remove("retransmission");
            }
            // The caller has restarted and uses the same port again.
            theirs.remove("reused_ports");
            let label = theirs.first().copied().unwrap_or_default();
            assert!(theirs.len() < 2, "{slug} {faults:?} frame {frame}: {theirs:?}");
            if let Some(place) = SAME.iter().position(|pair| *pair == (ours, label)) {
                same.insert(place);
            } else {
                let place = DIFFERENT.iter().position(|(a, b, _)| (*a, *b) == (ours, label));
                different.insert(
                    place.unwrap_or_else(|| panic!("{slug} {faults:?} frame {frame}: '{ours}', tshark '{label}'")),
                );
            }
        }
    }
    assert_eq!((same.len(), different.len()), (SAME.len(), DIFFERENT.len()), "a line of a table is never met");
}

/// The table in docs/lab.md contains the same lines as [`DIFFERENT`].
#[test]
fn the_guide_lists_the_differences() {
    let guide = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/lab.md")).unwrap();
    for (ours, theirs, why) in DIFFERENT {
        let name = |label: &str| if label.is_empty() { "–".to_owned() } else { format!("`{label}`") };
        let line = format!("| {} | {} | {why} |", name(ours), name(theirs));
        assert!(guide.contains(&line), "docs/lab.md lacks: {line}");
    }
}
