//! Writes the body of a response and, if requested, the header. Records a redirect.

use std::io;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::destination::Destination;
use crate::app::http_client::{Head, Output, OutputFailed};
use crate::app::{Escape, is_invisible};
use crate::cli::error::Failure;

/// Writes a response to its destination.
pub struct Sink {
    destination: Destination,
    include: bool,
    follow: bool,
    /// Escapes control characters if the destination is a terminal.
    escape: Option<Escape>,
    /// Output that the destination has not accepted yet: the header and, on a terminal, the body.
    pending: Vec<u8>,
    /// Whether the destination accepted only part of the most recent write.
    stalled: bool,
    /// The first error of the destination.
    fault: Option<io::Error>,
    /// The `Location` of the redirect to follow, if any.
    redirect: Option<Vec<u8>>,
    bar: Option<Bar>,
}

/// A progress bar on a terminal.
struct Bar {
    bar: ProgressBar,
    /// The template that the bar currently uses.
    template: &'static str,
    /// The time of the next check of the terminal's width, counted from the start of the bar.
    next_check: Duration,
}

/// The interval between checks of the terminal's width. A check is a system call, so the interval allows only about one
/// check per redraw.
const CHECK_EVERY: Duration = Duration::from_millis(50);

impl Sink {
    /// Creates a sink that writes a response to `destination`. With `include`, the sink also writes the header. With
    /// `follow`, the sink skips the body of a redirect.
    pub fn new(destination: Destination, include: bool, follow: bool) -> Self {
        Sink {
            escape: destination.is_terminal().then(Escape::default),
            destination,
            include,
            follow,
            pending: Vec::new(),
            stalled: false,
            fault: None,
            redirect: None,
            bar: None,
        }
    }

    /// Returns whether the response is a redirect to follow.
    pub fn is_redirected(&self) -> bool {
        self.redirect.is_some()
    }

    /// Removes and returns the `Location` of the redirect. Returns `None` if there is no redirect to follow.
    pub fn take_redirect(&mut self) -> Option<Vec<u8>> {
        self.redirect.take()
    }

    /// Returns whether the most recent write was incomplete and the destination accepts bytes again.
    pub fn is_ready_again(&self) -> bool {
        self.stalled && self.destination.can_write()
    }

    /// Returns whether the most recent write was incomplete. The caller then waits until [`file`](Self::file) is
    /// writable.
    pub fn wanted(&self) -> bool {
        self.stalled
    }

