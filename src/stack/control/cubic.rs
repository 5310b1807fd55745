//! CUBIC's window in congestion avoidance (RFC 9438), in integer arithmetic. congestion.rs implements slow start and
//! reductions.
//!
//! Windows are in bytes. Times are in milliseconds and wrap round. One value replaces the RFC's epoch and K:
//! `plateau_at`, the time at which the curve reaches its plateau. `W_cubic(now) = C · (now - plateau_at)³ + W_max`.
//!
//! Section numbers in this file refer to RFC 9438.

/// The largest congestion window, in bytes: the limit of the largest window scale (RFC 7323 section 2.3).
pub(super) const MAX_WINDOW: u32 = 1 << 30;

/// The state of CUBIC that a reduction changes and `undo` restores.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cubic {
    /// W_max, or 0 at the start and after a timeout. If the value is 0, the next congestion avoidance starts at its
    /// plateau.
    max: u32,
    /// cwnd_prior: the window before the most recent reduction.
    prior: u32,
    /// W_est, the window that Reno would have. Its value is 0 outside congestion avoidance.
    estimate: u32,
    /// The time at which the curve reaches its plateau, in milliseconds.
    plateau_at: u32,
}

/// The progress of the window and of Reno's window towards their next segments.
#[derive(Clone, Copy, Debug)]
pub(super) struct Steps {
    pub window: Progress,
    estimate: Progress,
}

impl Steps {
    pub const NEW: Self = Steps { window: Progress(0), estimate: Progress(0) };
}

impl Cubic {
    pub const NEW: Self = Cubic { max: 0, prior: 0, estimate: 0, plateau_at: 0 };

    /// Returns beta times `flight` (section 4.6). Beta is 0.7.
    pub fn reduced(flight: u32) -> u32 {
        (u64::from(flight) * 7 / 10) as u32
    }

    /// Records the window before a loss.
    ///
    /// If the window was below the previous plateau, other connections need room, so the next plateau is lower than the
    /// window (section 4.7).
    pub fn on_loss(&mut self, window: u32) {
        // (1 + beta) / 2 is 17/20.
        self.max = if window < self.max { (u64::from(window) * 17 / 20) as u32 } else { window };
        self.prior = window;
        self.stop();
    }

    /// Records the window before a timeout. The next congestion avoidance starts at its plateau (section 4.8).
    pub fn on_timeout(&mut self, window: u32) {
        self.max = 0;
        self.prior = window;
        self.stop();
    }

    /// Ends the current congestion avoidance. The next call to `grow` starts congestion avoidance again.
    pub fn stop(&mut self) {
        self.estimate = 0;
    }

    /// Excludes the time between two ACKs from the curve, because the window did not limit the sender then (section
    /// 4.2).
    pub fn skip_time(&mut self, from: u32, to: u32) {
        let gap = to.wrapping_sub(from) as i32;
        if gap > 0 {
            self.plateau_at = self.plateau_at.wrapping_add(gap as u32);
        }
    }

    /// Returns the window after `acked` bytes in congestion avoidance.
    ///
    /// `times` are the current time and the current time plus a round trip. The loop runs at most twice for each
    /// acknowledged segment.
    pub fn grow(&mut self, mut window: u32, mss: u16, mut acked: u32, times: [u32; 2], steps: &mut Steps) -> u32 {
        let mss_bytes = u32::from(mss);
        // An estimate of 0 means that congestion avoidance begins with this ACK.
        if self.estimate == 0 {
            self.start(window, mss, times[0]);
        }
        // A jump to Reno's window is limited to the acknowledged bytes.
        let most = window.saturating_add(acked);
        // The curve now and after a round trip.
        let [here, ahead] = times.map(|time| self.curve(mss, time));
        while acked > 0 {
            // If Reno would be faster, use Reno's window (section 4.3). Otherwise follow the curve (4.4, 4.5) and never
            // shrink.
            let target = if here < self.estimate {
                window = window.max(self.estimate.min(most));
                window
            } else {
                ahead.clamp(window, window.saturating_add(window / 2))
            };
            // The number of bytes that must be acknowledged before the window grows by one segment. Each acknowledged
            // segment earns the fraction `(target - window) / window` of a segment. `None` means that the window has
            // reached its target and does not grow.
            let cost = (u64::from(window) * u64::from(mss_bytes)).checked_div((target - window).into());
            let cost = cost.map(|bytes| u32::try_from(bytes).unwrap_or(u32::MAX).max(1));
            let estimate_cost = self.estimate_cost(window);

            // Each pass handles bytes up to the next whole segment of this window or of Reno's window.
            let missing = cost.map_or(u32::MAX, |cost| steps.window.missing(cost));
            let piece = acked.min(missing).min(steps.estimate.missing(estimate_cost));
            acked -= piece;
            if steps.estimate.advance(piece, estimate_cost) {
                self.estimate = (self.estimate + mss_bytes).min(MAX_WINDOW);
            }
            if cost.is_some_and(|cost| steps.window.advance(piece, cost)) {
                window = window.saturating_add(mss_bytes).min(MAX_WINDOW);
            }
        }
        // Reno's window might have grown in the last pass.
        if here < self.estimate { window.max(self.estimate.min(most)) } else { window }
    }

