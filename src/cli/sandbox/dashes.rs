//! Detects a missing `--` before COMMAND and returns an error that shows the corrected command line.

use std::ffi::OsString;

use clap::Command;

use crate::cli::error::Failure;
use crate::cli::programs::find;
use crate::cli::words::option;

/// Returns the error if `--` before COMMAND is missing or COMMAND itself is missing. Otherwise returns `None`, even if
/// the words have another problem, which the parser reports.
///
/// `words` are the words after `smolstep sandbox`. After the options and their values, the next word must be `--`.
pub fn missing_dashes(command: &Command, words: &[OsString]) -> Option<Failure> {
    let text = |index: usize| words.get(index).and_then(|word| word.to_str()).unwrap_or_default();
    let mut index = 0;
    while index < words.len() && text(index) != "--" {
        let word = text(index);
        if !word.starts_with('-') || word == "-" {
            return Some(Failure::usage(put_dashes(words, index)));
        }
        index += 1;
        let name = word.split_once('=').map_or(word, |(name, _)| name);
        // The parser reports an unknown option.
        let takes_value = option(command, name)?.get_action().takes_values();
        // If the option has no value, or if its value follows `=` in the same word, the next word is not its value.
        if !takes_value || name.len() < word.len() {
            continue;
        }
        // If the value is missing, the parser reports that.
        if text(index).is_empty() || option(command, text(index)).is_some() {
            return None;
        }
        if word == "--serve" {
            // The first word after --serve must be a program. A later word that is not a program begins the command.
            if let Err(unknown) = find_or_all(text(index)) {
                return Some(unknown);
            }
            while index < words.len() && find_or_all(text(index)).is_ok() {
                index += 1;
            }
        } else {
            index += 1;
        }
    }
    match words.get(index + 1) {
        None => Some(Failure::usage(format_args!(
            "no command: put one after --, as in 'smolstep sandbox{} -- sh'",
            shown(words.get(..index).unwrap_or_default())
        ))),
        Some(_) => None,
    }
}

/// Checks that `name` is a program or `all`.
fn find_or_all(name: &str) -> Result<(), Failure> {
    if name == "all" { Ok(()) } else { find(name).map(drop) }
}

/// Returns an error message with the corrected command line: `--` precedes the word at `index`.
fn put_dashes(words: &[OsString], index: usize) -> String {
    let (options, command) = words.split_at(index);
    let more = if command.len() > 1 { " ..." } else { "" };
    let command = shown(command.get(..1).unwrap_or_default());
    format!("put -- before the command: smolstep sandbox{} --{command}{more}", shown(options))
}

/// Joins the words, with a space before each word.
fn shown(words: &[OsString]) -> String {
    words.iter().map(|word| format!(" {}", word.to_string_lossy())).collect()
}
