//! Tests of closing: every connection ends, except an idle connection with a live peer.

use smoltcp::phy::Medium;
use smoltcp::socket::tcp::State;
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::TcpControl;

use super::pair::*;
use super::raw::*;
use crate::stack::*;
use crate::trace::Summary;

#[test]
fn an_idle_peer_that_answers_keep_alive_probes_stays_connected() {
    let mut pair = Pair::new(SMALL);
    pair.server.listen(Listener::new(7, App::Echo));
    let id = pair.call(7, App::Idle);
    pair.run_for(Duration::from_secs(3600));
    assert_eq!(pair.state(id), Some(State::Established));
    assert_eq!(pair.served()[0].state, State::Established);
}

#[test]
fn a_connection_ends_if_keep_alive_probes_are_unanswered() {
    let mut pair = Pair::new(SMALL);
    pair.server.listen(Listener::new(7, App::Echo));
    pair.call(7, App::Idle);
    pair.run_for(Duration::from_secs(1));
    let began = pair.now;
    while !pair.served().is_empty() {
        pair.to_client.borrow_mut().clear();
        match pair.server.stack.poll(pair.now, &mut pair.server.io) {
            Some(at) => pair.now = at.max(pair.now),
            None => break,
        }
    }
    assert_eq!(pair.server.count(|e| matches!(e, Event::Ended { end: End::TimedOut, .. })), 1);
    let took = pair.now - began;
    assert!((Duration::from_secs(295)..=Duration::from_secs(310)).contains(&took), "{took}");
}

/// The client never closes its side. FIN-WAIT-2 on the server ends when the linger time has passed.
#[test]
fn fin_wait_2_ends() {
    let mut pair = Pair::new(SMALL);
    pair.server.listen(Listener::new(7, App::Closer));
    let id = pair.call(7, App::Idle);
    pair.run_for(Duration::from_secs(1));
    assert_eq!(pair.served()[0].state, State::FinWait2);
    assert_eq!(pair.state(id), Some(State::CloseWait));
    pair.run_for(Duration::from_secs(61));
    assert!(pair.served().is_empty());
    assert_eq!(pair.client.stack.take(id).unwrap().1, End::Reset);
}

/// The peer answers keep-alive probes at intervals shorter than the linger time. The connection still ends.
#[test]
fn fin_wait_2_ends_although_the_peer_answers_keep_alives() {
    let mut pair = Pair::with(SMALL, |config| config.tcp.idle_timeout = Duration::from_secs(60));
    pair.server.listen(Listener::new(7, App::Closer));
    pair.call(7, App::Idle);
    pair.run_for(Duration::from_secs(1));
    assert_eq!(pair.served()[0].state, State::FinWait2);
    pair.run_for(Duration::from_secs(61));
    assert!(pair.served().is_empty());
}

/// The program never closes its connection. CLOSE-WAIT on the server ends when the idle time has passed.
#[test]
fn close_wait_ends() {
    let mut pair = Pair::new(SMALL);
    pair.server.listen(Listener::new(7, App::Idle));
    pair.call(7, App::ask(b"", 0));
    pair.run_for(Duration::from_secs(1));
    assert_eq!(pair.served()[0].state, State::CloseWait);
    pair.run_for(Duration::from_secs(310));
    assert!(pair.served().is_empty());
}

/// The peer vanishes before it acknowledges our FIN. LAST-ACK on the server ends after a timeout.
#[test]
fn last_ack_ends_with_an_error() {
    let mut pair = Pair::new(SMALL);
    pair.server.listen(Listener::new(7, App::Echo));
    let id = pair.call(7, App::Idle);
    pair.run_for(Duration::from_secs(1));
    pair.client.stack.connections.close(id.slot());
    pair.client.stack.connections.enqueue(id.slot());
    pair.client.stack.poll(pair.now, &mut pair.client.io);
    // From here on, the server receives no frame.
    for _ in 0..1000 {
        pair.to_client.borrow_mut().clear();
        let Some(at) = pair.server.stack.poll(pair.now, &mut pair.server.io) else { break };
        pair.now = at.max(pair.now);
    }
    assert!(pair.served().is_empty());
    assert_eq!(pair.server.count(|e| matches!(e, Event::Ended { end: End::TimedOut, .. })), 1);
    assert!(pair.server.count(|e| matches!(e, Event::State { to: State::LastAck, .. })) == 1);
}

/// Data arrives after the program has closed (SHLD-3). The reply and FIN are sent first. RST then reports the loss.
#[test]
fn closing_with_unread_data_resets_half_a_second_after_fin() {
    let mut raw = Raw::open(SMALL, App::ask(b"bye", 0), 60_000);
    // No data is lost yet, and a peer may stay half-closed for the linger time.
    assert_eq!(resets(&raw.acknowledge(1, 5, 60_000)), 0);
    raw.wait(SECOND * 10);
    assert_eq!(raw.pair.served()[0].state, State::FinWait2);
    let seen = raw.data(1, 5, 60_000, b"more");
    assert_eq!(resets(&seen), 0, "too early: {seen:?}");
    let seen = raw.wait(SECOND);
    let [.., (at, reset)] = seen[..] else { panic!("no RST") };
    assert_eq!((at, reset.control, reset.seq), (Duration::from_millis(500), TcpControl::Rst, 5));
    assert_eq!(raw.pair.server.count(|e| matches!(e, Event::Ended { end: End::Aborted, .. })), 1);
    assert!(raw.pair.served().is_empty());
}

