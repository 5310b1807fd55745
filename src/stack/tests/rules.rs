//! Rules of RFC 9293 and related RFCs that smoltcp does not follow by itself. Each test checks one rule on the wire.

use smoltcp::time::Duration;
use smoltcp::wire::{IpAddress, IpEndpoint, Ipv4Address, TcpControl, TcpRepr};

use super::pair::*;
use super::raw::*;
use crate::host::{HeapPool, Sizes};
use crate::stack::*;

/// The window's right edge never moves left (SHLD-14). The program reads nothing, and the received lengths are not
/// multiples of the window's unit.
#[test]
fn the_windows_right_edge_never_moves_left() {
    let mut raw = Raw::open(LARGE, App::Idle, 60_000);
    assert_eq!(raw.scale, 3);
    let (mut next, mut edge) = (1, 0);
    for round in 0..90 {
        let len = 1 + round * 7 % 1_000;
        let mut seen = raw.data(next, 1, 60_000, &[7; 1_000][..len]);
        seen.extend(raw.wait(Duration::from_millis(50)).into_iter().map(|(_, seen)| seen));
        next += len;
        for seen in seen {
            let told = seen.ack.unwrap() + (usize::from(seen.window) << raw.scale);
            assert!(told >= edge, "round {round}: {told} after {edge}");
            edge = told;
        }
    }
    assert!(edge > 290_000 && edge <= 300_001, "{edge}");
}

/// Three holes produce three SACK ranges, newest first. A duplicate range is reported once, before the SACK ranges (RFC
/// 2018 and 2883, section 4).
#[test]
fn ranges_and_duplicates_are_reported() {
    let mut raw = Raw::open(LARGE, App::Idle, 60_000);
    for (place, count) in [(1_000, 1), (2_000, 2), (3_000, 3), (4_000, 3)] {
        let seen = raw.data(1 + place, 1, 60_000, &[7; 100]);
        assert_eq!(seen.len(), 1);
        assert_eq!(seen[0].ranges.iter().flatten().count(), count);
        assert_eq!(seen[0].ranges[0], Some((1 + place, 101 + place)));
    }
    let seen = raw.data(2_001, 1, 60_000, &[7; 100]);
    assert_eq!(seen[0].ranges[0], Some((2_001, 2_101)), "the duplicate");
    raw.data(1, 1, 60_000, &[7; 1_000]);
    raw.wait(Duration::from_millis(50));
    let seen = raw.data(1, 1, 60_000, &[7; 100]);
    assert_eq!((seen[0].ack, seen[0].ranges[0]), (Some(1_101), Some((1, 101))), "an old segment");
    assert!(seen[0].ranges[1..].iter().flatten().all(|&(start, _)| start > 1_101));
    let seen = raw.data(6_001, 1, 60_000, &[7; 100]);
    assert_eq!(seen[0].ranges[0], Some((6_001, 6_101)), "the duplicate is reported once");
}

/// A FIN is remembered although it lies beyond 64 KiB, because our window is scaled.
#[test]
fn an_early_fin_far_ahead_is_kept() {
    let mut raw = Raw::open(LARGE, App::Idle, 60_000);
    // The window of a SYN is not scaled. The next acknowledgement announces a larger window.
    raw.data(1, 1, 60_000, &[7; 1_000]);
    raw.wait(Duration::from_millis(50));
    let fin = TcpRepr { payload: &[7; 100], ..raw.fin(100_001, 1, 60_000) };
    raw.send(&fin);
    let mut last = None;
    for piece in 1..100 {
        last = raw.data(1 + piece * 1_000, 1, 60_000, &[7; 1_000]).last().copied();
    }
    assert_eq!(last.and_then(|seen| seen.ack), Some(100_102));
}

