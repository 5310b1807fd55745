//! The effects of the options for the network and for the connections.

use smolstep::cli::replay::{Replay, replay_steps};
use smolstep::lab::scenarios::{SCENARIOS, find};
use smolstep::lab::show::What;
use smolstep::lab::{Buffers, START, Setup, Verdict, WIRE};
use smolstep::stack::{Congestion, Control, End, Event, HeldBy, Tuple};
use smolstep::trace::{Carries, Cause, Segment};
use smoltcp::time::{Duration, Instant};

fn scenario(slug: &str) -> Setup<'static> {
    (find(slug).expect("a scenario").setup)()
}

/// Runs the lab with a set-up. After each step, calls `each` with the lab.
fn run(setup: &Setup<'_>, each: impl FnMut(&mut Replay<'_>)) {
    assert!(replay_steps(setup, each).expect("it starts"), "it does not end by itself");
}

/// Returns the client's control block after each step, with the time.
fn client(setup: &Setup<'_>) -> Vec<(Duration, Control)> {
    let mut all = Vec::new();
    run(setup, |lab| {
        all.extend(lab.control(0).map(|(_, control)| (lab.elapsed(), control)));
        while lab.entries.pop().is_some() {}
    });
    all
}

/// Returns for each frame sent: the host, the time, the segment and the fate of the frame.
fn sent(setup: &Setup<'_>) -> Vec<(usize, Duration, Option<Segment>, Verdict)> {
    let mut all = Vec::new();
    run(setup, |lab| {
        while let Some(entry) = lab.entries.pop() {
            if let What::Sent { summary, verdict, .. } = entry.what {
                all.push((entry.host, entry.at - START, summary.segment(), verdict));
            }
        }
    });
    all
}

/// Returns the largest number of bytes that the client has in flight.
fn largest_flight(setup: &Setup<'_>) -> i32 {
    client(setup).iter().map(|(_, c)| c.nxt.0.wrapping_sub(c.una.0)).max().unwrap_or_default()
}

#[test]
fn slow_start_doubles_the_window_in_each_round_trip() {
    for latency in [1, 60] {
        let mut setup = scenario("slow-start");
        setup.line.latency = Duration::from_millis(latency);
        let controls = client(&setup);
        let round_trip = setup.line.latency * 2;
        // The first flight is sent when the handshake is complete, after ARP and SYN.
        for (trips, segments) in [(2, 10), (3, 20), (4, 40)] {
            let window = controls.iter().rfind(|(at, _)| *at <= round_trip * trips).and_then(|(_, c)| c.cwnd);
            assert_eq!(window, Some(segments * 1460), "after {trips} round trips of {round_trip}");
        }
        assert!(controls.iter().all(|(_, c)| c.ssthresh.is_none()));
    }
}

#[test]
fn congestion_avoidance_adds_a_segment_in_a_round_trip() {
    let setup = scenario("congestion-avoidance");
    let controls = client(&setup);
    let after: Vec<_> = controls.iter().filter(|(_, c)| c.ssthresh.is_some() && c.recovery_point.is_none()).collect();
    let mut growths = Vec::new();
    for pair in after.windows(2) {
        let (before, now) = (pair[0].1.cwnd.unwrap(), pair[1].1.cwnd.unwrap());
        if now != before {
            assert_eq!(now, before + 1460, "at {}", pair[1].0);
            growths.push(pair[1].0);
        }
    }
    assert!(growths.len() >= 5, "{growths:?}");
    for pair in growths.windows(2) {
        assert!(pair[1] - pair[0] >= setup.line.latency * 2, "{growths:?}");
    }
}

#[test]
fn a_fast_recovery_halves_the_window_and_a_timeout_reduces_it_to_a_segment() {
    let controls = client(&scenario("recovery-and-timeout"));
    let least = |from: u64, to: u64| {
        let (from, to) = (Duration::from_millis(from), Duration::from_millis(to));
        controls.iter().filter(|(at, _)| *at > from && *at < to).filter_map(|(_, c)| c.cwnd).min()
    };
    // Of eight segments, seven are in flight when the loss is detected. The threshold becomes half of these (RFC 5681
    // section 3.2).
    assert_eq!(least(0, 1000), Some(7 * 1460 / 2));
    // The second connection begins after two seconds.
    assert_eq!(least(2000, 4000), Some(1460));
}

#[test]
fn only_congestion_control_has_a_congestion_window() {
    let mut setup = scenario("slow-start");
    for (congestion, has) in [(Congestion::None, false), (Congestion::Reno, true), (Congestion::Cubic, true)] {
        setup.congestion = congestion;
        assert!(client(&setup).iter().all(|(_, c)| c.cwnd.is_some() == has), "{congestion:?}");
    }
}

