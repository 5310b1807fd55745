//! Segments that RFC 9293 and RFC 5961 do not accept: forged, repeated, old, cut off or malformed ones.

use smoltcp::phy::ChecksumCapabilities;
use smoltcp::socket::tcp::State;
use smoltcp::time::Duration;
use smoltcp::wire::{EthernetAddress, IpAddress, IpEndpoint, TcpControl, TcpPacket, TcpRepr, TcpSeqNumber};

use super::pair::*;
use super::raw::*;
use crate::host::Sizes;
use crate::stack::*;

const LARGE: Sizes = Sizes { receive: 300_000, send: 300_000, ..SMALL };

/// Longer than the time between two challenge ACKs.
const PAUSE: Duration = Duration::from_millis(1_100);

fn state(raw: &Raw) -> Option<State> {
    raw.pair.served().first().map(|connection| connection.state)
}

fn dropped(raw: &Raw, why: DropReason) -> usize {
    raw.pair.server.has(|event| *event == Event::Dropped(why))
}

fn reset(raw: &Raw, seq: usize) -> TcpRepr<'static> {
    TcpRepr { control: TcpControl::Rst, ack_number: None, ..raw.bare(seq, 0, 0) }
}

/// Returns a segment with FIN.
fn fin<'p>(raw: &Raw, seq: usize, ack: usize, payload: &'p [u8]) -> TcpRepr<'p> {
    TcpRepr { control: TcpControl::Fin, payload, ..raw.bare(seq, ack, 1_000) }
}

/// RFC 5961 section 3.2: an RST ends a connection only if its number is RCV.NXT, even if later data has arrived.
#[test]
fn only_an_rst_with_the_next_number_ends_a_connection() {
    for early in [false, true] {
        let mut raw = Raw::open(SMALL, App::Idle, 1_000);
        if early {
            raw.data(101, 1, 1_000, &[7; 50]);
        }
        // The window has 512 bytes.
        for (number, (seq, challenged)) in
            [(0, false), (2, true), (151, true), (512, true), (513, false)].into_iter().enumerate()
        {
            raw.pair.now += PAUSE;
            let seen = raw.send(&reset(&raw, seq));
            let acks: Vec<_> = seen.iter().map(|seen| (seen.control, seen.seq, seen.ack)).collect();
            let challenge = [(TcpControl::None, 1, Some(1))];
            assert_eq!(acks, if challenged { &challenge[..] } else { &[] }, "{seq}");
            assert_eq!((state(&raw), dropped(&raw, DropReason::BadReset)), (Some(State::Established), number + 1));
        }
        assert_eq!(raw.send(&reset(&raw, 1)), []);
        assert_eq!(raw.pair.server.has(|e| matches!(e, Event::Ended { end: End::Reset, .. })), 1);
    }
}

/// A closed window accepts an RST too, also one with a text that says why (RFC 9293 sections 3.10.7.4 and 3.5.3).
#[test]
fn an_rst_with_text_ends_a_connection_with_a_closed_window() {
    for text in [&b""[..], b"out of memory"] {
        let mut raw = Raw::open(SMALL, App::Idle, 1_000);
        raw.data(1, 1, 1_000, &[7; 512]);
        raw.wait(PAUSE);
        let repr = TcpRepr { payload: text, ..reset(&raw, 513) };
        assert_eq!(raw.send(&repr), []);
        assert_eq!(raw.pair.server.has(|e| matches!(e, Event::Ended { end: End::Reset, .. })), 1, "{text:?}");
    }
}

/// The rule for RSTs holds in SYN-RECEIVED too.
#[test]
fn only_an_rst_with_the_next_number_ends_a_handshake() {
    let mut raw = Raw::new(SMALL, App::Idle);
    let syn = raw.syn();
    raw.send(&syn);
    assert_eq!(raw.send(&reset(&raw, 0)), []);
    assert_eq!(raw.send(&reset(&raw, 2)).len(), 1, "a challenge");
    assert_eq!(state(&raw), Some(State::SynReceived));
    assert_eq!(raw.send(&reset(&raw, 1)), []);
    assert_eq!(raw.pair.server.has(|e| matches!(e, Event::HalfOpenEnded { end: End::Reset, .. })), 1);
}

