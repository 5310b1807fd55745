//! What watches a stack on the host: the log, a capture where one is asked for, and the status where there is a page of it.

use std::path::{Path, PathBuf};

use smoltcp::phy::Medium;
use smoltcp::time::Instant;

use super::capture::{self, FileCapture};
use super::error::Failure;
use crate::app::Status;
use crate::host::Clock;
use crate::phy::linux::{TunTap, complete};
use crate::stack::{Direction, Event, Probe};
use crate::trace::LogProbe;

/// Logs events, writes frames to a capture, and keeps a status.
pub struct Watch<'s> {
    log: LogProbe,
    capture: Option<(PathBuf, FileCapture)>,
    /// Where checksums that are left to the kernel are completed for the capture.
    completed: Option<(Medium, Vec<u8>)>,
    status: Option<&'s Status<'s>>,
}

impl<'s> Watch<'s> {
    /// A watch over `device`, whose frames go to `pcap` if it is given.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn new(device: &TunTap, clock: &Clock, pcap: Option<&Path>) -> Result<Self, Failure> {
        let capture = match pcap {
            None => None,
            Some(path) => {
                let capture = capture::create(path, device.name(), device.kind().medium(), clock.now());
                Some((path.to_owned(), capture.map_err(|error| unwritable(path, &error))?))
            }
        };
        let completed = (capture.is_some() && device.offloads()).then(|| (device.kind().medium(), Vec::new()));
        Ok(Watch { log: LogProbe::default(), capture, completed, status: None })
    }

    /// The same, with `status` told, too.
    pub fn with_status(self, status: Option<&'s Status<'s>>) -> Self {
        Watch { status, ..self }
    }

    /// Writes what is still to be written.
    ///
    /// # Errors
    /// The capture is not complete.
    pub fn finish(self) -> Result<(), Failure> {
        match self.capture {
            None => Ok(()),
            Some((path, capture)) => capture.finish().map(drop).map_err(|error| unwritable(&path, &error)),
        }
    }
}

impl Probe for Watch<'_> {
    fn frame(&mut self, now: Instant, direction: Direction, frame: &[u8]) {
        if let Some((_, capture)) = &mut self.capture {
            match &mut self.completed {
                None => capture.frame(now, direction, frame),
                Some((medium, copy)) => {
                    copy.clear();
                    copy.extend_from_slice(frame);
                    complete(copy, *medium);
                    capture.frame(now, direction, copy);
                }
            }
        }
        self.status.frame(now, direction, frame);
    }

    fn event(&mut self, now: Instant, event: &Event) {
        self.log.event(now, event);
        self.status.event(now, event);
    }
}

fn unwritable(path: &Path, error: &dyn core::fmt::Display) -> Failure {
    Failure::run(format_args!("the capture {} cannot be written: {error}", path.display()))
}
