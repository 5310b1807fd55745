//! Tests of accepting connections: many at the same time, in order of arrival, and with a full backlog.

use smoltcp::socket::tcp::State;
use smoltcp::time::Duration;

use super::pair::*;
use crate::host::Sizes;
use crate::stack::*;

#[test]
fn an_echo_comes_back_and_both_ends_close() {
    let mut pair = Pair::new(SMALL);
    pair.server.listen(Listener::new(7, App::Echo));
    let id = pair.call(7, App::ask(b"hello", 5));
    pair.run_for(Duration::from_secs(1));
    let (app, end) = pair.client.stack.take(id).unwrap();
    assert_eq!((app.got(), end), (&b"hello"[..], End::Closed));
    assert!(matches!(app, App::Ask { end: Some(End::Closed), .. }));
    pair.run_for(Duration::from_secs(70));
    assert!(pair.served().is_empty() && pair.client.stack.connections_in_use().next().is_none());
}

#[test]
fn more_data_than_the_buffers_store_is_echoed() {
    let mut pair = Pair::new(SMALL);
    pair.server.listen(Listener::new(7, App::Echo));
    let data: Vec<u8> = (0..100_000u32).map(|i| (i * 7 % 251) as u8).collect();
    let id = pair.call(7, App::ask(&data, data.len()));
    pair.run_for(Duration::from_secs(60));
    let (app, end) = pair.client.stack.take(id).unwrap();
    assert_eq!(end, End::Closed);
    assert!(app.got() == data);
}

#[test]
fn a_port_without_a_listener_refuses() {
    let mut pair = Pair::new(SMALL);
    // smoltcp drops the reply to the first SYN, because the client's hardware address is unknown. smoltcp answers the
    // second SYN with RST.
    let id = pair.call(99, App::Idle);
    pair.run_for(Duration::from_secs(5));
    assert_eq!(pair.client.stack.take(id).unwrap().1, End::Refused);
}

#[test]
fn connections_in_the_backlog_are_served_in_order_with_their_data() {
    let mut pair = Pair::new(SMALL);
    pair.server.listen(Listener { serve_at_once: 1, backlog: 2, ..Listener::new(7, App::Echo) });
    let first = pair.call(7, App::ask(b"1", 2));
    pair.run_until_idle();
    let second = pair.call(7, App::ask(b"second", 6));
    pair.run_until_idle();
    let third = pair.call(7, App::ask(b"third", 5));
    pair.run_for(Duration::from_secs(1));
    assert_eq!(pair.state(second), Some(State::Established));
    let phases = |pair: &Pair| pair.served().iter().map(|c| c.phase).collect::<Vec<_>>();
    assert_eq!(phases(&pair), [Phase::Serving, Phase::Backlog, Phase::Backlog]);
    // The backlog is full, so the fourth connection gets no answer. Its client keeps trying.
    let fourth = pair.call(7, App::ask(b"4", 1));
    pair.run_for(Duration::from_millis(2500));
    assert_eq!(pair.state(fourth), Some(State::SynSent));
    assert_eq!(pair.server.count(|e| *e == Event::Dropped(DropReason::BacklogFull)), 2);
    // The first connection is aborted. The second and third are served in order, and the fourth is accepted.
    pair.client.stack.connections.abort(pair.now, first.slot(), End::Aborted);
    pair.run_for(Duration::from_secs(10));
    for (id, text) in [(second, &b"second"[..]), (third, b"third"), (fourth, b"4")] {
        assert_eq!(pair.client.stack.take(id).unwrap().0.got(), text);
    }
    let order =
        |select: fn(&Event) -> Option<usize>| pair.server.io.probe.0.iter().filter_map(select).collect::<Vec<_>>();
    let read = |e: &Event| if let Event::Read { bytes, .. } = e { Some(*bytes) } else { None };
    let wrote = |e: &Event| if let Event::Wrote { bytes, .. } = e { Some(*bytes) } else { None };
    // Each client gets back the bytes that it sent.
    assert_eq!((order(read), order(wrote)), (vec![1, 6, 5, 1], vec![1, 6, 5, 1]));
}

