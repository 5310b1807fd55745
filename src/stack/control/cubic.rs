//! CUBIC's window in congestion avoidance (RFC 9438), in integers. congestion.rs has slow start and the rest.
//!
//! Windows are in bytes, times in milliseconds that wrap round. The RFC's epoch and K are one value here, the time at which the
//! curve reaches its plateau: `W_cubic(now) = C · (now - plateau_at)³ + W_max`.

/// The largest congestion window, in bytes: that of the largest window scale (RFC 7323 section 2.3).
pub(super) const MAX_WINDOW: u32 = 1 << 30;

/// The state of CUBIC that a reduction changes and `undo` restores.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cubic {
    /// W_max. It is 0 while the next congestion avoidance starts at its plateau: at first, and after a time-out.
    max: u32,
    /// cwnd_prior: the window before the last reduction.
    prior: u32,
    /// W_est, the window that Reno would have. It is 0 outside congestion avoidance.
    estimate: u32,
    plateau_at: u32,
}

/// How far the window and Reno's are on the way to their next segments.
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

    /// Returns beta times `flight` (4.6): beta is 0.7.
    pub fn reduced(flight: u32) -> u32 {
        (u64::from(flight) * 7 / 10) as u32
    }

    /// Notes the window before a loss. If it was below the last plateau, others need room: the next plateau is lower (4.7).
    pub fn on_loss(&mut self, window: u32) {
        // (1 + beta) / 2 is 17/20.
        self.max = if window < self.max { (u64::from(window) * 17 / 20) as u32 } else { window };
        self.prior = window;
        self.stop();
    }

    /// Notes the window before a time-out. Congestion avoidance then starts at its plateau (4.8).
    pub fn on_timeout(&mut self, window: u32) {
        self.max = 0;
        self.prior = window;
        self.stop();
    }

    /// Ends this congestion avoidance. The next ACK in congestion avoidance starts another one.
    pub fn stop(&mut self) {
        self.estimate = 0;
    }

    /// Leaves the time between two ACKs out of the curve, because the window limited nothing then (4.2).
    pub fn skip_time(&mut self, from: u32, to: u32) {
        let gap = to.wrapping_sub(from) as i32;
        if gap > 0 {
            self.plateau_at = self.plateau_at.wrapping_add(gap as u32);
        }
    }

    /// Returns the window after `acked` bytes in congestion avoidance. The times are now, and now and a round trip.
    ///
    /// The work is at most a step for each segment acknowledged, and one more.
    pub fn grow(&mut self, mut window: u32, mss: u16, mut acked: u32, times: [u32; 2], steps: &mut Steps) -> u32 {
        let mss_bytes = u32::from(mss);
        if self.estimate == 0 {
            self.start(window, mss, times[0]);
        }
        // Acknowledged bytes bound a jump to Reno's window.
        let most = window.saturating_add(acked);
        let [here, ahead] = times.map(|time| self.curve(mss, time));
        while acked > 0 {
            // Where Reno would be faster, the window is Reno's (4.3). It follows the curve elsewhere (4.4, 4.5), and never shrinks.
            let target = if here < self.estimate {
                window = window.max(self.estimate.min(most));
                window
            } else {
                ahead.clamp(window, window.saturating_add(window / 2))
            };
            // The bytes for another segment: (target - window) / window segments for each one acknowledged.
            let cost = (u64::from(window) * u64::from(mss_bytes)).checked_div((target - window).into());
            let cost = cost.map(|bytes| u32::try_from(bytes).unwrap_or(u32::MAX).max(1));
            let estimate_cost = self.estimate_cost(window);

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
        if here < self.estimate { window.max(self.estimate.min(most)) } else { window }
    }

    #[cfg(test)]
    pub fn max(&self) -> u32 {
        self.max
    }

    /// Starts a congestion avoidance: below the last plateau on the way to it (4.2), else on a new one (4.8, 4.10).
    fn start(&mut self, window: u32, mss: u16, now: u32) {
        self.max = self.max.max(window);
        self.plateau_at = now.wrapping_add(time_to_plateau(self.max - window, mss));
        self.estimate = window;
    }

    /// Returns the bytes that let Reno's window grow by a segment: `window / alpha` (4.3).
    ///
    /// alpha is 9/17 until Reno's window has the size of the last loss, and 1 from there on.
    fn estimate_cost(&self, window: u32) -> u32 {
        if self.estimate >= self.prior { window } else { (u64::from(window) * 17 / 9) as u32 }
    }

    /// Returns W_cubic at a time (4.2), between 0 and the largest window.
    fn curve(&self, mss: u16, time: u32) -> u32 {
        let after = time.wrapping_sub(self.plateau_at) as i32;
        let distance = from_plateau(after.unsigned_abs(), mss);
        if after < 0 { self.max.saturating_sub(distance) } else { self.max.saturating_add(distance).min(MAX_WINDOW) }
    }
}

/// C is 0.4 segments per s³: two fifths of a segment for each of these ms³.
const CUBIC_SECOND: u64 = 1_000_000_000;

/// Returns how far the curve is from its plateau at a time before or after it, in bytes, at most [`MAX_WINDOW`].
fn from_plateau(time: u32, mss: u16) -> u32 {
    // Nine minutes away, the smallest MSS gives more than the largest window; the cube below fits into 57 bits.
    let time = u64::from(time.min(1 << 19));
    let cube = time * time * time;
    // In two parts, which do not overflow: whole cubic seconds, and the rest.
    let twice_mss = 2 * u64::from(mss);
    let (seconds, rest) = (cube / CUBIC_SECOND, cube % CUBIC_SECOND);
    let bytes = (seconds * twice_mss + rest * twice_mss / CUBIC_SECOND) / 5;
    bytes.min(MAX_WINDOW.into()) as u32
}

/// Returns K (4.2): the time that the curve takes for the last `bytes` to its plateau, in milliseconds, rounded down.
fn time_to_plateau(bytes: u32, mss: u16) -> u32 {
    // 2³⁰ · 5 · 10⁹ fits into 63 bits.
    cube_root(u64::from(bytes.min(MAX_WINDOW)) * (5 * CUBIC_SECOND) / (2 * u64::from(mss)).max(1))
}

/// Returns the cube root of a number below 2⁶³, rounded down.
fn cube_root(number: u64) -> u32 {
    let set_bit = |root: u64, bit: u32| {
        let larger = root | 1 << bit;
        if larger * larger * larger <= number { larger } else { root }
    };
    (0..21).rev().fold(0, set_bit) as u32
}

/// The part of the next segment that a window has earned, in units of 2⁻³².
///
/// All roundings are down. A peer that acknowledges in small pieces gains nothing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Progress(u32);

impl Progress {
    /// Returns the bytes, at least 1, that complete the segment. A whole one takes `cost` bytes, at least 1.
    pub fn missing(self, cost: u32) -> u32 {
        let left = (1 << 32) - u64::from(self.0);
        // Rounded down: what the roundings in `advance` lost amounts to less than a byte, and only small pieces lose more.
        ((left * u64::from(cost)) >> 32).max(1) as u32
    }

    /// Counts `bytes`. Returns whether they complete the segment; the next one then starts at nothing.
    pub fn advance(&mut self, bytes: u32, cost: u32) -> bool {
        let complete = bytes >= self.missing(cost);
        // Less than the bytes that are missing earns less than the rest.
        let earned = ((u64::from(bytes) << 32) / u64::from(cost.max(1))) as u32;
        self.0 = if complete { 0 } else { self.0.saturating_add(earned) };
        complete
    }
}

#[cfg(test)]
mod tests;
