//! Tests of the files' grammar and of marking.

use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

use smoltcp::time::Duration;

use super::*;
use crate::lab::scenarios::SCENARIOS;
use crate::lab::{Buffers, Scheduled, Verdict};

const GREETING: &str = "\
title \"A greeting\"
network latency 5ms rate 10Mbit queue 20
server listens 7000 backlog 2
  read 2 bytes
  send \"Hello,Li!\\n\"
  close
client calls 7000 from 50000 at 2s+1.5rtt
  send \"Li\"   # the name
  read to end
  close
fault drop server synack 1
at 90s cut client
expect server retransmits synack 1 within 3s
";

fn error(text: &str) -> String {
    Experiment::parse(text, None).expect_err(text).to_string()
}

#[test]
fn a_file_becomes_a_set_up() {
    let experiment = Experiment::parse(GREETING, None).unwrap();
    let parts = experiment.parts();
    let setup = parts.setup().unwrap();
    assert_eq!((experiment.title.as_str(), experiment.expects(), setup.seed), ("A greeting", true, 7));
    assert_eq!(setup.line.latency, Duration::from_millis(5));
    assert_eq!((setup.line.rate, setup.line.queue), (Some(10_000_000), Some(20)));
    assert_eq!((setup.listeners[0].port, setup.listeners[0].backlog), (7000, 2));
    assert_eq!(setup.faults.len(), 1);
    let (at, call) = &setup.agenda[0];
    assert_eq!(at.on(Duration::from_millis(10)), Duration::from_millis(2030));
    assert!(matches!(call, Scheduled::Call { host: 0, port: 50_000, remote, .. } if remote.port == 7000));
    assert!(matches!(setup.agenda[1], (_, Scheduled::HostEvent(0, HostEvent::Cut))));
}

#[test]
fn the_settings_are_the_same_as_the_options() {
    let text = "network mtu 576 loss 0.5% jitter 2ms router-mtu 600 black-hole\nhosts nagle on ack-delay 0 keep-alive 5s \
                congestion none window-scale 2 buffer 4096\nhost server receive 1024 isn 5\nhosts idle-timeout 20s\nlimit \
                30s\nclients 3\nflood 9\nclient calls 7000\n";
    let experiment = Experiment::parse(text, Some(3)).unwrap();
    let parts = experiment.parts();
    let setup = parts.setup().unwrap();
    assert_eq!((setup.line.mtu, setup.line.loss, setup.line.router_mtu), (576, 5000, Some(600)));
    assert!(setup.line.black_hole && setup.nagle);
    assert_eq!(setup.ack_delay, None);
    assert_eq!(setup.keep_alive, Some(Duration::from_secs(5)));
    assert_eq!(setup.window_scale, Some(2));
    assert_eq!(setup.isn, [None, Some(5)]);
    assert_eq!(setup.buffers[0], Buffers { receive: 4096, send: 4096 });
    assert_eq!(setup.buffers[1], Buffers { receive: 1024, send: 4096 });
    assert_eq!((setup.clients, setup.flood, setup.seed), (3, 9, 3));
    assert_eq!(setup.limit, Duration::from_secs(30));
}

/// Each expectation and each question is compared with every entry of a run, so their number is limited.
#[test]
fn the_number_of_expectations_and_questions_in_a_file_is_limited() {
    let (expectation, question) = ("expect client syn\n", "question \"?\" answer field ack of frame 9\n");
    for (line, what) in [(expectation, "expectations"), (question, "questions")] {
        assert!(Experiment::parse(&line.repeat(100), None).is_ok(), "{what}");
        let error = error(&line.repeat(101));
        assert!(error.starts_with(&format!("101:1: a file has at most 100 {what}: remove one")), "{error}");
    }
    let lines = "client syn\n".repeat(101);
    let error = Expectations::parse(&lines, |_| None).expect_err("too many").to_string();
    assert!(error.starts_with("101:1: 'client' should be left out: a file has at most 100"), "{error}");
}

/// The spaces at the end of a line of a mebibyte are not skipped again for each of its 100,000 words.
#[test]
fn a_long_line_is_read_once() {
    let text = format!("network {}{}", "mtu 576 ".repeat(50_000), " ".repeat(600_000));
    assert!(Experiment::parse(&text, None).is_ok());
}

