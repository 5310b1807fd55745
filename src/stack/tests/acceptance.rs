//! Segments that RFC 9293 and RFC 5961 do not accept: forged, repeated, old, truncated or malformed segments.

use smoltcp::socket::tcp::State;
use smoltcp::wire::{TcpControl, TcpRepr, TcpSeqNumber};

use super::pair::*;
use super::raw::*;
use crate::stack::*;

/// RFC 5961 section 3.2: an RST ends a connection only if its sequence number is RCV.NXT, even if later data has
/// arrived.
#[test]
fn only_an_rst_with_the_next_number_ends_a_connection() {
    for early in [false, true] {
        let mut raw = Raw::open(SMALL, App::Idle, 1_000);
        if early {
            raw.data(101, 1, 1_000, &[7; 50]);
        }
        // The window is 512 bytes long.
        for (number, (seq, challenged)) in
            [(0, false), (2, true), (151, true), (512, true), (513, false)].into_iter().enumerate()
        {
            raw.pair.now += PAUSE;
            let seen = raw.send(&raw.reset(seq));
            let acks: Vec<_> = seen.iter().map(|seen| (seen.control, seen.seq, seen.ack)).collect();
            let challenge = [(TcpControl::None, 1, Some(1))];
            assert_eq!(acks, if challenged { &challenge[..] } else { &[] }, "{seq}");
            assert_eq!((raw.state(), raw.dropped(DropReason::BadReset)), (Some(State::Established), number + 1));
        }
        assert_eq!(raw.send(&raw.reset(1)), []);
        assert_eq!(raw.pair.server.count(|e| matches!(e, Event::Ended { end: End::Reset, .. })), 1);
    }
}

/// An RST is accepted even if the window is closed and the RST contains a text that says why (RFC 9293 sections
/// 3.10.7.4 and 3.5.3).
#[test]
fn an_rst_with_text_ends_a_connection_with_a_closed_window() {
    for text in [&b""[..], b"out of memory"] {
        let mut raw = Raw::open(SMALL, App::Idle, 1_000);
        raw.data(1, 1, 1_000, &[7; 512]);
        raw.wait(PAUSE);
        let repr = TcpRepr { payload: text, ..raw.reset(513) };
        assert_eq!(raw.send(&repr), []);
        assert_eq!(raw.pair.server.count(|e| matches!(e, Event::Ended { end: End::Reset, .. })), 1, "{text:?}");
    }
}

/// An RST is never answered, not even while this host's own RST waits to be sent.
#[test]
fn an_rst_is_not_answered_while_our_own_waits() {
    let mut raw = Raw::open(SMALL, App::Impatient { patience: PAUSE, then: Next::Abort, until: None }, 1_000);
    raw.pair.server.io.device.room = 0;
    assert_eq!(raw.wait(PAUSE), []);
    assert_eq!(raw.send(&raw.reset(1)), []);
    assert_eq!(raw.dropped(DropReason::BadReset), 1);
    raw.pair.server.io.device.room = 64;
}

/// The RST of an aborted connection has the sequence number SND.NXT, even while data is sent again. A peer that has all
/// the data would ignore a lower number.
#[test]
fn our_rst_has_the_next_number_while_data_is_sent_again() {
    let mut raw = Raw::open(LARGE, App::ask(&[1; 5_000], usize::MAX), 60_000);
    let seen = raw.wait(PAUSE);
    assert!(seen.iter().any(|(_, seen)| (seen.seq, seen.len) == (1, 1_000)), "{seen:?}");
    let index = raw.pair.served()[0].id.slot();
    raw.pair.server.stack.connections.abort(raw.pair.now, index, End::Aborted);
    let seen = raw.poll();
    assert_eq!(seen.iter().map(|seen| (seen.control, seen.seq)).collect::<Vec<_>>(), [(TcpControl::Rst, 5_001)]);
}

/// Each connection has its own limit, so that an attacker does not learn from its own connection whether another
/// connection was challenged (RFC 5961 section 7).
#[test]
fn challenges_of_one_connection_do_not_limit_another() {
    let mut raw = Raw::open(SMALL, App::Idle, 1_000);
    let first = raw.syn();
    raw.set_port(2_001);
    let second = raw.syn();
    raw.send(&second);
    raw.acknowledge(1, 1, 1_000);
    let challenges = |raw: &mut Raw, syn| (0..20).map(|_| raw.send(syn).len()).sum::<usize>();
    assert_eq!(challenges(&mut raw, &first), 1);
    assert_eq!(challenges(&mut raw, &second), 1);
    assert_eq!(raw.dropped(DropReason::BadSyn), 40);
}

