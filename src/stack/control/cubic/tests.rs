//! Compares the integer curve with a curve in `f64` that follows the formulas of RFC 9438.

use smoltcp::time::{Duration, Instant};

use super::super::congestion::{Congestion, Window};
use super::*;

/// CUBIC in f64: windows in segments, times in seconds.
struct Reference {
    window: f64,
    ssthresh: f64,
    max: f64,
    prior: f64,
    k: f64,
    epoch: Option<f64>,
    estimate: f64,
    last: f64,
}

impl Reference {
    const C: f64 = 0.4;
    const BETA: f64 = 0.7;

    fn new(window: f64) -> Self {
        Reference { window, ssthresh: f64::MAX, max: 0.0, prior: 0.0, k: 0.0, epoch: None, estimate: 0.0, last: 0.0 }
    }

    /// Applies the formulas of sections 4.2 to 4.5 to an ACK for `acked` segments.
    fn on_ack(&mut self, now: f64, mut acked: f64, rtt: f64, limited: bool) {
        let last = std::mem::replace(&mut self.last, now);
        if !limited {
            self.epoch = self.epoch.map(|epoch| epoch + now - last);
            return;
        }
        let slow_start = acked.min(self.ssthresh - self.window).max(0.0);
        self.window += slow_start;
        acked -= slow_start;
        if acked <= 0.0 {
            return;
        }
        let epoch = *self.epoch.get_or_insert_with(|| {
            self.max = self.max.max(self.window);
            self.k = ((self.max - self.window) / Self::C).cbrt();
            self.estimate = self.window;
            now
        });
        let curve = |t: f64| Self::C * (t - self.k).powi(3) + self.max;
        let alpha = if self.estimate >= self.prior { 1.0 } else { 3.0 * (1.0 - Self::BETA) / (1.0 + Self::BETA) };
        self.estimate += alpha * acked / self.window;
        let t = now - epoch;
        if curve(t) < self.estimate {
            self.window = self.window.max(self.estimate);
        } else {
            let target = curve(t + rtt).clamp(self.window, 1.5 * self.window);
            self.window += (target - self.window) / self.window * acked;
        }
    }

    /// Reduces the window after a loss (sections 4.6 and 4.7).
    fn on_loss(&mut self, flight: f64, below_max: bool) {
        self.max = if below_max { self.window * (1.0 + Self::BETA) / 2.0 } else { self.window };
        self.reduce(flight);
        self.window = self.ssthresh;
    }

    /// Reduces the window after a timeout (section 4.8).
    fn on_timeout(&mut self, flight: f64) {
        self.max = 0.0;
        self.reduce(flight);
        self.window = 1.0;
    }

    /// Sets the threshold and ends congestion avoidance.
    fn reduce(&mut self, flight: f64) {
        self.prior = self.window;
        self.ssthresh = (flight * Self::BETA).max(2.0);
        self.epoch = None;
    }
}

/// Runs `Window` and the reference for `seconds`. Returns the largest difference in segments and the largest relative
/// difference.
///
/// Each ACK covers two segments or a hundredth of the window. Each of the `events` has a time in ms and a kind: `l` is
/// a loss, `t` is a timeout, and `-` and `+` say whether the window limits the sender.
///
/// Whether a loss occurs below the plateau is decided once, from the integer window. Near the plateau, a difference of
/// one byte could lead to two different decisions.
fn compare(mss: u32, rtt_ms: u64, seconds: f64, first_loss: u32, events: &[(f64, char)]) -> (f64, f64) {
    let (mut window, rtt) = (Window::new(Congestion::Cubic, mss), Duration::from_millis(rtt_ms));
    let mut reference = Reference::new(f64::from(window.bytes()) / f64::from(mss));
    let (mut events, mut limited) = (events.iter().peekable(), true);
    let (mut now, mut absolute, mut relative) = (0.0, 0.0_f64, 0.0_f64);
    let mut has_lost = false;
    while now < seconds {
        let instant = Instant::from_micros((now * 1e6) as i64);
        let segments = window.bytes() / mss;
        let acked = (segments / 100).max(2);
        now += rtt.secs_f64() * f64::from(acked) / f64::from(segments);
        window.on_ack(instant, acked * mss, rtt, limited);
        reference.on_ack(instant.secs_f64(), acked.into(), rtt.secs_f64(), limited);
        if !has_lost && window.bytes() >= first_loss * mss {
            has_lost = true;
            reference.on_loss(reference.window, window.bytes() < window.cubic_max());
            window.on_loss(instant, window.bytes());
        }
        while let Some((_, event)) = events.next_if(|(at, _)| *at <= now * 1e3) {
            match event {
                'l' => {
                    reference.on_loss(reference.window, window.bytes() < window.cubic_max());
                    window.on_loss(instant, window.bytes());
                }
                't' => {
                    reference.on_timeout(reference.window);
                    window.on_timeout(instant, window.bytes(), false);
                }
                event => limited = *event == '+',
            }
        }
        let difference = (f64::from(window.bytes()) / f64::from(mss) - reference.window).abs();
        absolute = absolute.max(difference);
        relative = relative.max(difference / reference.window);
    }
    (absolute, relative)
}

trait Seconds {
    fn secs_f64(&self) -> f64;
}

impl Seconds for Duration {
    fn secs_f64(&self) -> f64 {
        self.total_micros() as f64 / 1e6
    }
}

impl Seconds for Instant {
    fn secs_f64(&self) -> f64 {
        self.total_micros() as f64 / 1e6
    }
}

