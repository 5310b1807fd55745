//! Fuzzes messages for a chat conversation, each followed by silence. Before the first line ending, silence ends a
//! message.

use smolstep::app::{Options, Server, find};

use super::Target;
use super::chat_lines::{LINES, WORDS, check, model};
use super::mutate;
use super::pair::{CLIENT, Ground, Pair, Peer};
use super::random::Random;
use super::records::{record, records};

/// The input is a list of records, and each record is a message.
pub const TARGET: Target = Target { name: "chat_messages", run, honest, hostile };

/// The length of the longest message, in bytes. The socket buffers have room for several messages.
const LONGEST: usize = 1200;

fn run(input: &[u8]) {
    let messages: Vec<&[u8]> = records(input).map(|record| &record.data[..record.data.len().min(LONGEST)]).collect();
    let server = find("chat").and_then(|app| app.server(&Options::default())).expect("chat has a server");
    let mut ground = Ground::<Server<'_>, Peer>::new();
    let mut pair = Pair::new(&mut ground, server, ());
    let id = pair.connect(Peer::messenger(&messages));
    pair.end(id);
    let shown: String = shown(&messages).iter().map(|text| format!("{CLIENT} {text}\n")).collect();
    let (begin, end) =
        (format!("talking with {CLIENT}: q ends the talk\n"), format!("the talk with {CLIENT} has ended\n"));
    check(&pair.server_io.console.take(), &(begin + &shown + &end));
}

/// Returns the lines that chat shows for the messages, up to the message `q`.
///
/// `q` ends the conversation.
fn shown(messages: &[&[u8]]) -> Vec<String> {
    let mut shown = Vec::new();
    for (number, message) in messages.iter().enumerate() {
        // From the first line ending on, the messages are a stream of lines.
        if message.contains(&b'\n') {
            shown.extend(model(&messages[number..].concat()));
            return shown;
        }
        if matches!(*message, b"q" | b"Q") {
            return shown;
        }
        shown.extend(model(message));
    }
    shown
}

fn honest() -> Vec<Vec<u8>> {
    let (mut messages, mut lines, mut both, mut long) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for line in LINES {
        record(&mut messages, 0, line);
        record(&mut lines, 0, &[line, b"\n"].concat());
        record(&mut both, 0, if line.len() == 8 { b"half a line\nand half" } else { line });
    }
    for message in [&[b'x'; 512][..], b"q.", &[b'x'; 513], &[b'x'; 1100], b"q", b"not heard"] {
        record(&mut long, 0, message);
    }
    vec![messages, lines, both, long]
}

fn hostile(random: &mut Random) -> (Vec<u8>, usize) {
    let (mut input, messages) = (Vec::new(), 1 + random.below(64));
    for _ in 0..messages {
        let mut message = random.pick(&LINES).to_vec();
        if !random.one_in(4) {
            mutate(random, &mut message, 0, &WORDS);
        }
        if random.one_in(16) {
            message.push(b'\n');
        }
        record(&mut input, 0, &message);
    }
    (input, messages)
}
