//! Splits a line into words with their columns, and replaces each `$NAME` with its number.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::lab::tokens::{self, clip};

/// An error in a file: its line and column, and a sentence that says what is wrong and what would be valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileError {
    /// The line's number, from 1.
    pub line: usize,
    /// The character's number in the line, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.message)
    }
}

impl core::error::Error for FileError {}

/// A named number, from a `vary` line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Varied {
    pub(super) name: String,
    pub(super) number: u64,
}

/// The words of a line that have not been read yet.
#[derive(Clone, Debug)]
pub(super) struct Words<'t> {
    line: usize,
    text: &'t str,
    /// The offset in `text` of the unread words.
    at: usize,
    /// For each `$NAME` that was replaced, the offset in `text` after its number, and a shift in columns. In the file,
    /// the text after that offset is further right by this shift.
    shifts: &'t [(usize, isize)],
}

/// A line in which each `$NAME` has been replaced with its number.
#[derive(Clone, Debug)]
pub(super) struct Source {
    line: usize,
    text: String,
    shifts: Vec<(usize, isize)>,
}

impl Source {
    /// Makes the source of line number `line`, whose text in the file is `text`. Replaces each `$NAME` and `${NAME}`
    /// with its number, and leaves an unknown name as it is.
    pub(super) fn new(line: usize, text: &str, varied: &[Varied]) -> Self {
        // The spaces at the end are removed, because each look at the next word would skip them again.
        let mut rest = text.trim_end();
        let (mut out, mut shifts) = (String::new(), Vec::new());
        // The number of columns by which `rest` is further right in the file than in `out`.
        let mut shift = 0;
        while let Some(start) = rest.find('$') {
            let (before, dollar) = rest.split_at(start);
            out.push_str(before);
            let (len, name) = name(dollar);
            match varied.iter().find(|varied| varied.name == name) {
                Some(varied) => {
                    let number = format!("{}", varied.number);
                    shift += len as isize - number.len() as isize;
                    out.push_str(&number);
                    shifts.push((out.len(), shift));
                }
                None => out.push_str(&dollar[..len]),
            }
            rest = &dollar[len..];
        }
        out.push_str(rest);
        Source { line, text: out, shifts }
    }

    /// Returns the number of the line.
    pub(super) fn line(&self) -> usize {
        self.line
    }

    /// Returns whether the line contains this word.
    pub(super) fn has(&self, word: &str) -> bool {
        self.text.split_whitespace().any(|other| other == word)
    }

    /// Returns the words of the line.
    pub(super) fn words(&self) -> Words<'_> {
        Words { line: self.line, text: &self.text, at: 0, shifts: &self.shifts }
    }
}

impl<'t> Words<'t> {
    /// Returns the number of the line.
    pub(super) fn line(&self) -> usize {
        self.line
    }