/// RFC 9293 section 3.10.7.3: in SYN-SENT an RST must acknowledge the SYN. Any other is counted.
#[test]
fn only_an_rst_that_acknowledges_the_syn_refuses() {
    let mut raw = Raw::calling(SMALL, App::Idle);
    for (seq, ack) in [(0, None), (0, Some(0)), (0, Some(2))] {
        let ack_number = ack.and_then(|ack| raw.bare(0, ack, 0).ack_number);
        let repr = TcpRepr { ack_number, ..reset(&raw, seq) };
        assert_eq!(raw.send(&repr), []);
    }
    assert_eq!((state(&raw), dropped(&raw, DropReason::BadReset)), (Some(State::SynSent), 3));
    let repr = TcpRepr { ack_number: raw.bare(0, 1, 0).ack_number, ..reset(&raw, 0) };
    raw.send(&repr);
    assert_eq!(raw.pair.server.has(|e| matches!(e, Event::Ended { end: End::Refused, .. })), 1);
}

/// An RST is never answered, not even while this host's own RST waits to leave.
#[test]
fn an_rst_is_not_answered_while_the_own_waits() {
    let mut raw = Raw::open(SMALL, App::Impatient { patience: PAUSE, then: Next::Abort, until: None }, 1_000);
    raw.pair.server.io.device.room = 0;
    assert_eq!(raw.wait(PAUSE), []);
    assert_eq!(raw.send(&reset(&raw, 1)), []);
    raw.pair.server.io.device.room = 64;
}

/// The RST of an aborted connection has SND.NXT, also while data is sent again. A peer that has all the data would ignore
/// a lower number.
#[test]
fn the_own_rst_has_the_next_number_while_data_is_sent_again() {
    let mut raw = Raw::open(LARGE, App::ask(&[1; 5_000], usize::MAX), 60_000);
    let seen = raw.wait(PAUSE);
    assert!(seen.iter().any(|(_, seen)| (seen.seq, seen.len) == (1, 1_000)), "{seen:?}");
    let index = raw.pair.served()[0].id.slot();
    raw.pair.server.stack.connections.abort(raw.pair.now, index, End::Aborted);
    let seen = raw.poll();
    assert_eq!(seen.iter().map(|seen| (seen.control, seen.seq)).collect::<Vec<_>>(), [(TcpControl::Rst, 5_001)]);
}

/// Each connection has its own limit, so that an attacker does not learn from its own connection whether another was
/// challenged (RFC 5961 section 7).
#[test]
fn challenges_of_one_connection_leave_those_of_another() {
    let mut raw = Raw::open(SMALL, App::Idle, 1_000);
    let first = raw.syn();
    raw.set_port(2_001);
    let second = raw.syn();
    raw.send(&second);
    raw.acknowledge(1, 1, 1_000);
    let challenges = |raw: &mut Raw, syn| (0..20).map(|_| raw.send(syn).len()).sum::<usize>();
    assert_eq!(challenges(&mut raw, &first), 1);
    assert_eq!(challenges(&mut raw, &second), 1);
    assert_eq!(dropped(&raw, DropReason::BadSyn), 40);
}

/// RFC 5961 section 5.2: SND.UNA - MAX.SND.WND <= SEG.ACK <= SND.NXT. Data with an older number in this range is new.
#[test]
fn the_number_that_is_acknowledged_must_be_known() {
    let mut raw = Raw::open(LARGE, App::ask(&[1; 5_000], usize::MAX), 2_000);
    // 3,000 bytes are queued and were not sent. smoltcp alone would take them for acknowledged.
    let seen = raw.data(1, 2_002, 60_000, b"forged");
    assert_eq!((seen.len(), seen[0].seq, seen[0].ack), (1, 2_001, Some(1)));
    assert_eq!((dropped(&raw, DropReason::BadAck), raw.pair.served()[0].send_queue), (1, 5_000));
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
        let read = raw.pair.server.has(|e| matches!(e, Event::Read { bytes: 4, .. }));
        assert_eq!(read, usize::from(taken), "{old}");
    }
}

