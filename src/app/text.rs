//! Text on the wire and on the console: line ends, escaping, replies put together from pieces.

use core::fmt::{self, Write as _};

use smoltcp::wire::IpEndpoint;

use super::message::Write;
use crate::stack::{Console, DisplayEndpoint};

/// A message's text and its line end: CR LF, LF or nothing.
pub fn split_line_end(message: &[u8]) -> (&[u8], &[u8]) {
    let text = message.strip_suffix(b"\n").map_or(message, |line| line.strip_suffix(b"\r").unwrap_or(line));
    message.split_at(text.len())
}

/// Prints a line.
pub fn print_line(console: &mut dyn Console, compose: impl FnOnce(&mut Write<'_>)) {
    compose(&mut |piece| console.print(piece));
    console.print(b"\n");
}

/// Prints `ADDRESS:PORT TEXT` and a newline. The text is the message without its line end, otherwise as it came: a console that
/// is a terminal escapes what must not get there.
pub fn print_received(console: &mut dyn Console, from: Option<IpEndpoint>, message: &[u8]) {
    print_sender(console, from);
    console.print(split_line_end(message).0);
    console.print(b"\n");
}

/// Prints `ADDRESS:PORT ` where that is known.
pub fn print_sender(console: &mut dyn Console, from: Option<IpEndpoint>) {
    if let Some(from) = from {
        // The adapter never fails.
        let _ = write!(Printer(console), "{} ", DisplayEndpoint(from));
    }
}

/// Puts a line of somebody else's: [invisible](is_invisible) characters as `\n`, `\r`, `\t` or their bytes as `\xNN`, and each
/// byte that is not UTF-8 as `\xNN` too.
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

/// Puts each byte as `\xNN`. By hand: formatting takes more flash.
fn write_hex(write: &mut Write<'_>, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for &byte in bytes {
        write(&[b'\\', b'x', DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    }
}

/// Puts something that can be displayed.
pub fn write_display(write: &mut Write<'_>, what: fmt::Arguments<'_>) {
    // The adapter never fails.
    let _ = Putter(write).write_fmt(what);
}

/// Formatting into pieces.
struct Putter<'p, 'q>(&'p mut Write<'q>);

impl fmt::Write for Putter<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        (self.0)(text.as_bytes());
        Ok(())
    }
}

/// Formatting onto a console.
struct Printer<'c>(&'c mut dyn Console);

impl fmt::Write for Printer<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.print(text.as_bytes());
        Ok(())
    }
}

/// Whether a character shows nothing itself and changes how others are shown: a control character (C0, DEL and C1), one that
/// ends a line or paragraph, or one for formatting (Unicode's categories Cc, Zl, Zp and Cf). Arabic and Syriac signs that are
/// seen are not meant, nor the joiners U+200C and U+200D, which words and emoji are made with.
pub fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}
