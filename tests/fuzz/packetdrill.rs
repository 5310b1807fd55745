//! Fuzzes packetdrill scripts.
//!
//! A script is parsed and run. It must neither panic nor run for ever, and an error must name a line of the script.

use smolstep::cli::replay::replay_script;
use smolstep::lab::packetdrill::{Failed, Limits, Script};
use smoltcp::time::Duration;

use super::random::Random;
use super::{Target, mutate};

/// The input is the text of a script.
pub const TARGET: Target = Target { name: "packetdrill", run, honest, hostile };

/// The limits of a run, so that testing an input takes a short time.
const LIMITS: Limits = Limits { time: Duration::from_secs(600), steps: 2000 };

fn run(input: &[u8]) {
    let _ = play(&String::from_utf8_lossy(input));
}

/// Runs a script. Returns `None` if it is not valid.
fn play(text: &str) -> Option<Result<(), Failed>> {
    let lines = text.lines().count();
    let script = match Script::parse(text) {
        Ok(script) => script,
        Err(error) => {
            // A long word is cut to 40 characters and `...`.
            assert!(error.line <= lines + 1 && error.column > 0 && error.word.chars().count() <= 43, "{error:?}");
            return None;
        }
    };
    let result = replay_script(&script, LIMITS, &mut |_, _| {});
    if let Err(failed) = &result {
        assert!((1..=lines).contains(&failed.line), "{failed:?}");
    }
    Some(result)
}

/// Scripts that match the run.
const HONEST: [&str; 4] = [
    include_str!("../../docs/packetdrill/active-close.pkt"),
    include_str!("../../docs/packetdrill/half-close.pkt"),
    include_str!("../../docs/packetdrill/sack.pkt"),
    include_str!("../../docs/packetdrill/window-update.pkt"),
];

/// Parts of scripts.
const WORDS: [&[u8]; 14] = [
    b"\n+0 ",
    b"\n* > ",
    b"+86400 ",
    b"0~1",
    b"...0.5 ",
    b" < F. 1:1(0) ack 1 win 257\n",
    b" > . 1:1(0) ack 1 <...>\n",
    b"<sack 1:2 3:4,TS val 1 ecr 2,eol>",
    b"4294967295",
    b"65535",
    b"\n+0 close(4) = 0\n",
    b"\n+0 write(4, ..., 100000) = 100000\n",
    b"\n+0 read(4, ..., 100000) = -1 EAGAIN\n",
    b"/*",
];

fn honest() -> Vec<Vec<u8>> {
    HONEST.map(|text| text.as_bytes().to_vec()).into()
}

fn hostile(random: &mut Random) -> (Vec<u8>, usize) {
    let mut text = random.pick(&HONEST).as_bytes().to_vec();
    if random.one_in(2) {
        mutate(random, &mut text, 0, &WORDS);
    } else {
        // Most scripts stay valid if only digits change.
        for _ in 0..1 + random.below(4) {
            let digits: Vec<usize> = (0..text.len()).filter(|&at| text[at].is_ascii_digit()).collect();
            text[random.pick(&digits)] = b'0' + random.below(10) as u8;
        }
    }
    let lines = text.split(|&byte| byte == b'\n').count();
    (text, lines)
}

#[cfg(not(fuzzing))]
#[test]
fn some_scripts_hold_and_some_fail() {
    assert!(HONEST.iter().all(|text| play(text) == Some(Ok(()))));
    let results: Vec<_> = (0..300)
        .filter_map(|number| play(&String::from_utf8_lossy(&hostile(&mut Random(number)).0)))
        .map(|result| result.is_ok())
        .collect();
    let held = results.iter().filter(|held| **held).count();
    assert!(held > 5 && results.len() - held > 15, "{held} of {}", results.len());
}
