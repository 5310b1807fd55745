//! Text on the wire and on the console: line endings, escaping, formatting.

use core::fmt::{self, Write as _};

use smoltcp::wire::IpEndpoint;

use super::message::Write;
use crate::stack::{Console, DisplayEndpoint};

/// Splits a message into its text and its line ending: CR LF, LF or nothing.
pub fn split_line_end(message: &[u8]) -> (&[u8], &[u8]) {
    let text = message.strip_suffix(b"\n").map_or(message, |line| line.strip_suffix(b"\r").unwrap_or(line));
    message.split_at(text.len())
}

/// Prints the output of `compose` and a newline.
pub fn print_line(console: &mut dyn Console, compose: impl FnOnce(&mut Write<'_>)) {
    compose(&mut |piece| console.print(piece));
    console.print(b"\n");
}

/// Prints `ADDRESS:PORT TEXT` and a newline. The text is the message without its line ending. The text is not escaped
/// here, because a console that is a terminal escapes its output.
pub fn print_received(console: &mut dyn Console, from: Option<IpEndpoint>, message: &[u8]) {
    print_sender(console, from);
    console.print(split_line_end(message).0);
    console.print(b"\n");
}

/// Prints `ADDRESS:PORT `, if `from` is known.
pub fn print_sender(console: &mut dyn Console, from: Option<IpEndpoint>) {
    if let Some(from) = from {
        // The writer never fails.
        let _ = write!(Printer(console), "{} ", DisplayEndpoint(from));
    }
}

/// Iterates over the characters of a string, each with its bytes, and over the single bytes that are not UTF-8.
///
/// The core library's decoder uses a table. With this decoder, firmware needs 600 bytes less flash.
pub(super) struct Characters<'t>(pub &'t [u8]);

impl<'t> Iterator for Characters<'t> {
    type Item = (Option<char>, &'t [u8]);

    /// Returns the next character and its bytes. If the next byte does not begin a valid character, returns `None` and
    /// that byte.
    fn next(&mut self) -> Option<Self::Item> {
        // `self.0` is the rest of the string.
        let first = *self.0.first()?;
        // RFC 3629 section 3: the first byte determines the number of bytes. A code point below `least` would fit in
        // fewer bytes, so it is invalid. The last arm is for 0xf0 and above. A continuation byte (0x80 to 0xbf) also
        // reaches that arm, where it gives a code point that is too large, so it is invalid, too.
        let (len, bits, least) = match first {
            0..0x80 => (1, first, 0),
            0xc0..0xe0 => (2, first & 0x1f, 0x80),
            0xe0..0xf0 => (3, first & 0xf, 0x800),
            _ => (4, first.wrapping_sub(0xf0), 0x1_0000),
        };
        let mut code = u32::from(bits);
        let rest = self.0.get(1..len).filter(|rest| rest.iter().all(|byte| byte & 0xc0 == 0x80));
        rest.unwrap_or_default().iter().for_each(|byte| code = code << 6 | u32::from(byte & 0x3f));
        let character = char::from_u32(code).filter(|_| rest.is_some() && code >= least);
        let (bytes, behind) = self.0.split_at(if character.is_some() { len } else { 1 });
        self.0 = behind;
        Some((character, bytes))
    }
}

/// Writes a line from a peer, escaped. [Invisible](is_invisible) characters become `\n`, `\r`, `\t` or their bytes as
/// `\xNN`. Each byte that is not UTF-8 also becomes `\xNN`.
pub fn write_escaped(write: &mut Write<'_>, text: &[u8]) {
    // `plain` is the start of the visible text that is not written yet, and `at` is the end of the current character.
    let (mut plain, mut at) = (0, 0);
    for (character, bytes) in Characters(text) {
        let start = at;
        at += bytes.len();
        if character.is_some_and(|character| !is_invisible(character)) {
            continue;
        }
        write(&text[plain..start]);
        match character {
            Some('\n') => write(b"\\n"),
            Some('\r') => write(b"\\r"),
            Some('\t') => write(b"\\t"),
            _ => write_hex(write, bytes),
        }
        plain = at;
    }
    write(&text[plain..]);
}

/// Writes each byte as `\xNN`. Formatting macros would take more flash.
fn write_hex(write: &mut Write<'_>, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for &byte in bytes {
        write(&[b'\\', b'x', DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    }
}

/// Writes formatted text.
pub fn write_display(write: &mut Write<'_>, what: fmt::Arguments<'_>) {
    // The writer never fails.
    let _ = Putter(write).write_fmt(what);
}

/// Passes formatted text to the `Write` closure in pieces.
struct Putter<'p, 'q>(&'p mut Write<'q>);

impl fmt::Write for Putter<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        (self.0)(text.as_bytes());
        Ok(())
    }
}

/// Prints formatted text on a console.
struct Printer<'c>(&'c mut dyn Console);

impl fmt::Write for Printer<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.print(text.as_bytes());
        Ok(())
    }
}

/// Returns whether a character is invisible and can change how other characters are shown.
///
/// Returns true for control characters (C0, DEL and C1), line and paragraph separators, and formatting characters
/// (Unicode categories Cc, Zl, Zp and Cf). There are two exceptions: visible Arabic and Syriac signs, and the joiners
/// U+200C and U+200D, which words and emoji need.
pub fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use super::*;
    use crate::testing::random::Random;

    /// Checks that `Characters` splits a string into the same characters and single bytes as the core library does.
    fn check(text: &[u8]) {
        let mut found = Characters(text);
        for chunk in text.utf8_chunks() {
            for character in chunk.valid().chars() {
                let bytes = character.encode_utf8(&mut [0; 4]).len();
                assert!(found.next().is_some_and(|(c, b)| c == Some(character) && b.len() == bytes), "{text:02x?}");
            }
            for byte in chunk.invalid() {
                assert_eq!(found.next(), Some((None, &[*byte][..])), "{text:02x?}");
            }
        }
        assert_eq!(found.next(), None, "{text:02x?}");
    }

    #[test]
    fn characters_match_the_core_library() {
        (char::MIN..=char::MAX).for_each(|character| check(character.encode_utf8(&mut [0; 4]).as_bytes()));
        // Bytes near the limits of each length, so that most strings are almost valid.
        let bytes = [
            0, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xed, 0xee, 0xef,
            0xf0, 0xf1, 0xf4, 0xf5, 0xf7, 0xf8, 0xff,
        ];
        let mut random = Random(3);
        for _ in 0..200_000 {
            let text = [(); 6].map(|()| bytes[random.below(bytes.len())]);
            check(&text[..1 + random.below(6)]);
        }
    }
}
