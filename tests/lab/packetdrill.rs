//! `smolstep lab FILE.pkt`: the scripts in docs/packetdrill match the stack, each number in them is checked, and errors
//! name the line.

use smolstep::cli::replay::replay_script;
use smolstep::lab::packetdrill::{Failed, Limits, Script};
use smoltcp::time::Duration;

use crate::common::hostile::random::{Random, seed};
use crate::texts_in;

/// Returns the name and the text of each script in docs/packetdrill.
fn scripts() -> Vec<(String, String)> {
    texts_in("docs/packetdrill")
}

fn run_text(text: &str, steps: u32) -> Option<Result<(), Failed>> {
    let script = Script::parse(text).ok()?;
    let limits = Limits { time: Duration::from_secs(3600), steps };
    Some(replay_script(&script, limits, &mut |_, _| {}))
}

#[test]
fn every_shipped_script_holds() {
    let scripts = scripts();
    assert!(scripts.len() >= 12, "{}", scripts.len());
    for (name, text) in scripts {
        assert_eq!(run_text(&text, 10_000), Some(Ok(())), "{name}");
    }
}

/// Returns the text with the number at the offset `at` increased by `by`.
fn increased(text: &str, at: usize, by: u64) -> String {
    let len = text[at..].find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len() - at);
    let number: u64 = text[at..at + len].parse().unwrap_or(0);
    format!("{}{}{}", &text[..at], number.wrapping_add(by), &text[at + len..])
}

/// Changes each number of each segment that a script expects, and each number of bytes that a read returns. The script
/// must then fail at that line, or be invalid.
#[test]
fn every_expected_number_of_the_shipped_scripts_matters() {
    for (name, text) in scripts() {
        let mut altered = 0;
        let mut start = 0;
        for (index, line) in text.lines().enumerate() {
            let from = match line {
                line if line.starts_with("//") => None,
                line if line.contains("read(") && !line.contains("= -1") => line.find("= "),
                line => line.find(" > "),
            };
            for (at, _) in line
                .char_indices()
                .skip(from.unwrap_or(usize::MAX))
                .filter(|(at, c)| c.is_ascii_digit() && !line[..*at].ends_with(|c: char| c.is_ascii_digit()))
            {
                let text = increased(&text, start + at, 1);
                match run_text(&text, 10_000) {
                    None => {}
                    Some(Ok(())) => panic!("{name}: {} holds", text.lines().nth(index).unwrap()),
                    Some(Err(failed)) => {
                        assert_eq!(failed.line, index + 1, "{name}: {failed}");
                        altered += 1;
                    }
                }
            }
            start += line.len() + 1;
        }
        assert!(altered >= 2, "{name}: {altered} numbers were altered");
    }
}

/// Mutated scripts neither panic nor run for ever, and most errors name a line of the script.
#[test]
fn mutated_scripts_end() {
    let scripts = scripts();
    let mut random = Random(seed(0x0bad_5eed));
    let (mut parsed, mut failed) = (0, 0);
    for _ in 0..1500 {
        let mut text = scripts[random.below(scripts.len())].1.clone();
        for _ in 0..1 + random.below(3) {
            let starts: Vec<usize> =
                text.char_indices().filter(|(_, c)| c.is_ascii_digit()).map(|(at, _)| at).collect();
            let at = random.pick(&starts);
            match random.below(6) {
                0 => {
                    let lines: Vec<&str> = text.lines().collect();
                    let (from, to) = (random.below(lines.len()), random.below(lines.len()));
                    let mut lines = lines.clone();
                    let line = lines.remove(from);
                    lines.insert(to.min(lines.len()), line);
                    text = lines.join("\n");
                }
                1 => drop(text.remove(at)),
                2 => text.insert_str(at, random.pick(&["9", "65536", "4294967295", "é", "(", "...", "~", "`", "/*"])),
                _ => text = increased(&text, at, random.below(3000) as u64),
            }
        }
        match (Script::parse(&text), run_text(&text, 3000)) {
            (Err(error), _) => assert!(error.line <= text.lines().count() + 1 && error.column > 0, "{text}\n{error:?}"),
            (Ok(_), None) => unreachable!("the script is valid"),
            (Ok(_), Some(result)) => {
                parsed += 1;
                if let Err(error) = result {
                    failed += 1;
                    assert!((1..=text.lines().count()).contains(&error.line), "{text}\n{error:?}");
                }
            }
        }
    }
    assert!(parsed > 300 && failed > 200, "{parsed} {failed}");
}

