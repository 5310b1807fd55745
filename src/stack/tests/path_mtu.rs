//! Tests of a path whose MTU is smaller than the link's, with and without a router that reports the MTU.

use std::vec::Vec;

use smoltcp::phy::ChecksumCapabilities;
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::*;

use super::pair::*;
use crate::host::Sizes;
use crate::stack::*;
use crate::testing::random::{Random, seed};

const SIZES: Sizes = Sizes { connections: 8, receive: 65_536, send: 65_536, ports: 2, datagrams: 8, payload: 65_536 };
const ROUTER: Ipv4Address = Ipv4Address::new(10, 9, 9, 9);
const ROUTER_V6: Ipv6Address = Ipv6Address::new(0xfd09, 0, 0, 0, 0, 0, 0, 9);

/// A path that drops packets longer than `mtu`.
struct Path {
    mtu: usize,
    /// The MTU that a router reports for dropped packets, or `None` if no router reports them.
    reports: Option<u32>,
    dropped: usize,
    longest: usize,
}

impl Path {
    fn new(mtu: usize, reports: bool) -> Path {
        Path { mtu, reports: reports.then_some(mtu as u32), dropped: 0, longest: 0 }
    }

    /// Drops the frames in one direction that are too long. For each dropped frame, a router can send a report to the
    /// sender.
    fn pass(
        &mut self,
        frames: &mut std::collections::VecDeque<Vec<u8>>,
        back: &mut std::collections::VecDeque<Vec<u8>>,
    ) {
        frames.retain(|frame| {
            let fits = frame.len() - 14 <= self.mtu;
            if fits {
                self.longest = self.longest.max(frame.len() - 14);
            } else {
                self.dropped += 1;
                back.extend(self.reports.map(|mtu| too_big(frame, mtu)));
            }
            fits
        });
    }
}

/// Returns a router's report to the sender of `frame`.
fn too_big(frame: &[u8], mtu: u32) -> Vec<u8> {
    let about = EthernetFrame::new_checked(frame).unwrap();
    let quoted = &about.payload()[..about.payload().len().min(500)];
    let v6 = about.ethertype() == EthernetProtocol::Ipv6;
    let mut message =
        [&[if v6 { 2 } else { 3 }, if v6 { 0 } else { 4 }, 0, 0][..], &mtu.to_be_bytes(), quoted].concat();
    let ip = if v6 {
        let to = Ipv6Packet::new_unchecked(quoted).src_addr();
        Icmpv6Packet::new_unchecked(&mut message[..]).fill_checksum(&ROUTER_V6, &to);
        IpRepr::new(ROUTER_V6.into(), to.into(), IpProtocol::Icmpv6, message.len(), 64)
    } else {
        let to = Ipv4Packet::new_unchecked(quoted).src_addr();
        Icmpv4Packet::new_unchecked(&mut message[..]).fill_checksum();
        IpRepr::new(ROUTER.into(), to.into(), IpProtocol::Icmp, message.len(), 64)
    };
    let mut frame = std::vec![0; 14 + ip.header_len()];
    let ethernet =
        EthernetRepr { src_addr: about.dst_addr(), dst_addr: about.src_addr(), ethertype: about.ethertype() };
    ethernet.emit(&mut EthernetFrame::new_unchecked(&mut frame));
    ip.emit(&mut frame[14..], &ChecksumCapabilities::default());
    frame.extend(message);
    frame
}

/// Returns two hosts with IPv4 and IPv6 addresses that know each other. The server echoes on TCP and UDP port 7.
fn pair() -> Pair {
    Pair::of(SIZES, SIZES, |_| {}).with_both_families()
}

