//! A file that the lab writes, or standard output.

use std::ffi::OsStr;
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
    /// Creates or empties the file at `path`, or opens standard output for the name `-`.
    ///
    /// # Errors
    /// Fails if the file cannot be written.
    pub fn create(path: &Path) -> Result<Self, Failure> {
        let file = create(path)?;
        Ok(Text { path: path.into(), file: BufWriter::new(file), fault: None })
    }

    /// Writes the buffered text, and returns the first error.
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

/// Creates or empties the file at `path` and returns it for writing. Returns standard output for the name `-`.
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

/// Returns whether two names stand for the same file, even if they are spelt differently or are links.
pub fn is_same(one: &Path, other: &Path) -> bool {
    one == other || resolve(one).is_some_and(|one| Some(one) == resolve(other))
}

/// Returns whether `file` has the name of a further page of the ladder in `svg`. For example, NAME-2.svg is the second
/// page of NAME.svg.
pub fn is_page(file: &Path, svg: &Path) -> bool {
    let [Some(file), Some(svg)] = [resolve(file), resolve(svg)] else { return false };
    let page = |stem: &OsStr| -> Option<usize> {
        let (stem, first) = (stem.to_str()?, svg.file_stem()?.to_str()?);
        stem.strip_prefix(first)?.strip_prefix('-')?.parse().ok()
    };
    let is_beside = file.parent() == svg.parent() && file.extension() == svg.extension();
    // The first page is `svg` itself.
    is_beside && file.file_stem().and_then(page).is_some_and(|page| page > 1)
}

/// Returns a file's path without links, `.` and `..`. The file need not exist. Returns `None` for standard output, and
/// if the file's folder does not exist.
fn resolve(path: &Path) -> Option<PathBuf> {
    if is_stdout(path) {
        return None;
    }
    path.canonicalize().ok().or_else(|| {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Some(folder.canonicalize().ok()?.join(path.file_name()?))
    })
}