#[test]
fn errors_name_the_line_the_column_and_the_word() {
    for (text, message) in [
        ("fault drop server synak 1", "1:19: 'synak' should be syn, synack,"),
        ("\n  fault delay soon client syn", "2:15: 'soon' should be a time"),
        ("fault drop server", "1:18: a word is missing at the end: syn, synack,"),
        ("titel \"x\"", "1:1: 'titel' should be title, text, zh, seed"),
        ("title x", "1:7: 'x' should be a text in quotation marks"),
        ("title \"a\\q\"", "1:7: '\"a\\q\"' should be a text with no other escapes"),
        ("title \"a\" b", "1:11: 'b' should be the end of the line"),
        ("title \"a\"\ntitle \"b\"", "2:7: the file has a title already"),
        ("network latency", "1:16: a word is missing at the end: a time"),
        ("network latency 5", "1:17: '5' should be a time with a unit"),
        ("network latency 5ms speed 3", "1:21: 'speed' should be latency TIME, jitter"),
        ("network", "1:8: a word is missing at the end: latency TIME"),
        ("network queue 5", "1:1: queue needs rate"),
        ("network black-hole", "1:1: black-hole needs router-mtu"),
        ("hosts idle-timeout 3ms", "1:20: '3ms' should be a time of at least 4ms"),
        ("hosts keep-alive 0s", "1:18: '0s' should be a time longer than zero"),
        ("network loss 101%", "1:14: '101%' should be a share"),
        ("network loss 4294967%", "'4294967%' should be a share"),
        ("network mtu 100", "'100' should be a number from 576 to 1500"),
        ("host router buffer 1", "1:6: 'router' should be client or server"),
        ("host server buffer 1", "1:20: '1' should be a number from 128 to 1048576"),
        ("hosts window-scale 14", "1:1: a window scale of 14 needs receive buffers"),
        ("client listens 7000", "1:8: only the server listens"),
        ("server sends \"x\"", "1:8: the server does not send by itself"),
        ("client sends \"x\"", "1:8: which program sends? Put a line such as 'server runs greeting' above"),
        ("server runs nothing", "1:13: 'nothing' should be a program"),
        ("server runs http", "1:1: http has no client or server that the lab can run"),
        ("server runs inbox over tcp", "inbox has no TCP side"),
        ("server runs greeting\nread 2", "2:1: a program with a name has no steps"),
        (
            "client calls 7\nsend 16777217 bytes",
            "2:6: a step takes at most 16777216 bytes (16 MiB): write several steps",
        ),
        ("server listens 7\nread 99999999999", "2:6: a step takes at most 16777216 bytes (16 MiB)"),
        ("server listens 7\nread 0", "2:6: '0' should be to end, or a number of bytes from 1 to 16777216"),
        ("client calls 7\nsend 0 bytes", "2:6: '0' should be a text in quotation marks, or a number of bytes from 1"),
        ("server listens 0", "1:16: '0' should be a port from 1 to 65535"),
        ("server listens 7\nserver listens 7", "2:16: '7': port in use by another program"),
        ("server runs greeting\n server runs greeting", "2:14: 'greeting': port in use by another program"),
        ("read 2", "1:1: 'read' is a step of a program: put it below a line such as"),
        ("client calls 1\nread 0", "2:6: '0' should be to end, or a number of bytes from 1"),
        ("client calls 1\nread to", "2:8: a word is missing at the end: end"),
        ("client calls 1\nsend \"\"", "2:6: '\"\"' should be a text of one byte or more"),
        ("client calls 1\nwait 2s", "2:6: '2s' should be until"),
        ("client calls 1\nwait until 99999rtt", "'99999rtt' should be a time"),
        ("client calls 1\nwait until 5us", "2:15: a wait ends at a whole millisecond"),
        ("client calls 1\nclose\nclose", "3:1: the program has ended"),
        ("at 2s stop client", "1:7: 'stop' should be cut, reboot or inject"),
        ("expect server sends synak", "1:21: 'synak' should be syn, synack"),
        ("expect server sends expect 2 server", "1:21: 'expect' should be syn"),
        ("expect client receives \"RST\" client client", "1:30: 'client' should be the end of the line"),
        ("vary n from 100 to 100\nexpect client sends data $n within $n", "2:36: '100' should be a time"),
        ("expect", "1:7: a word is missing at the end: an expectation"),
        ("zh \"a\"", "1:1: 'zh' needs a text to translate: put it below"),
        ("title \"a\"\nseed 3\nzh \"b\"", "3:1: 'zh' needs a text"),
        ("title \"a\"\nzh", "2:3: a word is missing at the end: a text"),
        ("title \"a\"\nzh \"b\" \"c\"", "2:8: the line above has fewer texts: 1"),
        ("title \"a\"\nzh \"b\"\nzh \"c\"", "3:1: 'zh' needs a text"),
        ("question \"?\"", "1:1: the question has no answer"),
        ("question \"?\" answer", "1:20: a word is missing at the end: field, number"),
        ("question \"?\" answer field ack of frame 0", "1:40: '0' should be a number from 1"),
        ("question \"?\" answer choice wrong \"a\" wrong \"b\"", "no option is right"),
        ("question \"?\" answer choice right \"a\" right \"b\"", "1:38: only one option can be right"),
        ("question \"?\" answer order \"a\" \"a\"", "1:31: this text is in the question twice"),
        ("question \"?\" answer make server gets lost", "'lost' should be out-of-order"),
        ("question \"?\" answer number 1 answer number 2", "the question has an answer already"),
        ("answer number 1", "1:1: 'answer' belongs to a question"),
        ("vary n from 5 to 4", "1:18: '4' should be a number from the first one"),
        ("vary n from 1 to 2\nvary n from 1 to 2", "2:6: this name is in use already"),
        ("vary n from 1 to 2\nseed 3", "2:6: the seed must come before the first 'vary'"),
        // The column is correct even though the name is longer than the number that replaces it.
        ("vary size from 5 to 5\nhost client buffer $size", "2:20: '5' should be a number from 128"),
        ("vary size from 500 to 500\nhosts receive $size x 3", "2:21: 'x' should be congestion"),
        ("title \"\u{1b}[2J\"", "1:8: a control character"),
        ("inject client R 0:0(0)", "1:1: "),
        ("at 1s inject", "1:13: "),
        ("at 1s step x inject client R 0:0(0)", "1:12: 'x' should be a number up to 1000000"),
        ("at 1s step 3 cut client", "1:14: 'cut' should be inject"),
        ("at 1s inject wire R 0:0(0)", "1:14: "),
        ("at 1s inject client X 0:0(0)", "1:21: "),
        ("at 1s inject client SF 0:0(0)", "1:21: "),
        ("at 1s inject client P 0:5(5)", "1:23: "),
        ("at 1s inject client S 0:0(0) <mss 9>", "1:21: "),
    ] {
        assert!(error(text).contains(message), "{text}: {}", error(text));
    }
}