/// Runs both hosts with the path between them until `done` returns true or `time` has passed.
fn run(pair: &mut Pair, path: &mut Path, time: Duration, done: impl Fn(&Pair) -> bool) {
    let until = pair.now + time;
    for _ in 0..200_000 {
        let a = pair.client.stack.poll(pair.now, &mut pair.client.io);
        path.pass(&mut pair.to_server.borrow_mut(), &mut pair.to_client.borrow_mut());
        let b = pair.server.stack.poll(pair.now, &mut pair.server.io);
        path.pass(&mut pair.to_client.borrow_mut(), &mut pair.to_server.borrow_mut());
        if done(pair) {
            return;
        }
        let busy = !pair.to_client.borrow().is_empty() || !pair.to_server.borrow().is_empty();
        match [a, b].into_iter().flatten().min() {
            _ if busy => {}
            Some(at) if at <= pair.now => {}
            Some(at) if at <= until => pair.now = at,
            _ => {
                pair.now = until;
                return;
            }
        }
    }
    panic!("the stacks spin");
}

/// Echoes a text of `len` bytes through a path. Returns how long that took.
fn echo(pair: &mut Pair, remote: IpAddress, path: &mut Path, len: usize) -> Duration {
    let text = Random(len as u64).bytes(len);
    let id = pair.call_at(remote, 7, &text);
    let before = pair.now;
    run(pair, path, Duration::from_secs(120), |pair| pair.client.stack.ended(id).is_some());
    let time = pair.now - before;
    let (app, end) = pair.client.stack.take(id).expect("the connection has ended");
    assert!(app.got() == text && end == End::Closed, "{} bytes, {end:?}", app.got().len());
    time
}

fn known(host: &Host, now: Instant, to: IpAddress) -> Option<usize> {
    host.stack.paths.find(now, &to)
}

/// Returns the MSS in the SYN among these frames.
fn mss(frames: &std::collections::VecDeque<Vec<u8>>) -> Option<u16> {
    frames.iter().find_map(|frame| {
        let start = if frame[14] >> 4 == 4 { 34 } else { 54 };
        let segment = TcpPacket::new_checked(&frame[start..]).ok().filter(TcpPacket::syn)?;
        // smoltcp writes this option first (RFC 9293 section 3.2).
        segment.options().strip_prefix(&[2, 4])?.first_chunk().copied().map(u16::from_be_bytes)
    })
}

const BOTH: [(IpAddress, IpAddress); 2] = [(SERVER, CLIENT), (IpAddress::Ipv6(SERVER_V6), IpAddress::Ipv6(CLIENT_V6))];

/// RFC 1191 section 6.5, RFC 8201 section 5.4: the data of dropped packets is sent again immediately.
#[test]
fn a_reported_path_costs_no_timeout() {
    for mtu in [1_280, 1_399, 1_400, 1_499] {
        for (server, client) in BOTH {
            let mut pair = pair();
            let mut path = Path::new(mtu, true);
            let time = echo(&mut pair, server, &mut path, 300_000);
            assert!(time < Duration::from_millis(150), "{time}");
            assert_eq!(known(&pair.client, pair.now, server), Some(mtu));
            assert_eq!(known(&pair.server, pair.now, client), Some(mtu));
            // At most the first windows of both hosts are dropped.
            assert!(path.dropped > 0 && path.dropped < 30, "{}", path.dropped);
            assert!(path.longest >= mtu - 8, "{}", path.longest);
            // The next connection knows the path MTU when it sends its SYN.
            let before = path.dropped;
            pair.call_at(server, 7, &[]);
            pair.client.stack.poll(pair.now, &mut pair.client.io);
            let called = mss(&pair.to_server.borrow());
            pair.server.stack.poll(pair.now, &mut pair.server.io);
            let answered = mss(&pair.to_client.borrow());
            let headers = if server == SERVER { 40 } else { 60 };
            assert_eq!([called, answered], [Some(mtu as u16 - headers); 2]);
            echo(&mut pair, server, &mut path, 100_000);
            assert_eq!(path.dropped, before);
        }
    }
}

