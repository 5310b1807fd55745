//! The width of the ladder, `--frames`, and the files of `--svg` and `--graph`.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::common::netns::output;
use crate::common::peer::smolstep;
use crate::terminal::{ends, folder, lab, shown};

/// Returns the widths of the lines, in characters.
fn widths(text: &str) -> BTreeSet<usize> {
    text.lines().map(|line| line.chars().count()).collect()
}

#[test]
fn a_pipe_has_80_columns_unless_columns_says_otherwise() {
    for (columns, widest) in [(None, 80), (Some("100"), 100), (Some("120"), 120), (Some("x"), 80), (Some("0"), 80)] {
        let mut command = smolstep();
        command.args(["lab", "fast-retransmit", "--explain"]).env_remove("COLUMNS");
        if let Some(columns) = columns {
            command.env("COLUMNS", columns);
        }
        let text = shown(&output(&mut command).expect("smolstep runs"));
        let widest_line = widths(&text).into_iter().max().unwrap();
        assert!(widest_line <= widest && widest_line > widest - 10, "{columns:?}: {widest_line}");
        // The ladder shows the number of each frame at every width.
        let arrows = text.lines().filter(|line| line.contains("──") || line.contains("╌╌"));
        assert!(arrows.clone().count() > 15 && arrows.into_iter().all(|line| line.contains(" #")), "{text}");
    }
}

#[test]
fn the_option_frames_omits_the_clock_and_arp() {
    let text = shown(&lab(&["handshake", "--frames"]));
    assert!(!text.contains("ARP") && !text.contains(" clock "), "{text}");
    for part in ["#3 SYN", "#3 SYN arrives", "connected", "program runs: close", "TIME-WAIT is over"] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn selective_acknowledgements_are_in_the_label_of_the_ladder() {
    let in_columns = |columns| {
        shown(&output(smolstep().args(["lab", "fast-retransmit"]).env("COLUMNS", columns)).expect("smolstep runs"))
    };
    let text = in_columns("80");
    assert!(text.contains("dup ACK a=1461 sack 2921:5841"), "{text}");
    let wide = in_columns("120");
    assert!(wide.contains("duplicate ACK seq=1 ack=1461 len=0 win=16384 sack 2921:5841"), "{wide}");
}

/// After a connection is over, its server is in CLOSED, even though the port listens.
#[test]
fn a_connection_that_is_over_is_closed() {
    for scenario in ["backlog-full", "thanks-tcp", "half-close", "server-closes-first", "time-wait", "abort"] {
        let text = shown(&lab(&[scenario]));
        let mut ended = BTreeSet::new();
        for line in text.lines().take_while(|line| !line.is_empty()).skip(1) {
            let port = line.split_whitespace().find(|word| word.starts_with(':')).unwrap_or("");
            assert!(!(ended.contains(port) && line.ends_with("LISTEN")), "{scenario}: {line}");
            if ["LAST-ACK", "CLOSED", "TIME-WAIT", "FIN-WAIT-1"].iter().any(|state| line.trim_end().ends_with(state)) {
                ended.insert(port.to_owned());
            }
        }
        assert!(!ended.is_empty(), "{scenario}: {text}");
    }
}

#[test]
fn a_long_run_has_several_pages() {
    let folder = folder("pages");
    let name = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let run = ["fast-retransmit", "--loss", "30%", "--latency", "60ms"];
    let texts: Vec<String> = (0..400).map(|number| number.to_string()).collect();
    let texts: Vec<&str> = ["echo"].into_iter().chain(texts.iter().map(String::as_str)).collect();
    shown(&lab(&[&texts[..], &["--svg", &name("long.svg")]].concat()));
    let mut pages = Vec::new();
    for page in 1.. {
        let file = if page == 1 { name("long.svg") } else { name(&format!("long-{page}.svg")) };
        let Ok(text) = fs::read_to_string(file) else { break };
        assert!(text.starts_with("<svg ") && text.ends_with("</svg>\n"));
        pages.push(text);
    }
    assert!(pages.len() > 1);
    for (text, page) in pages.iter().zip(1..) {
        assert!(text.contains(&format!("Page {page} of {}.", pages.len())), "page {page}");
    }
    // Part of the run fits on one page. On standard output, even the whole run is one picture.
    let part = shown(&lab(&[&texts[..], &["--svg", "-", "--from", "20ms", "--to", "40ms"]].concat()));
    assert!(part.contains("0.030000") && !part.contains("0.050000") && !part.contains(">0.010000"), "{part}");
    assert!(!part.contains("Page 1"));
    let tall = shown(&lab(&[&texts[..], &["--svg", "-"]].concat()));
    assert!(tall.len() > pages[0].len() && !tall.contains("Page 1"));
    // The exit code is 1 because the client fails, but the picture is complete.
    let lossy = lab(&[&run[..], &["--svg", &name("lossy.svg")]].concat());
    assert!(lossy.status.code().is_some());
    assert!(fs::read_to_string(name("lossy.svg")).unwrap().ends_with("</svg>\n"));
}

#[test]
fn each_kind_of_graph_is_written() {
    let folder = folder("graphs");
    let mut args = vec!["fast-retransmit".to_owned()];
    let kinds = ["time-sequence", "cwnd", "rtt", "throughput"];
    for kind in kinds {
        args.extend(["--graph".to_owned(), format!("{kind}={}", folder.join(kind).with_extension("svg").display())]);
    }
    shown(&lab(&args.iter().map(String::as_str).collect::<Vec<_>>()));
    for (kind, part) in kinds.into_iter().zip([">SACK block<", ">ssthresh<", ">SRTT<", ">Mbit/s<"]) {
        let text = fs::read_to_string(folder.join(kind).with_extension("svg")).unwrap();
        assert!(text.contains(part) && text.contains(">time (s)<") && text.ends_with("</svg>\n"), "{kind}: {text}");
        assert!(text.contains("fill=\"#ffffff\""), "the ground is white");
        let same = lab(&["fast-retransmit", "--graph", &format!("{kind}=-")]);
        assert_eq!(shown(&same), text, "{kind}");
    }
    assert!(!Path::new("-").exists());
}

#[test]
fn wrong_pictures_are_one_line() {
    for (args, what) in [
        (&["--graph", "cwnd"][..], "write KIND=FILE.svg; kinds are cwnd, rtt, throughput, time-sequence"),
        (&["--graph", "speed=x.svg"], "'speed' should be one of cwnd, rtt, throughput, time-sequence"),
        (&["--graph", "cwnd=x.png"], "--graph draws SVG: 'x.png' should end in .svg, or be -"),
        (&["--graph", "cwnd=-", "--graph", "rtt=-"], "- cannot be written twice"),
        (&["--graph", "cwnd=a.svg", "--svg", "a.svg"], "a.svg cannot be written twice"),
        (&["--from", "1s"], "add --svg FILE or --graph KIND=FILE"),
        (&["--from", "2s", "--to", "1s", "--svg", "x.svg"], "--from should be before --to"),
        (&["--from", "2", "--svg", "x.svg"], "'2'"),
        (&["--list", "--frames"], "leave out options for a run"),
    ] {
        assert!(ends(args, 2, what).stdout.is_empty(), "{args:?}");
    }
    ends(&["--graph", "cwnd=/nowhere/x.svg"], 1, "/nowhere/x.svg");
    assert!(!Path::new("x.svg").exists() && !Path::new("a.svg").exists());
}