/// RFC 5961 section 5.2: SND.UNA - MAX.SND.WND <= SEG.ACK <= SND.NXT. Data with an older acknowledgement number in this
/// range is accepted.
#[test]
fn the_number_that_is_acknowledged_must_be_known() {
    let mut raw = Raw::open(LARGE, App::ask(&[1; 5_000], usize::MAX), 2_000);
    // 3,000 bytes are queued but not sent. smoltcp alone would treat them as acknowledged.
    let seen = raw.data(1, 2_002, 60_000, b"forged");
    assert_eq!((seen.len(), seen[0].seq, seen[0].ack), (1, 2_001, Some(1)));
    assert_eq!((raw.dropped(DropReason::BadAck), raw.pair.served()[0].send_queue), (1, 5_000));
    raw.acknowledge(1, 2_001, 60_000);
    raw.acknowledge(1, 5_001, 60_000);
    assert_eq!(raw.pair.served()[0].send_queue, 0);
    // The largest window was 60,000 bytes.
    raw.pair.now += PAUSE;
    for (old, taken) in [(60_001, false), (60_000, true)] {
        let repr = raw.bare(1, 5_001, 60_000);
        let ack_number = repr.ack_number.map(|ack| ack - old);
        raw.send(&TcpRepr { ack_number, payload: b"late", ..repr });
        raw.wait(PAUSE);
        let read = raw.pair.server.count(|e| matches!(e, Event::Read { bytes: 4, .. }));
        assert_eq!(read, usize::from(taken), "{old}");
    }
}

/// A blind attacker who guesses which bytes are in flight, but not RCV.NXT, can neither acknowledge data nor close the
/// window.
#[test]
fn an_acknowledgement_outside_the_window_is_not_taken() {
    for seq in [1_000_000, 1 << 30, 600, -70_000, -(1 << 30)] {
        let mut raw = Raw::open(SMALL, App::ask(&[1; 500], usize::MAX), 1_000);
        let repr = raw.bare(0, 301, 0);
        let seq_number = TcpSeqNumber(repr.seq_number.0.wrapping_add(seq));
        raw.send(&TcpRepr { seq_number, ..repr });
        let seen = raw.wait(PAUSE);
        assert!(seen.iter().any(|(_, seen)| (seen.seq, seen.len) == (1, 500)), "{seq}: {seen:?}");
        assert_eq!(raw.pair.served()[0].send_queue, 500);
    }
}

/// Acknowledgements are accepted even from a peer that has filled the window and probes it with a byte (RFC 9293
/// section 3.10.7.4).
#[test]
fn a_closed_window_still_accepts_acknowledgements() {
    for (taken, ahead) in [(true, 0), (true, 1), (false, 100)] {
        let mut raw = Raw::new(SMALL, App::Slow { piece: 1, got: 0, next: smoltcp::time::Instant::ZERO });
        let syn = raw.syn();
        raw.send(&syn);
        // The server's FIN is in flight.
        raw.acknowledge(1, 1, 1_000);
        let len = raw.data(1, 1, 1_000, &[7; 512]).len();
        assert!(len > 0);
        let queued = raw.pair.served()[0].receive_queue;
        raw.data(1 + queued, 1, 1_000, &[7; 512]);
        assert_eq!(raw.state(), Some(State::FinWait1));
        raw.acknowledge(513 + ahead, 2, 1_000);
        let wanted = if taken { State::FinWait2 } else { State::FinWait1 };
        assert_eq!(raw.state(), Some(wanted), "{ahead}");
    }
    // A peer that sends data again can acknowledge with an old number.
    let mut raw = Raw::open(SMALL, App::Closer, 1_000);
    raw.data(1, 1, 1_000, &[7; 400]);
    raw.acknowledge(1, 2, 1_000);
    assert_eq!(raw.state(), Some(State::FinWait2));
}

/// The window has no room for the end of the data, so the FIN after the data is not accepted either.
#[test]
fn a_fin_behind_data_that_was_cut_off_is_not_taken() {
    let mut raw = Raw::open(SMALL, App::Echo, 10_000);
    let repr = TcpRepr { payload: &[7; 600], ..raw.fin(1, 1, 1_000) };
    let mut seen = raw.send(&repr);
    seen.extend(raw.wait(PAUSE).into_iter().map(|(_, seen)| seen));
    assert_eq!(seen.iter().filter_map(|seen| seen.ack).max(), Some(513), "{seen:?}");
    assert_eq!(raw.state(), Some(State::Established));
    let repr = TcpRepr { payload: &[7; 88], ..raw.fin(513, 513, 1_000) };
    let mut seen = raw.send(&repr);
    seen.extend(raw.wait(PAUSE).into_iter().map(|(_, seen)| seen));
    assert_eq!(seen.last().and_then(|seen| seen.ack), Some(602), "{seen:?}");
    assert_eq!(raw.pair.server.count(|e| matches!(e, Event::State { to: State::CloseWait, .. })), 1);
}

