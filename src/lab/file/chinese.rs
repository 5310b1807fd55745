//! Parses `zh TEXT...`: the Chinese translation of the strings in the line above.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::Experiment;
use super::words::{FileError, Source, Words};
use crate::lab::lang::Lang;

/// The first words of the lines whose strings are shown to the reader.
const TRANSLATED: [&str; 5] = ["title", "text", "question", "answer", "hint"];

/// Returns the strings in a line that begins with a word of [`TRANSLATED`]. For any other line, returns an empty list.
pub(super) fn texts(source: &Source) -> Vec<String> {
    let mut words = source.words();
    let mut texts = Vec::new();
    if words.peek().is_none_or(|first| !TRANSLATED.contains(&first)) {
        return texts;
    }
    while words.peek().is_some() {
        match words.is_quoted().then(|| words.quoted()) {
            Some(Ok(text)) => texts.push(text),
            // A word without quotation marks is not translated. An invalid string is reported by the parser of its
            // line.
            _ => drop(words.next()),
        }
    }
    texts
}

/// Parses the strings after `zh`, one for each string in the line above. Returns each string of that line with its
/// translation.
pub(super) fn pairs(mut words: Words<'_>, above: Vec<String>) -> Result<Vec<(String, String)>, FileError> {
    if above.is_empty() {
        return Err(words.error("'zh' needs a text to translate: put it below a title, text, question, answer or hint"));
    }
    // Skip `zh`.
    words.next();
    let mut pairs = Vec::new();
    for text in above {
        pairs.push((text, words.quoted()?));
    }
    match words.is_quoted() {
        true => Err(words.error(format!("the line above has fewer texts: {}", pairs.len()))),
        false => words.end().map(|()| pairs),
    }
}

impl Experiment {
    /// Returns a string of the file in a language. A string without a translation is returned unchanged.
    pub fn in_lang<'t>(&'t self, text: &'t str, lang: Lang) -> &'t str {
        let mut pairs = self.chinese.iter().filter(|_| lang == Lang::Zh);
        pairs.find(|(english, _)| english == text).map_or(text, |(_, chinese)| chinese)
    }
}
