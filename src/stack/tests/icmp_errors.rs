//! Tests of ICMP errors about segments: final, temporary and forged errors.

use smoltcp::phy::ChecksumCapabilities;
use smoltcp::socket::tcp::State;
use smoltcp::time::Duration;
use smoltcp::wire::*;

use super::pair::*;
use crate::stack::*;
use crate::testing::random::Random;

const ROUTER: IpAddress = IpAddress::v4(10, 9, 9, 9);
const SERVER_V6: IpAddress = IpAddress::v6(0xfd00, 0, 0, 0, 0, 0, 0, 1);
const CLIENT_V6: IpAddress = IpAddress::v6(0xfd00, 0, 0, 0, 0, 0, 0, 2);
const ROUTER_V6: IpAddress = IpAddress::v6(0xfd09, 0, 0, 0, 0, 0, 0, 9);

/// Returns an ICMP error from `from` to the client about this frame.
fn error(from: IpAddress, about: &[u8], kind: u8, code: u8) -> Vec<u8> {
    let about = EthernetFrame::new_checked(about).unwrap();
    let to = if about.ethertype() == EthernetProtocol::Ipv4 { CLIENT } else { CLIENT_V6 };
    let mut message = [&[kind, code, 0, 0, 0, 0, 0, 0], about.payload()].concat();
    let protocol = match (from, to) {
        (IpAddress::Ipv6(from), IpAddress::Ipv6(to)) => {
            Icmpv6Packet::new_unchecked(&mut message[..]).fill_checksum(&from, &to);
            IpProtocol::Icmpv6
        }
        _ => {
            Icmpv4Packet::new_unchecked(&mut message[..]).fill_checksum();
            IpProtocol::Icmp
        }
    };
    let ip = IpRepr::new(from, to, protocol, message.len(), 64);
    let mut frame = vec![0; 14 + ip.header_len()];
    let ethernet =
        EthernetRepr { src_addr: about.dst_addr(), dst_addr: about.src_addr(), ethertype: about.ethertype() };
    ethernet.emit(&mut EthernetFrame::new_unchecked(&mut frame));
    ip.emit(&mut frame[14..], &ChecksumCapabilities::default());
    frame.extend(message);
    frame
}

/// Returns a pair whose hosts know each other's hardware addresses. The server echoes on port 7.
fn pair(v6: bool) -> Pair {
    let mut pair = Pair::new(SMALL);
    let mut remote = SERVER;
    if v6 {
        for (host, address) in [(&mut pair.client, CLIENT_V6), (&mut pair.server, SERVER_V6)] {
            host.stack.add_address(pair.now, IpCidr::new(address, 64), &mut host.io.probe).unwrap();
        }
        remote = SERVER_V6;
    }
    pair.server.listen(Listener::new(7, App::Echo));
    pair.meet(remote);
    pair
}

/// Starts a connection from the client, which expects an echo.
fn call(pair: &mut Pair, remote: IpAddress, port: u16) -> ConnectionId {
    let remote = IpEndpoint::new(remote, port);
    let app = App::ask(b"polly", 5);
    pair.client.stack.connect(pair.now, remote, app, Duration::from_secs(30), &mut pair.client.io).unwrap()
}

/// Lets the client send and returns the final frame that it sends. No frame reaches the server.
fn sent(pair: &mut Pair) -> Vec<u8> {
    pair.client.stack.poll(pair.now, &mut pair.client.io);
    std::mem::take(&mut *pair.to_server.borrow_mut()).pop_back().expect("a frame was sent")
}

/// Lets the client receive a frame.
fn take_in(pair: &mut Pair, frame: Vec<u8>) {
    pair.to_client.borrow_mut().push_back(frame);
    pair.client.stack.poll(pair.now, &mut pair.client.io);
}