/// A peer that keeps sending is reset once it pauses, but not before it has acknowledged the FIN.
#[test]
fn a_peer_that_keeps_sending_is_reset_when_it_pauses() {
    let mut raw = Raw::open(SMALL, App::ask(b"bye", 0), 60_000);
    for round in 0..40 {
        // The peer acknowledges the FIN in the middle of the loop.
        let seen = raw.data(1 + round, if round < 20 { 1 } else { 5 }, 60_000, b"x");
        assert_eq!(resets(&seen), 0, "round {round}: {seen:?}");
        let later: Vec<_> = raw.wait(SECOND / 5).into_iter().map(|(_, seen)| seen).collect();
        assert_eq!(resets(&later), 0, "round {round}: {later:?}");
    }
    let seen = raw.wait(SECOND);
    assert_eq!(seen.last().map(|&(at, seen)| (at, seen.control)), Some((SECOND * 3 / 10, TcpControl::Rst)));
}

/// A peer that never pauses is reset after the linger time.
#[test]
fn a_peer_that_never_pauses_is_reset_after_a_minute() {
    let mut raw = Raw::open(SMALL, App::ask(b"bye", 0), 60_000);
    for round in 0..300 {
        let seen = raw.data(1 + round, 5, 60_000, b"x");
        assert_eq!(resets(&seen), 0, "round {round}: {seen:?}");
        let later: Vec<_> = raw.wait(SECOND / 5).into_iter().map(|(_, seen)| seen).collect();
        assert_eq!(resets(&later), usize::from(round == 299), "round {round}: {later:?}");
    }
    assert_eq!(raw.pair.server.count(|e| matches!(e, Event::Ended { end: End::Aborted, .. })), 1);
}

/// A peer that closes within half a second after our FIN gets no RST, although its data was discarded.
#[test]
fn a_peer_that_closes_after_its_reply_is_not_reset() {
    let mut raw = Raw::open(SMALL, App::ask(b"bye", 0), 60_000);
    raw.data(1, 1, 60_000, b"more");
    raw.wait(SECOND / 10);
    raw.acknowledge(5, 5, 60_000);
    raw.wait(SECOND * 2 / 5);
    let mut seen = raw.send(&raw.fin(5, 5, 60_000));
    seen.extend(raw.wait(SECOND * 10).into_iter().map(|(_, seen)| seen));
    assert_eq!(resets(&seen), 0, "{seen:?}");
    assert_eq!(raw.pair.server.count(|e| matches!(e, Event::Ended { end: End::Closed, .. })), 1);
}

/// Returns the number of RSTs.
fn resets(seen: &[Seen]) -> usize {
    seen.iter().filter(|seen| seen.control == TcpControl::Rst).count()
}

#[test]
fn shutting_down_closes_properly() {
    let mut pair = Pair::new(SMALL);
    pair.server.listen(Listener::new(7, App::Echo));
    let id = pair.call(7, App::Echo);
    pair.run_for(Duration::from_secs(1));
    pair.server.stack.shut_down(pair.now, &mut pair.server.io);
    assert!(!pair.server.stack.is_quiet());
    pair.run_for(Duration::from_secs(1));
    assert!(pair.server.stack.is_quiet());
    assert_eq!(pair.client.stack.take(id).unwrap().1, End::Closed);
    // The server no longer listens.
    let late = pair.call(7, App::Echo);
    pair.run_for(Duration::from_secs(1));
    assert_eq!(pair.client.stack.take(late).unwrap().1, End::Refused);
}

/// A connection that has ended has no timer: its SYN is not retransmitted.
#[test]
fn a_refused_call_leaves_no_timer() {
    let mut pair = Pair::new(SMALL);
    let id = pair.call(7, App::Idle);
    assert_eq!(pair.run_until_idle(), None);
    assert_eq!(pair.client.stack.take(id).map(|(_, end)| end), Some(End::Refused));
}

/// After a call has timed out, its SYN is not retransmitted either.
#[test]
fn an_unanswered_call_leaves_no_timer() {
    let mut pair = Pair::new(SMALL);
    let refused = pair.call(7, App::Idle);
    pair.run_until_idle();
    pair.client.stack.take(refused).unwrap();
    let id = pair.call(7, App::Idle);
    let began = pair.now;
    while let Some(at) = pair.client.stack.poll(pair.now, &mut pair.client.io) {
        pair.to_server.borrow_mut().clear();
        pair.now = at.max(pair.now);
        assert!(pair.now - began <= Duration::from_secs(30), "there is still a timer");
    }
    assert_eq!(pair.client.stack.take(id).map(|(_, end)| end), Some(End::TimedOut));
}

/// All data is lost on the way to a live peer. Answers to keep-alive probes are not progress.
#[test]
fn data_that_never_arrives_ends_a_connection() {
    let mut pair = Pair::new(SMALL);
    pair.server.listen(Listener::new(7, App::Echo));
    let id = pair.call(7, App::ask(&[1; 300], 300));
    let began = pair.now;
    while let Some(at) = pair.run_until_idle_without_data() {
        assert!(at - began <= Duration::from_secs(310), "the connection does not end");
        pair.now = at;
    }
    assert_eq!(pair.client.stack.ended(id), Some(End::TimedOut));
    assert!(pair.now - began >= Duration::from_secs(300));
}

impl Pair {
    /// Runs both hosts until they are idle, but drops the client's data.
    fn run_until_idle_without_data(&mut self) -> Option<Instant> {
        loop {
            let a = self.client.stack.poll(self.now, &mut self.client.io);
            // A keep-alive probe carries one byte.
            self.to_server
                .borrow_mut()
                .retain(|frame| Summary::of(frame, Medium::Ethernet).segment().is_none_or(|segment| segment.len <= 1));
            let b = self.server.stack.poll(self.now, &mut self.server.io);
            let busy = !self.to_client.borrow().is_empty();
            if !busy && a.is_none_or(|a| a > self.now) && b.is_none_or(|b| b > self.now) {
                return [a, b].into_iter().flatten().min();
            }
        }
    }
}
