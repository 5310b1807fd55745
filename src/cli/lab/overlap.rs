//! Checks that the files of a command line do not overlap.

use std::path::Path;

use super::args::LabArgs;
use super::file::{is_file, is_script};
use super::output_file::{is_page, is_same};
use super::{exercise, mark};
use crate::cli::error::Failure;

/// Checks that no file is written twice and that no file is both read and written. mark.rs checks the files of answers.
///
/// # Errors
/// Fails with a usage error that names the file.
pub fn check(args: &LabArgs) -> Result<(), Failure> {
    let files: Vec<_> = args.files().collect();
    for (index, file) in files.iter().enumerate() {
        let name = file.display();
        if files[..index].iter().any(|other| is_same(other, file)) {
            return Err(Failure::usage(format_args!("{name} cannot be written twice")));
        }
        if let Some(svg) = args.svg.iter().find(|svg| is_page(file, svg)) {
            let svg = svg.display();
            return Err(Failure::usage(format_args!("{name} can be a page of {svg}: choose another name")));
        }
    }
    // The file that the command reads, if any: an exercise, an experiment or a script.
    let word = args.what.as_deref();
    let what = match word {
        Some(exercise::WORD | mark::WORD) => args.texts.first().map(String::as_str),
        _ => word.filter(|what| is_file(what) || is_script(what)),
    };
    for path in what.map(Path::new).into_iter().chain(args.expect.as_deref()) {
        if files.iter().any(|file| is_same(file, path)) {
            return Err(Failure::usage(format_args!("{} is read: write to another file", path.display())));
        }
    }
    Ok(())
}