/// A blind attacker who guesses what is in flight, but not RCV.NXT, can neither acknowledge data nor close the window.
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

/// A peer that has filled the window, and probes it with a byte, still acknowledges (RFC 9293 section 3.10.7.4).
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
        assert_eq!(state(&raw), Some(State::FinWait1));
        raw.acknowledge(513 + ahead, 2, 1_000);
        let wanted = if taken { State::FinWait2 } else { State::FinWait1 };
        assert_eq!(state(&raw), Some(wanted), "{ahead}");
    }
    // A peer that sends data again may acknowledge with an old number.
    let mut raw = Raw::open(SMALL, App::Closer, 1_000);
    raw.data(1, 1, 1_000, &[7; 400]);
    raw.acknowledge(1, 2, 1_000);
    assert_eq!(state(&raw), Some(State::FinWait2));
}

/// RFC 9293 section 3.10.7.4: in SYN-RECEIVED, any acknowledgement but that of the SYN is answered with RST. It changes
/// nothing, whether it has data or not.
#[test]
fn a_wrong_acknowledgement_in_syn_received_changes_nothing() {
    for payload in [&b""[..], b"forged"] {
        for (up, distance) in [(true, 1), (true, 1_000), (false, 1), (false, 1_000)] {
            let mut raw = Raw::new(SMALL, App::Idle);
            let syn = raw.syn();
            raw.send(&syn);
            let mut repr = TcpRepr { payload, ..raw.bare(1, 1, 1_000) };
            repr.ack_number = repr.ack_number.map(|ack| if up { ack + distance } else { ack - distance });
            let seen = raw.send(&repr);
            let controls: Vec<_> = seen.iter().map(|seen| seen.control).collect();
            assert_eq!(controls, [TcpControl::Rst], "{payload:?} {up} {distance}");
            assert_eq!(state(&raw), Some(State::SynReceived));
            raw.acknowledge(1, 1, 1_000);
            assert_eq!(state(&raw), Some(State::Established), "{payload:?} {up} {distance}");
        }
    }
}

/// The window has no room for the end of the data, so the FIN behind it is not taken either.
#[test]
fn a_fin_behind_data_that_was_cut_off_is_not_taken() {
    let mut raw = Raw::open(SMALL, App::Echo, 10_000);
    let repr = fin(&raw, 1, 1, &[7; 600]);
    let mut seen = raw.send(&repr);
    seen.extend(raw.wait(PAUSE).into_iter().map(|(_, seen)| seen));
    assert_eq!(seen.iter().filter_map(|seen| seen.ack).max(), Some(513), "{seen:?}");
    assert_eq!(state(&raw), Some(State::Established));
    let repr = fin(&raw, 513, 513, &[7; 88]);
    let mut seen = raw.send(&repr);
    seen.extend(raw.wait(PAUSE).into_iter().map(|(_, seen)| seen));
    assert_eq!(seen.last().and_then(|seen| seen.ack), Some(602), "{seen:?}");
    assert_eq!(raw.pair.server.has(|e| matches!(e, Event::State { to: State::CloseWait, .. })), 1);
}

/// A peer sends data again, and now with FIN: RFC 9293 section 3.10.7.4 trims what is old.
#[test]
fn a_fin_that_comes_with_old_data_is_taken() {
    for (first, again, ack) in [(&b"abc"[..], &b"abc"[..], 5), (b"abc", b"abcdef", 8), (b"", b"", 2)] {
        for control in [TcpControl::None, TcpControl::Fin] {
            let mut raw = Raw::open(SMALL, App::Idle, 1_000);
            // In the second round, the FIN came first, and the stack's acknowledgement was lost.
            if control == TcpControl::None || first == again {
                let repr = TcpRepr { control, payload: first, ..raw.bare(1, 1, 1_000) };
                raw.send(&repr);
                raw.wait(PAUSE);
            }
            let repr = fin(&raw, 1, 1, again);
            let mut seen = raw.send(&repr);
            seen.extend(raw.wait(PAUSE).into_iter().map(|(_, seen)| seen));
            assert_eq!(seen.last().and_then(|seen| seen.ack), Some(ack), "{again:?}, first with {control:?}");
            assert_eq!(state(&raw), Some(State::CloseWait));
        }
    }
}

