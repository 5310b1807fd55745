//! Tests of slots when every slot is taken: which connections lose their slot and which never do.

use smoltcp::phy::ChecksumCapabilities;
use smoltcp::socket::tcp::State;
use smoltcp::time::Duration;
use smoltcp::wire::*;

use super::pair::*;
use crate::stack::*;

#[test]
fn new_connections_replace_connections_in_time_wait() {
    let mut pair = Pair::new(SMALL);
    pair.server.listen(Listener::new(7, App::Closer));
    // The server has four slots and closes first, forty times. All forty connections fall within the 60 s of one
    // TIME-WAIT.
    for round in 0..40 {
        let id = pair.call(7, App::Echo);
        pair.run_for(Duration::from_millis(100));
        assert_eq!(pair.client.stack.take(id).map(|(_, end)| end), Some(End::Closed), "round {round}");
    }
    assert!(pair.served().iter().all(|c| c.state == State::TimeWait));
}

#[test]
fn the_oldest_handshake_connection_is_replaced_but_no_established_one() {
    let mut pair = Pair::new(SMALL);
    pair.server.listen(Listener::new(7, App::Echo));
    let kept = pair.call(7, App::Idle);
    pair.run_for(Duration::from_secs(1));
    // Five clients never finish their handshakes. The fifth client takes the slot of the first client.
    for _ in 0..4 {
        pair.call(7, App::Idle);
        pair.client.stack.poll(pair.now, &mut pair.client.io);
        pair.server.stack.poll(pair.now, &mut pair.server.io);
        pair.to_client.borrow_mut().clear();
    }
    let recycled = |pair: &Pair| pair.server.count(|e| matches!(e, Event::HandshakeEnded { end: End::Recycled, .. }));
    assert_eq!(recycled(&pair), 1);
    assert_eq!(pair.state(kept), Some(State::Established));
    assert_eq!(pair.served().iter().filter(|c| c.state == State::Established).count(), 1);
}

#[test]
fn a_recycled_slot_does_not_wait_for_its_previous_peer() {
    let mut pair = Pair::new(SMALL);
    pair.server.listen(Listener::new(7, App::Echo));
    let first = pair.call(7, App::ask(b"first", 5));
    pair.run_for(Duration::from_secs(1));
    assert_eq!(pair.client.stack.take(first).map(|(_, end)| end), Some(End::Closed));
    pair.run_for(Duration::from_secs(20));
    // SYNs from the addresses of absent hosts fill every slot.
    for number in 100..108 {
        pair.to_server.borrow_mut().push_back(syn(Ipv4Address::new(10, 0, 0, number)));
        pair.server.stack.poll(pair.now, &mut pair.server.io);
    }
    pair.to_client.borrow_mut().clear();
    let second = pair.call(7, App::ask(b"second", 6));
    pair.run_until_idle();
    assert_eq!(pair.client.stack.session(second).unwrap().got(), b"second");
}

#[test]
fn established_connections_keep_their_slots_and_the_client_tries_again() {
    let mut pair = Pair::new(SMALL);
    pair.server.listen(Listener::new(7, App::Echo));
    let ids: Vec<_> = (0..4).map(|_| pair.call(7, App::Idle)).collect();
    pair.run_for(Duration::from_secs(2));
    let late = pair.call(7, App::ask(b"late", 4));
    pair.run_for(Duration::from_secs(3));
    assert_eq!(pair.state(late), Some(State::SynSent));
    assert!(ids.iter().all(|&id| pair.state(id) == Some(State::Established)));
    assert!(pair.server.count(|e| *e == Event::Dropped(DropReason::SlotsFull)) > 0);
    pair.client.stack.connections.abort(pair.now, ids[0].slot(), End::Aborted);
    pair.run_for(Duration::from_secs(10));
    assert_eq!(pair.client.stack.take(late).unwrap().0.got(), b"late");
}

#[test]
fn a_syn_for_the_same_endpoints_in_time_wait_opens_a_new_connection() {
    let mut pair = Pair::new(SMALL);
    pair.server.listen(Listener::new(7, App::Closer));
    let first = pair.call(7, App::Echo);
    pair.run_for(Duration::from_secs(1));
    let tuple = pair.served()[0].tuple;
    assert_eq!(pair.served()[0].phase, Phase::TimeWait);
    pair.client.stack.take(first).unwrap();
    // The client no longer knows the connection and uses the same port again.
    let second = loop {
        let id = pair.call(7, App::Echo);
        let local = pair.client.stack.connections_in_use().find(|c| c.id == id).unwrap().tuple.local;
        if local == tuple.remote {
            break id;
        }
        pair.client.stack.connections.enter(id.slot(), Phase::Free, None);
    };
    pair.run_for(Duration::from_secs(1));
    assert_eq!(pair.client.stack.take(second).unwrap().1, End::Closed);
    assert_eq!(pair.server.count(|e| matches!(e, Event::Accepted { tuple: t, .. } if *t == tuple)), 2);
    assert!(
        !pair.server.stack.connections.time_wait_records.holds(pair.now, &tuple),
        "the first connection is forgotten"
    );
}

#[test]
fn connections_in_syn_received_end_after_their_timeout() {
    let mut pair = Pair::new(SMALL);
    pair.server.listen(Listener::new(7, App::Echo));
    pair.meet(SERVER);
    pair.call(7, App::Idle);
    pair.client.stack.poll(pair.now, &mut pair.client.io);
    // The client sends nothing after its SYN.
    let began = pair.now;
    for _ in 0..100 {
        let due = pair.server.stack.poll(pair.now, &mut pair.server.io);
        if pair.server.count(|e| matches!(e, Event::HandshakeEnded { end: End::TimedOut, .. })) > 0 {
            assert_eq!(pair.now, began + Duration::from_secs(10));
            assert!(pair.served().is_empty());
            return;
        }
        pair.now = due.filter(|&due| due > pair.now).expect("a deadline in the future");
    }
    panic!("still in SYN-RECEIVED at {}", pair.now);
}

/// Returns a SYN to port 7 from an absent host.
fn syn(source: Ipv4Address) -> Vec<u8> {
    let tcp = TcpRepr {
        src_port: 1000,
        dst_port: 7,
        control: TcpControl::Syn,
        seq_number: TcpSeqNumber(0),
        ack_number: None,
        window_len: 1000,
        window_scale: None,
        max_seg_size: None,
        sack_permitted: false,
        sack_ranges: [None; 3],
        timestamp: None,
        payload: &[],
    };
    let ip = Ipv4Repr {
        src_addr: source,
        dst_addr: Ipv4Address::new(10, 0, 0, 1),
        next_header: IpProtocol::Tcp,
        payload_len: tcp.buffer_len(),
        hop_limit: 64,
    };
    let ethernet = EthernetRepr {
        src_addr: EthernetAddress([2, 0, 0, 0, 0, 9]),
        dst_addr: EthernetAddress([2, 0, 0, 0, 0, 1]),
        ethertype: EthernetProtocol::Ipv4,
    };
    let caps = ChecksumCapabilities::default();
    let mut frame = vec![0; 14 + 20 + tcp.buffer_len()];
    ethernet.emit(&mut EthernetFrame::new_unchecked(&mut frame));
    ip.emit(&mut Ipv4Packet::new_unchecked(&mut frame[14..]), &caps);
    tcp.emit(&mut TcpPacket::new_unchecked(&mut frame[34..]), &source.into(), &ip.dst_addr.into(), &caps);
    frame
}
