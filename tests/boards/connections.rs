//! TCP connections to a board: long transfers, simultaneous connections, too many connections, and one connection after
//! another.

use std::io::Write;
use std::net::{Shutdown, TcpStream};
use std::sync::mpsc;
use std::thread;

use crate::board::{BOARD, CONNECTIONS, on_every_board, on_every_controller};
use crate::common::link::{PATIENCE, connect, expect, expect_last, noise, send};

#[test]
fn a_hundred_kilobytes_are_echoed() {
    on_every_board("connections::a_hundred_kilobytes_are_echoed", |image| {
        let _board = image.serve();
        echoes(100_000);
    });
}

#[test]
fn a_mebibyte_is_echoed() {
    on_every_controller("connections::a_mebibyte_is_echoed", |image| {
        let _board = image.serve();
        echoes(1 << 20);
    });
}

/// The log message of a board that has no free slot.
const DROPPED: &str = "dropped a connection attempt";

/// If all slots are taken, a board drops the SYN. The client retransmits the SYN until a slot is free.
#[test]
fn a_connection_without_a_free_slot_waits() {
    on_every_board("connections::a_connection_without_a_free_slot_waits", |image| {
        let board = image.serve();
        let mut streams: Vec<_> = (0..CONNECTIONS).map(|_| connect(BOARD, 7)).collect();
        let (served, ninth) = mpsc::channel();
        thread::spawn(move || served.send(connect(BOARD, 7)));
        board.wait_for(DROPPED, |out| out.contains(DROPPED));

        // Meanwhile the first eight connections are served, and the ninth is not.
        for (seed, stream) in streams.iter_mut().enumerate() {
            send(stream, noise(1000, seed as u64));
        }
        for (seed, stream) in streams.iter_mut().enumerate() {
            expect(stream, noise(1000, seed as u64));
        }
        assert!(ninth.try_recv().is_err(), "there are more connections than slots");

        close_and_expect_end(streams.pop().unwrap());
        let mut ninth = ninth.recv_timeout(PATIENCE).unwrap();
        send(&mut ninth, "ninth");
        expect(&mut ninth, "ninth");
        streams.into_iter().chain([ninth]).for_each(close_and_expect_end);
    });
}

/// The server of `thanks` closes first, so each of its connections stays in TIME-WAIT for 60 s.
#[test]
fn connections_in_time_wait_block_no_new_connection() {
    on_every_controller("connections::connections_in_time_wait_block_no_new_connection", |image| {
        let board = image.serve();
        for n in 0..200 {
            let mut stream = connect(BOARD, 8080);
            send(&mut stream, format!("client {n}"));
            expect_last(&mut stream, "thank you !");
            assert!(!board.out().contains(DROPPED), "{}", board.out());
        }
    });
}

/// Sends `len` bytes to the echo server and compares the echo.
pub fn echoes(len: usize) {
    let mut stream = connect(BOARD, 7);
    let bytes = noise(len, len as u64);
    let mut writer = stream.try_clone().unwrap();
    let sent = bytes.clone();
    let writing = thread::spawn(move || {
        writer.write_all(&sent).unwrap();
        writer.shutdown(Shutdown::Write).unwrap();
    });
    expect_last(&mut stream, bytes);
    writing.join().unwrap();
}

/// Closes this side, and asserts that the board closes its side without sending more data.
fn close_and_expect_end(mut stream: TcpStream) {
    stream.shutdown(Shutdown::Write).unwrap();
    expect_last(&mut stream, "");
}