/// Segments without flags and segments with only FIN (RFC 9293 sections 3.10.7.1 and 3.10.7.2).
#[test]
fn a_segment_without_ack_is_dropped_by_a_listener_and_refused_by_a_closed_port() {
    let mut raw = Raw::new(SMALL, App::Idle);
    for control in [TcpControl::None, TcpControl::Fin] {
        let mut repr = TcpRepr { control, ack_number: None, payload: b"abc", ..raw.bare(0, 0, 100) };
        assert_eq!(raw.send(&repr), []);
        repr.dst_port = 99;
        let seen = raw.send(&repr);
        let end = 3 + usize::from(control == TcpControl::Fin);
        assert_eq!(seen.len(), 1);
        assert_eq!((seen[0].control, seen[0].ack), (TcpControl::Rst, Some(end)));
    }
    assert_eq!(raw.pair.server.count(|event| *event == Event::Dropped(DropReason::NoAck)), 2);
}

/// A forged SYN does not replace a connection in SYN-RECEIVED, but a peer that has restarted can connect.
#[test]
fn another_syn_in_syn_received_is_challenged() {
    let mut raw = Raw::new(SMALL, App::Idle);
    let syn = raw.syn();
    assert_eq!(raw.send(&syn).len(), 1);
    let forged = TcpRepr { seq_number: syn.seq_number + 5_000, ..syn };
    let seen = raw.send(&forged);
    assert_eq!(seen.len(), 1);
    assert_eq!((seen[0].control, seen[0].seq, seen[0].ack), (TcpControl::None, 1, Some(1)));
    let reset = TcpRepr { control: TcpControl::Rst, ack_number: None, ..raw.bare(1, 0, 0) };
    assert_eq!(raw.send(&reset), []);
    assert_eq!(raw.send(&forged)[0].ack, Some(5_001));
}

/// No connection is opened to a network's broadcast address (MUST-46) or from a broadcast address (MUST-63).
#[test]
fn nothing_is_opened_to_or_from_a_broadcast_address() {
    let mut raw = Raw::new(SMALL, App::Idle);
    let broadcast = IpAddress::Ipv4(Ipv4Address::new(10, 0, 0, 255));
    let Host { stack, io } = &mut raw.pair.server;
    let remote = IpEndpoint::new(broadcast, 7);
    let result = stack.connect(raw.pair.now, remote, App::Idle, Duration::from_secs(1), io);
    assert!(matches!(result, Err(ConnectError::BadRemote)), "{result:?}");
    raw.from(broadcast);
    let syn = raw.syn();
    assert_eq!(raw.send(&syn), []);
    assert_eq!(raw.pair.server.count(|e| matches!(e, Event::Dropped(DropReason::Martian))), 1);
}

/// The peer's window is closed from the start. The first window probe waits for the RTO (SHLD-29). Each further window
/// probe waits twice as long as the previous one (SHLD-30). Once the window opens, the window probe's byte is sent
/// again with the remaining data.
#[test]
fn a_closed_window_is_probed_and_its_opening_fills_the_gap() {
    let mut raw = Raw::open(SMALL, App::Echo, 0);
    raw.pair.now += Duration::from_secs(1);
    let seen = raw.data(1, 1, 0, b"hello");
    assert!(seen.iter().all(|seen| seen.len == 0), "{seen:?}");
    let mut times = std::vec![];
    for _ in 0..40 {
        let seen = raw.wait(Duration::from_millis(100));
        if seen.iter().any(|(_, seen)| seen.len > 0) {
            times.push(raw.pair.now);
            raw.acknowledge(6, 1, 0);
        }
    }
    assert!(times.len() >= 4, "{times:?}");
    let gaps: Vec<u64> = times.windows(2).map(|pair| (pair[1] - pair[0]).total_millis()).collect();
    assert!(gaps.windows(2).all(|gaps| gaps[1] >= gaps[0] * 8 / 5), "{gaps:?}");
    let seen = raw.acknowledge(6, 1, 1_000);
    assert_eq!(seen.iter().map(|seen| (seen.seq, seen.len)).collect::<Vec<_>>(), [(1, 5)]);
}

