//! Reads the lab's files: experiments, scripts, expectations and answers.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::app;
use crate::cli::error::Failure;
use crate::lab::MAX_FILE_BYTES;
use crate::lab::file::Experiment;
use crate::lab::scenarios;

/// The document that describes experiments, exercises and files of answers.
pub const GUIDE: &str = "docs/lab-file.md";

/// Returns whether the word on the command line names a file, not a program or a scenario.
pub fn is_file(word: &str) -> bool {
    word.contains('/') || has_ending(word, "lab")
}

/// Returns whether the word on the command line names a packetdrill script.
pub fn is_script(word: &str) -> bool {
    has_ending(word, "pkt")
}

/// Returns whether a file's name ends in a dot and `ending`, in capital or small letters.
fn has_ending(word: &str, ending: &str) -> bool {
    word.rsplit_once('.').is_some_and(|(_, end)| end.eq_ignore_ascii_case(ending))
}

/// Checks that the word that should name an exercise names no packetdrill script, scenario or program.
///
/// # Errors
/// The error says what the word names, and that an exercise is a file.
pub fn check_exercise(word: &str) -> Result<(), Failure> {
    let kind = match word {
        _ if is_script(word) => "packetdrill script",
        _ if Path::new(word).exists() => return Ok(()),
        _ if scenarios::find(word).is_some() => "scenario",
        _ if app::find(word).is_some() => "program",
        // The file does not exist, which the caller finds out when it reads the file.
        _ => return Ok(()),
    };
    Err(Failure::usage(format_args!(
        "{word} is a {kind}, and an exercise is a .lab file, as in docs/exercises/01-handshake.lab"
    )))
}

/// Reads a text file of at most 1 MiB.
///
/// # Errors
/// Fails if the file cannot be read, is longer, or is not UTF-8.
pub fn read(path: &Path) -> Result<String, Failure> {
    let fails = |why: &dyn core::fmt::Display| Failure::usage(format_args!("{} cannot be read: {why}", path.display()));
    // Reading one byte more than the limit is enough to find out that a file is too long.
    let limit = MAX_FILE_BYTES as u64 + 1;
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes)).map_err(|error| fails(&error))?;
    if bytes.len() > MAX_FILE_BYTES {
        return Err(fails(&"it is longer than 1 MiB"));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = valid.iter().filter(|byte| **byte == b'\n').count() + 1;
        fails(&format_args!("line {line} is not UTF-8 text"))
    })?;
    // Remove the byte order mark that some editors write at the start of a file.
    Ok(text.strip_prefix('\u{feff}').map(Into::into).unwrap_or(text))
}

/// Reads an experiment. `seed` replaces the file's seed.
///
/// # Errors
/// The error names the file, the line, the column and the wrong word.
pub fn experiment(path: &Path, seed: Option<u64>) -> Result<Experiment, Failure> {
    let text = read(path)?;
    Experiment::parse(&text, seed).map_err(|error| Failure::in_file(GUIDE, format_args!("{}:{error}", path.display())))
}
