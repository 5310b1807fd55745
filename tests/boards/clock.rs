//! The board's clock keeps deadlines. The test uses QEMU's virtual clock, which jumps to the next timer while the board
//! sleeps.

use std::time::Duration;

use smoltcp::phy::Medium;

use crate::board::on_every_board;
use crate::common::Scratch;
use crate::common::hostile::frame::{
    CLIENT, CLIENT_MAC, Ends, SERVER, SERVER_MAC, SYN, TCP, fix_checksums, frame, ip, tcp,
};
use crate::wire::{NETDEV, Wire};

/// The time that the board is allowed to spend on its own work.
const TOLERANCE: Duration = Duration::from_millis(1);

/// QEMU options for a virtual clock.
///
/// Each instruction advances the clock by a nanosecond, and a sleep takes no real time.
const VIRTUAL: [&str; 3] = ["--", "-icount", "shift=0,sleep=off"];

#[test]
fn unanswered_arp_requests_repeat_at_whole_seconds() {
    on_every_board("clock::unanswered_arp_requests_repeat_at_whole_seconds", |image| {
        let capture = Scratch::new("clock.pcap");
        let wire = Wire::new();
        let arguments = ["--netdev", NETDEV, "--pcap", capture.path()];
        let board = image.boot(&[&arguments[..], &VIRTUAL].concat());
        // The first frame shows that the board has started.
        wire.receive();
        let mut packet = ip(Ends::V4(CLIENT, SERVER), TCP, 0, &tcp((5000, 7), 1, 0, SYN, 1000, &[], b""));
        fix_checksums(&mut packet);
        wire.send(&frame(Medium::Ethernet, SERVER_MAC, CLIENT_MAC, packet));
        for _ in 0..5 {
            while !asks(&wire.receive()) {}
        }
        drop(board);

        let frames = captured(&std::fs::read(&capture).unwrap());
        let asked: Vec<_> = frames.iter().filter(|(_, frame)| asks(frame)).map(|(at, _)| *at).collect();
        let apart: Vec<_> = asked.windows(2).map(|pair| pair[1] - pair[0]).collect();
        // Two timers take turns in causing the requests. Both run for whole seconds.
        let on_time = |apart: &Duration| (*apart + TOLERANCE).subsec_nanos() <= 2 * TOLERANCE.subsec_nanos();
        assert!(apart.len() >= 4 && apart.iter().all(on_time), "{apart:?}");
    });
}

/// Returns whether a frame is an ARP request for the client's hardware address.
fn asks(frame: &[u8]) -> bool {
    frame[12..14] == [8, 6] && frame[20..22] == [0, 1] && frame[38..42] == CLIENT
}

/// Reads the frames of a pcap file that QEMU wrote, with their times.
fn captured(mut file: &[u8]) -> Vec<(Duration, Vec<u8>)> {
    let mut take = |len: usize| file.split_off(..len);
    take(24).expect("a capture has a header");
    let mut frames = vec![];
    while let Some(record) = take(16) {
        let word = |at: usize| u32::from_le_bytes(record[at..at + 4].try_into().unwrap());
        let at = Duration::from_secs(word(0).into()) + Duration::from_micros(word(4).into());
        let Some(frame) = take(word(8) as usize) else { break };
        frames.push((at, frame.to_vec()));
    }
    frames
}
