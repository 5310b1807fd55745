//! Datagrams of every kind of length, to a board and back.

use crate::board::{BOARD, on_every_board};
use crate::common::link::{KERNEL, ask, at, noise, udp};

#[test]
fn datagrams_of_all_lengths_are_echoed() {
    on_every_board("datagrams::datagrams_of_all_lengths_are_echoed", |image| {
        let _board = image.serve();
        let echo = udp(at(KERNEL[0], 0), at(BOARD, 7));
        // All around what the controllers pad (a frame of 60 bytes carries 18) and around the longest; some between.
        for len in (0..=66).chain((67..1400).step_by(61)).chain(1465..=1472) {
            let datagram = noise(len, len as u64);
            ask(&echo, &datagram, &datagram);
        }
    });
}
