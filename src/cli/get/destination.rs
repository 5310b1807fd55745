//! Where a body is written: a file that appears as a whole or not at all, or a stream.

use core::fmt;
use std::fs::{File, Permissions};
use std::io::{self, IsTerminal, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::OFlags;
use tempfile::NamedTempFile;

use crate::cli::error::Failure;

/// The bytes that a writable pipe takes at once (pipe(7), PIPE_BUF); with more, the write could wait.
const AT_ONCE: usize = 4096;

/// Where bytes are written.
#[derive(Default)]
pub enum Destination {
    /// Standard output.
    #[default]
    Output,
    /// Something that exists and is no regular file, opened so that it never waits.
    Special(File, PathBuf),
    /// A file beside the one that it becomes in the end. Dropped before, it is removed.
    Whole(NamedTempFile, PathBuf),
}

impl Destination {
    /// Opens what `-o` says: standard output if nothing, or `-`; else see [`file`](Destination::file).
    ///
    /// # Errors
    /// One line that says what is wrong with it.
    pub fn open(path: Option<&Path>) -> Result<Destination, Failure> {
        path.filter(|path| *path != Path::new("-")).map_or(Ok(Destination::Output), Destination::file)
    }

    /// Opens a file. One that exists must be one that can be written to; its permissions, and symbolic links to it, stay as they
    /// are. A hard link to it keeps what was there before.
    ///
    /// # Errors
    /// One line that says what is wrong with it.
    pub fn file(path: &Path) -> Result<Destination, Failure> {
        let failed = |why: &dyn fmt::Display| Failure::run(format_args!("{}: {why}", path.display()));
        let writable = |flags: OFlags| {
            let mut options = File::options();
            options.write(true).custom_flags(flags.bits().cast_signed());
            options.open(path).map_err(|error| failed(&error))
        };
        let (place, mode) = match path.metadata() {
            Ok(found) if found.is_dir() => return Err(failed(&"is a directory: give the name of a file in it")),
            Ok(found) if !found.is_file() => return Ok(Destination::Special(writable(OFlags::NONBLOCK)?, path.into())),
            Ok(found) => {
                writable(OFlags::empty())?;
                (path.canonicalize().map_err(|error| failed(&error))?, found.permissions().mode())
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => (behind_links(path), 0o666),
            Err(error) => return Err(failed(&error)),
        };
        let folder = match place.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        if !folder.is_dir() {
            return Err(failed(&format_args!("there is no directory {}: make it first", folder.display())));
        }
        let mut named = tempfile::Builder::new();
        named.prefix(".smolstep-").suffix(".part").permissions(Permissions::from_mode(mode & 0o777));
        // The kind alone: the whole error names a file that the user has never heard of.
        let file = named.tempfile_in(folder).map_err(|error| failed(&error.kind()))?;
        Ok(Destination::Whole(file, place))
    }

    /// Whether it is a file that appears as a whole.
    pub fn is_file(&self) -> bool {
        matches!(self, Destination::Whole(..))
    }

    /// Whether it is a terminal.
    pub fn is_terminal(&self) -> bool {
        match self {
            Destination::Output => io::stdout().is_terminal(),
            Destination::Special(file, _) => file.is_terminal(),
            Destination::Whole(..) => false,
        }
    }

    /// Writes some of the bytes; none where there is no room now.
    ///
    /// # Errors
    /// What the system says.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let limit = if self.is_file() { bytes.len() } else { bytes.len().min(AT_ONCE) };
        let bytes = bytes.get(..limit).unwrap_or_default();
        if !self.has_room() {
            return Ok(0);
        }
        let written = match self {
            Destination::Output => rustix::io::write(rustix::stdio::stdout(), bytes).map_err(io::Error::from),
            Destination::Special(file, _) => file.write(bytes),
            // The file itself, because its wrapper's errors name it.
            Destination::Whole(file, _) => file.as_file_mut().write(bytes),
        };
        match written {
            Ok(0) if !bytes.is_empty() => Err(io::ErrorKind::WriteZero.into()),
            Err(error) if matches!(error.kind(), io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock) => Ok(0),
            written => written,
        }
    }

    /// Whether a write would not wait, or would fail.
    pub fn has_room(&self) -> bool {
        let Some(stream) = self.stream() else { return true };
        let mut file = [PollFd::from_borrowed_fd(stream, PollFlags::OUT)];
        let now = rustix::time::Timespec { tv_sec: 0, tv_nsec: 0 };
        // What cannot be asked is tried.
        !matches!(poll(&mut file, Some(&now)), Ok(0))
    }

    /// What may have to be waited for: a file never.
    pub fn stream(&self) -> Option<BorrowedFd<'_>> {
        match self {
            Destination::Output => Some(rustix::stdio::stdout()),
            Destination::Special(file, _) => Some(file.as_fd()),
            Destination::Whole(..) => None,
        }
    }

    /// All is written: the file takes its place.
    ///
    /// # Errors
    /// It cannot; then what was there before still is.
    pub fn finish(self) -> io::Result<()> {
        match self {
            Destination::Output | Destination::Special(..) => Ok(()),
            Destination::Whole(file, place) => file.persist(place).map(drop).map_err(|error| error.error),
        }
    }
}

/// Where a file would be made: where symbolic links lead, of which the last leads to nothing.
fn behind_links(path: &Path) -> PathBuf {
    let mut place = path.to_owned();
    // The system follows no more of them either (path_resolution(7)).
    for _ in 0..40 {
        let Ok(target) = place.read_link() else { break };
        place = place.parent().unwrap_or(Path::new("")).join(target);
    }
    place
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Destination::Output => f.write_str("standard output"),
            Destination::Special(_, path) | Destination::Whole(_, path) => path.display().fmt(f),
        }
    }
}
