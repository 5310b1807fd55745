//! A file that the lab writes, or standard output.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::cli::error::Failure;

/// Writes a text file. The first write error is kept, and `finish` returns it.
pub struct Text {
    path: PathBuf,
    file: BufWriter<Box<dyn Write>>,
    fault: Option<io::Error>,
}

impl Text {
    /// Empties a file, or opens standard output for the name `-`.
    ///
    /// # Errors
    /// Fails if the file cannot be written.
    pub fn create(path: &Path) -> Result<Self, Failure> {
        let file = create(path)?;
        Ok(Text { path: path.into(), file: BufWriter::new(file), fault: None })
    }

    /// Writes what is left, and returns the first error.
    ///
    /// # Errors
    /// Fails if a write has failed.
    pub fn finish(mut self) -> Result<(), Failure> {
        let flushed = self.file.flush();
        self.fault.map_or(flushed, Err).map_err(|error| unwritable(&self.path, &error))
    }
}

impl core::fmt::Write for Text {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        if self.fault.is_none() {
            self.fault = self.file.write_all(text.as_bytes()).err();
        }
        if self.fault.is_none() { Ok(()) } else { Err(core::fmt::Error) }
    }
}

/// Empties a file, or returns standard output for the name `-`.
///
/// # Errors
/// Fails if the file cannot be written.
pub fn create(path: &Path) -> Result<Box<dyn Write>, Failure> {
    if is_stdout(path) {
        return Ok(Box::new(io::stdout()));
    }
    let file = File::create(path).map_err(|error| unwritable(path, &error))?;
    Ok(Box::new(file))
}

/// Returns the error for a file that cannot be written.
pub fn unwritable(path: &Path, error: &dyn core::fmt::Display) -> Failure {
    Failure::run(format_args!("{} cannot be written: {error}", path.display()))
}

/// Returns whether a file's name stands for standard output.
pub fn is_stdout(path: &Path) -> bool {
    path == Path::new("-")
}
