//! Turns clap's error about an invalid command line into one line with the problem and the remedy.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Command, Error};

use super::call::has_client;
use super::error::Failure;
use super::sandbox;
use super::suggest::nearest;
use crate::app;
use crate::lab::tokens::clip;

/// Turns clap's error about `words` into one line that ends with the matching `--help` command. The first word is the
/// program's name.
pub fn explain(mut error: Error, command: &Command, words: &[OsString]) -> Failure {
    shorten_words(&mut error);
    let error = &error;
    let first = words.get(1).map(|word| word.to_string_lossy().into_owned()).unwrap_or_default();
    // For an error about clap's own subcommand `help`, name 'smolstep --help' as for an unknown command.
    let Some(subcommand) = command.find_subcommand(&first).filter(|command| command.get_name() != "help") else {
        return with_help(Failure::usage(explain_top_level(error, command)), None);
    };
    let name = subcommand.get_name();
    // For `sandbox`, say that `--` or COMMAND is missing, in place of clap's error.
    let what = match name {
        "sandbox" => sandbox::missing_dashes(subcommand, words.get(2..).unwrap_or_default()),
        _ => None,
    };
    let takes_text = subcommand.get_positionals().any(|argument| argument.get_id() == "texts");
    let hint = match error.kind() {
        ErrorKind::UnknownArgument if takes_text => "; -- before a TEXT lets it begin with -",
        _ => "",
    };
    with_help(what.unwrap_or_else(|| Failure::usage(one_line(error) + hint)), Some(name))
}

/// Adds the matching `--help` command to an error about the command line.
pub fn with_help(failure: Failure, subcommand: Option<&str>) -> Failure {
    match subcommand {
        Some(name) => failure.add_to_usage(format_args!("see 'smolstep {name} --help'")),
        None => failure.add_to_usage("see 'smolstep --help'"),
    }
}

/// Describes an error in a command line without a valid subcommand.
fn explain_top_level(error: &Error, command: &Command) -> String {
    let word = match (error.kind(), error.get(ContextKind::InvalidSubcommand)) {
        (ErrorKind::InvalidSubcommand, Some(ContextValue::String(word))) => word,
        (ErrorKind::UnknownArgument, _) => {
            let line = one_line(error);
            return format!("{line}; options follow the command, as in 'smolstep serve greeting --tap tap0'");
        }
        _ => return one_line(error),
    };
    let commands = || command.get_subcommands().map(Command::get_name);
    // The user might have typed the name of a program in place of a command, so both are compared.
    let programs = || app::APPS.iter().map(|app| app.name);
    let near = nearest(word, commands().chain(programs()));
    match near.map(|near| (near, app::find(near))) {
        Some((near, Some(app))) => {
            let what = match near == word {
                true => format!("{word} is a program, not a command"),
                false => format!("there is no command '{word}'"),
            };
            let call = match has_client(&app) {
                true => format!("smolstep call {near} HOST"),
                false => "smolstep get http://HOST/".into(),
            };
            format!("{what}: did you mean 'smolstep serve {near}' or '{call}'?")
        }
        Some((near, None)) => format!("there is no command '{word}': did you mean 'smolstep {near}'?"),
        None => format!("there is no command '{word}': there are {}", commands().collect::<Vec<_>>().join(", ")),
    }
}

/// Cuts the long words of the command line that clap's text for an error contains, and escapes their control characters.
fn shorten_words(error: &mut Error) {
    let kinds = match error.kind() {
        ErrorKind::UnknownArgument => &[ContextKind::InvalidArg][..],
        _ => &[ContextKind::InvalidValue, ContextKind::InvalidSubcommand],
    };
    for kind in kinds {
        if let Some(ContextValue::String(word)) = error.get(*kind) {
            let word = clip(word);
            error.insert(*kind, ContextValue::String(word));
        }
    }
}

/// Returns clap's explanation and suggestion on one line. Excludes clap's usage text.
fn one_line(error: &Error) -> String {
    let text = error.to_string();
    // A blank line separates the explanation from the usage text.
    let what = text.split("\n\n").next().unwrap_or_default();
    let words: Vec<&str> = what.strip_prefix("error: ").unwrap_or(what).split_whitespace().collect();
    let line = words.join(" ");
    let suggested = [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand, ContextKind::SuggestedValue];
    let near = suggested.into_iter().find_map(|kind| match error.get(kind)? {
        ContextValue::String(near) => Some(near),
        ContextValue::Strings(near) => near.first(),
        _ => None,
    });
    match near {
        Some(near) => format!("{line}; did you mean '{near}'?"),
        None => line,
    }
}
