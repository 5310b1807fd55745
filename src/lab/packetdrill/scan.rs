//! Splits a script into words and numbers, and reports the line and column of a wrong word.

use alloc::string::String;
use core::fmt;

use crate::lab::tokens::clip;

/// An error in a script or a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// The line's number, from 1.
    pub line: usize,
    /// The column at which the wrong word begins, in characters from 1.
    pub column: usize,
    /// The wrong word, or an empty string if a word is missing at the end.
    pub word: String,
    /// What the word should be. This text completes the sentence "'WORD' should be …", as in `left out: …`.
    pub expected: &'static str,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.word[..] {
            "" => write!(f, "a word is missing at the end: {}", self.expected),
            word => write!(f, "'{}' should be {}", clip(word), self.expected),
        }
    }
}

impl core::error::Error for Error {}

/// The rest of a text that is read from left to right. Spaces, line ends and comments separate words.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scanner<'t> {
    rest: &'t str,
    /// The text from the start of the current line.
    line_text: &'t str,
    pub(super) line: usize,
    /// The line and column of a comment that is not closed.
    unclosed: Option<(usize, usize)>,
}

impl<'t> Scanner<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Scanner { rest: text, line_text: text, line: 1, unclosed: None }
    }

    /// Skips spaces and comments, and returns the next character without skipping it.
    pub(super) fn peek(&mut self) -> Option<char> {
        loop {
            let rest = self.rest.trim_start();
            self.advance(self.rest.len() - rest.len());
            if rest.starts_with("//") {
                self.advance(rest.find('\n').unwrap_or(rest.len()));
            } else if rest.starts_with("/*") {
                let close = rest.get(2..).and_then(|text| text.find("*/"));
                if close.is_none() {
                    self.unclosed = Some((self.line, self.column()));
                }
                // `/*` and `*/` take four bytes.
                self.advance(close.map_or(rest.len(), |at| at + 4));
            } else {
                return rest.chars().next();
            }
        }
    }

    /// Returns the rest of the text, which begins with the next word.
    pub(super) fn rest(&mut self) -> &'t str {
        self.peek();
        self.rest
    }

    /// Skips `token` if it comes next, and returns whether it did. A token of letters must be a whole word.
    pub(super) fn eat(&mut self, token: &str) -> bool {
        // Skip spaces and comments.
        self.peek();
        let is_word = token.chars().all(is_letter);
        let found = if is_word { self.peek_word() == token } else { self.rest.starts_with(token) };
        if found {
            self.advance(token.len());
        }
        found
    }

    /// Skips `token`.
    ///
    /// # Errors
    /// Returns an error if something else comes next.
    pub(super) fn need(&mut self, token: &str, expected: &'static str) -> Result<(), Error> {
        if self.eat(token) { Ok(()) } else { Err(self.expected(expected)) }
    }

    /// Returns the next letters, digits and underscores, without skipping them. The word is empty if something else
    /// comes next.
    pub(super) fn peek_word(&mut self) -> &'t str {
        self.peek();
        let len = self.rest.find(|c| !is_letter(c)).unwrap_or(self.rest.len());
        self.rest.get(..len).unwrap_or_default()
    }

    /// Skips and returns the next word.
    pub(super) fn word(&mut self) -> &'t str {
        let word = self.peek_word();
        self.advance(word.len());
        word
    }

    /// Skips and returns a decimal number, or a hexadecimal one after `0x`.
    ///
    /// # Errors
    /// Returns an error if the next word is not a number, or if the number exceeds `most`.
    pub(super) fn number(&mut self, most: u32, expected: &'static str) -> Result<u32, Error> {
        let word = self.peek_word();
        let number = match word.strip_prefix("0x") {
            Some(digits) => u32::from_str_radix(digits, 16),
            None => word.parse(),
        };
        match number {
            Ok(number) if number <= most => {
                self.advance(word.len());
                Ok(number)
            }
            _ => Err(self.expected(expected)),
        }
    }

    /// Skips `len` bytes of the rest, or all of it if it is shorter. Counts the lines that are skipped.
    pub(super) fn advance(&mut self, len: usize) {
        let (skipped, rest) = self.rest.split_at_checked(len).unwrap_or((self.rest, ""));
        self.line += skipped.matches('\n').count();
        if let Some(at) = skipped.rfind('\n') {
            self.line_text = self.rest.get(at + 1..).unwrap_or(rest);
        }
        self.rest = rest;
    }

    /// Returns the error "'WORD' should be `expected`" about the next word. At the end of the text, the error is about
    /// the last comment if that comment is not closed.
    pub(super) fn expected(&mut self, expected: &'static str) -> Error {
        let first = self.peek();
        let word = match first {
            None => String::new(),
            Some(c) if is_letter(c) => clip(self.peek_word()),
            Some(c) => c.into(),
        };
        match self.unclosed.filter(|_| first.is_none()) {
            Some((line, column)) => Error { line, column, word: "/*".into(), expected: "closed by */" },
            None => Error { line: self.line, column: self.column(), word, expected },
        }
    }

    /// Checks that no words follow.
    ///
    /// # Errors
    /// Returns an error if more words follow, or if the last comment is not closed.
    pub(super) fn end(&mut self, expected: &'static str) -> Result<(), Error> {
        match self.peek() {
            None if self.unclosed.is_none() => Ok(()),
            _ => Err(self.expected(expected)),
        }
    }

    fn column(&self) -> usize {
        let before = self.line_text.len().saturating_sub(self.rest.len());
        self.line_text.get(..before).map_or(1, |text| text.chars().count() + 1)
    }
}

/// Returns whether a character can be in a word.
fn is_letter(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}
