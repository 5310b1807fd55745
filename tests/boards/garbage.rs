//! Sends 20,000 random and mutated frames to a board, and checks that the board still works.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use smoltcp::phy::Medium;

use crate::board::{BOARD, on_every_controller};
use crate::common::hostile::random::{Random, seed};
use crate::common::hostile::{craft, mutate};
use crate::common::link::{KERNEL, at, connect, expect, expect_last, send, udp};
use crate::common::peer::Peer;
use crate::connections::echoes;
use crate::wire::{NETDEV, Way, Wire};

const FRAMES: usize = 20_000;

/// The maximum number of bytes that the test sends without a pause. The controller of the mps2-an385 has a buffer of
/// 10,560 bytes.
const BURST: usize = 8_000;

#[test]
fn a_board_survives_garbage() {
    on_every_controller("garbage::a_board_survives_garbage", |image| {
        let wire = Wire::new();
        let board = image.serve_on(NETDEV);
        let recorded = Arc::new(Mutex::new(vec![]));
        let record = recorded.clone();
        let relay = wire.relay(move |way, frame| {
            if way == Way::ToBoard {
                record.lock().unwrap().push(frame.clone());
            }
            Some(frame)
        });
        serves_clients();
        drop(relay);
        let starts = |board: &Peer| board.out().matches("listening ").count();
        let before = starts(&board);

        let wire = Wire::new();
        let mut random = Random(seed(0x6a_7b));
        let recorded = recorded.lock().unwrap();
        let mut burst = 0;
        for _ in 0..FRAMES {
            let old = recorded[random.below(recorded.len())].clone();
            let frame = match random.below(8) {
                0..=2 => craft::hostile(&mut random, Medium::Ethernet),
                3 => old,
                4 => mutate::combination(&mut random, Medium::Ethernet, old),
                _ => mutate::mutate(&mut random, Medium::Ethernet, &old),
            };
            burst += frame.len();
            if burst > BURST {
                wire.settle();
                burst = frame.len();
            }
            wire.send(&frame);
        }
        wire.settle();

        let _relay = wire.relay(|_, frame| Some(frame));
        serves_clients();
        // The board has not restarted.
        assert_eq!(starts(&board), before, "{}", board.out());
    });
}

/// Asserts that the board serves greeting over TCP and UDP, and echo.
fn serves_clients() {
    let mut greeting = connect(BOARD, 9999);
    expect(&mut greeting, "Welcome!");
    send(&mut greeting, "Li");
    expect(&mut greeting, "Hello,Li!");
    send(&mut greeting, "exit");
    expect_last(&mut greeting, "");
    is_greeted_by_datagram();
    echoes(10_000);
}

/// Asserts that the board answers a datagram to its greeting server. One of the random datagrams might seem to come
/// from a host that does not exist. The reply to that host can block the port for a second, so the client retries.
fn is_greeted_by_datagram() {
    let socket = udp(at(KERNEL[0], 0), at(BOARD, 9999));
    socket.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
    let mut reply = [0; 64];
    let len = (0..60).find_map(|_| {
        socket.send(b"Li").unwrap();
        socket.recv(&mut reply).ok()
    });
    assert_eq!(len.map(|len| &reply[..len]), Some(&b"hello Li!"[..]));
}