/// A FIN is repeated in each state after it: it is acknowledged again, and changes nothing.
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
            let repr = fin(&raw, 1, 1, payload);
            raw.send(&repr);
            if let Some(ack) = acknowledged {
                raw.acknowledge(1 + own, ack, 1_000);
            }
            assert_eq!(state(&raw), Some(wanted));
            raw.wait(PAUSE);
            let repr = fin(&raw, 1, acknowledged.unwrap_or(1), payload);
            let seen = raw.send(&repr);
            assert!(seen.iter().any(|seen| seen.ack == Some(1 + own)), "{wanted} {payload:?}: {seen:?}");
            assert_eq!(state(&raw), Some(wanted), "{payload:?}");
        }
    }
}

/// A SYN whose options are malformed is answered as one without options.
#[test]
fn a_syn_with_malformed_options_is_answered() {
    let cases: [&[u8]; 8] = [
        &[2, 0, 5, 0xb4],
        &[3, 1, 3, 3],
        &[2, 255, 5, 0xb4],
        &[254, 1, 1, 1],
        &[1, 1, 1, 2],
        &[2, 3, 5, 1],
        &[8, 10, 0, 0],
        &[5, 2, 4, 1],
    ];
    for (number, options) in cases.into_iter().enumerate() {
        let mut raw = Raw::new(LARGE, App::ask(&[1; 2_000], usize::MAX));
        raw.set_port(3_000 + number as u16);
        let syn = TcpRepr { window_scale: None, sack_permitted: false, ..raw.syn() };
        let seen = raw.send_changed(&syn, |tcp| tcp[20..24].copy_from_slice(options));
        assert_eq!(seen.iter().map(|seen| seen.control).collect::<Vec<_>>(), [TcpControl::Syn], "{options:?}");
        let seen = raw.acknowledge(1, 1, 60_000);
        assert_eq!(seen.iter().find(|seen| seen.len > 0).map(|seen| seen.len), Some(536), "{options:?}");
    }
}

/// RFC 9293 section 3.7.1. An MSS of 0 counts as none; very small ones count as 48, which bounds the work of a byte.
#[test]
fn any_mss_is_served() {
    for (told, len) in
        [(None, 536), (Some(0), 536), (Some(1), 48), (Some(48), 48), (Some(1_000), 1_000), (Some(u16::MAX), 1_460)]
    {
        let mut raw = Raw::new(LARGE, App::ask(&[1; 2_000], usize::MAX));
        let syn = TcpRepr { max_seg_size: told, ..raw.syn() };
        raw.send(&syn);
        let seen = raw.acknowledge(1, 1, 60_000);
        assert_eq!(seen.iter().map(|seen| seen.len).max(), Some(len), "{told:?}");
    }
}

/// RFC 7323 section 2.3: a shift count of 15 or more counts as 14.
#[test]
fn a_window_scale_counts_up_to_14() {
    for (scale, window) in [(13, 8_192), (14, 16_384), (15, 16_384), (255, 16_384)] {
        let mut raw = Raw::new(LARGE, App::ask(&[1; 100_000], usize::MAX));
        let syn = TcpRepr { window_scale: Some(3), ..raw.syn() };
        // MSS, SACK permitted, then the window scale.
        let seen = raw.send_changed(&syn, |tcp| {
            let place = tcp[20..].windows(3).position(|option| option == [3, 3, 3]).unwrap();
            tcp[20 + place + 2] = scale;
        });
        assert_eq!(seen.len(), 1);
        let mut sent: usize = raw.acknowledge(1, 1, 1).iter().map(|seen| seen.len).sum();
        while sent > 0 {
            let next = raw.acknowledge(1, 1 + sent, 1);
            let len: usize = next.iter().map(|seen| seen.len).sum();
            assert!(len <= window, "{scale}: {len}");
            sent += len;
            if len == window / 1_000 * 1_000 {
                break;
            }
            assert!(sent < 100_000, "{scale}: the window is never filled");
        }
    }
}

