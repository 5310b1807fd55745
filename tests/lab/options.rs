//! `smolstep lab`: the options for the network and for the connections, and their values in `--show` and `--json`.

use crate::terminal::{self, ends, folder, lab};

/// Runs the lab, which must succeed, and returns its standard output.
#[track_caller]
fn shown(args: &[&str]) -> String {
    terminal::shown(&lab(args))
}

/// An invalid option is rejected with exit code 2 and a message that names the remedy.
#[test]
fn options_that_do_not_fit_are_refused() {
    for (args, part) in [
        (&["--queue", "5"][..], "--queue needs --rate"),
        (&["--black-hole"], "--black-hole needs --router-mtu"),
        (&["--window-scale", "14"], "needs receive buffers of at least 65536 bytes"),
        (&["--window-scale", "15"], "from 0 to 14"),
        (&["--isn", "4294967296"], "from 0 to 4294967295"),
        (&["--buffer", "client=100"], "from 128 to 1048576"),
        (&["--buffer", "host=1000"], "'host=1000' should be client=8192 or server=8192"),
        (&["--buffer", "client=1000,client=2000"], "client appears twice"),
        (&["--keep-alive", "0s"], "longer than zero"),
        (&["--loss", "101%"], "'101%' should be from 0% to 100%"),
        (&["--loss", "0.00001%"], "'0.00001%' should be from 0% to 100%"),
        (&["--clients", "9"], "from 1 to 8"),
        (&["--flood", "-1"], "from 0 to 10000"),
        (&["--router-mtu", "100"], "from 576 to 1500"),
        (&["--show", "cwnd,rtt"], "'rtt' should be one of una, nxt, snd-wnd"),
        (&["--clients", "8", "--flood", "1"], "at most 8 calls and events"),
        (&["--list", "--nagle"], "leave out options for a run"),
        (&["--list", "--show", "cwnd"], "leave out options for a run"),
        (&["--terms", "--seed", "8"], "leave out options for a run"),
        (&["--list", "--udp"], "leave out options for a run"),
    ] {
        ends(args, 2, part);
    }
}

#[test]
fn a_value_is_shown_when_it_changes() {
    let text = shown(&["slow-start", "--show", "cwnd,held-by"]);
    let windows: Vec<_> = text.lines().filter(|line| line.contains("client") && line.contains("cwnd=")).collect();
    for cwnd in ["cwnd=14600", "cwnd=29200", "cwnd=58400"] {
        assert_eq!(
            windows.iter().filter(|line| line.ends_with(cwnd) || line.contains(&format!("{cwnd} "))).count(),
            1,
            "{text}"
        );
    }
    assert!(text.contains("held-by=cwnd") && text.contains("held-by=-"), "{text}");
    // If there are two connections, each line contains a port.
    let text = shown(&["handshake", "--clients", "2", "--show", "nxt"]);
    assert!(text.lines().any(|line| line.starts_with("      client :") && line.contains("nxt=")), "{text}");
}

#[test]
fn json_has_what_both_ends_hold() {
    let text = shown(&["fast-retransmit", "--congestion", "reno", "--json", "-"]);
    let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let of =
        |end: &str, field: &str| -> Vec<u64> { lines.iter().filter_map(|line| line[end][field].as_u64()).collect() };
    assert_eq!(of("client_holds", "cwnd").first(), Some(&14_600));
    assert!(of("client_holds", "ssthresh").contains(&5110));
    assert!(of("client_holds", "duplicate_acks").contains(&3));
    assert_eq!(of("client_holds", "una").last(), Some(&11_682));
    assert_eq!(of("server_holds", "rcv_nxt").last(), Some(&11_682));
    assert!(of("client_holds", "retransmission_at_us").iter().all(|at| *at > 2000));
    // Only changes are written.
    let (with, without): (Vec<_>, Vec<_>) = lines.iter().partition(|line| line["client_holds"].is_object());
    assert!(with.len() < without.len(), "{} of {}", with.len(), lines.len());
}

#[test]
fn the_ladder_shows_what_the_wire_does() {
    let text = shown(&["greeting", "Li", "--flood", "3", "--explain"]);
    assert!(text.contains(":1026 SYN is forged") && text.contains("RFC 4987"), "{text}");
    let text = shown(&["path-mtu", "--explain"]);
    assert!(text.contains("too long") && text.contains("router: ICMP") && text.contains("RFC 1191"), "{text}");
    let text = shown(&["fast-retransmit", "--rate", "1Mbit", "--queue", "3", "--explain"]);
    assert!(text.contains("queue full") && text.contains("tail drop"), "{text}");
    let text = shown(&["client-closes-first"]);
    assert!(text.contains("program reads 2 B, writes 9 B"), "{text}");
}

/// The capture contains the frames that come from the wire itself, on a separate interface.
#[test]
fn the_capture_has_the_frames_of_the_wire() {
    let file = folder("wire").join("forged.pcapng");
    shown(&["blind-rst", "--pcap", file.to_str().unwrap()]);
    let bytes = std::fs::read(file).unwrap();
    assert!(bytes.windows(4).any(|w| w == b"wire"));
    let comment = b"a forged segment";
    assert!(bytes.windows(comment.len()).any(|w| w.eq_ignore_ascii_case(comment)));
}

/// An error shows a long or invisible value in part, whichever option has the value.
#[test]
fn an_error_shows_no_long_value() {
    let long = "x".repeat(5000) + "\u{1b}[2J";
    let short = "\u{1b}[2J\n\nx";
    for option in [
        "--until",
        "--seed",
        "--latency",
        "--jitter",
        "--rate",
        "--mtu",
        "--loss",
        "--queue",
        "--router-mtu",
        "--congestion",
        "--buffer",
        "--isn",
        "--window-scale",
        "--keep-alive",
        "--ack-delay",
        "--clients",
        "--flood",
        "--limit",
        "--fault",
        "--graph",
        "--show",
        "--lang",
        "--from",
        "--to",
        "--print",
        "--unknown",
    ] {
        for value in [&long, short] {
            let run = lab(&[&format!("{option}={value}")]);
            let err = String::from_utf8(run.stderr).unwrap();
            assert_eq!(run.status.code(), Some(2), "{option}: {err}");
            let line = err.strip_suffix('\n').unwrap();
            assert!(line.starts_with("smolstep: ") && !line.contains(char::is_control), "{option}: {err:?}");
            assert!(!line.contains(&"x".repeat(60)), "{option}: {line}");
        }
    }
    let run = lab(&[&format!("--{long}")]);
    let err = String::from_utf8(run.stderr).unwrap();
    assert!(err.len() < 300 && err.contains("xxx..."), "{err}");
}
