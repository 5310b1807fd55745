//! The exercises in docs/exercises: with every seed, right answers get all points and wrong answers get none.

use std::collections::BTreeSet;

use smolstep::cli::replay::replay;
use smolstep::lab::Fault;
use smolstep::lab::expect::Expectations;
use smolstep::lab::figure::NAMES;
use smolstep::lab::file::{Answer, Experiment, Key, Marked};
use smolstep::lab::lang::Lang;

use crate::texts_in;

/// Returns the name and the text of each exercise.
fn exercises() -> Vec<(String, String)> {
    texts_in("docs/exercises")
}

/// Returns the right answers from a run of the experiment.
fn right_answers<'e>(experiment: &'e Experiment, name: &str) -> Key<'e> {
    let parts = experiment.parts();
    let setup = parts.setup().unwrap();
    let mut key = Key::new(experiment, setup.line.latency);
    assert_eq!(replay(&setup, |snapshot, _| key.see(snapshot)), Ok(true), "{name}");
    key
}

/// Returns whether faults make the expectations true.
fn meets(experiment: &Experiment, faults: &[Fault], mut expectations: Expectations) -> bool {
    let parts = experiment.parts();
    let mut setup = parts.setup().unwrap();
    faults.iter().for_each(|fault| assert!(setup.faults.add(*fault)));
    replay(&setup, |snapshot, frame| expectations.see(snapshot, frame)).unwrap();
    expectations.result().is_ok()
}

/// Answers that are not right, for each kind of question.
fn wrong_answers(answer: &Answer, right: &str, options: usize) -> Vec<String> {
    match answer {
        Answer::Choice { .. } => ('a'..).take(options).map(String::from).filter(|letter| letter != right).collect(),
        Answer::Order(_) => {
            let letters: Vec<&str> = right.split(' ').collect();
            let swap = |place: usize| {
                let mut swapped = letters.clone();
                swapped.swap(place, place + 1);
                swapped.join(" ")
            };
            let mut all: Vec<String> = (0..letters.len() - 1).map(swap).collect();
            all.push(letters[1..].join(" "));
            all
        }
        Answer::State { .. } => NAMES.iter().filter(|name| **name != right).map(ToString::to_string).collect(),
        Answer::Field(..) if right.parse::<u64>().is_err() => vec!["SYN".into(), "FIN".into()],
        _ => {
            let right: u64 = right.parse().unwrap();
            vec![(right + 1).to_string(), (right + 1000).to_string(), (right * 2 + 1).to_string()]
        }
    }
}

/// Returns whether a character is in the block of common Chinese characters.
fn is_han(c: char) -> bool {
    ('\u{4e00}'..='\u{9fff}').contains(&c)
}

/// Every text has a Chinese translation, except the names of states and segments.
#[test]
fn every_exercise_is_in_chinese() {
    let is_name = |text: &str| NAMES.contains(&text) || ["SYN", "SYN,ACK", "ACK"].contains(&text);
    for (name, text) in exercises() {
        let experiment = Experiment::parse(&text, None).unwrap();
        let mut texts: Vec<&str> = vec![&experiment.title];
        texts.extend(experiment.text.iter().map(String::as_str));
        for question in &experiment.questions {
            texts.push(&question.text);
            texts.extend(question.hint.as_deref());
            if let Answer::Choice { options, .. } | Answer::Order(options) = &question.answer {
                texts.extend(options.iter().map(String::as_str).filter(|text| !is_name(text)));
            }
        }
        // A formula, such as "T + 1 s", is not translated.
        let is_word = |word: &str| word.len() > 1 && word.contains(|c: char| c.is_ascii_lowercase());
        for text in texts.into_iter().filter(|text| text.split(' ').any(is_word)) {
            assert!(experiment.in_lang(text, Lang::Zh).chars().any(is_han), "{name}: {text}");
            assert_eq!(experiment.in_lang(text, Lang::En), text, "{name}");
        }
    }
}

