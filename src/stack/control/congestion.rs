//! The congestion window of a connection: slow start, Reno, and the rules that Reno and CUBIC (cubic.rs) share.
//!
//! The caller detects losses and timeouts and measures the round trip. This file only computes the window.

use smoltcp::time::{Duration, Instant};

use super::cubic::{Cubic, MAX_WINDOW, Steps};

#[cfg(test)]
mod tests;

/// How a connection reacts to congestion.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Congestion {
    /// No congestion window: only the peer's window limits what is sent. For links without loss.
    None,
    /// Reno (RFC 5681).
    Reno,
    /// CUBIC (RFC 9438), which is also Linux's default.
    #[default]
    Cubic,
}

/// The smallest MSS, in bytes. With a smaller MSS, one ACK could cost a loop step for every few bytes.
const MIN_MSS: u16 = 48;

/// The largest number of segments for which one ACK grows the window in congestion avoidance. The limit bounds the work
/// for one ACK. Real ACKs cover far fewer segments.
const MOST_SEGMENTS: u32 = 4_096;

/// The congestion window of a connection, in bytes. The struct is at most 64 bytes long.
///
/// Growth counts acknowledged bytes, not ACKs (RFC 3465). A peer that splits its ACKs therefore gains nothing, and a
/// peer that sends few ACKs loses nothing.
///
/// Slow start counts every acknowledged byte, even after a timeout, as Linux does. RFC 3465 section 2.3 allows at most
/// two segments for each ACK, and one after a timeout. RFC 5681 section 3.1 always allows only one segment for each
/// ACK.
#[derive(Clone, Debug)]
pub(in crate::stack) struct Window {
    bytes: u32,
    ssthresh: u32,
    /// The time at which the most recent ACK arrived, in milliseconds. The value wraps round, as in [`Cubic`].
    last_ack: u32,
    steps: Steps,
    cubic: Cubic,
    saved: Saved,
    mss: u16,
    algorithm: Congestion,
}

/// The values before the most recent reduction, which `undo` restores. If `bytes` is 0, there is nothing to undo.
#[derive(Clone, Copy, Debug)]
struct Saved {
    bytes: u32,
    ssthresh: u32,
    cubic: Cubic,
}

impl Saved {
    const NOTHING: Self = Saved { bytes: 0, ssthresh: 0, cubic: Cubic::NEW };
}

impl Window {
    /// Returns the window of a new connection: the initial window for this MSS (RFC 6928 section 2).
    ///
    /// An MSS below 48 bytes is treated as 48.
    pub const fn new(algorithm: Congestion, mss: u32) -> Self {
        let mss = bounded_mss(mss);
        Window {
            bytes: initial(mss),
            ssthresh: u32::MAX,
            last_ack: 0,
            steps: Steps::NEW,
            cubic: Cubic::NEW,
            saved: Saved::NOTHING,
            mss,
            algorithm,
        }
    }

    /// Returns the congestion window in bytes: at most 1 GiB, which is also the value without congestion control.
    pub const fn bytes(&self) -> u32 {
        if matches!(self.algorithm, Congestion::None) { MAX_WINDOW } else { self.bytes }
    }

    pub const fn algorithm(&self) -> Congestion {
        self.algorithm
    }

    /// Returns the slow-start threshold, in bytes. The threshold is `u32::MAX` until the first loss.
    pub const fn ssthresh(&self) -> u32 {
        self.ssthresh
    }

    /// Sets the MSS that the handshake agreed on. Call this before data is sent.
    ///
    /// The window becomes the initial window for this MSS. If a lost SYN has already reduced the window, the window
    /// keeps its number of segments instead (RFC 5681 section 3.1).
    pub fn set_mss(&mut self, mss: u32) {
        let old = core::mem::replace(&mut self.mss, bounded_mss(mss));
        let segments = self.bytes / u32::from(old).max(1);
        let initial_window = initial(self.mss);
        // Only a lost SYN makes the window smaller than the initial window before data is sent.
        self.bytes = if self.bytes < initial(old) {
            segments.saturating_mul(self.mss()).clamp(self.mss(), initial_window)
        } else {
            initial_window
        };
        // The threshold is at least two segments.
        self.ssthresh = self.ssthresh.max(2 * self.mss());
        self.saved = Saved::NOTHING;
        self.steps = Steps::NEW;
    }

    /// Sets the MSS after the path has changed. The window keeps its size in bytes (RFC 1191 section 6.4).
    #[cfg(feature = "fragments")]
    pub fn change_mss(&mut self, mss: u32) {
        self.mss = bounded_mss(mss);
        self.steps = Steps::NEW;
    }

    /// Grows the window after an ACK for `acked` new bytes.
    ///
    /// Call this outside loss recovery or in the slow start after a timeout. `limited` says whether the congestion
    /// window limited the sender. If not, the window does not grow (RFC 9438 section 5.8).
    pub fn on_ack(&mut self, now: Instant, acked: u32, srtt: Duration, limited: bool) {
        if self.algorithm == Congestion::None {
            return;
        }
        let now = millis(now);
        let last = core::mem::replace(&mut self.last_ack, now);
        if !limited {
            // The time without growth must not count for CUBIC's curve.
            self.cubic.skip_time(last, now);
            return;
        }
        // Of the acknowledged bytes, slow start uses as many as the window needs to reach the threshold. Congestion
        // avoidance uses the others.
        let room = self.ssthresh.min(MAX_WINDOW).saturating_sub(self.bytes);
        let slow_start = acked.min(room);
        self.bytes += slow_start;
        let left = (acked - slow_start).min(MOST_SEGMENTS * self.mss());
        if left == 0 || self.bytes >= MAX_WINDOW {
            return;
        }
        self.bytes = match self.algorithm {
            Congestion::None => return,
            Congestion::Reno => self.reno(left),
            Congestion::Cubic => {
                // A longer round trip is treated as one minute, so that CUBIC does not look far ahead.
                let rtt = srtt.total_millis().min(60_000) as u32;
                self.cubic.grow(self.bytes, self.mss, left, [now, now.wrapping_add(rtt)], &mut self.steps)
            }
        };
    }

