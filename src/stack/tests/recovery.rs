//! Repair of losses in every state, and peers with odd windows and odd acknowledgements.

use smoltcp::socket::tcp::State;
use smoltcp::time::Duration;
use smoltcp::wire::{TcpControl, TcpRepr};

use super::pair::*;
use super::raw::*;
use crate::stack::*;

/// Changes a server's configuration.
type Set = fn(&mut Config);

/// Returns the sequence number and the length of each segment with data, in order.
fn data(seen: &[Seen]) -> Vec<(usize, usize)> {
    seen.iter().filter(|seen| seen.len > 0).map(|seen| (seen.seq, seen.len)).collect()
}

/// Returns the segments with data that are sent within `time`, each with its time in milliseconds.
fn later(raw: &mut Raw, time: Duration) -> Vec<(u64, usize, usize)> {
    let seen = raw.wait(time);
    seen.iter().filter(|(_, seen)| seen.len > 0).map(|(at, seen)| (at.total_millis(), seen.seq, seen.len)).collect()
}

/// Returns a connection in this state with 9,000 bytes in flight, and the peer's next sequence number.
fn in_flight(wanted: State) -> (Raw, usize) {
    // A program that expects no reply closes once everything is written.
    let want = if matches!(wanted, State::Established | State::CloseWait) { usize::MAX } else { 0 };
    let mut raw = Raw::new(LARGE, App::ask(&[1; 9_000], want));
    let syn = raw.syn();
    raw.send(&syn);
    let fin_at_once = matches!(wanted, State::CloseWait | State::LastAck);
    let third = if fin_at_once { raw.fin(1, 1, 60_000) } else { raw.bare(1, 1, 60_000) };
    let mut seen = raw.send(&third);
    if wanted == State::Closing {
        seen.extend(raw.send(&raw.fin(1, 1, 60_000)));
    }
    assert_eq!(raw.state(), Some(wanted));
    assert_eq!(data(&seen).len(), 9, "{wanted}: {seen:?}");
    (raw, if matches!(wanted, State::Established | State::FinWait1) { 1 } else { 2 })
}

const SENDING: [State; 5] = [State::Established, State::FinWait1, State::CloseWait, State::LastAck, State::Closing];

/// Selective acknowledgements show two losses. Both segments are sent again immediately, and no others are.
#[test]
fn losses_are_repaired_at_once_in_every_state() {
    for wanted in SENDING {
        let (mut raw, seq) = in_flight(wanted);
        let mut again = data(&raw.send(&raw.ranges(seq, 1_001, 60_000, &[(5_001, 9_001), (2_001, 4_001)])));
        again.extend(later(&mut raw, SECOND / 10).into_iter().map(|(_, seq, len)| (seq, len)));
        assert_eq!(again, [(1_001, 1_000), (4_001, 1_000)], "{wanted}");
        raw.acknowledge(seq, 9_001, 60_000);
        let left = raw.pair.served().first().map_or(0, |connection| connection.send_queue);
        assert_eq!(left, 0, "{wanted}");
    }
}

/// After a recovery, the peer lacks only the last few bytes, fewer than a unit of the window that is passed to smoltcp.
/// The bytes are sent again at once, and again after each timeout. The peer's window has no room for new data.
#[test]
fn a_few_lost_bytes_are_sent_again() {
    for left in 1..=17 {
        let mut raw = Raw::open(LARGE, App::ask(&[1; 20_000], usize::MAX), 8_000);
        let arrived = 8_001 - left;
        raw.send(&raw.ranges(1, 1, 8_000, &[(2_001, arrived)]));
        let mut again = data(&raw.acknowledge(1, arrived, left as u16));
        again.extend(later(&mut raw, SECOND * 2).into_iter().map(|(_, seq, len)| (seq, len)));
        // The window that is passed to smoltcp has units of 8 bytes.
        let is_right = |&(seq, len): &(usize, usize)| seq == arrived && len <= left.next_multiple_of(8);
        assert!(again.len() >= 3 && again.iter().all(is_right), "{left} bytes: {again:?}");
    }
}

