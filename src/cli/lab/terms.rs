//! Prints the glossary of `lab --terms`, and breaks text into lines.

use std::fmt::Write;

use crate::lab::terms::TERMS;

/// Breaks a text between words into lines of at most `width` columns. A longer word has a line of its own.
pub fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut().expect("there is always a line");
        if line.is_empty() {
            line.push_str(word);
        } else if line.chars().count() + 1 + word.chars().count() <= width {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.into());
        }
    }
    lines
}

/// Returns the glossary, in lines of at most `width` columns.
pub fn glossary(width: usize) -> String {
    let mut text = String::new();
    for term in TERMS {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}", term.name);
        for line in wrapped(&format!("{} ({})", term.text, term.rfc), width.saturating_sub(4)) {
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
        assert!(glossary(72).lines().all(|line| line.chars().count() <= 72));
    }
}
