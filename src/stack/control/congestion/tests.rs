//! Tests of the rules that Reno and CUBIC share and of random calls. ../cubic/tests.rs tests CUBIC's curve.

use super::*;

const MSS: u32 = 1_000;
const BOTH: [Congestion; 2] = [Congestion::Reno, Congestion::Cubic];

/// Processes an ACK for `bytes` at `at` ms. The window limited the sender, and the round trip takes 20 ms.
fn ack(window: &mut Window, at: i64, bytes: u32) {
    window.on_ack(Instant::from_millis(at), bytes, Duration::from_millis(20), true);
}

/// Returns a window of `segments` that is in congestion avoidance after a loss.
fn after_loss(algorithm: Congestion, segments: u32) -> Window {
    let mut window = Window::new(algorithm, MSS);
    ack(&mut window, 0, 4 * segments * MSS);
    let flight = if algorithm == Congestion::Reno { 2 * segments * MSS } else { (segments * MSS * 10).div_ceil(7) };
    window.on_loss(Instant::from_millis(0), flight);
    assert_eq!((window.bytes(), window.ssthresh()), (segments * MSS, segments * MSS));
    window
}

#[test]
fn a_window_is_at_most_64_bytes_long_and_can_be_a_const() {
    const WINDOW: Window = Window::new(Congestion::Cubic, 1_460);
    assert!(size_of::<Window>() <= 64, "{} bytes", size_of::<Window>());
    assert_eq!((WINDOW.bytes(), WINDOW.ssthresh()), (14_600, u32::MAX));
}

/// RFC 6928 section 2: min(10 · MSS, max(2 · MSS, 14,600)).
#[test]
fn starts_with_the_initial_window() {
    for (mss, bytes) in [(536, 5_360), (1_220, 12_200), (1_460, 14_600), (4_000, 14_600), (8_960, 17_920), (0, 480)] {
        assert_eq!(Window::new(Congestion::Reno, mss).bytes(), bytes, "MSS {mss}");
        let mut window = Window::new(Congestion::Cubic, 536);
        window.set_mss(mss);
        assert_eq!(window.bytes(), bytes, "MSS {mss}");
    }
}

/// RFC 5681 section 3.1: after a lost SYN, the first window is one segment.
#[test]
fn a_lost_syn_leaves_one_segment() {
    let mut window = Window::new(Congestion::Cubic, 536);
    window.on_timeout(Instant::ZERO, 1, false);
    window.set_mss(1_460);
    assert_eq!((window.bytes(), window.ssthresh()), (1_460, 2_920));
}

#[test]
fn without_congestion_control_the_window_is_unlimited() {
    let mut window = Window::new(Congestion::None, MSS);
    window.on_timeout(Instant::ZERO, 9, false);
    window.on_loss(Instant::ZERO, 9);
    window.on_idle();
    ack(&mut window, 5, u32::MAX);
    window.undo();
    assert_eq!((window.bytes(), window.ssthresh()), (MAX_WINDOW, u32::MAX));
}

/// RFC 3465 section 2.2, without its limit: slow start grows by the acknowledged bytes, whether one ACK or many
/// acknowledge them.
#[test]
fn slow_start_counts_all_bytes() {
    for algorithm in BOTH {
        for pieces in [1, 45, 65_535] {
            let mut window = Window::new(algorithm, MSS);
            (0..pieces).for_each(|_| ack(&mut window, 1, 65_535 / pieces));
            assert_eq!(window.bytes(), 10 * MSS + 65_535 / pieces * pieces);
        }
    }
}

#[test]
fn slow_start_ends_at_the_threshold() {
    for algorithm in BOTH {
        let mut window = after_loss(algorithm, 100);
        window.on_timeout(Instant::ZERO, 100 * MSS, false);
        let threshold = window.ssthresh();
        ack(&mut window, 10, threshold - MSS - 1);
        assert_eq!(window.bytes(), threshold - 1);
        ack(&mut window, 10, 1_000);
        assert_eq!(window.bytes(), threshold);
    }
}