/// After a timeout, the loss of new data is found by a tail loss probe (RFC 8985 section 7.2), because the timeout stays
/// backed off until the next measurement.
#[test]
fn a_loss_after_timeouts_is_found_by_a_probe() {
    for timeouts in 1..=5 {
        let mut raw = Raw::open(LARGE, App::ask(&[1; 20_000], usize::MAX), 1_000);
        raw.pair.now += SECOND / 50;
        raw.acknowledge(1, 1_001, 1_000);
        let wait = (SECOND * 2 / 9) * ((1 << timeouts) - 1);
        assert!(later(&mut raw, wait).len() >= timeouts, "{timeouts} timeouts");
        assert_eq!(data(&raw.acknowledge(1, 2_001, 1_000)), [(2_001, 1_000)]);
        let again = later(&mut raw, SECOND * 3 / 10);
        assert_eq!(again.len(), 1, "{timeouts} timeouts: {again:?}");
    }
}

/// The peer acknowledges nothing. The timer sends the oldest segment again, and waits twice as long each time.
#[test]
fn the_timer_repairs_in_every_state() {
    for wanted in SENDING {
        let (mut raw, seq) = in_flight(wanted);
        let times: Vec<u64> =
            later(&mut raw, SECOND * 4).iter().filter(|(_, seq, _)| *seq == 1).map(|(at, ..)| *at).collect();
        assert!(times.len() >= 4, "{wanted}: {times:?}");
        let gaps: Vec<u64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(gaps.windows(2).all(|gaps| gaps[1].abs_diff(2 * gaps[0]) <= 20), "{wanted}: {times:?}");
        // From here on, the peer accepts everything.
        let mut next = 1;
        for _ in 0..40 {
            for seen in raw.acknowledge(seq, next, 60_000) {
                next = next.max(seen.seq + seen.len);
            }
            for (_, seq, len) in later(&mut raw, SECOND / 2) {
                if seq <= next {
                    next = next.max(seq + len);
                }
            }
        }
        assert_eq!(next, 9_001, "{wanted}");
    }
}

/// A lost SYN,ACK is sent again after the RTO, and immediately when the peer repeats its SYN. The first data then has a
/// timeout of 3 s (RFC 6298 section 5.7), and only one segment is sent at first (RFC 5681 section 3.1).
#[test]
fn a_lost_syn_ack_is_sent_again() {
    for repeats in [false, true] {
        let mut raw = Raw::new(LARGE, App::ask(&[1; 9_000], usize::MAX));
        let syn = raw.syn();
        raw.send(&syn);
        let again = match repeats {
            true => {
                raw.pair.now += SECOND / 2;
                raw.send(&syn)
            }
            false => {
                assert_eq!(raw.wait(SECOND * 99 / 100), []);
                raw.wait(SECOND / 50).into_iter().map(|(_, seen)| seen).collect()
            }
        };
        assert_eq!(again.iter().map(|seen| seen.control).collect::<Vec<_>>(), [TcpControl::Syn], "{repeats}");
        let sent = raw.acknowledge(1, 1, 60_000);
        assert_eq!(data(&sent).len(), if repeats { 9 } else { 1 });
        if !repeats {
            assert_eq!(later(&mut raw, SECOND * 29 / 10), []);
            assert_eq!(later(&mut raw, SECOND / 5).len(), 1);
        }
    }
}

/// Three equal acknowledgements stop smoltcp's timer if only the FIN is in flight. picoTCP sends such acknowledgements.
#[test]
fn equal_acknowledgements_do_not_stop_the_timer_of_a_fin() {
    for closing in [false, true] {
        let mut raw = Raw::open(SMALL, App::Closer, 1_000);
        if closing {
            raw.send(&raw.fin(1, 1, 1_000));
        }
        for _ in 0..4 {
            raw.acknowledge(1 + usize::from(closing), 1, 1_000);
        }
        let again = raw.wait(SECOND * 4);
        let fins = again.iter().filter(|(_, seen)| seen.control == TcpControl::Fin).count();
        assert!(fins >= 3, "{closing}: {again:?}");
    }
}