/// Two losses of long segments show a black hole (RFC 8899 section 4.3).
#[test]
fn a_black_hole_is_found() {
    for (server, client) in BOTH {
        let mut pair = pair();
        let mut path = Path::new(1_300, false);
        let time = echo(&mut pair, server, &mut path, 300_000);
        assert!(time < Duration::from_secs(12), "{time}");
        assert_eq!(known(&pair.client, pair.now, server), Some(1_280));
        assert_eq!(known(&pair.server, pair.now, client), Some(1_280));
        assert!(echo(&mut pair, server, &mut path, 100_000) < Duration::from_millis(150));
        assert!(path.longest > 1_270 && path.longest <= 1_280, "{}", path.longest);
    }
    let mut pair = pair();
    let mut path = Path::new(600, false);
    let time = echo(&mut pair, SERVER, &mut path, 100_000);
    assert!(time < Duration::from_secs(40), "{time}");
    assert_eq!(known(&pair.client, pair.now, SERVER), Some(576));
}

/// A peer that is silent for a while is not mistaken for a black hole.
#[test]
fn an_outage_is_not_a_black_hole() {
    for (server, client) in BOTH {
        for away in [1, 3, 10, 60] {
            let mut pair = pair();
            let id = pair.call_at(server, 7, &Random(1).bytes(60_000));
            let mut path = Path::new(1_500, true);
            // The loop ends once data is in flight.
            run(&mut pair, &mut path, Duration::from_secs(1), |pair| {
                pair.to_client.borrow().iter().any(|frame| frame.len() > 1_400)
            });
            let until = pair.now + Duration::from_secs(away);
            while pair.now < until {
                for end in [&pair.to_client, &pair.to_server] {
                    end.borrow_mut().clear();
                }
                let a = pair.client.stack.poll(pair.now, &mut pair.client.io);
                let b = pair.server.stack.poll(pair.now, &mut pair.server.io);
                let due = [a, b].into_iter().flatten().min().unwrap_or(until);
                pair.now = due.clamp(pair.now + Duration::from_micros(1), until);
            }
            run(&mut pair, &mut path, Duration::from_secs(120), |pair| pair.client.stack.ended(id).is_some());
            assert_eq!(pair.client.stack.ended(id), Some(End::Closed), "{away}");
            for (host, remote) in [(&pair.client, server), (&pair.server, client)] {
                assert_eq!(known(host, pair.now, remote), None, "{away}");
            }
        }
    }
}

#[test]
fn another_connection_learns_the_path_at_its_next_segment() {
    let mut pair = pair();
    let mut free = Path::new(1_500, true);
    let text = Random(5).bytes(30_000);
    // The connection's first segments are sent before the path MTU is known.
    let app = App::ask(&text, usize::MAX);
    let remote = IpEndpoint::new(SERVER, 7);
    let patience = Duration::from_secs(30);
    let idle = pair.client.stack.connect(pair.now, remote, app, patience, &mut pair.client.io).unwrap();
    run(&mut pair, &mut free, Duration::from_secs(1), |_| false);
    let mut path = Path::new(1_300, true);
    echo(&mut pair, SERVER, &mut path, 50_000);
    let before = path.dropped;
    let session = pair.client.stack.connections.slots[idle.slot()].session.as_mut();
    let Some(App::Ask { send, .. }) = session else { panic!("the session is not `Ask`") };
    send.extend_from_slice(&text);
    pair.client.stack.wake_programs();
    run(&mut pair, &mut path, Duration::from_secs(5), |_| false);
    assert_eq!(pair.client.stack.session(idle).unwrap().got().len(), 60_000);
    assert_eq!(path.dropped, before);
}

#[test]
fn a_path_is_forgotten_after_ten_minutes_and_when_the_link_changes() {
    let mut pair = pair();
    let mut path = Path::new(1_400, true);
    echo(&mut pair, SERVER, &mut path, 50_000);
    pair.now += Duration::from_secs(601);
    assert_eq!(known(&pair.client, pair.now, SERVER), None);
    let mut free = Path::new(1_500, true);
    echo(&mut pair, SERVER, &mut free, 50_000);
    assert_eq!(free.longest, 1_500);
    echo(&mut pair, SERVER, &mut path, 50_000);
    assert_eq!(known(&pair.client, pair.now, SERVER), Some(1_400));
    pair.client.stack.link_changed(pair.now, true);
    assert_eq!(known(&pair.client, pair.now, SERVER), None);
}

