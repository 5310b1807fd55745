//! Handshakes: options, forged and lost segments, and impossible addresses.

use smoltcp::phy::ChecksumCapabilities;
use smoltcp::socket::tcp::State;
use smoltcp::wire::{EthernetAddress, IpAddress, IpEndpoint, TcpControl, TcpPacket, TcpRepr, TcpSeqNumber};

use super::pair::*;
use super::raw::*;
use crate::stack::*;

/// In SYN-RECEIVED, an RST must have the sequence number RCV.NXT, too.
#[test]
fn only_an_rst_with_the_next_number_ends_a_handshake() {
    let mut raw = Raw::new(SMALL, App::Idle);
    let syn = raw.syn();
    raw.send(&syn);
    assert_eq!(raw.send(&raw.reset(0)), []);
    assert_eq!(raw.send(&raw.reset(2)).len(), 1, "a challenge");
    assert_eq!(raw.state(), Some(State::SynReceived));
    assert_eq!(raw.send(&raw.reset(1)), []);
    assert_eq!(raw.pair.server.count(|e| matches!(e, Event::HandshakeEnded { end: End::Reset, .. })), 1);
}

/// RFC 9293 section 3.10.7.3: in SYN-SENT, an RST must acknowledge the SYN. Any other RST is dropped and counted.
#[test]
fn only_an_rst_that_acknowledges_the_syn_refuses() {
    let mut raw = Raw::calling(SMALL, App::Idle);
    for (seq, ack) in [(0, None), (0, Some(0)), (0, Some(2))] {
        let ack_number = ack.and_then(|ack| raw.bare(0, ack, 0).ack_number);
        let repr = TcpRepr { ack_number, ..raw.reset(seq) };
        assert_eq!(raw.send(&repr), []);
    }
    assert_eq!((raw.state(), raw.dropped(DropReason::BadReset)), (Some(State::SynSent), 3));
    let repr = TcpRepr { ack_number: raw.bare(0, 1, 0).ack_number, ..raw.reset(0) };
    raw.send(&repr);
    assert_eq!(raw.pair.server.count(|e| matches!(e, Event::Ended { end: End::Refused, .. })), 1);
}

/// RFC 9293 section 3.10.7.4: in SYN-RECEIVED, a segment that acknowledges anything but the SYN is answered with RST.
/// The segment changes nothing, with or without data.
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
            assert_eq!(raw.state(), Some(State::SynReceived));
            raw.acknowledge(1, 1, 1_000);
            assert_eq!(raw.state(), Some(State::Established), "{payload:?} {up} {distance}");
        }
    }
}

/// A SYN with malformed options is answered like a SYN without options.
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

/// RFC 9293 section 3.7.1: an MSS of 0 is treated as absent. A very small MSS is treated as 48, which bounds the work
/// per byte.
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

/// RFC 7323 section 2.3: a shift count of 15 or more is treated as 14.
#[test]
fn a_window_scale_is_at_most_14() {
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

/// Data in a SYN or a SYN,ACK is not accepted, so the peer sends it again (RFC 9293 section 3.4 allows this).
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

/// The ACK that completes a handshake is lost. On a server, data then completes the handshake. A client answers the
/// repeated SYN,ACK.
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
    assert_eq!(raw.state(), Some(State::Established));
}

/// SYNs to and from impossible addresses are dropped (RFC 9293 MUST-57 and section 3.10.7.3).
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
    // A broadcast or multicast frame that contains a packet to this host.
    for to in [[0xff; 6], [1, 0, 0x5e, 0, 0, 1]] {
        let mut raw = Raw::new(SMALL, App::Idle);
        let mut frame = raw.frame(&raw.syn());
        frame[..6].copy_from_slice(&to);
        assert_eq!(raw.inject(frame), []);
        assert_eq!(raw.pair.served().len(), 0);
    }
    // MUST-46: no connection is opened to such an address.
    let Host { stack, io } = &mut raw.pair.server;
    for address in impossible {
        let result = stack.connect(raw.pair.now, IpEndpoint::new(address, 7), App::Idle, PAUSE, io);
        assert!(matches!(result, Err(ConnectError::BadRemote | ConnectError::NoRoute)), "{address}: {result:?}");
    }
}

/// MUST-15: a SYN over IPv6 without the MSS option means an MSS of 1,220.
#[test]
fn the_default_mss_of_ipv6_is_1220() {
    let mut pair = Pair::new(LARGE).with_both_families();
    pair.server.listen(Listener::new(8, App::ask(&[1; 20_000], usize::MAX)));
    let remote = IpEndpoint::new(CLIENT_V6.into(), 2_000);
    let tuple = Tuple { local: IpEndpoint::new(SERVER_V6.into(), 8), remote };
    let mut send = |repr: &TcpRepr<'_>| {
        let mut frame = [0; 200];
        let len = control::write(&mut frame[14..], &tuple, repr, &ChecksumCapabilities::default()).unwrap();
        let (to, from) = (EthernetAddress([2, 0, 0, 0, 0, 1]), EthernetAddress([2, 0, 0, 0, 0, 2]));
        link::write(Some(link::Ends { to, from }), &mut frame);
        // The ethertype of IPv6.
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
    // Ten segments are sent at first, so the congestion window uses the same MSS.
    let sent: Vec<_> = send(&third(iss + 1)).iter().map(|(_, len)| *len).filter(|len| *len > 0).collect();
    assert_eq!(sent, [1_220; 10]);
}