    /// Returns the stream to wait for after an incomplete write, or `None` if writes never block.
    pub fn file(&self) -> Option<BorrowedFd<'_>> {
        self.destination.stream()
    }

    /// Writes as much of the remaining output as possible without blocking. Returns true once all output is written, or
    /// after an error. Call this method after the response has ended.
    pub fn flush_rest(&mut self) -> bool {
        if let Some(escape) = &mut self.escape {
            escape.finish(&mut |piece| self.pending.extend_from_slice(piece));
        }
        // After an error, the remaining output will never be written, so the caller must not wait.
        self.flush().unwrap_or(true)
    }

    /// Returns whether the destination has failed.
    pub fn has_failed(&self) -> bool {
        self.fault.is_some()
    }

    /// Removes the destination's error from the sink, and returns it as a message of one line. Call this method only if
    /// [`has_failed`](Self::has_failed) returns true.
    pub fn failure(&mut self) -> Failure {
        let error = self.fault.take().unwrap_or_else(|| io::ErrorKind::Other.into());
        match &self.destination {
            Destination::Output => Failure::output(error),
            other => Failure::run(format_args!("{other}: {error}")),
        }
    }

    /// Completes the output.
    ///
    /// # Errors
    /// Fails if the temporary file cannot be renamed to its destination.
    pub fn finish(mut self) -> Result<(), Failure> {
        self.end_bar();
        let name = self.destination.to_string();
        // `Sink` implements `Drop`, so its destination cannot be moved out: the default destination replaces it.
        core::mem::take(&mut self.destination).finish().map_err(|error| Failure::run(format_args!("{name}: {error}")))
    }

    /// Writes `bytes`, escaped if the destination is a terminal. Keeps the output that the destination does not accept
    /// yet. Returns whether all output was written.
    fn hand_on(&mut self, bytes: &[u8]) -> Result<bool, OutputFailed> {
        match &mut self.escape {
            Some(escape) => escape.put(bytes, &mut |piece| self.pending.extend_from_slice(piece)),
            None => self.pending.extend_from_slice(bytes),
        }
        self.flush()
    }

    /// Writes as much of the pending output as possible without blocking. Returns whether all of it was written.
    fn flush(&mut self) -> Result<bool, OutputFailed> {
        let pending = core::mem::take(&mut self.pending);
        let written = self.write(&pending)?;
        self.pending = pending.get(written..).unwrap_or_default().to_vec();
        Ok(self.pending.is_empty())
    }

    /// Writes as many of `bytes` as possible without blocking. Returns the number of bytes written. Also records for
    /// [`wanted`](Self::wanted) whether the write was incomplete.
    fn write(&mut self, bytes: &[u8]) -> Result<usize, OutputFailed> {
        let mut written = 0;
        while let Some(rest) = bytes.get(written..).filter(|rest| !rest.is_empty()) {
            match self.destination.write(rest) {
                Ok(0) => break,
                Ok(len) => written += len,
                Err(error) => {
                    // Keep the first error for `failure`.
                    self.fault.get_or_insert(error);
                    return Err(OutputFailed);
                }
            }
        }
        self.stalled = written < bytes.len();
        Ok(written)
    }

    /// Shows a progress bar if the body is written to a regular file. `length` is the length of the body in bytes, if
    /// the header states it. The bar is invisible if standard error is not a terminal.
    fn begin_bar(&mut self, length: Option<u64>) {
        if !self.destination.is_file() {
            return;
        }
        let bar = length.map_or_else(ProgressBar::no_length, ProgressBar::new);
        bar.set_draw_target(ProgressDrawTarget::stderr());
        self.bar = Some(Bar { bar, template: "", next_check: Duration::ZERO });
        self.fit_bar();
    }

    /// Fits the bar to the terminal's current width. If the bar were wider than the terminal, each redraw would leave
    /// parts of the old bar behind.
    fn fit_bar(&mut self) {
        let Some(Bar { bar, template: current, next_check }) = &mut self.bar else { return };
        let elapsed = bar.elapsed();
        // Look up the width only now and then, because the look-up is a system call.
        if elapsed < *next_check {
            return;
        }
        *next_check = elapsed + CHECK_EVERY;
        let columns = rustix::termios::tcgetwinsize(rustix::stdio::stderr()).map_or(0, |size| size.ws_col);
        // A range of columns begins with the smallest number in which its template fits.
        let template = match (columns, bar.length()) {
            // A terminal of unknown width is treated as wide.
            (0 | 84.., Some(_)) => "{bar:30} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left",
            (32.., Some(_)) => "{bytes} of {total_bytes}",
            (0 | 32.., None) => "{spinner} {bytes}, {bytes_per_sec}",
            (12.., _) => "{bytes}",
            _ => " ",
        };
        let previous = core::mem::replace(current, template);
        if previous != template
            && let Ok(style) = ProgressStyle::with_template(template)
        {
            bar.set_style(style.progress_chars("=> "));
        }
    }

    fn end_bar(&mut self) {
        if let Some(Bar { bar, .. }) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

impl Output for Sink {
    /// Writes the header if requested. Returns whether to receive the body. For a redirect to follow, stores the
    /// location and returns false. Otherwise, warns of an unusual status and starts the progress bar.
    fn head(&mut self, head: &Head<'_>) -> Result<bool, OutputFailed> {
        if self.include {
            self.hand_on(head.bytes)?;
        }
        let location = head.location.filter(|_| matches!(head.status, 301 | 302 | 303 | 307 | 308));
        // The reason comes from the server, and might contain escape sequences.
        let reason = head.reason.replace(is_invisible, " ");
        match (location, head.status) {
            (Some(location), _) if self.follow => {
                self.redirect = Some(location.to_vec());
                // The body of a redirect is not received.
                return Ok(false);
            }
            (Some(_), _) => log::warn!("{} {reason}: -L follows this redirect", head.status),
            (None, 400..) => log::warn!("{} {reason}: the body is the server's explanation", head.status),
            _ => {}
        }
        self.begin_bar(head.length);
        Ok(true)
    }

    /// Writes as much of a piece of the body as possible without blocking. Returns the number of bytes accepted.
    fn body(&mut self, piece: &[u8]) -> Result<usize, OutputFailed> {
        // First write the header, or the rest of the previous piece.
        if !self.flush()? {
            return Ok(0);
        }
        let written = match self.escape {
            // The whole piece is accepted: `pending` keeps the escaped text that is not written yet.
            Some(_) => self.hand_on(piece).map(|_| piece.len())?,
            None => self.write(piece)?,
        };
        self.fit_bar();
        if let Some(Bar { bar, .. }) = &self.bar {
            bar.inc(written as u64);
        }
        Ok(written)
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.end_bar();
    }
}
