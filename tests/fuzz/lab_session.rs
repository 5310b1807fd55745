//! Fuzzes the commands of the lab's session.
//!
//! Every line is a command, and its answer is one line of JSON that says whether the command has succeeded.

use serde_json::Value;
use smolstep::lab::session::LabSession;

use super::Target;
use super::mutate;
use super::random::Random;

/// The input is at most 60 commands, one on each line, for one session.
pub const TARGET: Target = Target { name: "lab_session", run, honest, hostile };

fn run(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let mut session = LabSession::new();
    for command in text.lines().take(60) {
        let answer = session.command(command);
        let value: Value = serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{command}: {error}: {answer}"));
        let message = value["error"]["message"].as_str();
        assert_eq!(value["ok"], message.is_none(), "{command}: {answer}");
        assert!(!answer.contains('\n') && message.is_none_or(|message| !message.contains('\n')), "{command}: {answer}");
    }
}

/// An experiment of a few steps, so that each command is quick.
const NEW: &str = r#"{"do":"new","lab":"limit 30ms\nserver listens 7000\n read to end\n close\nclient calls 7000\n close\nfault duplicate client syn 1\nquestion \"?\" answer make never client sends fin 9"}"#;

const COMMANDS: [&str; 25] = [
    NEW,
    r#"{"do":"export","run":"b"}"#,
    r#"{"do":"export","run":"c"}"#,
    r#"{"do":"fault","step":1,"frame":1,"fault":"drop"}"#,
    r#"{"do":"fault","step":5,"frame":3,"fault":"corrupt"}"#,
    r#"{"do":"fault","step":7,"frame":4,"fault":"delay 3ms","run":"b"}"#,
    r#"{"do":"frame","frame":3,"run":"c"}"#,
    r#"{"do":"hint","question":1}"#,
    r#"{"do":"inject","step":9,"host":"server","segment":"S. 0:0(0) ack 1 win 9 <mss 9,sack 1:2>"}"#,
    r#"{"do":"inject","step":4,"host":"client","segment":"P. 1:900(899) ack 1"}"#,
    r#"{"do":"mark","question":1,"answer":"drop client syn 1; delay 3ms server any"}"#,
    r#"{"do":"mark","question":1,"run":"b"}"#,
    r#"{"do":"mermaid","run":"b"}"#,
    r#"{"do":"new","program":"greeting","settings":{"latency_us":7,"loss_percent":0.5,"queue":3,"rate_bit_s":9000},"seed":1}"#,
    r#"{"do":"pcapng"}"#,
    r#"{"do":"remove","run":"b"}"#,
    r#"{"do":"runs"}"#,
    r#"{"do":"svg","kind":"cwnd","from_us":1,"to_us":18446744073709551615}"#,
    r#"{"do":"svg","kind":"ladder","to_us":2000,"run":"b"}"#,
    r#"{"do":"svg","kind":"states"}"#,
    r#"{"do":"table","step":12}"#,
    r#"{"do":"trace","from":3,"count":4294967296}"#,
    r#"{"do":"trace","run":"b"}"#,
    r#"{"do":"until","step":0,"goal":"client=est"}"#,
    r#"{"do":"why","entry":9,"run":"b"}"#,
];

fn honest() -> Vec<Vec<u8>> {
    vec![COMMANDS.join("\n").into_bytes(), br#"{"do":"list"}"#.to_vec(), br#"{"do":"terms","lang":"zh"}"#.to_vec()]
}

const WORDS: [&[u8]; 12] = [
    b"\n",
    b"\\n",
    b"\\u0000",
    b"\"",
    b"{",
    b"[[[[",
    b"-1",
    b"18446744073709551616",
    b"1e400",
    b"\"run\":\"z\",",
    b"\"lang\":\"zh\",",
    "\u{202e}\u{1f980}".as_bytes(),
];

fn hostile(random: &mut Random) -> (Vec<u8>, usize) {
    let count = 40;
    let mut lines = vec![NEW];
    lines.extend((1..count).map(|_| random.pick(&COMMANDS)));
    let mut input = lines.join("\n").into_bytes();
    for _ in 0..10 {
        mutate(random, &mut input, NEW.len(), &WORDS);
    }
    (input, count)
}