/// **The error bound**: 1% for a window of hundreds of segments, and three segments for a smaller window.
///
/// Windows grow by whole segments, and each loss carries over part of that rounding error.
#[test]
fn is_within_one_percent_of_the_formulas() {
    for mss in [536, 8_960] {
        for rtt in [20, 100, 300] {
            for first_loss in [30, 300, 3_000] {
                for events in [
                    &[][..],
                    &[(4_000.0, 'l'), (6_000.0, 'l')],
                    &[(2_500.0, 'l'), (4_500.0, 't'), (14_000.0, 'l')],
                    &[(2_500.0, '-'), (7_000.0, '+'), (15_000.0, 'l')],
                ] {
                    let (absolute, relative) = compare(mss, rtt, 20.0, first_loss, events);
                    let case = format!("MSS {mss}, RTT {rtt}, {first_loss} segments, {events:?}");
                    println!("{case}: {absolute:.2} segments, {:.3}%", relative * 100.0);
                    let is_close = if first_loss < 300 { absolute <= 3.0 } else { relative <= 0.01 };
                    assert!(is_close, "{case}: {absolute} segments, {relative}");
                }
            }
        }
    }
}

#[test]
fn cube_roots_are_rounded_down() {
    for root in (0..2_000).chain([65_536, 1_290_000, 2_097_150]) {
        let cube = |root: u64| root * root * root;
        assert_eq!(u64::from(cube_root(cube(root))), root);
        assert_eq!(u64::from(cube_root(cube(root + 1) - 1)), root);
    }
    assert_eq!(cube_root((1 << 63) - 1), 2_097_151);
}

#[test]
fn the_curve_agrees_with_f64_near_and_far() {
    for mss in [48, 536, 1_460, 65_535] {
        for time in (0..60).map(|n| (1.5_f64.powi(n)) as u32) {
            let exact = (0.4 * (f64::from(time) / 1e3).powi(3) * f64::from(mss)).min(f64::from(MAX_WINDOW));
            let found = f64::from(from_plateau(time, mss));
            assert!((exact - found).abs() <= 1.0 + exact * 1e-6, "{mss} {time}: {exact} {found}");
        }
    }
}

/// Returns a CUBIC window that was reduced when it was `segments` segments long.
fn window_after_loss_of(segments: u32) -> Window {
    let mut window = Window::new(Congestion::Cubic, 1_000);
    window.on_ack(Instant::ZERO, (segments - 10) * 1_000, Duration::ZERO, true);
    window.on_loss(Instant::ZERO, segments * 1_000);
    window
}

/// Acknowledges one window in each round trip of 100 ms, over the given times in ms.
fn run(window: &mut Window, times: std::ops::Range<i64>) {
    for at in times.step_by(100) {
        window.on_ack(Instant::from_millis(at), window.bytes(), Duration::from_millis(100), true);
    }
}

/// RFC 9438 section 4.2: K is the cube root of 0.3 · 1,000 / 0.4 segments, 9.1 s.
/// Section 4.7: a loss below the old plateau lowers the next plateau.
#[test]
fn returns_to_its_plateau_in_time_and_an_early_loss_lowers_the_plateau() {
    let mut window = window_after_loss_of(1_000);
    run(&mut window, 0..9_200);
    assert!((995_000..=1_002_000).contains(&window.bytes()), "{}", window.bytes());
    assert_eq!(window_after_loss_of(1_000).cubic_max(), 1_000_000);

    let mut window = window_after_loss_of(1_000);
    run(&mut window, 0..2_000);
    let short = window.bytes();
    assert!((800_000..950_000).contains(&short), "{short}");
    window.on_loss(Instant::from_millis(2_000), short);
    assert_eq!(window.cubic_max(), short / 20 * 17);
}

/// RFC 9438 section 4.8: K is 0, and the window grows slowly at the threshold.
#[test]
fn after_a_timeout_the_threshold_is_the_plateau() {
    let mut window = window_after_loss_of(1_000);
    window.on_timeout(Instant::ZERO, 700_000, false);
    let threshold = window.ssthresh();
    window.on_ack(Instant::from_millis(100), threshold, Duration::from_millis(100), true);
    run(&mut window, 100..2_100);
    assert_eq!(window.cubic_max(), threshold);
    // The window grows by 0.4 · 2³ segments on the curve, or by about 20 · 9/17 segments with Reno.
    assert!((threshold + 8_000..threshold + 14_000).contains(&window.bytes()), "{} {threshold}", window.bytes());
}

/// RFC 9438 section 4.3: on a short path, CUBIC is as fast as Reno. A loss occurs when the window reaches 40 segments.
#[test]
fn is_as_fast_as_reno_on_short_paths() {
    let sent = [Congestion::Reno, Congestion::Cubic].map(|algorithm| {
        let (mut window, mut sent) = (Window::new(algorithm, 1_000), 0);
        for at in (0..60_000).step_by(10) {
            let bytes = window.bytes();
            sent += u64::from(bytes);
            window.on_ack(Instant::from_millis(at), bytes, Duration::from_millis(10), true);
            if bytes >= 40_000 {
                window.on_loss(Instant::from_millis(at), bytes);
            }
        }
        sent
    });
    assert!(sent[1] >= sent[0] && sent[1] < sent[0] * 13 / 10, "{sent:?}");
}

/// The clock can stop, go back, or wrap round after 2³² milliseconds.
#[test]
fn odd_clocks_do_not_inflate_the_window() {
    let wrap = 1_i64 << 32;
    let (mut plain, mut wrapped) = (window_after_loss_of(1_000), window_after_loss_of(1_000));
    run(&mut plain, 0..12_000);
    run(&mut wrapped, wrap - 6_000..wrap + 6_000);
    assert_eq!(plain.bytes(), wrapped.bytes());
    let before = plain.bytes();
    plain.on_ack(Instant::from_millis(5_000), before, Duration::from_millis(100), true);
    assert!(plain.bytes() <= before + 1_000);
}
