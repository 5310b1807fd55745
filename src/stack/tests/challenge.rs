//! Tests of a SYN for an established connection and of a SYN for a connection that this side is opening.

use smoltcp::socket::tcp::State;
use smoltcp::time::Duration;
use smoltcp::wire::IpEndpoint;

use super::pair::*;
use crate::stack::*;
use crate::trace::Summary;

/// Returns an established connection and the SYN that opened it.
fn established() -> (Pair, ConnectionId, Vec<u8>) {
    let mut pair = Pair::new(SMALL);
    pair.server.listen(Listener::new(7, App::Echo));
    pair.meet(SERVER);
    let id = pair.call(7, App::Idle);
    pair.client.stack.poll(pair.now, &mut pair.client.io);
    let syn = pair.to_server.borrow()[0].clone();
    pair.run_for(Duration::from_secs(1));
    assert_eq!(pair.state(id), Some(State::Established));
    (pair, id, syn)
}

/// Returns the server's answers to a frame.
fn answers(pair: &mut Pair, frame: &[u8]) -> Vec<Summary> {
    pair.to_server.borrow_mut().push_back(frame.to_vec());
    pair.server.stack.poll(pair.now, &mut pair.server.io);
    let frames = std::mem::take(&mut *pair.to_client.borrow_mut());
    frames.iter().map(|frame| Summary::of(frame, smoltcp::phy::Medium::Ethernet)).collect()
}

#[test]
fn a_syn_is_challenged_at_most_twice_a_second() {
    let (mut pair, id, syn) = established();
    for round in 0..3 {
        let answers = answers(&mut pair, &syn);
        let [answer] = answers[..] else { panic!("round {round}: {answers:?}") };
        assert_eq!(answer.segment().map(|s| s.flags()), Some("ACK"));
        pair.now += Duration::from_millis(499);
        assert_eq!(self::answers(&mut pair, &syn), [], "the second one within 500 ms");
        pair.now += Duration::from_millis(1);
    }
    assert_eq!(pair.served()[0].state, State::Established);
    pair.run_for(Duration::from_secs(1));
    assert_eq!(pair.state(id), Some(State::Established));
}

#[test]
fn a_damaged_syn_is_not_answered() {
    let (mut pair, _, syn) = established();
    let mut damaged = syn.clone();
    if let Some(last) = damaged.last_mut() {
        *last ^= 1;
    }
    assert_eq!(answers(&mut pair, &damaged), []);
    assert_eq!(answers(&mut pair, &syn).len(), 1);
}

/// smoltcp panics if a SYN arrives for a connection whose own SYN has not been sent.
#[test]
fn a_syn_that_arrives_before_our_own_is_sent_is_dropped() {
    let mut pair = Pair::new(SMALL);
    let (client, server) = (IpEndpoint::new(CLIENT, 2000), IpEndpoint::new(SERVER, 7));
    let patience = Duration::from_secs(30);
    let Host { stack, io } = &mut pair.server;
    stack.connect_from(pair.now, server.port, client, App::Idle, patience, io).unwrap();
    // After the ARP exchange, the server's SYN is on the wire.
    for _ in 0..2 {
        pair.server.stack.poll(pair.now, &mut pair.server.io);
        if pair.to_client.borrow().iter().any(|frame| frame.len() > 50) {
            break;
        }
        pair.client.stack.poll(pair.now, &mut pair.client.io);
    }
    pair.client.io.device.room = 0;
    let Host { stack, io } = &mut pair.client;
    let id = stack.connect_from(pair.now, client.port, server, App::Idle, patience, io).unwrap();
    pair.client.stack.poll(pair.now, &mut pair.client.io);
    assert!(pair.to_client.borrow().is_empty(), "the SYN was processed");
    assert_eq!(pair.state(id), Some(State::SynSent));
    pair.client.io.device.room = 64;
    pair.run_for(Duration::from_secs(5));
    assert_eq!(pair.state(id), Some(State::Established), "both opened at the same time");
}
