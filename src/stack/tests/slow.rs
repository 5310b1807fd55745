//! Tests of programs that read slowly: they receive all of the peer's data, however long it takes.

use smoltcp::time::{Duration, Instant};

use super::pair::*;
use super::raw::*;
use crate::host::Sizes;
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
    assert_eq!(pair.server.has(|e| matches!(e, Event::Ended { end: End::Closed, .. })), 1);
    assert!(pair.served().is_empty());
}

/// After each turn, the send queue is as long as before. The half-closed connection counts as making progress.
#[test]
fn slow_but_steady_reading_counts_as_progress() {
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

/// A peer that sends segments of at most 1,000 bytes to a program that reads `piece` bytes a second.
struct Sender {
    raw: Raw,
    /// The next sequence number to send, and the right edge of the window.
    next: usize,
    edge: usize,
    /// How far each announcement has moved the edge.
    moves: Vec<usize>,
}

impl Sender {
    fn new(receive: usize, piece: usize) -> Sender {
        let mut raw = Raw::new(Sizes { receive, ..SMALL }, App::Slow { piece, got: 0, next: Instant::ZERO });
        let syn = raw.syn();
        let edge = 1 + usize::from(raw.send(&syn)[0].window);
        // The second number acknowledges FIN, which the program sends at once.
        raw.acknowledge(1, 1, 60_000);
        raw.acknowledge(1, 2, 60_000);
        Sender { raw, next: 1, edge, moves: Vec::new() }
    }

    /// Sends `len` bytes and waits for a second. Returns the number of bytes that may be sent then.
    fn send(&mut self, len: usize) -> usize {
        let mut seen = Vec::new();
        for part in [7; 300_000][..len].chunks(1_000) {
            seen.extend(self.raw.data(self.next, 2, 60_000, part));
            self.next += part.len();
        }
        seen.extend(self.raw.wait(SECOND).into_iter().map(|(_, seen)| seen));
        let mut latest = None;
        for seen in seen {
            let edge = seen.ack.unwrap() + (usize::from(seen.window) << self.raw.scale);
            let news = (seen.ack, edge);
            assert!(latest.replace(news) != Some(news), "said twice: {seen:?}");
            if edge != self.edge {
                self.moves.push(edge.checked_sub(self.edge).expect("the edge never moves left"));
                self.edge = edge;
            }
        }
        self.edge - self.next
    }
}

/// The window opens by at least a segment or half of the buffer (RFC 9293 section 3.8.6.2.2), also for a peer that fills
/// each window, however small.
#[test]
fn a_window_never_opens_by_a_few_bytes() {
    for (receive, piece, step) in [(512, 100, 256), (1_999, 30, 999), (4_096, 300, 1_000), (16_000, 500, 1_000)] {
        let mut sender = Sender::new(receive, piece);
        let mut room = sender.edge - sender.next;
        for _ in 0..200 {
            room = sender.send(room);
        }
        assert!(sender.moves.iter().all(|&by| by >= step), "{receive}: {:?}", sender.moves);
        let least = 200 * piece - 2 * receive;
        assert!(sender.next >= least, "{receive}: {} of {least} bytes", sender.next);
    }
}

/// A scaled window is rounded up to its unit, so its edge also moves by less than a unit.
#[test]
fn a_scaled_window_opens_by_less_than_a_unit_or_by_a_segment() {
    let mut sender = Sender::new(300_000, 512);
    let mut room = sender.edge - sender.next;
    for _ in 0..300 {
        room = sender.send(room);
    }
    let unit = 1 << sender.raw.scale;
    assert!(sender.moves.iter().all(|&by| by < unit || by >= 1_000), "{:?}", sender.moves);
    assert!(sender.next > 300_000 + 100_000, "{}", sender.next);
}

/// A peer that waits for a window of a whole segment or half of the largest one (MUST-38) is never left waiting while
/// the receive buffer is empty.
#[test]
fn a_peer_that_waits_for_a_segments_room_gets_it() {
    for receive in [600, 1_999, 2_000, 2_500] {
        for piece in [137, 499, 500, 990, 999, 1_001, 1_999] {
            let mut sender = Sender::new(receive, piece);
            let step = (receive / 2).min(1_000);
            for round in 0..30 {
                let room = sender.edge - sender.next;
                if room >= step {
                    // An odd length leaves an odd window.
                    sender.send(room.min(1_000).min(step + round));
                } else {
                    sender.send(0);
                }
            }
            let least = 30 * piece.min(step) / 2;
            assert!(sender.next > least, "{receive}, {piece}: {} of {least} bytes", sender.next);
        }
    }
}