/// In LAST-ACK, a slow reader gets the reply as fast as it reads, although smoltcp ignores window updates in this
/// state.
#[test]
fn a_slow_reader_loses_no_time_in_last_ack() {
    let mut raw = Raw::new(LARGE, App::ask(&[1; 20_000], 0));
    let syn = raw.syn();
    raw.send(&syn);
    let mut seen = raw.send(&raw.fin(1, 1, 2_000));
    let mut next = 1;
    for round in 0..11 {
        next += data(&seen).iter().map(|(_, len)| len).sum::<usize>();
        assert_eq!(next, (1 + 2_000 * (round + 1)).min(20_001), "round {round}");
        // The window closes, and opens half a second later.
        raw.acknowledge(2, next, 0);
        raw.pair.now += Duration::from_millis(100);
        seen = raw.acknowledge(2, next, 2_000);
        seen.extend(raw.poll());
    }
    assert_eq!(raw.state(), Some(State::LastAck));
    raw.acknowledge(2, 20_002, 2_000);
    assert_eq!(raw.state(), None);
}

/// `TcpOptions::least_rto` sets the least timeout: 200 ms by default, or 1 s as RFC 6298 section 2.4 recommends.
#[test]
fn the_least_timeout_can_be_set() {
    let settings: [(Set, u64); 2] = [(|_| {}, 200), (|config| config.tcp.least_rto = SECOND, 1_000)];
    for (set, least) in settings {
        let mut raw = Raw::with(LARGE, App::ask(&[1; 500], usize::MAX), set);
        let syn = TcpRepr { sack_permitted: false, ..raw.syn() };
        raw.send(&syn);
        assert_eq!(data(&raw.acknowledge(1, 1, 60_000)), [(1, 500)]);
        let again = later(&mut raw, SECOND * 3 / 2);
        assert!(again[0].0.abs_diff(least) < 10, "{least}: {again:?}");
    }
}

/// The ACK of a segment that was sent again can be for either transmission, so it is not measured (Karn, MUST-18).
#[test]
fn a_segment_that_was_sent_again_is_not_measured() {
    let mut raw = Raw::new(LARGE, App::ask(&[1; 6_000], usize::MAX));
    let syn = raw.syn();
    raw.send(&syn);
    // The round trip takes 50 ms, so the timeout is 250 ms.
    raw.pair.now += SECOND / 20;
    assert_eq!(data(&raw.acknowledge(1, 1, 5_000)).len(), 5);
    raw.pair.now += SECOND / 20;
    assert_eq!(data(&raw.send(&raw.ranges(1, 1, 5_000, &[(1_001, 5_001)]))), [(1, 1_000)]);
    raw.pair.now += SECOND / 5;
    assert_eq!(data(&raw.acknowledge(1, 5_001, 5_000)), [(5_001, 1_000)]);
    let again = later(&mut raw, SECOND / 2);
    assert!(again[0].0.abs_diff(250) < 10, "{again:?}");
}

/// Data that was sent after a retransmission has arrived, so the retransmission was lost, too. It is repeated
/// immediately.
#[test]
fn a_retransmission_that_is_lost_is_repeated_before_the_timeout() {
    let mut raw = Raw::open(LARGE, App::ask(&[1; 30_000], usize::MAX), 60_000);
    let again = |raw: &mut Raw, until| data(&raw.acknowledge_ranges(1, [(1_001, until); 3])).contains(&(1, 1_000));
    assert!(again(&mut raw, 4_001));
    assert!(!again(&mut raw, 10_001));
    assert!(!again(&mut raw, 12_001), "two segments might have overtaken it");
    assert!(again(&mut raw, 14_001));
}