/// Data in a SYN or a SYN,ACK is not taken, and the peer sends it again (RFC 9293 section 3.4 allows it).
#[test]
fn data_in_a_syn_is_sent_again() {
    let mut raw = Raw::new(SMALL, App::Echo);
    let syn = TcpRepr { payload: b"early", ..raw.syn() };
    let seen = raw.send(&syn);
    assert_eq!((seen[0].control, seen[0].ack), (TcpControl::Syn, Some(1)));
    let seen = raw.data(1, 1, 1_000, b"early");
    assert_eq!(seen.iter().map(|seen| (seen.ack, seen.len)).collect::<Vec<_>>(), [(Some(6), 5)]);

    let mut raw = Raw::calling(SMALL, App::Echo);
    let syn = TcpRepr { ack_number: raw.bare(0, 1, 0).ack_number, payload: b"early", ..raw.syn() };
    let seen = raw.send(&syn);
    assert_eq!(seen.iter().map(|seen| (seen.control, seen.ack)).collect::<Vec<_>>(), [(TcpControl::None, Some(1))]);
    let seen = raw.data(1, 1, 1_000, b"early");
    assert_eq!(seen.iter().map(|seen| (seen.ack, seen.len)).collect::<Vec<_>>(), [(Some(6), 5)]);
}

/// Each segment that the police drops is counted once, by its reason.
#[test]
fn each_drop_is_counted_by_its_reason() {
    let mut raw = Raw::open(SMALL, App::Idle, 1_000);
    raw.data(1, 1, 1_000, b"data");
    let fin = fin(&raw, 5, 1, b"");
    raw.send(&fin);
    let syn = raw.syn();
    let none = TcpRepr { ack_number: None, payload: b"x", ..raw.bare(6, 1, 1_000) };
    let old = raw.bare(6, 1, 1_000);
    let old = TcpRepr { ack_number: old.ack_number.map(|ack| ack - 1), ..old };
    let cases = [
        (raw.bare(6, 2, 1_000), DropReason::BadAck),
        (reset(&raw, 7), DropReason::BadReset),
        (syn, DropReason::BadSyn),
        (none, DropReason::NoAck),
        (old, DropReason::OldAck),
        (TcpRepr { payload: b"more", ..raw.bare(6, 1, 1_000) }, DropReason::AfterFin),
    ];
    for (repr, why) in cases {
        // The second one is above the limit of challenge ACKs, or the same again.
        for count in 1..=2 {
            raw.send(&repr);
            assert_eq!(dropped(&raw, why), count, "{why}");
        }
    }
    let all = raw.pair.server.has(|event| matches!(event, Event::Dropped(_)));
    assert_eq!((all, state(&raw)), (12, Some(State::CloseWait)));
}

/// The acknowledgement of a handshake is lost. Data completes it for a server; a client answers the repeated SYN,ACK.
#[test]
fn a_handshake_whose_last_segment_is_lost_is_completed() {
    let mut raw = Raw::new(SMALL, App::Echo);
    let syn = raw.syn();
    raw.send(&syn);
    let seen = raw.data(1, 1, 1_000, b"data");
    assert!(seen.iter().any(|seen| (seen.seq, seen.ack, seen.len) == (1, Some(5), 4)), "{seen:?}");

    let mut raw = Raw::calling(SMALL, App::Idle);
    let syn = TcpRepr { ack_number: raw.bare(0, 1, 0).ack_number, ..raw.syn() };
    for round in 0..3 {
        let seen = raw.send(&syn);
        let acks: Vec<_> = seen.iter().map(|seen| (seen.control, seen.seq, seen.ack)).collect();
        assert_eq!(acks, [(TcpControl::None, 1, Some(1))], "{round}");
        raw.wait(PAUSE);
    }
    assert_eq!(state(&raw), Some(State::Established));
}