/// After a probe of a closed window, ACKs and RSTs carry a sequence number in the window. The peer would ignore a
/// higher number (RFC 9293 section 3.10.7.4). A probe contains a whole unit of the window that smoltcp knows, here 32
/// bytes.
#[test]
fn after_a_probe_segments_without_data_stay_in_the_window() {
    for (send, window) in [(512, 0), (300_000, 0), (2_000_000, 0), (2_000_000, 10)] {
        let mut raw = Raw::new(Sizes { send, ..LARGE }, App::ask(&[1; 5_000], usize::MAX));
        let syn = raw.syn();
        raw.send(&syn);
        let sent: usize = raw.acknowledge(1, 1, 2_000).iter().map(|seen| seen.len).sum();
        raw.acknowledge(1, 1 + sent, window);
        let seen = raw.wait(SECOND);
        assert!(seen.iter().any(|(_, seen)| seen.seq == 1 + sent && seen.len > 0), "{send}: no probe in {seen:?}");
        let edge = 1 + sent + usize::from(window);
        let expect = |why: &str, seen: Vec<Seen>| {
            assert!(seen.iter().all(|seen| seen.len > 0 || seen.seq <= edge), "{send}, {why}: {seen:?}");
            seen.iter().any(|seen| seen.len == 0)
        };
        let mut next = 1;
        for _ in 0..2 {
            let mut seen = raw.data(next, 1 + sent, window, &[7; 1_000]);
            seen.extend(raw.wait(Duration::from_millis(50)).into_iter().map(|(_, seen)| seen));
            assert!(expect("ACK", seen), "{send}: no ACK");
            next += 1_000;
        }
        assert!(expect("SACK", raw.data(next + 1_000, 1 + sent, window, &[7; 1_000])), "{send}: no SACK");
        assert!(expect("challenge", raw.send(&syn)), "{send}: no challenge ACK");
        raw.pair.server.stack.abort_all(raw.pair.now);
        assert!(expect("RST", raw.poll()), "{send}: no RST");
    }
}

/// After a closed window opens a little, the stack waits before it sends small segments (MUST-38).
#[test]
fn a_small_window_is_not_filled_immediately() {
    let mut raw = Raw::open(LARGE, App::ask(&[1; 5_000], usize::MAX), 2_000);
    raw.acknowledge(1, 2_001, 0);
    raw.wait(Duration::from_millis(150));
    raw.acknowledge(1, 2_001, 10);
    let seen = raw.wait(Duration::from_millis(400));
    assert!(seen.iter().all(|(_, seen)| seen.len == 0), "{seen:?}");
    let seen = raw.wait(Duration::from_millis(200));
    assert!(seen.iter().any(|(_, seen)| seen.len == 8), "{seen:?}");
}

/// The ACK for a retransmission is not an RTT measurement, so the next segment has the backed-off timeout (Karn,
/// MUST-18). Without SACK, no tail loss probe is sent before.
#[test]
fn the_backed_off_timeout_stays_until_a_measurement() {
    let mut raw = Raw::new(LARGE, App::ask(&[1; 5_000], usize::MAX));
    let syn = TcpRepr { sack_permitted: false, ..raw.syn() };
    raw.send(&syn);
    raw.acknowledge(1, 1, 1_000);
    let first = raw.wait(Duration::from_millis(900));
    let again: Vec<_> = first.iter().filter(|(_, seen)| seen.len > 0).collect();
    assert!(!again.is_empty(), "{first:?}");
    raw.acknowledge(1, 1_001, 1_000);
    let next = raw.wait(Duration::from_millis(350));
    assert!(next.iter().all(|(_, seen)| seen.seq != 1_001), "{next:?}");
}

/// A tail loss probe is sent only if the peer supports SACK (RFC 8985 section 7).
#[test]
fn a_tail_loss_probe_needs_selective_acknowledgements() {
    for sack_permitted in [true, false] {
        let mut raw = Raw::new(LARGE, App::ask(&[1; 5_000], usize::MAX));
        let syn = TcpRepr { sack_permitted, ..raw.syn() };
        raw.send(&syn);
        assert_eq!(raw.acknowledge(1, 1, 60_000).iter().filter(|seen| seen.len > 0).count(), 5);
        let seen = raw.wait(Duration::from_millis(150));
        assert_eq!(seen.iter().any(|(_, seen)| seen.len > 0), sack_permitted, "{seen:?}");
    }
}

