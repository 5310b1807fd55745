//! Tests that work is bounded and shared fairly. On a device without room, no connection spins or starves.

use smoltcp::time::Duration;

use super::pair::*;
use crate::host::Sizes;
use crate::stack::*;

#[test]
fn a_poll_is_bounded() {
    let mut pair = Pair::new(SMALL);
    pair.to_server.borrow_mut().extend((0..2 * POLL_BUDGET).map(|_| vec![0xff; 60]));
    assert_eq!(pair.server.stack.poll(pair.now, &mut pair.server.io), Some(pair.now));
    assert_eq!(pair.to_server.borrow().len(), POLL_BUDGET);
}

/// Two connections send endless data over a device with room for one frame. Both progress at the same pace.
#[test]
fn saturated_connections_share_the_device() {
    let mut pair = Pair::new(Sizes { receive: 8192, send: 8192, ..SMALL });
    pair.server.listen(Listener::new(7, App::Echo));
    let data = vec![b'x'; 200_000];
    let ids = [pair.call(7, App::ask(&data, usize::MAX)), pair.call(7, App::ask(&data, usize::MAX))];
    pair.server.io.device.room = 1;
    pair.client.io.device.room = 1;
    let got = |pair: &Pair, id| pair.client.stack.session(id).map_or(0, |app| app.got().len());
    for _ in 0..3000 {
        pair.client.stack.poll(pair.now, &mut pair.client.io);
        pair.server.stack.poll(pair.now, &mut pair.server.io);
        pair.now += Duration::from_millis(1);
    }
    let (a, b) = (got(&pair, ids[0]), got(&pair, ids[1]));
    assert!(a > 20_000 && b > 20_000, "{a} and {b}");
    assert!(a.abs_diff(b) < a.max(b) / 4, "{a} and {b}");
}

/// If the device has no room, the stack returns a later deadline and does not request an immediate poll.
#[test]
fn the_stack_does_not_spin_on_a_full_device() {
    let mut pair = Pair::new(SMALL);
    pair.server.listen(Listener::new(7, App::Echo));
    let id = pair.call(7, App::ask(b"hello", 5));
    pair.run_until_idle();
    pair.server.io.device.room = 0;
    for _ in 0..5 {
        pair.client.stack.poll(pair.now, &mut pair.client.io);
        let due = pair.server.stack.poll(pair.now, &mut pair.server.io);
        assert!(due.is_none_or(|due| due > pair.now));
        pair.now += Duration::from_millis(10);
    }
    pair.server.io.device.room = 64;
    pair.run_for(Duration::from_secs(5));
    assert_eq!(pair.client.stack.take(id).unwrap().0.got(), b"hello");
}

/// If nothing can be sent, for example because a cable is pulled, each connection still ends on time.
#[test]
fn connections_end_although_the_device_has_no_room() {
    let mut pair = Pair::new(SMALL);
    pair.server.listen(Listener::new(7, App::Idle));
    let ids = [(3000, Next::Abort), (3500, Next::Abort), (3800, Next::Close)].map(|(millis, then)| {
        let patience = Duration::from_millis(millis);
        pair.call(7, App::Impatient { patience, then, until: None })
    });
    // The stack tries for a second to send an RST. For a FIN, it tries for a minute and then sends an RST.
    assert_eq!(ends_without_room(&mut pair, ids, 1), [Some(4000), Some(4500), Some(64_800)]);
}

/// Like the test above, but all connections end at the same time. In some cases, a busy connection without a deadline
/// comes first in the queue.
#[test]
fn connections_with_equal_deadlines_end_although_the_device_has_no_room() {
    for then in [Next::Close, Next::Abort] {
        for busy in [false, true] {
            let mut pair = Pair::new(SMALL);
            pair.server.listen(Listener::new(7, App::Idle));
            if busy {
                pair.call(7, App::ask(&[b'x'; 100_000], usize::MAX));
            }
            let patience = Duration::from_millis(3000);
            let ids = [(); 3].map(|()| pair.call(7, App::Impatient { patience, then, until: None }));
            let all = if then == Next::Close { 64_000 } else { 4000 };
            for end in ends_without_room(&mut pair, ids, 3) {
                // Each retry delays the end by 10 ms.
                assert!(end.is_some_and(|end| (all..=all + 100).contains(&end)), "{then:?} {busy} {end:?}");
            }
        }
    }
}

/// Returns the time at which each connection ends, in milliseconds after the device runs out of room.
///
/// Fails if the stack requests `immediate_polls` polls in a row at the same instant.
fn ends_without_room(pair: &mut Pair, ids: [ConnectionId; 3], immediate_polls: usize) -> [Option<u64>; 3] {
    pair.run_until_idle();
    let start = pair.now;
    pair.client.io.device.room = 0;
    let (mut ended, mut polls) = ([None; 3], 0);
    for _ in 0..100_000 {
        let due = pair.client.stack.poll(pair.now, &mut pair.client.io);
        for (ended, id) in ended.iter_mut().zip(ids) {
            *ended = ended.or_else(|| pair.client.stack.ended(id).map(|_| (pair.now - start).total_millis()));
        }
        let Some(due) = due else { break };
        polls = if due > pair.now { 0 } else { polls + 1 };
        assert!(polls < immediate_polls);
        pair.now = due;
    }
    ended
}

#[test]
fn each_connection_has_its_own_deadline() {
    let mut pair = Pair::new(SMALL);
    pair.server.listen(Listener::new(7, App::Idle));
    for secs in [3, 5, 4, 2] {
        pair.call(7, App::Impatient { patience: Duration::from_secs(secs), then: Next::Abort, until: None });
    }
    pair.run_until_idle();
    let due = pair.client.stack.connections_in_use().map(|c| c.due.map(|due| (due - pair.now).secs()));
    assert_eq!(due.collect::<Vec<_>>(), [3, 5, 4, 2].map(Some));
}

#[test]
fn a_connection_that_loses_its_slot_leaves_the_others_in_the_queue() {
    let mut pair = Pair::new(SMALL);
    pair.server.listen(Listener::new(7, App::Echo));
    let ids = [(); 3].map(|()| pair.call(7, App::ask(b"hello", 5)));
    let connections = &mut pair.client.stack.connections;
    // The first connection runs and loses its slot while the device is full.
    connections.enter(ids[0].slot(), Phase::Free, None);
    connections.move_to_back(ids[0].slot());
    pair.run_for(Duration::from_secs(1));
    for id in &ids[1..] {
        assert_eq!(pair.client.stack.ended(*id), Some(End::Closed));
    }
}
