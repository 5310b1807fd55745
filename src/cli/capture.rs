//! A capture in a file, stamped with the time of day.

use std::fs::File;
use std::io::{self, BufWriter};
use std::path::Path;
use std::time::SystemTime;

use smoltcp::phy::Medium;
use smoltcp::time::Instant;

use crate::trace::{Capture, IoSink};

/// A capture in a file. [`Capture::finish`] writes out what is still buffered and reports the first error.
pub type FileCapture = Capture<IoSink<BufWriter<File>>>;

/// Creates a capture file, or empties the one there is, for the frames of one interface.
///
/// `now` is the stack's time at this moment: frames are stamped with the time of day that follows from it.
///
/// # Errors
/// The system's: no such folder, no permission, disk full.
pub fn create(path: &Path, interface: &str, medium: Medium, now: Instant) -> io::Result<FileCapture> {
    let file = BufWriter::new(File::create(path)?);
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let epoch = i64::try_from(since_1970.as_micros()).unwrap_or(i64::MAX).saturating_sub(now.total_micros());
    Capture::new(IoSink(file), interface, medium, epoch)
}