#[test]
fn limits_are_errors_with_a_line() {
    let many = |count: usize, line: &str| (0..count).map(|_| format!("{line}\n")).collect::<String>();
    assert!(error(&many(17, "fault drop client syn 1")).starts_with("17:1: a run takes at most 16 faults"));
    assert!(error(&many(9, "client calls 7000")).starts_with("9:1: a run takes at most 8 calls"));
    assert!(error(&many(9, "at 1s cut client")).starts_with("9:1: a run takes at most 8 calls"));
    assert!(error("clients 5\nclient calls 7\nclient calls 7").starts_with("1:1: a run takes at most 8 calls"));
    let servers: String = (1..=5).map(|port| format!("server listens {port}\n")).collect();
    assert!(error(&servers).starts_with("5:1: too many programs"));
    assert!(error(&many(MAX_FILE_LINES + 1, "")).contains("10001:1: the file has more than 10000 lines"));
    assert!(error(&" ".repeat(MAX_FILE_BYTES + 1)).contains("longer than 1 MiB"));
    assert!(Experiment::parse(&many(MAX_FILE_LINES, "# nothing"), None).is_ok());
}

#[test]
fn numbers_vary_with_the_seed() {
    let text = "vary size from 1000 to 3000\nclient calls 7000\nsend $size bytes\nquestion \"Of $size?\" answer number $size\n";
    let number = |seed| match &Experiment::parse(text, Some(seed)).unwrap().questions[0] {
        Question { answer: Answer::Number { number, .. }, text, .. } => {
            assert_eq!(*text, format!("Of {number}?"));
            *number
        }
        _ => panic!("another answer"),
    };
    let numbers: std::collections::BTreeSet<u64> = (0..50).map(number).collect();
    assert!(numbers.len() > 40 && numbers.iter().all(|number| (1000..=3000).contains(number)), "{numbers:?}");
    assert_eq!(number(3), number(3));
}

