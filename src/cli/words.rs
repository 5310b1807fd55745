//! Rewrites words of the command line that clap would misread.

use std::ffi::OsString;

use clap::{Arg, Command};

/// Joins each option and the negative number after it into one word, with `=` between them.
///
/// clap then reports the number as an invalid value of that option. Without the `=`, clap would take the number for an
/// option and report that this option is unknown.
pub fn join_negative_values(command: &Command, words: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut joined: Vec<OsString> = Vec::new();
    let mut subcommand = None;
    let mut before_dashes = true;
    for word in words {
        let text = word.to_str().unwrap_or_default();
        // The word after the program's name is the subcommand.
        if joined.len() == 1 {
            subcommand = command.find_subcommand(text);
        }
        // Words after `--` are not options.
        before_dashes &= text != "--";
        let digit = |rest: &str| rest.starts_with(|c: char| c.is_ascii_digit() || c == '.');
        let negative = text.strip_prefix('-').is_some_and(digit);
        match joined.last_mut() {
            Some(last) if before_dashes && negative && takes_value(subcommand, last.to_str().unwrap_or_default()) => {
                last.push("=");
                last.push(word);
            }
            _ => joined.push(word),
        }
    }
    joined
}

/// Returns whether `word` is an option of `subcommand` that takes a value.
fn takes_value(subcommand: Option<&Command>, word: &str) -> bool {
    subcommand.and_then(|command| option(command, word)).is_some_and(|option| option.get_action().takes_values())
}

/// Returns the option of `command` that `word` names. `word` must not contain `=`.
pub fn option<'c>(command: &'c Command, word: &str) -> Option<&'c Arg> {
    command.get_arguments().find(|option| match word.strip_prefix("--") {
        Some(long) => option.get_long() == Some(long),
        None => word.strip_prefix('-').is_some_and(|short| option.get_short().is_some_and(|c| short == c.to_string())),
    })
}