    /// Reduces the window after duplicate ACKs or SACK ranges have shown a loss.
    ///
    /// Call this at most once in a round trip. `flight` is the number of bytes in flight. Bytes beyond the window are
    /// ignored, because they were sent under a larger window. The new window is half of `flight` with Reno (RFC 5681
    /// section 3.2) and 0.7 of `flight` with CUBIC (RFC 9438 section 4.6). The new window is at least two segments
    /// long.
    pub fn on_loss(&mut self, _now: Instant, flight: u32) {
        if self.algorithm == Congestion::None {
            return;
        }
        self.save();
        self.ssthresh = self.reduced(flight);
        self.cubic.on_loss(self.bytes);
        self.bytes = self.ssthresh;
        self.steps = Steps::NEW;
    }

    /// Reduces the window to one segment, because the retransmission timer expired (RFC 5681 section 3.1).
    ///
    /// `again` says whether the timer has already expired for the same data. If so, the threshold stays unchanged.
    pub fn on_timeout(&mut self, _now: Instant, flight: u32, again: bool) {
        if self.algorithm == Congestion::None {
            return;
        }
        if !again {
            self.save();
            self.ssthresh = self.reduced(flight);
            self.cubic.on_timeout(self.bytes);
        }
        self.bytes = self.mss();
        self.steps = Steps::NEW;
    }

    /// Reduces the window to one segment, because the SYN was lost (RFC 5681 section 3.1).
    ///
    /// The threshold stays unchanged, because no data was lost.
    pub fn on_lost_syn(&mut self) {
        self.bytes = self.mss();
    }

    /// Reduces the window to the initial window, because nothing was sent for an RTO (RFC 5681 section 4.1).
    pub fn on_idle(&mut self) {
        self.bytes = self.bytes.min(initial(self.mss));
        self.cubic.stop();
        self.steps = Steps::NEW;
        self.saved = Saved::NOTHING;
    }

    /// Reverts the most recent `on_loss` or `on_timeout`, because no data was lost (RFC 9438 section 4.9).
    ///
    /// If `on_timeout` was called several times for the same data, all these calls are reverted. A second call to
    /// `undo` does nothing, and neither does a call after the window has grown past its old size.
    pub fn undo(&mut self) {
        let saved = core::mem::replace(&mut self.saved, Saved::NOTHING);
        if self.bytes < saved.bytes {
            self.bytes = saved.bytes;
            self.ssthresh = saved.ssthresh;
            self.cubic = saved.cubic;
            self.steps = Steps::NEW;
        }
    }

    fn mss(&self) -> u32 {
        self.mss.into()
    }

    /// Returns CUBIC's W_max.
    #[cfg(test)]
    pub(super) fn cubic_max(&self) -> u32 {
        self.cubic.max()
    }

    /// Stores the values that `undo` restores.
    fn save(&mut self) {
        self.saved = Saved { bytes: self.bytes, ssthresh: self.ssthresh, cubic: self.cubic };
    }

    /// Returns the slow-start threshold after a reduction with `flight` bytes in flight. The threshold is at least two
    /// segments.
    fn reduced(&self, flight: u32) -> u32 {
        let flight = flight.min(self.bytes);
        let part = if self.algorithm == Congestion::Reno { flight / 2 } else { Cubic::reduced(flight) };
        part.max(2 * self.mss())
    }

    /// Returns Reno's window after `acked` bytes in congestion avoidance.
    ///
    /// The window grows by one segment for each window acknowledged (RFC 3465 section 2.1). `steps` counts the bytes
    /// towards the next segment from call to call.
    fn reno(&mut self, mut acked: u32) -> u32 {
        let mut bytes = self.bytes;
        while acked > 0 && bytes < MAX_WINDOW {
            let piece = acked.min(self.steps.window.missing(bytes));
            acked -= piece;
            if self.steps.window.advance(piece, bytes) {
                bytes = (bytes + self.mss()).min(MAX_WINDOW);
            }
        }
        bytes
    }
}

/// Returns the initial window of RFC 6928 section 2, in bytes.
const fn initial(mss: u16) -> u32 {
    let mss = mss as u32;
    let most = if 2 * mss > 14_600 { 2 * mss } else { 14_600 };
    if 10 * mss < most { 10 * mss } else { most }
}

/// Limits an MSS to the range from [`MIN_MSS`] to `u16::MAX`.
const fn bounded_mss(mss: u32) -> u16 {
    if mss < MIN_MSS as u32 {
        MIN_MSS
    } else if mss > u16::MAX as u32 {
        u16::MAX
    } else {
        mss as u16
    }
}

/// Returns a time in milliseconds. The value wraps round after 49 days, so only differences are meaningful.
fn millis(time: Instant) -> u32 {
    time.total_millis() as u32
}
