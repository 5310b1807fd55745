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

/// Writes a line from a peer, escaped. [Invisible](is_invisible) characters become `\n`, `\r`, `\t` or their bytes as
/// `\xNN`. Each byte that is not UTF-8 also becomes `\xNN`.
pub fn write_escaped(write: &mut Write<'_>, text: &[u8]) {
    for chunk in text.utf8_chunks() {
        let mut rest = chunk.valid();
        while let Some((at, control)) = rest.char_indices().find(|(_, c)| is_invisible(*c)) {
            let (plain, from_control) = rest.split_at(at);
            let (bytes, behind) = from_control.split_at(control.len_utf8());
            write(plain.as_bytes());
            match control {
                '\n' => write(b"\\n"),
                '\r' => write(b"\\r"),
                '\t' => write(b"\\t"),
                _ => write_hex(write, bytes.as_bytes()),
            }
            rest = behind;
        }
        write(rest.as_bytes());
        write_hex(write, chunk.invalid());
    }
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