#[test]
fn a_full_queue_drops_the_newest_frame() {
    let setup = scenario("shared-bottleneck");
    let dropped = |setup| sent(setup).iter().filter(|(.., verdict)| *verdict == Verdict::QueueFull).count();
    assert!(dropped(&setup) > 5);
    let mut long = setup.clone();
    long.line.queue = None;
    assert_eq!(dropped(&long), 0);
    // Two initial windows of ten segments are sent: one frame is on the line, ten wait, and the others are dropped.
    let burst = sent(&setup);
    let first = burst.iter().position(|(_, _, s, _)| s.is_some_and(|s| s.len > 0)).unwrap();
    let delivered = burst[first..].iter().take_while(|(.., verdict)| *verdict == Verdict::Deliver).count();
    assert!((11..=13).contains(&delivered), "{delivered}");
}

/// Without the window scale option, at most 65,535 bytes are in flight.
#[test]
fn a_window_scale_allows_more_than_65535_bytes_in_flight() {
    let mut setup = scenario("window-scaling");
    let flight = largest_flight(&setup);
    assert!((70_000..=80_000).contains(&flight), "{flight}");
    setup.window_scale = Some(0);
    let flight = largest_flight(&setup);
    assert!((60_000..=65_535).contains(&flight), "{flight}");
    for scale in [1, 3, 9] {
        setup.window_scale = Some(scale);
        let scales: Vec<_> = sent(&setup).iter().filter_map(|(_, _, s, _)| s.filter(|s| s.syn)?.scale).collect();
        assert_eq!(scales, [scale; 2]);
    }
}

#[test]
fn a_longer_window_fills_a_long_line() {
    let time = |buffer| {
        let mut setup = scenario("bandwidth-delay");
        setup.buffers = [Buffers { receive: buffer, send: buffer }; 2];
        let last = sent(&setup).iter().rev().find(|(_, _, s, _)| s.is_some_and(|s| s.len > 0)).map(|(_, at, ..)| *at);
        last.unwrap().total_millis()
    };
    let (short, long) = (time(8192), time(32_768));
    assert!(long * 3 < short * 2, "{long} ms is not much shorter than {short} ms");
}

#[test]
fn connections_begin_with_the_chosen_numbers() {
    let setup = scenario("wraparound");
    let segments = sent(&setup);
    let of = |host: usize| segments.iter().filter(move |(h, ..)| *h == host).filter_map(|(_, _, s, _)| *s);
    assert_eq!(of(0).next().map(|s| s.seq.0 as u32), Some(4_294_966_000));
    assert!(of(0).any(|s| (s.seq.0 as u32) < 5000), "the numbers do not wrap round");
    let mut both = setup.clone();
    both.isn = [Some(0), Some(u32::MAX)];
    let syns: Vec<_> =
        sent(&both).iter().filter_map(|(_, _, s, _)| s.filter(|s| s.syn)).map(|s| s.seq.0 as u32).collect();
    assert_eq!(syns, [0, u32::MAX]);
}

#[test]
fn the_router_reports_packets_that_are_too_long_unless_it_is_a_black_hole() {
    for (slug, reports) in [("path-mtu", true), ("black-hole", false)] {
        let setup = scenario(slug);
        let (mut icmp, mut dropped) = (0, 0);
        run(&setup, |lab| {
            while let Some(entry) = lab.entries.pop() {
                match entry.what {
                    What::Sent { summary, .. } if entry.host == WIRE => {
                        assert_eq!(summary.carries, Carries::Icmp(3, 4));
                        icmp += 1;
                    }
                    What::Sent { verdict: Verdict::TooLong, len, .. } => {
                        assert!(len > 1014);
                        dropped += 1;
                    }
                    What::Sent { len, verdict, .. } => assert!(len <= 1014, "{verdict}"),
                    _ => {}
                }
            }
        });
        assert!(dropped > 0, "{slug}");
        assert_eq!(icmp > 0, reports, "{slug}");
    }
}

#[test]
fn clients_call_from_ports_of_their_own() {
    let mut setup = scenario("handshake");
    setup.clients = 5;
    let mut ports = std::collections::BTreeSet::new();
    run(&setup, |lab| {
        ports.extend(lab.control(0).map(|(tuple, _)| tuple.local.port));
        while lab.entries.pop().is_some() {}
    });
    assert_eq!(ports.len(), 5);
}

#[test]
fn keep_alive_sets_the_time_between_probes() {
    let mut setup = scenario("keep-alive");
    setup.keep_alive = Some(Duration::from_secs(2));
    let probes: Vec<_> = sent(&setup)
        .iter()
        .filter(|(host, at, s, _)| *host == 0 && *at > Duration::from_secs(1) && s.is_some_and(|s| s.len <= 1))
        .map(|(_, at, ..)| at.total_millis())
        .collect();
    assert!(probes.iter().any(|at| (1_900..2_300).contains(at)), "{probes:?}");
}