    #[cfg(test)]
    pub fn max(&self) -> u32 {
        self.max
    }

    /// Starts congestion avoidance below the previous plateau (section 4.2) or on a new plateau (4.8, 4.10).
    fn start(&mut self, window: u32, mss: u16, now: u32) {
        self.max = self.max.max(window);
        self.plateau_at = now.wrapping_add(time_to_plateau(self.max - window, mss));
        self.estimate = window;
    }

    /// Returns the number of acknowledged bytes for which Reno's window grows by one segment: `window / alpha` (section
    /// 4.3).
    ///
    /// Alpha is 9/17 until Reno's window reaches `prior`, and then 1.
    fn estimate_cost(&self, window: u32) -> u32 {
        if self.estimate >= self.prior { window } else { (u64::from(window) * 17 / 9) as u32 }
    }

    /// Returns W_cubic at `time` (section 4.2), between 0 and the largest window.
    fn curve(&self, mss: u16, time: u32) -> u32 {
        let after = time.wrapping_sub(self.plateau_at) as i32;
        let distance = from_plateau(after.unsigned_abs(), mss);
        if after < 0 { self.max.saturating_sub(distance) } else { self.max.saturating_add(distance).min(MAX_WINDOW) }
    }
}

/// The number of ms³ in one s³. The factor C, 0.4 segments per s³, is applied as 2/5.
const CUBIC_SECOND: u64 = 1_000_000_000;

/// Returns how far the curve is from its plateau, in bytes, at most [`MAX_WINDOW`].
///
/// `time` is the time to or since the plateau, in milliseconds.
fn from_plateau(time: u32, mss: u16) -> u32 {
    // Even with the smallest MSS, the curve exceeds the largest window nine minutes from the plateau. The cube fits
    // into 57 bits.
    let time = u64::from(time.min(1 << 19));
    let cube = time * time * time;
    // The product is computed in two parts that do not overflow: whole cubic seconds and the rest.
    // The factor C, 0.4 segments per cubic second, is applied as 2/5.
    let twice_mss = 2 * u64::from(mss);
    let (seconds, rest) = (cube / CUBIC_SECOND, cube % CUBIC_SECOND);
    let bytes = (seconds * twice_mss + rest * twice_mss / CUBIC_SECOND) / 5;
    bytes.min(MAX_WINDOW.into()) as u32
}

/// Returns K (section 4.2): the time in which the curve grows by `bytes` to its plateau, in milliseconds, rounded down.
fn time_to_plateau(bytes: u32, mss: u16) -> u32 {
    // 2³⁰ · 5 · 10⁹ fits into 63 bits.
    cube_root(u64::from(bytes.min(MAX_WINDOW)) * (5 * CUBIC_SECOND) / (2 * u64::from(mss)).max(1))
}

/// Returns the cube root of a number below 2⁶³, rounded down.
fn cube_root(number: u64) -> u32 {
    // Finds the bits of the root one by one, the highest first. The root is below 2²¹.
    let set_bit = |root: u64, bit: u32| {
        let larger = root | 1 << bit;
        if larger * larger * larger <= number { larger } else { root }
    };
    (0..21).rev().fold(0, set_bit) as u32
}

/// The earned fraction of the next segment, in units of 2⁻³².
///
/// Every result is rounded down, so a peer gains nothing by acknowledging in small pieces.
#[derive(Clone, Copy, Debug)]
pub(super) struct Progress(u32);

impl Progress {
    /// Returns how many more acknowledged bytes earn the next segment, at least 1. A whole segment takes `cost` bytes.
    pub fn missing(self, cost: u32) -> u32 {
        let left = (1 << 32) - u64::from(self.0);
        // The result is rounded down. The rounding errors from `advance` add up to less than a byte, except for small
        // pieces.
        ((left * u64::from(cost)) >> 32).max(1) as u32
    }

    /// Adds `bytes` acknowledged bytes. Returns whether a whole segment, which takes `cost` bytes, is now earned. If
    /// so, the progress towards the next segment starts at zero.
    pub fn advance(&mut self, bytes: u32, cost: u32) -> bool {
        // `self.0` is the earned fraction of the next segment, in units of 2⁻³².
        let complete = bytes >= self.missing(cost);
        // Fewer bytes than the missing bytes earn less than the missing fraction, so the sum does not overflow.
        let earned = ((u64::from(bytes) << 32) / u64::from(cost.max(1))) as u32;
        self.0 = if complete { 0 } else { self.0.saturating_add(earned) };
        complete
    }
}

#[cfg(test)]
mod tests;