/// Returns a datagram for the server's UDP port.
fn datagram(v6: bool, len: usize) -> Vec<u8> {
    let mut udp = std::vec![7; 8 + len];
    let mut packet = UdpPacket::new_unchecked(&mut udp[..]);
    packet.set_src_port(4_000);
    packet.set_dst_port(7);
    packet.set_len((8 + len) as u16);
    super::fragments::frame(v6, 17, &udp)
}

#[test]
fn datagrams_are_sent_in_fragments_that_fit_the_path() {
    for v6 in [false, true] {
        for len in [1_440, 5_000] {
            let mut pair = super::fragments::pair();
            let request = datagram(v6, len);
            let ask = |pair: &mut Pair| {
                for piece in super::fragments::cut(&request, 1_280) {
                    pair.to_server.borrow_mut().push_back(piece);
                }
                for _ in 0..10 {
                    pair.server.stack.poll(pair.now, &mut pair.server.io);
                }
                std::mem::take(&mut *pair.to_client.borrow_mut())
            };
            let replies = ask(&mut pair);
            let longest = replies.iter().map(Vec::len).max().unwrap();
            assert!(longest > 1_460, "{longest}");
            pair.to_server.borrow_mut().push_back(too_big(&replies[0], 1_300));
            pair.server.stack.poll(pair.now, &mut pair.server.io);
            let client = if v6 { CLIENT_V6.into() } else { CLIENT };
            assert_eq!(known(&pair.server, pair.now, client), Some(1_300));
            let replies = ask(&mut pair);
            assert!(replies.len() > 1 && replies.iter().all(|frame| frame.len() <= 1_314), "{v6} {len}");
            let sum: usize = replies.iter().map(|frame| frame.len() - 14 - if v6 { 48 } else { 20 }).sum();
            assert_eq!(sum, len + 8);
        }
    }
}

#[test]
fn echo_replies_are_sent_in_fragments_that_fit_the_path() {
    for v6 in [false, true] {
        let mut pair = super::fragments::pair();
        let mut message = std::vec![9; 1_400];
        message[..8].copy_from_slice(&[if v6 { 128 } else { 8 }, 0, 0, 0, 1, 2, 0, 1]);
        let request = super::fragments::frame(v6, if v6 { 58 } else { 1 }, &message);
        let ask = |pair: &mut Pair| {
            pair.to_server.borrow_mut().push_back(request.clone());
            pair.server.stack.poll(pair.now, &mut pair.server.io);
            std::mem::take(&mut *pair.to_client.borrow_mut())
        };
        let replies = ask(&mut pair);
        assert_eq!(replies.len(), 1);
        pair.to_server.borrow_mut().push_back(too_big(&replies[0], 1_300));
        let replies = ask(&mut pair);
        assert!(replies.len() == 2 && replies.iter().all(|frame| frame.len() <= 1_314), "{}", replies.len());
    }
}