/// RFC 2883: the peer already had the data that was sent again, so the path only reorders segments, and the window is
/// restored.
#[test]
fn a_needless_retransmission_costs_no_window() {
    for needless in [false, true] {
        let mut raw = Raw::open(LARGE, App::ask(&[1; 60_000], usize::MAX), 60_000);
        let again = data(&raw.acknowledge_ranges(1, [(1_001, 4_001); 3]));
        assert_eq!(again, [(1, 1_000)]);
        let duplicate = if needless { (1, 1_001) } else { (10_001, 10_001) };
        let sent = data(&raw.acknowledge_ranges(10_001, [duplicate; 3])).len();
        assert_eq!(sent, if needless { 10 } else { 7 });
    }
}

/// RFC 6928: ten segments are sent at first. Slow start doubles this number in each round trip, however the ACKs are
/// divided (RFC 3465). After a timeout, one segment is sent (RFC 5681 section 3.1). Without congestion control,
/// everything is sent.
#[test]
fn the_congestion_window_limits_what_is_sent() {
    let algorithms: [(Set, usize); 3] = [
        (|_| {}, 10),
        (|config| config.tcp.congestion = Congestion::Reno, 10),
        (|config| config.tcp.congestion = Congestion::None, 60),
    ];
    for (set, initial) in algorithms {
        for parts in [1, 10, 1_000] {
            let mut raw = Raw::with(LARGE, App::ask(&[1; 200_000], usize::MAX), set);
            let syn = raw.syn();
            raw.send(&syn);
            assert_eq!(data(&raw.acknowledge(1, 1, 60_000)).len(), initial);
            if initial > 10 {
                continue;
            }
            let mut bytes = 0;
            for part in 1..=parts {
                let seen = raw.acknowledge(1, 1 + 10_000 * part / parts, 60_000);
                bytes += seen.iter().map(|seen| seen.len).sum::<usize>();
            }
            assert!((19_000..=20_000).contains(&bytes), "{parts}: {bytes}");
            let again = later(&mut raw, SECOND / 2);
            let after: Vec<_> = again.iter().filter(|(_, seq, _)| *seq == 10_001).collect();
            assert!(!after.is_empty() && again.len() <= after.len() + 1, "{parts}: {again:?}");
        }
    }
}

/// RFC 5681 section 3.2, without SACK: the third duplicate acknowledgement shows a loss, and the second does not.
#[test]
fn three_duplicates_show_a_loss_and_two_do_not() {
    let mut raw = Raw::new(LARGE, App::ask(&[1; 9_000], usize::MAX));
    let syn = TcpRepr { sack_permitted: false, ..raw.syn() };
    raw.send(&syn);
    raw.pair.now += SECOND / 20;
    assert_eq!(data(&raw.acknowledge(1, 1, 60_000)).len(), 9);
    for round in 1..=3 {
        let again = data(&raw.acknowledge(1, 1, 60_000));
        assert_eq!(again, if round == 3 { vec![(1, 1_000)] } else { vec![] }, "{round}");
        if round < 3 {
            assert_eq!(later(&mut raw, SECOND / 20), [], "{round}");
        }
    }
    // A partial acknowledgement shows the next loss (RFC 6582 section 3.2).
    assert_eq!(data(&raw.acknowledge(1, 2_001, 60_000)), [(2_001, 1_000)]);
    // An acknowledgement with a changed window or with data is not a duplicate.
    let mut raw = Raw::new(LARGE, App::ask(&[1; 9_000], usize::MAX));
    raw.send(&syn);
    raw.acknowledge(1, 1, 60_000);
    for round in 0..10 {
        assert_eq!(data(&raw.acknowledge(1, 1, 50_000 + round)), [], "{round}");
        assert_eq!(data(&raw.data(1 + usize::from(round), 1, 50_000 + round, b"x")), [], "{round}");
    }
}

/// SACK ranges that are reversed, empty, old, or beyond the data that was sent are ignored. Valid ranges still have an
/// effect.
#[test]
fn impossible_ranges_are_ignored() {
    let wrong =
        [(3_001, 2_001), (2_001, 2_001), (4_001, 9_002), (9_001, 20_000), (0x7000_0000, 0x7000_1000), (1, 9_001)];
    let (mut raw, _) = in_flight(State::Established);
    for range in wrong {
        for _ in 0..5 {
            assert_eq!(data(&raw.acknowledge_ranges(1, [range; 3])), [], "{range:?}");
        }
    }
    let again = data(&raw.acknowledge_ranges(1, [(1_001, 5_001), (3_001, 2_001), (4_001, 9_002)]));
    assert_eq!(again.first(), Some(&(1, 1_000)));
    raw.acknowledge(1, 9_001, 60_000);
    assert_eq!(raw.pair.served()[0].send_queue, 0);
}

