//! Tests of programs that read slowly: they receive all of the peer's data, however long it takes.

use smoltcp::time::{Duration, Instant};

use super::pair::*;
use crate::stack::*;

const SLOW: App = App::Slow { piece: 100, got: 0, next: Instant::ZERO };

/// Both sides have closed and acknowledged everything long before the program has read the final byte.
#[test]
fn unread_data_can_be_read_after_both_sides_have_closed() {
    let mut pair = Pair::new(SMALL);
    pair.server.listen(Listener::new(7, SLOW));
    let id = pair.call(7, App::ask(&[1; 500], 0));
    pair.run_for(Duration::from_secs(70));
    assert_eq!(pair.client.stack.take(id).map(|(_, end)| end), Some(End::Closed));
    let read = |event: &Event| if let Event::Read { bytes, .. } = event { *bytes } else { 0 };
    assert_eq!(pair.server.io.probe.0.iter().map(read).sum::<usize>(), 500);
    assert_eq!(pair.server.count(|e| matches!(e, Event::Ended { end: End::Closed, .. })), 1);
    assert!(pair.served().is_empty());
}

/// After each turn, the send queue is as long as before. The half-closed connection still makes progress.
#[test]
fn slow_but_steady_reading_is_progress() {
    const LEN: usize = 45_000;
    let mut pair = Pair::new(SMALL);
    pair.server.listen(Listener::new(7, App::ask(&[1; LEN], 0)));
    let id = pair.call(7, SLOW);
    pair.run_for(Duration::from_secs(600));
    let Some((App::Slow { got, .. }, end)) = pair.client.stack.take(id) else { panic!("the connection has not ended") };
    assert_eq!((got, end), (LEN, End::Closed));
}

/// A window probe carries a byte that does not fit the peer's closed window. When the window opens, the byte is sent
/// again.
#[test]
fn an_open_window_is_used_immediately() {
    let mut pair = Pair::new(SMALL);
    pair.server.listen(Listener::new(7, App::Slow { piece: 512, got: 0, next: Instant::ZERO }));
    let id = pair.call(7, App::ask(&[1; 10 * 512], 0));
    pair.run_for(Duration::from_secs(12));
    assert_eq!(pair.client.stack.take(id).map(|(_, end)| end), Some(End::Closed));
}