/// A retransmission contains only bytes that the peer lacks, although the window passed to smoltcp has units of 32
/// bytes.
#[test]
fn a_retransmission_fills_only_the_hole() {
    let mut raw = Raw::new(Sizes { send: 2_000_000, ..LARGE }, App::ask(&[1; 9_000], usize::MAX));
    let syn = raw.syn();
    raw.send(&syn);
    let first = raw.acknowledge(1, 1, 60_000);
    assert_eq!(first.iter().map(|seen| seen.len).sum::<usize>(), 9_000, "{first:?}");
    let mut again = raw.acknowledge_ranges(1, [(5_001, 9_001), (3_001, 4_001), (1_001, 2_001)]);
    again.extend(raw.wait(Duration::from_millis(100)).into_iter().map(|(_, seen)| seen));
    let again: Vec<_> = again.iter().map(|seen| (seen.seq, seen.len)).collect();
    // smoltcp's segment begins before the hole if the hole does not begin at a multiple of the unit. The peer has these
    // bytes, so they are cut off, and the retransmission takes two segments.
    assert_eq!(again, [(1, 1_000), (2_001, 984), (2_985, 16), (4_001, 1_000)]);
}

/// Nagle's algorithm is off by default (SHLD-7). If it is on, a second small reply waits for the ACK of the first.
#[test]
fn small_replies_wait_only_with_nagle() {
    for nagle in [false, true] {
        let set: fn(&mut Config) = if nagle { |config| config.tcp.nagle = true } else { |_| {} };
        let mut raw = Raw::with(SMALL, App::Echo, set);
        let syn = raw.syn();
        raw.send(&syn);
        raw.acknowledge(1, 1, 1_000);
        let lens = |seen: Vec<Seen>| seen.iter().map(|seen| seen.len).sum::<usize>();
        assert_eq!(lens(raw.data(1, 1, 1_000, b"a")), 1);
        assert_eq!(lens(raw.data(2, 1, 1_000, b"b")), usize::from(!nagle));
        assert_eq!(lens(raw.acknowledge(3, 2, 1_000)), usize::from(nagle));
    }
}

/// An RST is sent immediately, to the hardware address from which the segment came. No ARP exchange is needed first.
#[test]
fn a_reply_needs_no_arp() {
    let mut raw = Raw::new(SMALL, App::Idle);
    raw.from(IpAddress::v4(10, 0, 0, 77));
    let syn = TcpRepr { dst_port: 99, ..raw.syn() };
    assert_eq!(raw.send(&syn).iter().map(|seen| seen.control).collect::<Vec<_>>(), [TcpControl::Rst]);
}

/// A frame can end where its packet should begin, or anywhere in the headers.
#[test]
fn packets_that_are_cut_short_are_dropped() {
    let mut raw = Raw::open(SMALL, App::Echo, 1_000);
    let frame = raw.frame(&TcpRepr { payload: b"data", ..raw.bare(1, 1, 1_000) });
    for ethertype in [[8, 0], [8, 6], [0x86, 0xdd]] {
        for len in 14..54 {
            let mut cut = frame[..len].to_vec();
            cut[12..14].copy_from_slice(&ethertype);
            assert_eq!(raw.inject(cut), [], "{ethertype:x?} {len}");
        }
    }
    assert_eq!(raw.inject(frame).iter().map(|seen| seen.len).sum::<usize>(), 4);
}

/// The control block inspects a frame in scratch memory before it is sent, so the longest frame must fit.
#[test]
fn super_segments_fit_the_scratch_memory() {
    // For a device that cuts segments, smoltcp's IP packets are at most 65,535 bytes long.
    let pool: &'static mut HeapPool<'static, App, Respond<Parrot>> = Box::leak(Box::new(HeapPool::new(SMALL)));
    assert!(pool.memory().scratch.len() >= 65_535);
}
