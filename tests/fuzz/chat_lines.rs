//! A model of how chat splits a stream into lines, and input streams for it. Unlike chat, the model sees the whole
//! stream in one piece.

use std::ops::RangeInclusive;

use super::mutate;
use super::random::Random;

/// The maximum length of a stream in bytes. A room has memory for all lines of a stream of this length.
pub const MOST: usize = 4096;

/// Returns the lines of a stream in the form that chat shows, up to the line `q`, which ends the conversation.
pub fn model(stream: &[u8]) -> Vec<String> {
    let (mut lines, mut rest, mut continues) = (Vec::new(), stream, false);
    while !rest.is_empty() {
        let end = rest.iter().position(|&b| b == b'\n');
        let mut text = &rest[..end.unwrap_or(rest.len())];
        if end.is_some() && text.last() == Some(&b'\r') {
            text = &text[..text.len() - 1];
        }
        if text.len() > 512 {
            // A long line is cut after 512 bytes, but not within a UTF-8 character.
            let begun = (509..512).find(|&at| core::str::from_utf8(&rest[..at]).is_ok() && is_begun(&rest[at..512]));
            let cut = begun.unwrap_or(512);
            lines.push(shown(&rest[..cut]));
            (rest, continues) = (&rest[cut..], true);
            continue;
        }
        if !continues && matches!(text, b"q" | b"Q") {
            return lines;
        }
        lines.push(shown(text));
        (rest, continues) = (&rest[end.map_or(rest.len(), |end| end + 1)..], false);
    }
    lines
}

/// Returns whether the bytes are an incomplete UTF-8 character.
fn is_begun(bytes: &[u8]) -> bool {
    core::str::from_utf8(bytes).is_err_and(|error| error.error_len().is_none() && error.valid_up_to() == 0)
}

/// Invisible characters that change how other characters are displayed.
const FORMATTING: [RangeInclusive<char>; 10] = [
    '\u{ad}'..='\u{ad}',
    '\u{61c}'..='\u{61c}',
    '\u{180e}'..='\u{180e}',
    '\u{200b}'..='\u{200b}',
    '\u{200e}'..='\u{200f}',
    '\u{2028}'..='\u{202e}',
    '\u{2060}'..='\u{206f}',
    '\u{feff}'..='\u{feff}',
    '\u{fff9}'..='\u{fffb}',
    '\u{e0000}'..='\u{e007f}',
];

/// Returns a line as chat shows it, with escapes.
pub fn shown(text: &[u8]) -> String {
    let mut out = String::new();
    for chunk in text.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\n' | '\r' | '\t' => out.extend(c.escape_default()),
                c if c.is_control() || FORMATTING.iter().any(|range| range.contains(&c)) => {
                    out.extend(c.to_string().bytes().map(|b| format!("\\x{b:02x}")))
                }
                c => out.push(c),
            }
        }
        out.extend(chunk.invalid().iter().map(|b| format!("\\x{b:02x}")));
    }
    out
}

/// Asserts that `text` equals `want`.
///
/// # Panics
/// Panics if the texts differ. The message contains the first line in which they differ.
pub fn check(text: &str, want: &str) {
    let differ = text.split('\n').zip(want.split('\n')).enumerate().find(|(_, (line, want))| line != want);
    if let Some((number, (line, want))) = differ {
        panic!("line {}: {line:?} is not {want:?}", number + 1);
    }
    assert_eq!(text.len(), want.len(), "one text is longer than the other");
}

pub const LINES: [&[u8]; 8] = [
    b"hello",
    b"/name Ann",
    b"@1 hi",
    b"qq",
    "Zo\u{eb} \u{65e5}\u{672c}".as_bytes(),
    b"",
    b"q.",
    b"the talk has ended",
];

/// Bytes that could break the parsing or the display of a line.
pub const WORDS: [&[u8]; 10] = [
    b"\x00",
    b"\x1b",
    b"\r",
    b"\x7f",
    b"\xff",
    b"\xc2",
    "\u{9b}\u{202e}".as_bytes(),
    b"q",
    &[b'x'; 511],
    "\u{65e5}\u{672c}\u{8a9e}\u{1f600}".as_bytes(),
];

/// Returns inputs that honest peers could send.
pub fn honest() -> Vec<Vec<u8>> {
    let lines: Vec<u8> = LINES.iter().flat_map(|line| [line, &b"\r\n"[..]].concat()).collect();
    vec![
        [b"\0", &lines[..]].concat(),
        [b"\x05", &lines[..], b"q\nand more"].concat(),
        [&[b'x'; 1030][..], b"\n"].concat(),
    ]
}

/// Returns an input that a hostile peer could send and the number of its lines. The first byte selects how the stream
/// is cut into pieces.
pub fn hostile(random: &mut Random) -> (Vec<u8>, usize) {
    let mut input = vec![if random.one_in(2) { random.next() as u8 } else { 0 }];
    let mut lines = 0;
    while input.len() < MOST - 1500 {
        let mut line = random.pick(&LINES).to_vec();
        if !random.one_in(4) {
            mutate(random, &mut line, 0, &WORDS);
        }
        // The line `q` would end the conversation, so most lines `q` are changed.
        if matches!(&line[..], b"q" | b"Q") && !random.one_in(4) {
            line.push(b'!');
        }
        input.extend(line);
        input.extend_from_slice(if random.one_in(2) { b"\n" } else { b"\r\n" });
        lines += 1;
    }
    (input, lines)
}