#[test]
fn datagrams_and_echo_replies_fit_the_mtu_that_a_router_advertises() {
    let mut pair = Pair::with(super::fragments::SIZES, |config| config.slaac = true).with_both_families();
    let router = "fe80::9".parse().unwrap();
    let advert = NdiscRepr::RouterAdvert {
        hop_limit: 64,
        flags: NdiscRouterFlags::empty(),
        router_lifetime: Duration::from_secs(0),
        reachable_time: Duration::ZERO,
        retrans_time: Duration::ZERO,
        lladdr: None,
        mtu: Some(1_300),
        prefix_info: None,
    };
    let mut frame = super::fragments::frame(true, 58, &[0; 24]);
    crate::stack::ndisc::emit(router, crate::stack::ndisc::ALL_NODES, advert, &mut frame[14..]);
    pair.to_server.borrow_mut().push_back(frame);
    pair.run_for(Duration::from_secs(1));
    for v6 in [true, false] {
        let mut message = std::vec![9; 1_400];
        message[..8].copy_from_slice(&[if v6 { 128 } else { 8 }, 0, 0, 0, 1, 2, 0, 1]);
        let ping = super::fragments::frame(v6, if v6 { 58 } else { 1 }, &message);
        for request in [ping, datagram(v6, 1_400)] {
            pair.to_client.borrow_mut().clear();
            pair.to_server.borrow_mut().push_back(request);
            for _ in 0..10 {
                pair.server.stack.poll(pair.now, &mut pair.server.io);
            }
            let lens: Vec<_> = pair.to_client.borrow().iter().map(Vec::len).collect();
            assert_eq!(lens.len(), if v6 { 2 } else { 1 }, "{lens:?}");
            assert!(!v6 || lens.iter().all(|len| *len <= 1_314), "{lens:?}");
        }
    }
}

/// Forged reports from an attacker who cannot see the packets change nothing.
#[test]
fn twenty_thousand_made_up_reports_change_nothing() {
    const COUNT: usize = 20_000;
    let mut random = Random(seed(1191));
    for (server, client) in BOTH {
        let mut pair = pair();
        let v6 = matches!(server, IpAddress::Ipv6(_));
        let id = pair.call_at(server, 7, &Random(1).bytes(20_000));
        let mut free = Path::new(1_500, true);
        // The server's echo is in flight.
        while !pair.to_client.borrow().iter().any(|frame| frame.len() > 1_400) {
            pair.client.stack.poll(pair.now, &mut pair.client.io);
            pair.server.stack.poll(pair.now, &mut pair.server.io);
        }
        let held = std::mem::take(&mut *pair.to_client.borrow_mut());
        let real = held.iter().find(|frame| frame.len() > 1_400).unwrap().clone();
        let start = if v6 { 54 } else { 34 };
        let seq = TcpPacket::new_unchecked(&real[start..]).seq_number();
        let dropped = |pair: &Pair| pair.server.count(|event| *event == Event::Dropped(DropReason::BadIcmp));
        for n in 0..COUNT {
            let (mut quoted, mut mtu) = (real.clone(), 1_280 + random.below(200) as u32);
            match n % 5 {
                // A sequence number far from the data in flight.
                0 | 1 => {
                    let wrong = TcpSeqNumber(seq.0.wrapping_add(1 << 20).wrapping_add((random.next() >> 2) as i32));
                    TcpPacket::new_unchecked(&mut quoted[start..]).set_seq_number(wrong);
                }
                2 => mtu = random.below(if v6 { 1_280 } else { 552 }) as u32,
                3 => mtu = 1_500 + random.below(64_000) as u32,
                // Either a wrong port or a datagram that was never sent.
                _ if random.below(2) == 0 => {
                    quoted[start + random.below(4)] ^= 1 + random.below(255) as u8;
                }
                _ => quoted[if v6 { 20 } else { 23 }] = 17,
            }
            if !v6 && mtu == 0 {
                mtu = 1;
            }
            pair.to_server.borrow_mut().push_back(too_big(&quoted, mtu));
            pair.server.stack.poll(pair.now, &mut pair.server.io);
        }
        assert_eq!(dropped(&pair), COUNT);
        assert!(pair.server.stack.paths.is_empty());
        assert_eq!(known(&pair.server, pair.now, client), None);
        pair.to_client.borrow_mut().extend(held);
        run(&mut pair, &mut free, Duration::from_secs(30), |pair| pair.client.stack.ended(id).is_some());
        assert_eq!(pair.client.stack.ended(id), Some(End::Closed));
        // The path MTU is still 1,500 bytes.
        assert_eq!(free.longest, 1_500);
    }
}