/// A peer sends data again, now with FIN. RFC 9293 section 3.10.7.4 trims the part of the segment that is old.
#[test]
fn a_fin_that_comes_with_old_data_is_taken() {
    for (first, again, ack) in [(&b"abc"[..], &b"abc"[..], 5), (b"abc", b"abcdef", 8), (b"", b"", 2)] {
        for control in [TcpControl::None, TcpControl::Fin] {
            let mut raw = Raw::open(SMALL, App::Idle, 1_000);
            // In the second round, the FIN came first and the stack's acknowledgement was lost.
            if control == TcpControl::None || first == again {
                let repr = TcpRepr { control, payload: first, ..raw.bare(1, 1, 1_000) };
                raw.send(&repr);
                raw.wait(PAUSE);
            }
            let repr = TcpRepr { payload: again, ..raw.fin(1, 1, 1_000) };
            let mut seen = raw.send(&repr);
            seen.extend(raw.wait(PAUSE).into_iter().map(|(_, seen)| seen));
            assert_eq!(seen.last().and_then(|seen| seen.ack), Some(ack), "{again:?}, first with {control:?}");
            assert_eq!(raw.state(), Some(State::CloseWait));
        }
    }
}

/// A FIN that is repeated in a later state is acknowledged again, and changes nothing.
#[test]
fn a_repeated_fin_is_acknowledged_in_every_state() {
    let cases = [
        (State::CloseWait, App::Idle, None),
        (State::LastAck, App::Echo, None),
        (State::Closing, App::Closer, None),
        (State::TimeWait, App::Closer, Some(2)),
    ];
    for (wanted, app, acknowledged) in cases {
        for payload in [&b""[..], b"abc"] {
            let mut raw = Raw::open(SMALL, app.clone(), 1_000);
            let own = 1 + payload.len();
            let repr = TcpRepr { payload, ..raw.fin(1, 1, 1_000) };
            raw.send(&repr);
            if let Some(ack) = acknowledged {
                raw.acknowledge(1 + own, ack, 1_000);
            }
            assert_eq!(raw.state(), Some(wanted));
            raw.wait(PAUSE);
            let repr = TcpRepr { payload, ..raw.fin(1, acknowledged.unwrap_or(1), 1_000) };
            let seen = raw.send(&repr);
            assert!(seen.iter().any(|seen| seen.ack == Some(1 + own)), "{wanted} {payload:?}: {seen:?}");
            assert_eq!(raw.state(), Some(wanted), "{payload:?}");
        }
    }
}

/// Each segment that the control block drops is counted once, by its reason.
#[test]
fn each_drop_is_counted_by_its_reason() {
    let mut raw = Raw::open(SMALL, App::Idle, 1_000);
    raw.data(1, 1, 1_000, b"data");
    raw.send(&raw.fin(5, 1, 1_000));
    let syn = raw.syn();
    let none = TcpRepr { ack_number: None, payload: b"x", ..raw.bare(6, 1, 1_000) };
    let old = raw.bare(6, 1, 1_000);
    let old = TcpRepr { ack_number: old.ack_number.map(|ack| ack - 1), ..old };
    let cases = [
        (raw.bare(6, 2, 1_000), DropReason::BadAck),
        (raw.reset(7), DropReason::BadReset),
        (syn, DropReason::BadSyn),
        (none, DropReason::NoAck),
        (old, DropReason::OldAck),
        (TcpRepr { payload: b"more", ..raw.bare(6, 1, 1_000) }, DropReason::AfterFin),
    ];
    for (repr, why) in cases {
        // The second segment exceeds the limit on challenge ACKs, or is dropped for the same reason as the first.
        for count in 1..=2 {
            raw.send(&repr);
            assert_eq!(raw.dropped(why), count, "{why}");
        }
    }
    let all = raw.pair.server.count(|event| matches!(event, Event::Dropped(_)));
    assert_eq!((all, raw.state()), (12, Some(State::CloseWait)));
}

/// Urgent data is read in sequence, wherever the urgent pointer points.
#[test]
fn urgent_pointers_are_ignored() {
    for pointer in [0u16, 1, 3, 0xffff] {
        let mut raw = Raw::open(SMALL, App::Echo, 1_000);
        let repr = TcpRepr { payload: b"abc", ..raw.bare(1, 1, 1_000) };
        let seen = raw.send_changed(&repr, |tcp| {
            tcp[13] |= 0x20;
            tcp[18..20].copy_from_slice(&pointer.to_be_bytes());
        });
        assert_eq!(seen.iter().map(|seen| (seen.ack, seen.len)).collect::<Vec<_>>(), [(Some(4), 3)], "{pointer}");
    }
}

/// A keep-alive is acknowledged, and its byte is not data (RFC 9293 section 3.8.4), even after the peer has closed.
#[test]
fn a_keep_alive_with_a_byte_is_answered_and_its_byte_not_read() {
    let mut raw = Raw::open(SMALL, App::Idle, 1_000);
    raw.data(1, 1, 1_000, b"ab");
    raw.wait(PAUSE);
    for (closed, next) in [(false, 3), (true, 4)] {
        for garbage in [&b"\xee"[..], b""] {
            raw.pair.now += PAUSE;
            let seen = raw.data(next - 1, 1, 1_000, garbage);
            assert_eq!(seen.iter().map(|seen| seen.ack).collect::<Vec<_>>(), [Some(next)], "{closed} {garbage:?}");
            assert_eq!(raw.pair.served()[0].receive_queue, 2);
        }
        raw.send(&raw.fin(3, 1, 1_000));
        raw.wait(PAUSE);
    }
}
