//! Observes a stack and writes the log. On request, also writes a capture and lines of JSON, and updates the status
//! page.

use std::fs::File;
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use smoltcp::phy::Medium;
use smoltcp::time::Instant;
use smoltcp::wire::EthernetAddress;

use super::error::Failure;
use super::events::Events;
use super::link::Link;
use crate::app::Status;
use crate::host::Clock;
use crate::phy::linux::{Kind, TunTap, complete};
use crate::stack::{ConnectionId, Direction, Event, Hardware, Probe};
use crate::trace::{Capture, IoSink, LogProbe};

/// Logs events. On request, also writes events as lines of JSON, writes frames to a capture, and updates the status
/// page's data.
pub struct Watch<'s> {
    log: LogProbe,
    capture: Option<(PathBuf, FileCapture)>,
    /// A buffer for a copy of a frame. Checksums that are left to the kernel are computed in the copy, for the capture.
    completed: Option<(Medium, Vec<u8>)>,
    events: Option<&'s Events>,
    status: Option<&'s Status<'s>>,
    /// This side's hardware address and the link's name, for a warning if another host has the address. `None` after
    /// the warning, and on a TUN.
    alone: Option<(EthernetAddress, String)>,
    /// The connections whose events are not reported.
    left_out: Vec<ConnectionId>,
}

impl<'s> Watch<'s> {
    /// Creates a watch over `device`, this side of `link`. If `pcap` is given, writes the frames to that file.
    ///
    /// # Errors
    /// Fails if the file cannot be written to.
    pub fn new(link: &Link, device: &TunTap, clock: &Clock, pcap: Option<&Path>) -> Result<Self, Failure> {
        let capture = match pcap {
            None => None,
            Some(path) => {
                let capture = create_capture(path, device.name(), device.kind().medium(), clock.now());
                Some((path.to_owned(), capture.map_err(|error| unwritable(path, &error))?))
            }
        };
        // Checksums that are left to the kernel are computed for the capture, in a copy of the frame.
        let completed = (capture.is_some() && device.offloads()).then(|| (device.kind().medium(), Vec::new()));
        // On a TAP, the watch warns if another host uses this side's hardware address.
        let alone = link.mac.filter(|_| device.kind() == Kind::Tap).map(|mac| (mac, link.name.clone()));
        Ok(Watch {
            log: LogProbe::default(),
            capture,
            completed,
            events: None,
            status: None,
            alone,
            left_out: Vec::new(),
        })
    }

    /// Makes the watch write a line to `events` for each event.
    pub fn with_events(self, events: Option<&'s Events>) -> Self {
        Watch { events, ..self }
    }

    /// Makes the watch keep `status` up to date.
    pub fn with_status(self, status: Option<&'s Status<'s>>) -> Self {
        Watch { status, ..self }
    }

    /// Stops reporting the events of a connection. A DNS query over TCP, for example, is not reported.
    pub fn leave_out(&mut self, id: ConnectionId) {
        self.left_out.push(id);
    }

    /// Returns whether an event belongs to a connection that is not reported.
    fn is_left_out(&self, event: &Event) -> bool {
        match event {
            // The other events of a DNS query need no check. The query peeks at its reply, so it causes no `Read`. The
            // log does not show `Wrote`, and `serve`, which alone writes lines of JSON, makes no DNS queries.
            Event::Connected { id, .. } | Event::Ended { id, .. } | Event::State { id, .. } => {
                self.left_out.contains(id)
            }
            _ => false,
        }
    }

    /// Completes the capture.
    ///
    /// # Errors
    /// Fails if part of the capture could not be written.
    pub fn finish(self) -> Result<(), Failure> {
        match self.capture {
            None => Ok(()),
            Some((path, capture)) => capture.finish().map(drop).map_err(|error| unwritable(&path, &error)),
        }
    }
}

impl Probe for Watch<'_> {
    /// Passes the frame on to the capture and to the status. Warns once if another host uses this side's hardware
    /// address.
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
        // If another host uses this side's address as its source (bytes 6 to 11), warn once: `take_if` clears `alone`.
        if direction == Direction::In
            && let Some((mac, link)) = self.alone.take_if(|(mac, _)| frame.get(6..12) == Some(mac.as_bytes()))
        {
            let mac = Hardware(mac);
            log::warn!("another host on {link} has the hardware address {mac}, too: give this side another with --mac");
        }
    }

    /// Passes the event on to the log, to the lines of JSON and to the status, unless its connection is not reported.
    fn event(&mut self, now: Instant, event: &Event) {
        if self.is_left_out(event) {
            return;
        }
        self.log.event(now, event);
        if let Some(events) = self.events {
            events.write(now, event);
        }
        self.status.event(now, event);
    }
}

/// Returns the error for a capture that cannot be written.
fn unwritable(path: &Path, error: &dyn core::fmt::Display) -> Failure {
    Failure::run(format_args!("the capture {} cannot be written: {error}", path.display()))
}

/// A capture in a file. [`Capture::finish`] flushes the file and returns the first error.
pub type FileCapture = Capture<IoSink<BufWriter<File>>>;

/// Creates or truncates a capture file for the frames of one interface.
///
/// `now` is the current time on the stack's clock. The capture converts the stack's times to the time of day.
///
/// # Errors
/// Fails with the error from the system call, for example if the folder does not exist or the disk is full.
pub fn create_capture(path: &Path, interface: &str, medium: Medium, now: Instant) -> io::Result<FileCapture> {
    let file = BufWriter::new(File::create(path)?);
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    // The time of day at time 0 of the stack's clock, in microseconds since 1970.
    let epoch = i64::try_from(since_1970.as_micros()).unwrap_or(i64::MAX).saturating_sub(now.total_micros());
    Capture::new(IoSink(file), interface, medium, epoch)
}
