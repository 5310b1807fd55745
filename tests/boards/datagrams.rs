//! A board echoes datagrams of many lengths.

use crate::board::{BOARD, on_every_board};
use crate::common::link::{KERNEL, ask, at, noise, udp};

#[test]
fn datagrams_of_all_lengths_are_echoed() {
    on_every_board("datagrams::datagrams_of_all_lengths_are_echoed", |image| {
        let _board = image.serve();
        let echo = udp(at(KERNEL[0], 0), at(BOARD, 7));
        // All lengths around the limit of padding (18 bytes in a frame of 60), all around the maximum, and some
        // between.
        for len in (0..=66).chain((67..1400).step_by(61)).chain(1465..=1472) {
            let datagram = noise(len, len as u64);
            ask(&echo, &datagram, &datagram);
        }
    });
}