/// A file with random changes is parsed, or rejected with a line and column that exist. It never causes a panic.
#[test]
fn changed_files_cause_no_panic() {
    let mut random = crate::testing::random::Random(7);
    let texts: Vec<&str> = SCENARIOS.iter().map(|scenario| scenario.text).chain([GREETING]).collect();
    let all: Vec<&str> = texts.iter().flat_map(|text| text.split_whitespace()).collect();
    let (mut valid, mut invalid) = (0, 0);
    for _ in 0..5000 {
        let mut lines: Vec<Vec<&str>> = random.pick(&texts).lines().map(|line| line.split(' ').collect()).collect();
        for _ in 0..1 + random.below(3) {
            let line = random.below(lines.len());
            let words = &mut lines[line];
            let index = random.below(words.len());
            match random.below(4) {
                0 => drop(words.remove(index)),
                1 => words[index] = random.pick(&all),
                2 => words.insert(index, random.pick(&["$", "\"", "\\", "0", "99999999999", "\u{fc}", "-1", "#"])),
                _ => words.insert(index, random.pick(&all)),
            }
            lines.retain(|words| !words.is_empty());
        }
        let text: String = lines.iter().map(|words| words.join(" ") + "\n").collect();
        match Experiment::parse(&text, None) {
            Ok(experiment) => {
                valid += 1;
                assert!(experiment.parts().setup().is_ok());
            }
            Err(error) => {
                invalid += 1;
                let line = text.lines().nth(error.line - 1).unwrap_or_else(|| panic!("{error}\n{text}"));
                assert!(error.column <= line.chars().count() + 1, "{error}: {line}");
            }
        }
    }
    assert!(valid > 100 && invalid > 100, "{valid} {invalid}");
}

#[test]
fn a_file_of_answers_names_its_seed_first() {
    let parse = |text: &str| Answers::parse(text, 3);
    let answers = parse("# Ann\nseed 5\n\n1: 10\n3:  b a\n").unwrap();
    assert_eq!((answers.seed, answers.to(1), answers.to(2), answers.to(3)), (5, Some("10"), None, Some("b a")));
    assert_eq!(parse(&answers.text()), Ok(answers));
    for (text, message) in [
        ("", "1:1: the file has no line 'seed S'"),
        ("1: 10", "1:1: '1:' should be the seed of the exercise"),
        ("seed x", "1:6: 'x' should be a number"),
        ("seed 1\nten", "2:1: 'ten' should be a question's number and a colon"),
        ("seed 1\n4: x", "2:1: there is no question 4: the file has 3"),
        ("seed 1\n1: x\n1: y", "3:1: question 1 is answered twice"),
    ] {
        assert!(parse(text).unwrap_err().to_string().starts_with(message), "{text}: {:?}", parse(text));
    }
}

#[test]
fn answers_are_marked_by_their_kind() {
    let text = "client calls 7000\nquestion \"a\" answer number 100 within 5\nquestion \"b\" answer choice right \"yes\" wrong \
                \"no\" wrong \"never\"\nquestion \"c\" answer order \"one\" \"two\" \"three\"\nquestion \"d\" answer make server RST\n";
    for seed in 0..20 {
        let experiment = Experiment::parse(text, Some(seed)).unwrap();
        let key = Key::new(&experiment, Duration::from_millis(1));
        for (answer, right) in [("100", true), (" 95 ", true), ("106", false), ("94", false)] {
            assert_eq!(matches!(key.mark(0, answer), Marked::Right), right, "{answer}");
        }
        assert!(matches!(key.mark(0, "ten"), Marked::Invalid(_)));
        let options = key.options(1);
        for (letter, option) in &options {
            assert_eq!(matches!(key.mark(1, &letter.to_string()), Marked::Right), *option == "yes");
        }
        assert_eq!(key.right(1), options.iter().find(|(_, option)| *option == "yes").map(|(l, _)| l.to_string()));
        assert!(matches!(key.mark(1, "d"), Marked::Invalid(_)) && matches!(key.mark(1, "a b"), Marked::Invalid(_)));
        let right = key.right(2).unwrap();
        let wrong: String = right.chars().rev().collect();
        assert!(matches!(key.mark(2, &right.replace(' ', "").to_uppercase()), Marked::Right));
        assert!(matches!(key.mark(2, &wrong), Marked::Wrong) && matches!(key.mark(2, "1 2 3"), Marked::Invalid(_)));
        match key.mark(3, "drop client syn 1; fault corrupt client data") {
            Marked::Run { faults, .. } => {
                assert_eq!(
                    faults.iter().map(|fault| fault.verdict).collect::<Vec<_>>(),
                    [Verdict::Drop, Verdict::Corrupt]
                );
            }
            other => panic!("{other:?}"),
        }
        assert!(matches!(key.mark(3, "lose it"), Marked::Invalid(why) if why.contains("'lose' should be drop")));
    }
}