/// RFC 9293 MUST-57, and section 3.10.7.3 for the rest: SYNs to and from these addresses are dropped.
#[test]
fn a_syn_to_or_from_an_impossible_address_is_dropped() {
    let impossible = ["10.0.0.255", "255.255.255.255", "224.0.0.1", "239.1.2.3", "127.0.0.1", "0.0.0.0"];
    let impossible = impossible.map(|address| address.parse::<IpAddress>().unwrap());
    for address in impossible {
        for to in [false, true] {
            let mut raw = Raw::new(SMALL, App::Idle);
            if to {
                raw.to(address)
            } else {
                raw.from(address)
            }
            let syn = raw.syn();
            assert_eq!(raw.send(&syn), [], "{address} {to}");
            assert_eq!(raw.pair.served().len(), 0, "{address} {to}");
        }
    }
    // This host's own address as the source (a "land" attack).
    let mut raw = Raw::new(SMALL, App::Idle);
    raw.from(SERVER);
    raw.set_port(7);
    let syn = raw.syn();
    assert_eq!(raw.send(&syn), []);
    // MUST-46: nothing is opened to them.
    let Host { stack, io } = &mut raw.pair.server;
    for address in impossible {
        let result = stack.connect(raw.pair.now, IpEndpoint::new(address, 7), App::Idle, PAUSE, io);
        assert!(matches!(result, Err(ConnectError::BadRemote | ConnectError::NoRoute)), "{address}: {result:?}");
    }
}

/// Urgent data is read in its place, wherever the urgent pointer points.
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

/// A keep-alive is acknowledged, and its byte is not data (RFC 9293 section 3.8.4), also once the peer has closed.
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
        let repr = fin(&raw, 3, 1, b"");
        raw.send(&repr);
        raw.wait(PAUSE);
    }
}

/// MUST-15: a SYN over IPv6 without the option means an MSS of 1,220.
#[test]
fn the_default_mss_of_ipv6_is_1220() {
    let mut pair = Pair::new(LARGE).with_both_families();
    pair.server.listen(Listener::new(8, App::ask(&[1; 5_000], usize::MAX)));
    let remote = IpEndpoint::new(CLIENT_V6.into(), 2_000);
    let tuple = Tuple { local: IpEndpoint::new(SERVER_V6.into(), 8), remote };
    let mut send = |repr: &TcpRepr<'_>| {
        let mut frame = [0; 200];
        let len = control::write(&mut frame[14..], &tuple, repr, &ChecksumCapabilities::default()).unwrap();
        link::write(Some((EthernetAddress([2, 0, 0, 0, 0, 1]), EthernetAddress([2, 0, 0, 0, 0, 2]))), &mut frame);
        // Both addresses are IPv6.
        frame[12..14].copy_from_slice(&[0x86, 0xdd]);
        pair.to_server.borrow_mut().push_back(frame[..14 + len].to_vec());
        pair.server.stack.poll(pair.now, &mut pair.server.io);
        let frames = core::mem::take(&mut *pair.to_client.borrow_mut());
        let tcp = |frame: &Vec<u8>| {
            let tcp = TcpPacket::new_checked(&frame[54..]).unwrap();
            (tcp.seq_number(), tcp.payload().len())
        };
        frames.iter().filter(|frame| frame[20] == 6).map(tcp).collect::<Vec<_>>()
    };
    let irs = TcpSeqNumber(1_000);
    let third = |iss| control::bare(&tuple, irs + 1, iss, 60_000);
    let syn = TcpRepr { control: TcpControl::Syn, ack_number: None, ..control::bare(&tuple, irs, irs, 60_000) };
    let [(iss, 0)] = send(&syn)[..] else { panic!("no SYN,ACK") };
    assert_eq!(send(&third(iss + 1)).iter().map(|(_, len)| *len).max(), Some(1_220));
}