/// Advances the clock while no frame reaches the server.
fn alone_for(pair: &mut Pair, time: Duration) {
    let until = pair.now + time;
    while pair.now < until {
        let due = pair.client.stack.poll(pair.now, &mut pair.client.io);
        pair.to_server.borrow_mut().clear();
        pair.now = due.unwrap_or(until).clamp(pair.now + Duration::from_micros(1), until);
    }
    pair.client.stack.poll(pair.now, &mut pair.client.io);
}

fn ignored(pair: &Pair) -> usize {
    pair.client.count(|event| *event == Event::Dropped(DropReason::BadIcmp))
}

#[test]
fn an_unreachable_port_refuses_immediately() {
    for (v6, kind, code) in [(false, 3, 2), (false, 3, 3), (true, 1, 4), (true, 4, 1)] {
        let mut pair = pair(v6);
        let (remote, router) = if v6 { (SERVER_V6, ROUTER_V6) } else { (SERVER, ROUTER) };
        let id = call(&mut pair, remote, 7);
        let syn = sent(&mut pair);
        take_in(&mut pair, error(router, &syn, kind, code));
        assert_eq!(pair.client.stack.ended(id), Some(End::Refused), "{kind}, {code}");
        assert_eq!(pair.client.stack.take(id).unwrap().0.got(), b"");
        assert_eq!(ignored(&pair), 0);
    }
}

/// RFC 9293, MUST-56: the connection does not end immediately, and its [`End`] names the error.
#[test]
fn other_errors_are_named_after_the_timeout() {
    for (v6, kind, code, why) in [
        (false, 3, 0, "destination unreachable (network)"),
        (false, 3, 1, "destination unreachable (host)"),
        (false, 3, 5, "destination unreachable (source route)"),
        (false, 11, 0, "time exceeded"),
        (false, 11, 1, "time exceeded"),
        (false, 12, 0, "parameter problem"),
        (true, 1, 0, "destination unreachable (no route)"),
        (true, 1, 3, "destination unreachable (host)"),
    ] {
        for lost in [false, true] {
            let mut pair = pair(v6);
            let (remote, router) = if v6 { (SERVER_V6, ROUTER_V6) } else { (SERVER, ROUTER) };
            let id = call(&mut pair, remote, 7);
            let syn = sent(&mut pair);
            take_in(&mut pair, error(router, &syn, kind, code));
            assert_eq!(pair.state(id), Some(State::SynSent), "{why}");
            if lost {
                alone_for(&mut pair, Duration::from_secs(31));
                let end = pair.client.stack.take(id).unwrap().1;
                assert_eq!(end.to_string(), format!("timed out: {why}, says {router}"));
            } else {
                pair.run_for(Duration::from_secs(30));
                assert_eq!(pair.client.stack.ended(id), Some(End::Closed), "{why}");
            }
        }
    }
    // A source quench is ignored (MUST-55).
    let mut pair = pair(false);
    let id = call(&mut pair, SERVER, 7);
    let syn = sent(&mut pair);
    take_in(&mut pair, error(ROUTER, &syn, 4, 0));
    alone_for(&mut pair, Duration::from_secs(31));
    assert_eq!(pair.client.stack.take(id).unwrap().1, End::TimedOut);
}

/// Returns an established connection and its segment in flight.
fn established() -> (Pair, ConnectionId, Vec<u8>) {
    let mut pair = pair(false);
    let id = call(&mut pair, SERVER, 7);
    pair.client.stack.poll(pair.now, &mut pair.client.io);
    pair.server.stack.poll(pair.now, &mut pair.server.io);
    let data = sent(&mut pair);
    assert_eq!(pair.state(id), Some(State::Established));
    assert!(data.ends_with(b"polly"));
    (pair, id, data)
}

#[test]
fn an_established_connection_only_records_errors() {
    for (kind, code) in [(3, 0), (3, 1), (3, 2), (3, 3), (3, 5), (11, 0), (12, 0)] {
        let (mut pair, id, data) = established();
        take_in(&mut pair, error(ROUTER, &data, kind, code));
        pair.run_for(Duration::from_secs(30));
        assert_eq!(pair.client.stack.ended(id), Some(End::Closed), "{kind}, {code}");
        assert_eq!(ignored(&pair), 0);
    }
    let (mut pair, id, data) = established();
    take_in(&mut pair, error(ROUTER, &data, 3, 1));
    alone_for(&mut pair, Duration::from_secs(3600));
    let end = pair.client.stack.take(id).unwrap().1;
    assert_eq!(end.to_string(), "timed out: destination unreachable (host), says 10.9.9.9");
}

