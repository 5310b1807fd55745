//! Writes a response body to a stream or to a file. An existing file is replaced only once the body is complete.

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

/// The number of bytes that a writable pipe accepts without blocking (pipe(7), PIPE_BUF).
const PIPE_BUF: usize = 4096;

/// The output of `smolstep get`: standard output or a file.
#[derive(Default)]
pub enum Destination {
    /// Standard output.
    #[default]
    Output,
    /// An existing file that is not a regular file, such as a pipe or a device. The file is opened with `O_NONBLOCK`.
    Special(File, PathBuf),
    /// A temporary file, which `finish` renames to this path. If the destination is dropped without `finish`, the
    /// temporary file is removed.
    Whole(NamedTempFile, PathBuf),
}

impl Destination {
    /// Opens the destination that the option `-o` names. `None` and `-` mean standard output. For any other path, see
    /// [`file`](Destination::file).
    ///
    /// # Errors
    /// The error's message is one line that describes the problem.
    pub fn open(path: Option<&Path>) -> Result<Destination, Failure> {
        path.filter(|path| *path != Path::new("-")).map_or(Ok(Destination::Output), Destination::file)
    }

    /// Opens the file at `path` for writing. The data goes to a temporary file, which replaces the file at `path` when
    /// [`finish`](Destination::finish) is called. A special file, such as a pipe, is written directly.
    ///
    /// An existing file must be writable. The permissions of an existing file, and symbolic links to the file, are
    /// kept. A hard link to an existing file keeps the old content.
    ///
    /// # Errors
    /// The error's message is one line that describes the problem.
    pub fn file(path: &Path) -> Result<Destination, Failure> {
        let failed = |why: &dyn fmt::Display| Failure::run(format_args!("{}: {why}", path.display()));
        let writable = |flags: OFlags| {
            let mut options = File::options();
            options.write(true).custom_flags(flags.bits().cast_signed());
            options.open(path).map_err(|error| failed(&error))
        };
        let (final_path, permissions) = match path.metadata() {
            Ok(found) if found.is_dir() => return Err(failed(&"is a directory: give the name of a file in it")),
            Ok(found) if !found.is_file() => return Ok(Destination::Special(writable(OFlags::NONBLOCK)?, path.into())),
            Ok(found) => {
                // Opening the file only checks that the user may write to it.
                writable(OFlags::empty())?;
                (path.canonicalize().map_err(|error| failed(&error))?, Some(found.permissions()))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => (follow_links(path), None),
            Err(error) => return Err(failed(&error)),
        };
        let folder = match final_path.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        if !folder.is_dir() {
            return Err(failed(&format_args!("there is no directory {}: make it first", folder.display())));
        }
        let mut temporary = tempfile::Builder::new();
        temporary.prefix(".smolstep-").suffix(".part").permissions(Permissions::from_mode(0o666));
        // Only the kind of error is shown, because the full error names a temporary file that the user does not know.
        let file = temporary.tempfile_in(folder).map_err(|error| failed(&error.kind()))?;
        // The umask limits the permissions of a new file, but not those of the file that is replaced.
        if let Some(permissions) = permissions {
            let permissions = Permissions::from_mode(permissions.mode() & 0o777);
            file.as_file().set_permissions(permissions).map_err(|error| failed(&error))?;
        }
        Ok(Destination::Whole(file, final_path))
    }

    /// Returns whether the destination is a regular file.
    pub fn is_file(&self) -> bool {
        matches!(self, Destination::Whole(..))
    }

    /// Returns whether the destination is a terminal.
    pub fn is_terminal(&self) -> bool {
        match self {
            Destination::Output => io::stdout().is_terminal(),
            Destination::Special(file, _) => file.is_terminal(),
            Destination::Whole(..) => false,
        }
    }

    /// Writes as many bytes as possible without blocking. Returns the number of written bytes, which can be 0.
    ///
    /// # Errors
    /// Fails with the error from the system call.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A longer write to a pipe could block.
        let limit = if self.is_file() { bytes.len() } else { bytes.len().min(PIPE_BUF) };
        let bytes = bytes.get(..limit).unwrap_or_default();
        if !self.can_write() {
            return Ok(0);
        }
        let written = match self {
            Destination::Output => rustix::io::write(rustix::stdio::stdout(), bytes).map_err(io::Error::from),
            Destination::Special(file, _) => file.write(bytes),
            // Write to the `File` itself, because errors of `NamedTempFile` name the temporary file.
            Destination::Whole(file, _) => file.as_file_mut().write(bytes),
        };
        match written {
            Ok(0) if !bytes.is_empty() => Err(io::ErrorKind::WriteZero.into()),
            Err(error) if matches!(error.kind(), io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock) => Ok(0),
            written => written,
        }
    }

    /// Returns whether a write would not block.
    pub fn can_write(&self) -> bool {
        let Some(stream) = self.stream() else { return true };
        let mut file = [PollFd::from_borrowed_fd(stream, PollFlags::OUT)];
        let now = rustix::time::Timespec { tv_sec: 0, tv_nsec: 0 };
        // If poll fails, return true, so that the next write reports the error.
        !matches!(poll(&mut file, Some(&now)), Ok(0))
    }

    /// Returns the stream on which a write can block, or `None` for a regular file.
    pub fn stream(&self) -> Option<BorrowedFd<'_>> {
        match self {
            Destination::Output => Some(rustix::stdio::stdout()),
            Destination::Special(file, _) => Some(file.as_fd()),
            Destination::Whole(..) => None,
        }
    }

    /// Completes the output. A temporary file is renamed to its final path and replaces any file there.
    ///
    /// # Errors
    /// Fails if the file cannot be replaced. The old file is then unchanged.
    pub fn finish(self) -> io::Result<()> {
        match self {
            Destination::Output | Destination::Special(..) => Ok(()),
            Destination::Whole(file, final_path) => file.persist(final_path).map(drop).map_err(|error| error.error),
        }
    }
}

/// Follows symbolic links from `path` to a file that need not exist, and returns the file's path.
fn follow_links(path: &Path) -> PathBuf {
    let mut final_path = path.to_owned();
    // Linux follows at most 40 links (path_resolution(7)).
    for _ in 0..40 {
        let Ok(target) = final_path.read_link() else { break };
        final_path = final_path.parent().unwrap_or(Path::new("")).join(target);
    }
    final_path
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Destination::Output => f.write_str("standard output"),
            Destination::Special(_, path) | Destination::Whole(_, path) => path.display().fmt(f),
        }
    }
}
