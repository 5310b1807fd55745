//! Fuzzes the lab's files and the files of answers.
//!
//! The lab must either start an experiment from the file, or report an error and its position in the file.

use smolstep::cli::replay::replay;
use smolstep::lab::file::{Answers, Experiment, FileError, Key};
use smolstep::lab::scenarios::SCENARIOS;
use smoltcp::time::Duration;

use super::Target;
use super::mutate;
use super::random::Random;

/// The input is the text of a file. Every hundredth experiment also runs, for at most 200 steps.
pub const TARGET: Target = Target { name: "lab_files", run, honest, hostile };

fn run(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    if let Err(error) = Answers::parse(&text, 9) {
        in_file(&text, &error);
    }
    let experiment = match Experiment::parse(&text, None) {
        Ok(experiment) => experiment,
        Err(error) => return in_file(&text, &error),
    };
    let parts = experiment.parts();
    let mut setup = parts.setup().expect("an experiment that was parsed can be set up");
    let mut key = Key::new(&experiment, setup.line.latency);
    if input.len().is_multiple_of(100) {
        setup.steps = 200;
        let _ = replay(&setup, |snapshot, _| key.see(snapshot));
    }
    for index in 0..experiment.questions.len() {
        for answer in ["a", "7", "LISTEN", "drop client syn 1", &text] {
            let _ = key.mark(index, answer);
        }
    }
    let _ = experiment.expectations(Duration::from_millis(20)).result();
}

/// Checks that an error gives a position in the file, in one short line.
fn in_file(text: &str, error: &FileError) {
    let message = error.to_string();
    let lines = text.lines().count().max(1);
    assert!((1..=lines).contains(&error.line) && error.column >= 1, "{message}");
    let longest = text.lines().nth(error.line - 1).unwrap_or_default().chars().count() + 1;
    assert!(error.column <= longest, "{message}: {longest} columns");
    assert!(message.chars().count() < 1000 && !message.contains('\n'), "{message}");
}

const EXERCISE: &str = include_str!("../../docs/exercises/12-congestion.lab");
const ANSWERS: &str = "seed 5\n1: 10\n2: b a\n3: drop client syn 1\n";

fn honest() -> Vec<Vec<u8>> {
    let texts = SCENARIOS.iter().map(|scenario| scenario.text).chain([EXERCISE, ANSWERS]);
    texts.map(|text| text.as_bytes().to_vec()).collect()
}

const WORDS: [&[u8]; 16] = [
    b" 0",
    b" 99999999999999999999",
    b" \"",
    b"\\",
    b"$n",
    b"${",
    b"\nvary n from 1 to 9\n",
    b"\nclients 8\nflood 3\n",
    b"\nquestion \"$n\" answer state of client at 9rtt\n",
    b"\nquestion \"?\" answer count client any from 1s hint \"x\"\n",
    b"\nquestion \"?\" answer order \"a\" \"b\" points 3\n",
    b" 1.5rtt+3ms",
    b"\nnetwork rate 1kbit queue 1 loss 99%\n",
    b"\nhosts buffer 128 isn 4294967295 window-scale 3\n",
    b"\xe2\x82",
    "\u{feff}\u{202e}".as_bytes(),
];

fn hostile(random: &mut Random) -> (Vec<u8>, usize) {
    let mut input = random.pick(&SCENARIOS).text.as_bytes().to_vec();
    if random.one_in(8) {
        input = random.pick(&[EXERCISE, ANSWERS]).as_bytes().to_vec();
    }
    mutate(random, &mut input, 0, &WORDS);
    (input, 1)
}
