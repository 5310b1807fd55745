//! Prints the glossary of `lab --terms`, and breaks text into lines.

use std::fmt::Write;

use crate::lab::lang::{Lang, columns};
use crate::lab::terms::TERMS;

/// The punctuation of Chinese that must not begin a line.
const CLOSING: &str = "，。：；、？！）";

/// A space at which no line breaks. It is printed as an ordinary space.
const NO_BREAK: char = '\u{a0}';

/// Breaks a text between words, or next to a Chinese character, into lines of at most `width` columns. A longer word has a
/// line of its own.
pub fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for (has_space, word) in words(text) {
        let line = lines.last_mut().expect("there is always a line");
        if !line.is_empty() && columns(line) + usize::from(has_space) + columns(word) > width {
            lines.push(word.into());
            continue;
        }
        if has_space && !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.into_iter().map(|line| line.replace(NO_BREAK, " ")).collect()
}

/// Returns the parts of a text that no line break may split, and whether a space precedes each.
fn words(text: &str) -> impl Iterator<Item = (bool, &str)> {
    text.split(' ').enumerate().flat_map(|(place, word)| {
        let mut rest = word;
        let mut has_space = place > 0;
        core::iter::from_fn(move || {
            let first = rest.chars().next()?;
            let mut last = first;
            let may_break =
                |last: char, next: char| (is_wide(last) || is_wide(next)) && !CLOSING.contains(next) && last != '（';
            let end =
                rest.char_indices().skip(1).find(|(_, next)| may_break(core::mem::replace(&mut last, *next), *next));
            let (word, after) = rest.split_at(end.map_or(rest.len(), |(end, _)| end));
            rest = after;
            Some((core::mem::replace(&mut has_space, false), word))
        })
    })
}

fn is_wide(char: char) -> bool {
    columns(char.encode_utf8(&mut [0; 4])) == 2
}

/// Returns a text with its source, the section of an RFC. Some texts have no source.
pub fn cited(text: &str, rfc: &str, lang: Lang) -> String {
    match (lang, rfc.split_once(" section ")) {
        _ if rfc.is_empty() => text.into(),
        (Lang::En, _) => format!("{text} ({rfc})"),
        (Lang::Zh, Some((rfc, section))) => {
            format!("{text}（{}{NO_BREAK}§{section}）", rfc.replace(' ', NO_BREAK.encode_utf8(&mut [0; 4])))
        }
        (Lang::Zh, None) => format!("{text}（{rfc}）"),
    }
}

/// Returns the glossary, in lines of at most `width` columns. The Chinese glossary also has the English words.
pub fn glossary(lang: Lang, width: usize) -> String {
    let mut text = String::new();
    for term in TERMS {
        // Writing to a string cannot fail.
        let _ = match lang {
            Lang::En => writeln!(text, "{}", term.name),
            Lang::Zh => writeln!(text, "{}  {}", term.name(lang), term.name),
        };
        for line in wrapped(&cited(term.text(lang), term.rfc, lang), width.saturating_sub(4)) {
            let _ = writeln!(text, "    {line}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words() {
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert_eq!(wrapped("a incomprehensible b", 4), ["a", "incomprehensible", "b"]);
        assert_eq!(wrapped("", 4), [""]);
        for lang in Lang::ALL {
            assert!(glossary(lang, 72).lines().all(|line| columns(line) <= 72));
        }
    }

    #[test]
    fn chinese_lines_break_at_characters_but_not_before_punctuation() {
        assert_eq!(wrapped("确认对方的 SYN，给出序号。", 10), ["确认对方的", "SYN，给出", "序号。"]);
        assert_eq!(wrapped("一二三四五，六", 10), ["一二三四", "五，六"]);
        assert_eq!(wrapped("一二三四（五）", 10), ["一二三四", "（五）"]);
        assert_eq!(wrapped("等待 SYN,ACK", 40), ["等待 SYN,ACK"]);
        let text = cited("三次握手。", "RFC 9293 section 3.5", Lang::Zh);
        assert_eq!(wrapped(&text, 20), ["三次握手。", "（RFC 9293 §3.5）"]);
    }
}
