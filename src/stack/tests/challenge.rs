//! A SYN for a connection that is already established.

use smoltcp::socket::tcp::State;
use smoltcp::time::Duration;

use super::pair::*;
use crate::stack::*;
use crate::trace::Summary;

/// An established connection, and the SYN that began it.
fn established() -> (Pair, ConnectionId, Vec<u8>) {
    let mut pair = Pair::new(SMALL);
    pair.server.listen(Listener::new(7, App::Echo));
    // Both learn each other's hardware address.
    let refused = pair.call(99, App::Idle);
    pair.run_for(Duration::from_secs(3));
    pair.client.stack.take(refused).unwrap();
    let id = pair.call(7, App::Idle);
    pair.client.stack.poll(pair.now, &mut pair.client.io);
    let syn = pair.to_server.borrow()[0].clone();
    pair.run_for(Duration::from_secs(1));
    assert_eq!(pair.state(id), Some(State::Established));
    (pair, id, syn)
}

/// What the server answers to a frame.
fn answers(pair: &mut Pair, frame: &[u8]) -> Vec<Summary> {
    pair.to_server.borrow_mut().push_back(frame.to_vec());
    pair.server.stack.poll(pair.now, &mut pair.server.io);
    let frames = std::mem::take(&mut *pair.to_client.borrow_mut());
    frames.iter().map(|frame| Summary::of(frame, smoltcp::phy::Medium::Ethernet)).collect()
}

#[test]
fn it_is_answered_with_a_challenge_once_a_second() {
    let (mut pair, id, syn) = established();
    for round in 0..3 {
        let answers = answers(&mut pair, &syn);
        let [answer] = answers[..] else { panic!("round {round}: {answers:?}") };
        assert_eq!(answer.segment().map(|s| s.flags()), Some("ACK"));
        assert_eq!(self::answers(&mut pair, &syn), [], "the second one within a second");
        pair.now += Duration::from_secs(1);
    }
    assert_eq!(pair.served()[0].state, State::Established);
    pair.run_for(Duration::from_secs(1));
    assert_eq!(pair.state(id), Some(State::Established));
}

#[test]
fn a_damaged_one_is_not() {
    let (mut pair, _, mut syn) = established();
    if let Some(last) = syn.last_mut() {
        *last ^= 1;
    }
    assert_eq!(answers(&mut pair, &syn), []);
}