/// The lab says what holds queued data back, and only while data is held back.
#[test]
fn the_reason_for_waiting_is_shown() {
    let reasons = |slug| {
        let all = client(&scenario(slug)).into_iter().filter_map(|(_, c)| c.held_by);
        all.fold(Vec::new(), |mut reasons, by| {
            if !reasons.contains(&by) {
                reasons.push(by);
            }
            reasons
        })
    };
    assert_eq!(reasons("nagle-delayed-ack"), [HeldBy::Nagle]);
    assert_eq!(reasons("no-nagle"), []);
    // When the window opens, the byte of the last window probe is the first to be sent again.
    assert_eq!(reasons("zero-window"), [HeldBy::Window, HeldBy::Loss]);
    assert_eq!(reasons("slow-start"), [HeldBy::Cwnd]);
    assert_eq!(reasons("bandwidth-delay"), [HeldBy::Window]);
}

/// Sequence numbers are compared modulo 2^32, so no number is special, not even 0, the value of a variable that is not
/// set yet.
#[test]
fn a_run_does_not_depend_on_the_initial_sequence_numbers() {
    for scenario in SCENARIOS.iter().filter(|scenario| scenario.slug != "wraparound") {
        let run = |isn: [u32; 2]| {
            let mut setup = (scenario.setup)();
            setup.isn = isn.map(Some);
            let values = |(at, c): (Duration, Control)| {
                let flight = c.nxt.0.wrapping_sub(c.una.0);
                (at, flight, c.cwnd, c.ssthresh, c.rto, c.duplicates, c.recovery_point.is_some(), c.unsent)
            };
            client(&setup).into_iter().map(values).collect::<Vec<_>>()
        };
        let first = run([5, 0x9000_0000]);
        for isn in [[0x9000_0000, 5], [0x7fff_f000, 0xffff_ff00], [0xffff_f000, 0x7fff_f000]] {
            let other = run(isn);
            let differs = first.iter().zip(&other).find(|(first, other)| first != other);
            assert_eq!((differs, first.len()), (None, other.len()), "{} from {isn:x?}", scenario.slug);
        }
    }
}

/// The times at which the delayed ACK timer, the keep-alive timer and the user timeout expire.
type Timers = [Option<Instant>; 3];

/// In every scenario, a delayed ACK and a keep-alive probe are sent when their timers expire, and a connection times
/// out when its user timeout expires.
#[test]
fn the_timers_are_those_that_expire() {
    let mut counts = [0; 3];
    for scenario in SCENARIOS {
        let setup = (scenario.setup)();
        // The most recent expiry time that each timer of a host's connection had. While a connection has work, its
        // timers have no expiry time.
        let mut timers: Vec<((usize, Tuple), Timers)> = Vec::new();
        run(&setup, |lab| {
            while let Some(entry) = lab.entries.pop() {
                let (timer, tuple) = match entry.what {
                    What::Sent { summary, cause, .. } => {
                        let timer = match cause {
                            // A second segment ends the delay earlier.
                            Some(Cause::DelayedAck(time)) if Some(time) == setup.ack_delay => 0,
                            Some(Cause::KeepAlive) => 1,
                            _ => continue,
                        };
                        let ends = summary.ends.expect("a segment has ends");
                        (timer, Tuple { local: ends.source, remote: ends.destination })
                    }
                    What::Stack(Event::Ended { end: End::TimedOut, tuple, .. }) => (2, tuple),
                    _ => continue,
                };
                let known = timers.iter().find(|(key, _)| *key == (entry.host, tuple));
                assert_eq!(known.and_then(|(_, at)| at[timer]), Some(entry.at), "{}: {entry:?}", scenario.slug);
                counts[timer] += 1;
            }
            for (host, (tuple, control)) in [0, 1].iter().flat_map(|&host| lab.control(host).map(move |c| (host, c))) {
                let now = [control.delayed_ack, control.keep_alive, control.user_timeout];
                match timers.iter_mut().find(|(key, _)| *key == (host, tuple)) {
                    Some((_, before)) => *before = [0, 1, 2].map(|timer| now[timer].or(before[timer])),
                    None => timers.push(((host, tuple), now)),
                }
            }
        });
    }
    assert!(counts.iter().all(|count| *count > 0), "{counts:?}");
}

#[test]
fn the_ladder_shows_what_programs_read_and_write() {
    let mut all = Vec::new();
    run(&scenario("client-closes-first"), |lab| {
        while let Some(entry) = lab.entries.pop() {
            if let What::Ran(_, _, transfer) = entry.what {
                all.push((entry.host, transfer.read, transfer.written));
            }
        }
    });
    assert!(all.contains(&(0, 0, 2)), "{all:?}");
    assert!(all.contains(&(1, 2, 9)), "{all:?}");
}

/// Half of the flood's connections are enough to fill the server. The honest client is still served.
#[test]
fn a_flood_does_not_displace_the_tracked_connection() {
    let mut setup = scenario("syn-flood");
    setup.flood = 200;
    setup.line.latency = Duration::from_millis(1);
    let mut labels = 0;
    run(&setup, |lab| {
        while let Some(entry) = lab.entries.pop() {
            let snapshot = lab.snapshot(entry);
            if let What::Sent { summary, .. } = entry.what
                && entry.host == 0
                && summary.segment().is_some()
            {
                assert!(snapshot.isn[0].is_some(), "the client's number is forgotten");
                labels += 1;
            }
        }
    });
    assert!(labels >= 3);
}