/// The window does not grow if it does not limit the sender (RFC 9438 section 5.8, RFC 7661 section 4).
#[test]
fn does_not_grow_while_the_program_sends_little() {
    for mut window in BOTH.map(|algorithm| after_loss(algorithm, 20)).into_iter().chain([Window::new(BOTH[0], MSS)]) {
        let before = window.bytes();
        for at in 0..10_000 {
            window.on_ack(Instant::from_millis(at), 10 * MSS, Duration::from_millis(20), false);
        }
        assert_eq!(window.bytes(), before);
    }
}

/// RFC 3465 section 2.1: the window grows by one segment for each window acknowledged.
#[test]
fn reno_adds_a_segment_for_each_window() {
    let mut window = after_loss(Congestion::Reno, 20);
    ack(&mut window, 1, 20 * MSS - 1);
    assert_eq!(window.bytes(), 20 * MSS);
    ack(&mut window, 1, 1);
    assert_eq!(window.bytes(), 21 * MSS);
    ack(&mut window, 1, (21 + 22 + 23) * MSS);
    assert_eq!(window.bytes(), 24 * MSS);
}

/// Splitting the same bytes into more ACKs never enlarges the window, and reduces the window by at most one segment.
#[test]
fn divided_acks_gain_nothing() {
    for algorithm in BOTH {
        // The times are before CUBIC's plateau, after the plateau, and in the region where CUBIC follows Reno.
        for (segments, at) in [(20, 10), (20, 5_000), (20, 60_000), (1_000, 3_000), (1_000, 10_000)] {
            let total = (40 * segments).min(4_000) * MSS;
            let start = || {
                let mut window = after_loss(algorithm, segments);
                ack(&mut window, 0, 1);
                window
            };
            let mut whole = start();
            ack(&mut whole, at, total);
            for piece in [1_000, 333, 64, 1].map(|piece: u32| piece.max(segments / 5)) {
                let mut divided = start();
                (0..total / piece).for_each(|_| ack(&mut divided, at, piece));
                ack(&mut divided, at, total % piece);
                let (whole, divided) = (whole.bytes(), divided.bytes());
                assert!(
                    divided <= whole && divided + MSS >= whole,
                    "{algorithm:?} {segments} {at}: {divided}, {whole}"
                );
            }
        }
    }
}

/// The factors of RFC 5681 section 3.2 and RFC 9438 section 4.6 reduce the window after a loss.
#[test]
fn a_loss_leaves_part_of_the_flight() {
    for (algorithm, left) in BOTH.into_iter().zip([50, 70]) {
        let mut window = Window::new(algorithm, MSS);
        ack(&mut window, 1, 190 * MSS);
        window.on_loss(Instant::ZERO, 100 * MSS);
        assert_eq!((window.bytes(), window.ssthresh()), (left * MSS, left * MSS));
        // Bytes in flight beyond the window are ignored, because they were sent under a larger window.
        window.on_loss(Instant::ZERO, 100 * MSS);
        assert_eq!(window.bytes(), left * left * MSS / 100);
        (0..20).for_each(|_| window.on_loss(Instant::ZERO, 100 * MSS));
        assert_eq!((window.bytes(), window.ssthresh()), (2 * MSS, 2 * MSS));
        window.on_loss(Instant::ZERO, 0);
        assert_eq!((window.bytes(), window.ssthresh()), (2 * MSS, 2 * MSS));
    }
}

/// A timeout reduces the window to one segment (RFC 5681 section 3.1 (4), RFC 9438 section 4.8).
#[test]
fn a_timeout_leaves_one_segment() {
    for (algorithm, left) in BOTH.into_iter().zip([50, 70]) {
        let mut window = Window::new(algorithm, MSS);
        ack(&mut window, 1, 90 * MSS);
        window.on_timeout(Instant::ZERO, 100 * MSS, false);
        assert_eq!((window.bytes(), window.ssthresh()), (MSS, left * MSS));
        window.on_timeout(Instant::ZERO, 100 * MSS, true);
        assert_eq!((window.bytes(), window.ssthresh()), (MSS, left * MSS));
        window.on_timeout(Instant::ZERO, 100 * MSS, false);
        assert_eq!((window.bytes(), window.ssthresh()), (MSS, 2 * MSS));
    }
}

