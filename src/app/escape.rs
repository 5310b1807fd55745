//! Escapes received bytes before they reach a terminal.

use super::message::Write;
use super::text::write_escaped;

/// Escapes received bytes for a terminal. A peer can then neither move the cursor nor change how text is shown.
///
/// LF and TAB stay unchanged, and the CR of a CR LF is dropped. Every other control character (C0, DEL, C1), every
/// formatting character, and every byte that is not UTF-8 is shown as in chat: `\r` or `\xNN`. A character can be split
/// between two calls. The beginning of a split character is held back until the rest arrives.
#[derive(Clone, Copy, Debug, Default)]
pub struct Escape {
    held: [u8; 4],
    len: usize,
}

impl Escape {
    /// Writes `bytes`, escaped. `bytes` follows directly after the bytes of the previous call.
    ///
    /// A final CR or incomplete character is held back until the next call.
    pub fn put(&mut self, bytes: &[u8], write: &mut Write<'_>) {
        // The held bytes are a CR or the beginning of a UTF-8 character, or there are none.
        for &byte in bytes {
            // Only the beginning of a character can be continued, and only by a continuation byte.
            let is_continuation = byte & 0xc0 == 0x80 && !matches!(self.held(), [] | b"\r");
            if !is_continuation {
                if byte == b'\n' && self.held() == b"\r" {
                    // The held CR belongs to CR LF, and is dropped.
                    self.len = 0;
                }
                // Any bytes still held are a lone CR or an incomplete character. `finish` writes them escaped.
                self.finish(write);
            }
            // The held bytes, if any, are now the beginning of the character that `byte` continues.
            if let Some(next) = self.held.get_mut(self.len) {
                *next = byte;
                self.len += 1;
            }
            // If the character is complete, it is written. A CR is held until the next byte, which can be LF.
            if self.len >= whole_len(self.held[0]) {
                self.finish(write);
            }
        }
    }

    /// Writes the bytes that are held back. LF and TAB stay unchanged, and other control characters are escaped. Call
    /// this at the end of the input.
    pub fn finish(&mut self, write: &mut Write<'_>) {
        match self.held() {
            b"\n" | b"\t" => write(self.held()),
            held => write_escaped(write, held),
        }
        self.len = 0;
    }

    /// Returns the bytes that are held back.
    fn held(&self) -> &[u8] {
        self.held.get(..self.len).unwrap_or_default()
    }
}

/// Returns the length in bytes of the UTF-8 character or CR LF that begins with `first`.
fn whole_len(first: u8) -> usize {
    match first {
        b'\r' | 0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => 1,
    }
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use super::*;

    /// Returns the output for `bytes`, passed in pieces of `len` bytes.
    fn shown(bytes: &[u8], len: usize) -> Vec<u8> {
        let (mut escape, mut out) = (Escape::default(), Vec::new());
        for piece in bytes.chunks(len) {
            escape.put(piece, &mut |piece| out.extend_from_slice(piece));
        }
        escape.finish(&mut |piece| out.extend_from_slice(piece));
        out
    }

    #[test]
    fn control_characters_are_escaped_in_pieces_of_any_size() {
        for (bytes, want) in [
            (&b"plain\ttext\n"[..], &b"plain\ttext\n"[..]),
            (b"a\r\nb\rc\r\r\n\r", b"a\nb\\rc\\r\n\\r"),
            (b"\0\x07\x08\x0b\x0c\x1b[2J\x7f", b"\\x00\\x07\\x08\\x0b\\x0c\\x1b[2J\\x7f"),
            ("grüß €日本 😀\u{a0}".as_bytes(), "grüß €日本 😀\u{a0}".as_bytes()),
            // C1 control characters, as UTF-8 and as a single byte.
            (b"\xc2\x80\xc2\x9b1m\xc2\x9f\x9b1m", b"\\xc2\\x80\\xc2\\x9b1m\\xc2\\x9f\\x9b1m"),
            (
                "\u{202e}abc\u{2066}\u{200f}\u{61c}".as_bytes(),
                b"\\xe2\\x80\\xaeabc\\xe2\\x81\\xa6\\xe2\\x80\\x8f\\xd8\\x9c",
            ),
            // Unfinished and overlong sequences, a surrogate, a code point that is too large, and the bytes after them.
            (b"\xe2\x80", b"\\xe2\\x80"),
            (b"\xe2\x80\n\xe2\x80\xc3\xbc", "\\xe2\\x80\n\\xe2\\x80ü".as_bytes()),
            (b"\xc0\x9b\xe0\x80\x9b\xed\xa0\x80", b"\\xc0\\x9b\\xe0\\x80\\x9b\\xed\\xa0\\x80"),
            (b"\xf4\x90\x80\x80\xff\xfe\xe9\r\n", b"\\xf4\\x90\\x80\\x80\\xff\\xfe\\xe9\n"),
            (b"\xe2\r\n\r\x80x", b"\\xe2\n\\r\\x80x"),
        ] {
            for len in 1..=bytes.len() {
                assert_eq!(shown(bytes, len), want, "{} by {len}", bytes.escape_ascii());
            }
        }
    }

    #[test]
    fn any_bytes_become_visible_text() {
        let mut random = crate::testing::random::Random(1);
        for _ in 0..2000 {
            let bytes: Vec<u8> = (0..12).map(|_| random.below(256) as u8).collect();
            let text = String::from_utf8(shown(&bytes, 1 + random.below(12))).unwrap();
            let bad = |c: char| super::super::text::is_invisible(c) && !matches!(c, '\n' | '\t');
            assert!(!text.contains(bad), "{} gives {text:?}", bytes.escape_ascii());
        }
    }
}
