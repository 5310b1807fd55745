//! Parses words, and strings in quotation marks, in the lines of experiments and expectations.

use alloc::string::String;

use crate::app::is_invisible;

/// Describes a valid string in quotation marks, for errors.
pub(super) const TEXT: &str = "a text in quotation marks, as in \"Hello,Li!\"";

/// Returns the first word of `rest`, or `None` at the end of the line or before a comment.
pub(super) fn word(rest: &str) -> Option<&str> {
    rest.split_whitespace().next().filter(|word| !word.starts_with('#'))
}

/// Parses a string in quotation marks at the start of `rest`, with the escapes `\n`, `\r`, `\t`, `\"` and `\\`. Returns
/// the string and the rest of the line. An empty string is not valid.
///
/// # Errors
/// Returns a description of a string that would be valid.
pub(super) fn quoted(rest: &str) -> Result<(String, &str), &'static str> {
    let mut chars = rest.strip_prefix('"').ok_or(TEXT)?.chars();
    let mut text = String::new();
    loop {
        let escaped = match chars.next() {
            Some('"') => break,
            // The character after the backslash is escaped.
            Some('\\') => chars.next(),
            Some(plain) => {
                text.push(plain);
                continue;
            }
            None => return Err(TEXT),
        };
        text.push(match escaped {
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some(mark @ ('"' | '\\')) => mark,
            _ => return Err("a text with no other escapes than \\n, \\r, \\t, \\\" and \\\\"),
        });
    }
    if text.is_empty() { Err("a text of one byte or more") } else { Ok((text, chars.as_str())) }
}

/// Cuts a word after 40 characters, and escapes its control characters, so that a message shows the word on one line.
pub(crate) fn clip(word: &str) -> String {
    const LONGEST: usize = 40;
    match word.char_indices().nth(LONGEST) {
        None => visible(word),
        Some((end, _)) => visible(&word[..end]) + "...",
    }
}

/// Escapes the invisible characters of a text, such as control characters, because they could disturb a terminal.
pub(crate) fn visible(text: &str) -> String {
    let mut line = String::new();
    for c in text.chars() {
        match is_invisible(c) {
            true => line.extend(c.escape_default()),
            false => line.push(c),
        }
    }
    line
}
