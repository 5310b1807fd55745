//! Error messages and verdicts of the lab in Chinese.
//!
//! The parsers and commands make their messages in English. [`in_lang`] translates a message when it is shown. The
//! tables contain the English text beside the Chinese text: files.rs for experiments, exercises and expectations,
//! scripts.rs for packetdrill scripts, and commands.rs for the command line and the prompt. A test finds messages that
//! are in no table.

mod commands;
mod files;
mod scripts;
#[cfg(all(test, feature = "std"))]
mod tests;

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::lang::Lang;

/// The English and the Chinese text of a message. `{1}` stands for the first variable part, `{2}` for the second, and
/// so on. In the Chinese text, `{1*}` stands for the translation of the first part.
type Message = (&'static str, &'static str);

/// All tables. The first message that fits is used, so a general message comes after the special ones.
const TABLES: [&[Message]; 3] = [commands::COMMANDS, scripts::SCRIPTS, files::FILES];

/// Returns a message in a language. A message that is in no table is returned unchanged.
pub fn in_lang(message: &str, lang: Lang) -> String {
    match lang {
        Lang::En => message.to_owned(),
        Lang::Zh => joined(message).unwrap_or_else(|| message.to_owned()),
    }
}

/// Returns the Chinese text of one message, or of several that are joined by semicolons. `None` if one is not known.
fn joined(message: &str) -> Option<String> {
    let chinese = |text| chinese(text, MOST_LEVELS);
    let parts: Option<Vec<String>> = message.split("; ").map(chinese).collect();
    // The text of a single message can contain a semicolon, too.
    let two = || message.rsplit_once("; ").and_then(|(first, last)| Some(chinese(first)? + "；" + &chinese(last)?));
    parts.map(|parts| parts.join("；")).or_else(two).or_else(|| chinese(message))
}

/// How many messages can be one within the other. The limit bounds the time for a message that contains a file's name
/// or other text from outside, which can look like many messages.
const MOST_LEVELS: usize = 5;

/// Returns the Chinese text of a message, or `None` if it is not known. A position such as `my.lab:3:5: ` can precede
/// the message. `levels` is how many messages can still be one within the other.
fn chinese(message: &str, levels: usize) -> Option<String> {
    let levels = levels.checked_sub(1)?;
    if let Some(text) = known(message, levels) {
        return Some(text);
    }
    let after_colon = |(at, colon): (usize, &str)| {
        let (position, text) = (&message[..at], known(&message[at + colon.len()..], levels)?);
        Some(known(position, levels).unwrap_or_else(|| position.to_owned()) + colon + &text)
    };
    // A position has no colon before a space, but a file's name can have some.
    message.match_indices(": ").take(3).find_map(after_colon)
}

/// Returns the Chinese text of a message in the tables.
fn known(message: &str, levels: usize) -> Option<String> {
    TABLES.into_iter().flatten().find_map(|known| filled(known, message, levels))
}

/// Returns the Chinese text of a message with the variable parts of `message`, or `None` if the English text does not
/// fit.
fn filled((english, chinese_text): &Message, message: &str, levels: usize) -> Option<String> {
    let parts = variable_parts(english, message)?;
    let mut text = String::new();
    let mut rest = *chinese_text;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        let inner = after.split_once('}').and_then(|(name, after)| {
            let number: usize = name.trim_end_matches('*').parse().ok()?;
            Some((*parts.get(number.checked_sub(1)?)?, name.ends_with('*'), after))
        });
        rest = match inner {
            Some((part, is_translated, after)) => {
                let translated = if is_translated { chinese(part, levels) } else { None };
                text.push_str(translated.as_deref().unwrap_or(part));
                after
            }
            // A brace that belongs to the text.
            None => {
                text.push('{');
                after
            }
        };
    }
    text.push_str(rest);
    Some(text)
}

/// Returns the variable parts of `message`, or `None` if the text does not fit. The last part is as long as possible,
/// and each other part ends where the text after it occurs first.
fn variable_parts<'m>(english: &str, message: &'m str) -> Option<Vec<&'m str>> {
    let mut parts = Vec::new();
    let placeholder = |number: usize| format!("{{{number}}}");
    let (mut template, mut rest) = (english, message);
    while let Some((before, after)) = template.split_once(&placeholder(parts.len() + 1)) {
        rest = rest.strip_prefix(before)?;
        let end = match after.split_once(&placeholder(parts.len() + 2)) {
            Some((between, _)) => rest.find(between)?,
            None => rest.strip_suffix(after)?.len(),
        };
        parts.push(&rest[..end]);
        (template, rest) = (after, &rest[end..]);
    }
    (rest == template).then_some(parts)
}