#[test]
fn a_full_backlog_refuses_if_configured_to() {
    let mut pair = Pair::with(SMALL, |config| config.tcp.overflow = Overflow::Reset);
    pair.server.listen(Listener { serve_at_once: 1, backlog: 0, ..Listener::new(7, App::Idle) });
    pair.call(7, App::Idle);
    pair.run_for(Duration::from_secs(1));
    let second = pair.call(7, App::Idle);
    pair.run_for(Duration::from_secs(1));
    assert_eq!(pair.client.stack.take(second).unwrap().1, End::Refused);
    assert_eq!(pair.server.count(|e| matches!(e, Event::Refused { why: DropReason::BacklogFull, .. })), 1);
}

/// A repeated SYN does not occupy a second slot while its connection is in SYN-RECEIVED.
#[test]
fn a_retransmitted_syn_opens_no_second_connection() {
    let mut pair = Pair::new(SMALL);
    pair.server.listen(Listener::new(7, App::Echo));
    let id = pair.call(7, App::ask(b"x", 1));
    // For 2.5 s, everything that the server sends is lost, except ARP.
    for _ in 0..25 {
        pair.client.stack.poll(pair.now, &mut pair.client.io);
        pair.server.stack.poll(pair.now, &mut pair.server.io);
        pair.to_client.borrow_mut().retain(|frame| frame[12..14] == [8, 6]);
        pair.now += Duration::from_millis(100);
    }
    assert_eq!(pair.served().len(), 1);
    assert_eq!(pair.served()[0].state, State::SynReceived);
    pair.run_for(Duration::from_secs(10));
    assert_eq!(pair.client.stack.take(id).unwrap().0.got(), b"x");
    assert_eq!(pair.server.count(|e| matches!(e, Event::Accepted { .. })), 1);
}

/// Connections in SYN-RECEIVED do not use up the backlog. The backlog's length is checked when a handshake finishes.
#[test]
fn connections_in_syn_received_do_not_use_up_the_backlog() {
    let mut pair = Pair::new(Sizes { connections: 16, ..SMALL });
    pair.server.listen(Listener { serve_at_once: 1, backlog: 1, ..Listener::new(7, App::Echo) });
    pair.meet(SERVER);
    for _ in 0..5 {
        pair.call(7, App::Idle);
        pair.client.stack.poll(pair.now, &mut pair.client.io);
        pair.server.stack.poll(pair.now, &mut pair.server.io);
        pair.to_client.borrow_mut().clear();
    }
    let honest = pair.call(7, App::ask(b"hello", 5));
    pair.run_until_idle();
    assert_eq!(pair.client.stack.take(honest).unwrap().0.got(), b"hello");
    // A second later, the five lost SYN,ACKs are sent again. One connection is served, one waits in the backlog, and
    // three find the backlog full.
    pair.run_for(Duration::from_secs(5));
    let established = pair.served().iter().filter(|c| c.state == State::Established).count();
    assert_eq!(established, 2);
    assert!(pair.server.count(|e| *e == Event::Dropped(DropReason::BacklogFull)) >= 3);
}

#[test]
fn the_connection_of_a_frame_is_found() {
    let mut pair = Pair::new(SMALL);
    pair.server.listen(Listener::new(7, App::Idle));
    for _ in 0..2 {
        pair.call(7, App::Idle);
    }
    pair.run_for(Duration::from_secs(1));
    let frame = |tuple: &Tuple, flags: u8| {
        let ports = [tuple.remote.port.to_be_bytes(), tuple.local.port.to_be_bytes()].concat();
        let ends = [&[10, 0, 0, 2, 10, 0, 0, 1][..], &ports].concat();
        let head = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6, 0, 0];
        [&head[..], &ends, &[0; 8], &[0x50, flags, 8, 0, 0, 0, 0, 0]].concat()
    };
    let (served, server) = (pair.served(), &pair.server.stack);
    assert_eq!(served.len(), 2);
    for connection in &served {
        assert_eq!(server.connection_of(&frame(&connection.tuple, 0x10)), Some(connection.id));
    }
    let mut other = served[0].tuple;
    other.remote.port = 1;
    assert_eq!(server.connection_of(&frame(&other, 0x02)), None, "a SYN that opens a new connection");
    assert_eq!(server.connection_of(&frame(&served[0].tuple, 0x10)[..40]), None, "half a frame");
}
