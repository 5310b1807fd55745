//! Reads the lab's files: experiments, scripts, expectations and answers.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::cli::error::Failure;
use crate::lab::MAX_FILE_BYTES;
use crate::lab::file::Experiment;

/// Returns whether the word on the command line names a file, not a program or a scenario.
pub fn is_file(word: &str) -> bool {
    word.contains('/') || word.ends_with(".lab")
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
    Experiment::parse(&text, seed).map_err(|error| Failure::usage(format_args!("{}:{error}", path.display())))
}