/// Acts as a receiver that accepts only data that begins at its next number and fits its window. Returns how many bytes
/// it accepts in `time`.
fn receive(raw: &mut Raw, mut next: usize, window: usize, time: Duration) -> usize {
    let until = raw.pair.now + time;
    while raw.pair.now < until {
        let mut seen = raw.wait(SECOND / 50);
        seen.extend(raw.acknowledge(1, next, window as u16).into_iter().map(|seen| (SECOND, seen)));
        let edge = next + window;
        for (_, seen) in seen {
            if seen.seq <= next && seen.seq + seen.len > next {
                next = (seen.seq + seen.len).min(edge);
            }
        }
    }
    next
}

/// The peer shrinks its window while more data is in flight (RFC 9293 section 3.8.6, SHLD-15 and SHLD-16, MUST-34). The
/// data beyond the window is sent again once it fits.
#[test]
fn a_window_that_shrinks_loses_nothing() {
    for window in [0, 100, 1_500, 3_000] {
        let mut raw = Raw::open(LARGE, App::ask(&[1; 20_000], usize::MAX), 60_000);
        raw.acknowledge(1, 1_001, window);
        raw.wait(SECOND);
        let window = usize::from(window.max(1_000));
        assert_eq!(receive(&mut raw, 1_001, window, SECOND * 60), 20_001, "{window}");
    }
}

/// The program has closed, and the window is closed too. The peer answers each probe for ten minutes, and then reads
/// (MUST-37). The data and the FIN arrive, without an RST.
#[test]
fn a_reply_waits_for_a_peer_that_answers_probes() {
    // The window has room for nothing, for the data without the FIN, or for part of the data.
    for taken in [0, 5, 2] {
        let mut raw = Raw::open(SMALL, App::ask(b"hello", 0), taken);
        let mut next = 1;
        for _ in 0..6_000 {
            let seen = raw.wait(SECOND / 10);
            assert!(seen.iter().all(|(_, seen)| seen.control != TcpControl::Rst), "{taken}: {seen:?}");
            for (_, seen) in seen.iter().filter(|(_, seen)| seen.len > 0 || seen.control == TcpControl::Fin) {
                next = next.max((seen.seq + seen.len).min(1 + usize::from(taken)));
            }
            if !seen.is_empty() {
                raw.acknowledge(1, next, 1 + taken - next as u16);
            }
        }
        assert_eq!(raw.state(), Some(State::FinWait1), "{taken}");
        let mut seen = raw.acknowledge(1, next, 1_000);
        seen.extend(raw.wait(SECOND).into_iter().map(|(_, seen)| seen));
        let last = seen.iter().find(|seen| seen.control == TcpControl::Fin).map(|seen| seen.seq + seen.len);
        assert_eq!(last, Some(6), "{taken}: {seen:?}");
        raw.acknowledge(1, 7, 1_000);
        assert_eq!(raw.state(), Some(State::FinWait2), "{taken}");
    }
}

/// The assembler keeps 32 ranges that arrived early (the feature `assembler-max-segment-count-32`).
#[test]
fn thirty_two_early_ranges_are_kept() {
    let mut raw = Raw::open(LARGE, App::Idle, 60_000);
    for range in 0..32 {
        raw.data(101 + 200 * range, 1, 60_000, &[7; 100]);
    }
    for range in 0..32 {
        let seen = raw.data(1 + 200 * range, 1, 60_000, &[7; 100]);
        assert_eq!(seen.iter().filter_map(|seen| seen.ack).max(), Some(201 + 200 * range), "{range}");
    }
}