#[test]
fn right_answers_count_and_wrong_ones_do_not() {
    let exercises = exercises();
    assert_eq!(exercises.len(), 12);
    let mut kinds = BTreeSet::new();
    for (name, text) in exercises {
        let experiment = Experiment::parse(&text, None).unwrap_or_else(|error| panic!("{name}:{error}"));
        let seeds = [experiment.seed(), 1, 2, 3, 4];
        let mut seen: Vec<Vec<Option<String>>> = Vec::new();
        for seed in seeds {
            let experiment = Experiment::parse(&text, Some(seed)).unwrap();
            let key = right_answers(&experiment, &name);
            for (index, question) in experiment.questions.iter().enumerate() {
                let kind = format!("{:?}", question.answer);
                kinds.insert(kind.split([' ', '(']).next().unwrap_or_default().to_owned());
                let place = format!("{name}: question {} with seed {seed}", index + 1);
                let right = key.right(index).unwrap_or_else(|| panic!("{place} has no answer"));
                if matches!(question.answer, Answer::Make(_)) {
                    continue;
                }
                assert!(matches!(key.mark(index, &right), Marked::Right), "{place}: {right}");
                for wrong in wrong_answers(&question.answer, &right, key.options(index).len()) {
                    assert!(matches!(key.mark(index, &wrong), Marked::Wrong), "{place}: {wrong} beside {right}");
                }
            }
            seen.push((0..experiment.questions.len()).map(|index| key.right(index)).collect());
        }
        seen.dedup();
        assert!(seen.len() > 1, "{name}: the answers are the same with every seed");
    }
    let all = ["Choice", "Count", "Field", "Make", "Number", "Order", "State"];
    assert!(kinds.iter().eq(all), "{kinds:?}");
}

/// Answers that do not depend on the seed: the file, the number of the question, and the answer according to RFC 9293.
const KNOWN: [(&str, usize, &str); 27] = [
    ("01-handshake", 2, "1"),
    ("01-handshake", 3, "SYN-RECEIVED"),
    ("01-handshake", 4, "ESTABLISHED"),
    ("01-handshake", 5, "1"),
    ("02-sequence-numbers", 2, "1"),
    // ARP takes a round trip of 20 ms before the first SYN, and the timer takes a second.
    ("03-lost-syn", 2, "1020"),
    ("03-lost-syn", 3, "SYN-SENT"),
    ("03-lost-syn", 4, "LISTEN"),
    ("04-close", 2, "FIN-WAIT-2"),
    ("04-close", 3, "CLOSE-WAIT"),
    ("04-close", 5, "TIME-WAIT"),
    ("05-reset", 1, "RST,ACK"),
    ("05-reset", 2, "1"),
    ("05-reset", 3, "CLOSED"),
    ("05-reset", 4, "1"),
    ("06-flow-control", 1, "1024"),
    ("06-flow-control", 2, "1024"),
    ("06-flow-control", 3, "0"),
    ("06-flow-control", 5, "ESTABLISHED"),
    ("07-nagle", 1, "2"),
    ("07-nagle", 2, "100"),
    ("08-retransmission", 3, "420"),
    ("08-retransmission", 4, "860"),
    ("09-fast-retransmit", 2, "1"),
    ("10-udp", 5, "CLOSED"),
    ("11-keep-alive", 3, "CLOSED"),
    ("12-congestion", 1, "10"),
];

#[test]
fn the_key_has_the_known_answers() {
    let exercises = exercises();
    for (file, number, answer) in KNOWN {
        let (name, text) = exercises.iter().find(|(name, _)| name.contains(file)).unwrap_or_else(|| panic!("{file}"));
        for seed in [7, 8] {
            let experiment = Experiment::parse(text, Some(seed)).unwrap();
            let key = right_answers(&experiment, name);
            assert_eq!(key.right(number - 1).as_deref(), Some(answer), "{file}: question {number} with seed {seed}");
        }
    }
}

/// Faults that make the expectations of the exercises true: the file, and the answer.
const MADE: [(&str, &str); 7] = [
    ("01-handshake", "drop server synack 1"),
    ("03-lost-syn", "drop client syn 2; drop client syn 3"),
    ("04-close", "drop client ack 1"),
    ("08-retransmission", "drop server ack 1; drop server ack 2"),
    ("09-fast-retransmit", "drop client data 9"),
    ("10-udp", "drop client udp 2"),
    ("12-congestion", "drop client fin 1"),
];

#[test]
fn faults_make_it_happen() {
    let mut made = 0;
    for (name, text) in exercises() {
        let experiment = Experiment::parse(&text, None).unwrap();
        let key = right_answers(&experiment, &name);
        for (index, question) in experiment.questions.iter().enumerate() {
            if !matches!(question.answer, Answer::Make(_)) {
                continue;
            }
            let run = |answer: &str| match key.mark(index, answer) {
                Marked::Run { faults, expectations, .. } => meets(&experiment, &faults, expectations),
                other => panic!("{name}: {answer}: {other:?}"),
            };
            let right = MADE.iter().find(|(file, _)| name.contains(file)).unwrap_or_else(|| panic!("{name}"));
            assert!(run(right.1), "{name}: {}", right.1);
            // A fault for a frame that is not sent changes nothing.
            assert!(!run("drop server rst 90"), "{name}");
            made += 1;
        }
    }
    assert_eq!(made, 7);
}