    /// Returns the rest of the line, without leading and trailing spaces. A comment is included.
    pub(super) fn rest(&self) -> &'t str {
        self.text[self.at..].trim()
    }

    /// Reads and returns the text before the next word of `stops`, before a comment, or up to the end of the line. A
    /// string in quotation marks is one word.
    pub(super) fn until(&mut self, stops: &[&str]) -> &'t str {
        let start = self.at;
        while let Some(word) = self.peek().filter(|word| !stops.contains(word)) {
            // A string in quotation marks can contain spaces, and words from `stops`. `quoted` reads all of it.
            let has_read_string = self.is_quoted() && self.quoted().is_ok();
            if !has_read_string {
                self.at = self.start() + word.len();
            }
        }
        self.text[start..self.at].trim()
    }

    /// Returns the next word without reading it, or `None` at the end of the line or before a comment.
    pub(super) fn peek(&self) -> Option<&'t str> {
        tokens::word(self.rest())
    }

    /// Reads the next word. For a string in quotation marks, use [`quoted`](Self::quoted).
    pub(super) fn next(&mut self) -> Option<&'t str> {
        let word = self.peek()?;
        self.at = self.start() + word.len();
        Some(word)
    }

    /// Reads the next word if it is `word`. Returns whether it is.
    pub(super) fn take(&mut self, word: &str) -> bool {
        let takes = self.peek() == Some(word);
        if takes {
            self.next();
        }
        takes
    }

    /// Reads the next word and parses it with `parse`. In errors, `expected` describes a valid word.
    pub(super) fn parse<T>(&mut self, expected: &str, parse: impl Fn(&str) -> Option<T>) -> Result<T, FileError> {
        let word = self.peek().ok_or_else(|| self.missing(expected))?;
        let value = parse(word).ok_or_else(|| self.unfit(expected))?;
        self.next();
        Ok(value)
    }

    /// Reads a string in quotation marks.
    pub(super) fn quoted(&mut self) -> Result<String, FileError> {
        let rest = &self.text[self.start()..];
        if self.peek().is_none() {
            return Err(self.missing(tokens::TEXT));
        }
        let (text, after) = tokens::quoted(rest).map_err(|expected| self.unfit(expected))?;
        self.at = self.text.len() - after.len();
        Ok(text)
    }

    /// Returns whether a string in quotation marks comes next.
    pub(super) fn is_quoted(&self) -> bool {
        self.rest().starts_with('"')
    }

    /// Checks that no words follow.
    pub(super) fn end(&self) -> Result<(), FileError> {
        if self.peek().is_none() { Ok(()) } else { Err(self.unfit("the end of the line")) }
    }

    /// Returns the error that the next word should be `expected`.
    pub(super) fn unfit(&self, expected: &str) -> FileError {
        let word = self.peek().unwrap_or_default();
        self.error(format!("'{}' should be {expected}", clip(word)))
    }

    /// Returns an error about a word in the rest of the line. Another parser reported the word and `column`, which
    /// counts characters from 1 at the start of the next word.
    pub(super) fn unfit_at(&self, column: usize, word: &str, expected: &str) -> FileError {
        let start = self.start();
        let at = self.text[start..].char_indices().nth(column.saturating_sub(1));
        self.unfit_at_offset(at.map_or(self.text.len(), |(at, _)| start + at), word, expected)
    }

    /// Returns an error about a word in the rest of the line. Another parser reported the word, but not its column.
    pub(super) fn unfit_word(&self, word: &str, expected: &str) -> FileError {
        let rest = &self.text[self.at..];
        let mut offsets = rest.match_indices(word).map(|(at, _)| self.at + at);
        // The text can occur inside an earlier word, so look for a whole word first.
        let is_whole = |at: &usize| {
            let after = self.text[at + word.len()..].chars().next();
            self.text[..*at].ends_with(char::is_whitespace) && after.is_none_or(char::is_whitespace)
        };
        let at = offsets.clone().find(is_whole).or_else(|| offsets.next()).unwrap_or(self.at);
        self.unfit_at_offset(at, word, expected)
    }

    /// Returns an error about the word at an offset of the text, or about the end of the line if `word` is empty.
    fn unfit_at_offset(&self, at: usize, word: &str, expected: &str) -> FileError {
        if word.is_empty() {
            return self.missing(expected);
        }
        let message = format!("'{}' should be {expected}", clip(word));
        FileError { line: self.line, column: self.column(at), message }
    }

    /// Returns an error about the end of the line, where a word is missing.
    pub(super) fn missing(&self, expected: &str) -> FileError {
        let message = format!("a word is missing at the end: {expected}");
        let end = self.text.trim_end().len();
        FileError { line: self.line, column: self.column(end.max(self.at)), message }
    }

    /// Returns an error with this message, at the next word.
    pub(super) fn error(&self, message: impl Into<String>) -> FileError {
        FileError { line: self.line, column: self.next_column(), message: message.into() }
    }

    /// Returns the column of the next word.
    pub(super) fn next_column(&self) -> usize {
        self.column(self.start())
    }

    /// Returns the offset of the next word.
    fn start(&self) -> usize {
        let rest = &self.text[self.at..];
        self.at + rest.len() - rest.trim_start().len()
    }

    /// Returns the column in the file that corresponds to an offset in the text.
    fn column(&self, offset: usize) -> usize {
        let shift = self.shifts.iter().rfind(|(at, _)| *at <= offset).map_or(0, |(_, shift)| *shift);
        let column = self.text[..offset].chars().count() + 1;
        column.saturating_add_signed(shift)
    }
}

/// Reads the `$NAME` or `${NAME}` at the start of `text`. Returns its length in bytes, and the name.
fn name(text: &str) -> (usize, &str) {
    // Skip `$`.
    let rest = &text[1..];
    if let Some((name, _)) = rest.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
        // `$`, `{` and `}` take three bytes.
        return (name.len() + 3, name);
    }
    let len = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
    (len + 1, &rest[..len])
}
