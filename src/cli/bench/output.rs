//! A file that results go to: what is there before stays until they are all there.

use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::guard::TICK;
use crate::cli::error::Failure;
use crate::cli::get::destination::Destination;

/// The file, open for as long as is measured.
pub struct Output(Destination);

impl Output {
    /// Opens it, before anything is measured in vain.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        Destination::file(path).map(Output)
    }

    /// Writes all of it. Something that is no file may have no room: that is waited for unless `stop` is set.
    ///
    /// # Errors
    /// It cannot be written; a file is as it was before then.
    pub fn finish(self, text: &str, stop: &AtomicBool) -> Result<(), Failure> {
        let Output(mut destination) = self;
        let name = destination.to_string();
        let written = write_all(&mut destination, text.as_bytes(), stop).and_then(|()| destination.finish());
        written.map_err(|error| Failure::run(format_args!("{name} cannot be written: {error}")))
    }
}

fn write_all(destination: &mut Destination, mut rest: &[u8], stop: &AtomicBool) -> io::Result<()> {
    let timeout = Timespec::try_from(TICK).ok();
    while !rest.is_empty() {
        match (destination.write(rest)?, destination.stream()) {
            (0, _) if stop.load(Ordering::Relaxed) => return Err(ErrorKind::Interrupted.into()),
            (0, Some(stream)) => {
                // Whatever comes of it, writing is tried again.
                let _ = poll(&mut [PollFd::from_borrowed_fd(stream, PollFlags::OUT)], timeout.as_ref());
            }
            (len, _) => rest = rest.get(len..).unwrap_or_default(),
        }
    }
    Ok(())
}