#[cfg(target_os = "linux")]
mod program {
    use std::fs;

    use smolstep::lab::MAX_FILE_BYTES;

    use crate::terminal::{ends, folder};

    const HANDSHAKE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/packetdrill/handshake.pkt");

    #[test]
    fn the_exit_code_shows_whether_the_script_matches() {
        let run = ends(&[HANDSHAKE], 0, "");
        assert!(String::from_utf8_lossy(&run.stdout).contains("SYN,ACK seq=0 ack=1 len=0 win=65535"));
        let folder = folder("packetdrill-codes");
        let script = |name: &str, text: &[u8]| {
            let path = folder.join(name);
            fs::write(&path, text).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let text = fs::read_to_string(HANDSHAKE).unwrap();
        let wrong = script("wrong.pkt", text.replace("win 65535", "win 65534").as_bytes());
        let message = "wrong.pkt:8: expected '> S. 0:0(0) ack 1 win 65534 <mss 1460,wscale 0,sackOK>' at 0.100000s, but \
                       '> S. 0:0(0) ack 1 win 65535 <mss 1460,wscale 0,sackOK,";
        ends(&[&wrong], 1, message);
        let bad = script("bad.pkt", text.replace("listen(3, 1)", "listen(9, 1)").as_bytes());
        ends(&[&bad], 2, "bad.pkt:5:14: '9' should be the number of a socket that is open");
        ends(&[&bad], 2, "; see docs/lab-pkt.md\n");
        ends(
            &[&script("UNIX.PKT", b"0 socket(AF_UNIX, SOCK_DGRAM, 17) = 3")],
            2,
            "UNIX.PKT:1:10: 'AF_UNIX' should be ... or",
        );
        ends(
            &[&script("shell.pkt", b"`reboot`")],
            2,
            "shell.pkt:1:1: '`' should be left out: the lab runs no shell commands",
        );
        ends(&[&script("empty.pkt", b"")], 2, "empty.pkt:1:1: a word is missing at the end: a line, such as");
        ends(&[&script("binary.pkt", &[0xff, 0xfe])], 2, "binary.pkt cannot be read: line 1 is not UTF-8 text");
        ends(
            &[&script("long.pkt", &[b' '; MAX_FILE_BYTES + 1])],
            2,
            "long.pkt cannot be read: it is longer than 1 MiB",
        );
        ends(&["no-such-file.pkt"], 2, "no-such-file.pkt cannot be read: No such file or directory");
    }

    #[test]
    fn a_script_takes_few_options_and_writes_files() {
        for option in
            [&["--udp"][..], &["--step"], &["--seed", "8"], &["--loss", "1%"], &["--latency", "5ms"], &["text"]]
        {
            ends(
                &[&[HANDSHAKE], option].concat(),
                2,
                "which takes only --limit, --explain, --frames, --clock, --ascii, --lang and files to write",
            );
        }
        for graph in ["cwnd=-", "rtt=-"] {
            ends(&[HANDSHAKE, "--graph", graph], 2, "of the graphs, it has only time-sequence and throughput");
        }
        let count = |option: &[&str], word: &str| {
            let run = ends(&[&[HANDSHAKE], option].concat(), 0, "");
            String::from_utf8(run.stdout).unwrap().matches(word).count()
        };
        assert!(count(&[], "ARP") > 0);
        assert_eq!((count(&["--frames"], "ARP"), count(&[], "clock")), (0, 0));
        assert!(count(&["--clock"], "clock") > 0);
        ends(&[HANDSHAKE, "--limit", "10ms"], 1, "handshake.pkt:7: the script takes more than 0.010000s");
        let folder = folder("packetdrill-files");
        let file = |name: &str| folder.join(name).to_str().unwrap().to_owned();
        let (pcap, json, svg) = (file("run.pcapng"), file("run.json"), file("run.svg"));
        ends(&[HANDSHAKE, "--pcap", &pcap, "--json", &json, "--svg", &svg, "--explain"], 0, "");
        let frames =
            fs::read_to_string(&json).unwrap().lines().filter(|line| line.contains("\"event\":\"sent\"")).count();
        assert_eq!(frames, 8);
        assert!(fs::metadata(&pcap).unwrap().len() > 500);
        assert!(fs::read_to_string(&svg).unwrap().contains("SYN,ACK"));
        // With the capture on standard output, nothing else is printed there.
        let run = ends(&[HANDSHAKE, "--pcap", "-"], 0, "");
        assert_eq!(run.stdout, fs::read(&pcap).unwrap());
    }
}