/// RFC 5927 section 4.1: the quoted sequence number must be in flight.
#[test]
fn the_quoted_number_must_be_in_flight() {
    let with_seq = |frame: &[u8], change: i32| {
        let mut frame = frame.to_vec();
        let mut tcp = TcpPacket::new_unchecked(&mut frame[34..]);
        tcp.set_seq_number(TcpSeqNumber(tcp.seq_number().0.wrapping_add(change)));
        frame
    };
    let mut pair = pair(false);
    let id = call(&mut pair, SERVER, 7);
    let syn = sent(&mut pair);
    for change in [-1, 1, 100_000, i32::MIN] {
        take_in(&mut pair, error(ROUTER, &with_seq(&syn, change), 3, 3));
        assert_eq!(pair.state(id), Some(State::SynSent), "{change}");
    }
    assert_eq!(ignored(&pair), 4);
    let (mut pair, id, data) = established();
    // The segment carries five bytes.
    for (change, is_in_flight) in [(-1, false), (0, true), (4, true), (5, false)] {
        let before = ignored(&pair);
        take_in(&mut pair, error(ROUTER, &with_seq(&data, change), 3, 1));
        assert_eq!(ignored(&pair) == before, is_in_flight, "{change}");
    }
    // The errors are about an acknowledged segment and about a connection that has ended.
    pair.run_for(Duration::from_secs(30));
    assert_eq!(pair.client.stack.ended(id), Some(End::Closed));
    let before = ignored(&pair);
    take_in(&mut pair, error(ROUTER, &data, 3, 3));
    assert_eq!(ignored(&pair), before + 1);
}

/// An attacker who knows both endpoints, but no sequence number, cannot end a connection.
#[test]
fn twenty_thousand_forged_errors_end_no_connection() {
    const COUNT: usize = 20_000;
    let seed = 5927;
    println!("seed {seed}");
    let mut random = Random(seed);
    let (mut pair, established, data) = established();
    pair.client.stack.bind(53, Respond::new(Parrot)).unwrap();
    let connecting = call(&mut pair, SERVER, 7);
    let syn = sent(&mut pair);
    let mut right = 0;
    for _ in 0..COUNT {
        let (number, of_syn) = (random.next(), random.below(2) == 0);
        let mut quoted = if of_syn { syn.clone() } else { data.clone() };
        let real = TcpPacket::new_unchecked(&quoted[34..]).seq_number();
        let seq = TcpSeqNumber(number as i32);
        right += usize::from(real <= seq && seq < real + if of_syn { 1 } else { 5 });
        TcpPacket::new_unchecked(&mut quoted[34..]).set_seq_number(seq);
        if random.below(8) == 0 {
            // A quoted datagram that has the program's UDP port.
            quoted[23] = 17;
            quoted[34..36].copy_from_slice(&53u16.to_be_bytes());
        }
        if random.below(8) == 0 {
            // A different source, destination or port.
            let at = 26 + random.below(12);
            quoted[at] ^= number as u8;
        }
        take_in(&mut pair, error(ROUTER, &quoted, 3, random.below(16) as u8));
    }
    assert_eq!(right, 0, "a guess was right: take another seed");
    // Each error was counted, and none was recorded.
    let forged = pair.client.count(|event| matches!(event, Event::Dropped(DropReason::BadIcmp)));
    assert_eq!(forged, COUNT);
    assert!(pair.client.stack.udp_program(53).is_some());
    pair.run_for(Duration::from_secs(30));
    for id in [established, connecting] {
        assert_eq!(pair.client.stack.ended(id), Some(End::Closed));
    }
}