/// RFC 5681 section 4.1: after an idle period, slow start begins again. The threshold is kept.
#[test]
fn an_idle_connection_starts_slowly() {
    for algorithm in BOTH {
        let mut window = after_loss(algorithm, 80);
        window.on_idle();
        assert_eq!((window.bytes(), window.ssthresh()), (10 * MSS, 80 * MSS));
        window.undo();
        assert_eq!(window.bytes(), 10 * MSS);
        window.on_timeout(Instant::ZERO, MSS, false);
        window.on_idle();
        assert_eq!(window.bytes(), MSS);
    }
}

/// `undo` reverts a reduction once (RFC 9438 section 4.9).
#[test]
fn undo_reverts_the_most_recent_reduction() {
    for algorithm in BOTH {
        let mut window = after_loss(algorithm, 80);
        ack(&mut window, 40, 100 * MSS);
        let before = window.clone();
        let same = |window: &Window| (window.bytes(), window.ssthresh()) == (before.bytes(), before.ssthresh());

        window.on_loss(Instant::from_millis(50), 80 * MSS);
        window.undo();
        assert!(same(&window));
        window.undo();
        assert!(same(&window));

        window.on_timeout(Instant::from_millis(50), 80 * MSS, false);
        window.on_timeout(Instant::from_millis(250), 80 * MSS, true);
        ack(&mut window, 300, MSS);
        window.undo();
        assert!(same(&window));
        // The curve continues as if there had been no loss.
        let mut undisturbed = before.clone();
        [&mut window, &mut undisturbed].into_iter().for_each(|window| ack(window, 2_000, 500 * MSS));
        assert!(window.bytes().abs_diff(undisturbed.bytes()) <= MSS);

        // `undo` does not change a window that has grown past its old size.
        let before = window.bytes();
        window.on_loss(Instant::from_millis(2_000), 3 * MSS);
        for at in (3_000..90_000).step_by(100) {
            ack(&mut window, at, 500 * MSS);
        }
        let grown = window.bytes();
        assert!(grown > before, "{grown} {before}");
        window.undo();
        assert_eq!(window.bytes(), grown);
    }
}

#[test]
fn random_calls_keep_the_bounds() {
    for seed in 0..500 {
        println!("seed {seed}");
        let mut random = crate::testing::random::Random(seed);
        let mss = random.pick(&[0, 48, 536, 1_220, 1_460, 8_960, 65_535, u32::MAX]);
        let mut window = Window::new(random.pick(&BOTH), mss);
        let mss = mss.clamp(48, 65_535);
        let mut now =
            Instant::from_micros(random.pick(&[0, i64::MAX / 2, -5, (1 << 32) * 1_000 - 9_000, i64::MIN / 2]));
        for _ in 0..200 {
            now += Duration::from_micros(random.pick(&[0, 1, 999, 20_000, 1_000_000, 1 << 42]));
            if random.one_in(50) {
                now -= Duration::from_secs(3);
            }
            let bytes = random.pick(&[0, 1, mss, window.bytes() / 2, window.bytes(), 65_535]);
            let before = window.bytes();
            match random.below(40) {
                0 => {
                    window.on_loss(now, random.pick(&[bytes, u32::MAX]));
                    assert!(window.bytes() >= 2 * mss && window.bytes() == window.ssthresh());
                    assert!(window.bytes() <= before.max(2 * mss));
                }
                1 => {
                    window.on_timeout(now, random.pick(&[bytes, u32::MAX]), random.one_in(2));
                    assert_eq!(window.bytes(), mss);
                }
                2 => {
                    window.on_idle();
                    assert!(window.bytes() <= before.min((10 * mss).min(14_600.max(2 * mss))));
                }
                3 => window.undo(),
                4 if random.one_in(20) => ack(&mut window, now.total_millis(), u32::MAX),
                _ => {
                    let rtt = Duration::from_micros(random.pick(&[0, 100, 20_000, 3_000_000, u64::MAX]));
                    window.on_ack(now, bytes, rtt, !random.one_in(4));
                    // The sum can be larger by one segment, which earlier ACKs have earned.
                    let most = before.saturating_add(bytes).saturating_add(mss);
                    assert!((before..=most).contains(&window.bytes()), "{before} {bytes} {window:?}");
                }
            }
            assert!((mss..=MAX_WINDOW).contains(&window.bytes()), "{window:?}");
            assert!(window.ssthresh() >= 2 * mss, "{window:?}");
        }
    }
}
