//! Breaks English and Chinese text into lines.

use alloc::string::String;
use alloc::vec::Vec;

use super::lang::{columns, columns_of};

/// The punctuation of Chinese that must not begin a line.
const CLOSING: &str = "，。：；、？！）";

/// A space at which no line breaks. It is printed as an ordinary space.
pub(crate) const NO_BREAK: char = '\u{a0}';

/// Breaks text between words, or next to a Chinese character, into lines of at most `width` columns. A longer word gets
/// a line of its own.
pub(crate) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let (mut lines, mut line) = (Vec::new(), String::new());
    for (has_space, word) in words(text) {
        // A space at a line break is dropped.
        if !line.is_empty() && columns(&line) + usize::from(has_space) + columns(word) > width {
            lines.push(core::mem::take(&mut line));
        } else if has_space && !line.is_empty() {
            line.push(' ');
        }
        line.extend(word.chars().map(|char| if char == NO_BREAK { ' ' } else { char }));
    }
    lines.push(line);
    lines
}

/// Splits text wherever a line break is allowed. Returns for each part whether a space precedes it, and the part.
fn words(text: &str) -> impl Iterator<Item = (bool, &str)> {
    text.split(' ').enumerate().flat_map(|(index, word)| {
        let (mut rest, mut has_space) = (word, index > 0);
        // Each call returns the part up to the next position at which a line break is allowed.
        core::iter::from_fn(move || {
            // `last` is the character before `next`.
            let mut last = rest.chars().next()?;
            let mut chars = rest.char_indices().skip(1);
            let end = chars.find(|(_, next)| can_break(core::mem::replace(&mut last, *next), *next));
            let (word, after) = rest.split_at(end.map_or(rest.len(), |(end, _)| end));
            rest = after;
            // Only the first part of a word follows a space.
            Some((core::mem::replace(&mut has_space, false), word))
        })
    })
}

/// Returns whether a line break is allowed between two characters, neither of which is a space.
fn can_break(last: char, next: char) -> bool {
    (columns_of(last) == 2 || columns_of(next) == 2) && !CLOSING.contains(next) && last != '（'
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words() {
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert_eq!(wrapped("a incomprehensible b", 4), ["a", "incomprehensible", "b"]);
        assert_eq!(wrapped("", 4), [""]);
    }

    #[test]
    fn chinese_lines_break_at_characters_but_not_before_punctuation() {
        assert_eq!(wrapped("确认对方的 SYN，给出序号。", 10), ["确认对方的", "SYN，给出", "序号。"]);
        assert_eq!(wrapped("一二三四五，六", 10), ["一二三四", "五，六"]);
        assert_eq!(wrapped("一二三四（五）", 10), ["一二三四", "（五）"]);
        assert_eq!(wrapped("等待 SYN,ACK", 40), ["等待 SYN,ACK"]);
        assert_eq!(wrapped("一 RFC\u{a0}1", 6), ["一", "RFC 1"]);
    }
}
