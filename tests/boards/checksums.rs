//! The checksums that a board sends and verifies.
//!
//! A board drops frames with wrong checksums, and accepts UDP datagrams without a checksum.

use smoltcp::phy::Medium;

use crate::board::on_every_board;
use crate::common::hostile::frame::{
    ACK, CLIENT, CLIENT_MAC, Ends, ICMP, RST, SERVER, SERVER_MAC, SYN, TCP, UDP, fix_checksums, frame, ip, tcp, udp,
};
use crate::wire::{NETDEV, Wire};

// Offsets in an Ethernet frame with IPv4 and no options.

/// The offset of the IPv4 checksum.
const OF_IP: usize = 24;
/// The offset of the ICMP checksum.
const OF_ICMP: usize = 36;
/// The offset of the UDP checksum.
const OF_UDP: usize = 40;
/// The offset of the TCP checksum.
const OF_TCP: usize = 50;
/// The offset of the data of a UDP datagram.
const DATA_OF_UDP: usize = 42;

#[test]
fn wrong_checksums_are_dropped() {
    on_every_board("checksums::wrong_checksums_are_dropped", |image| {
        let wire = Wire::new();
        let _board = image.serve_on(NETDEV);
        wire.find(CLIENT_MAC, CLIENT);

        let ping = to_board(ICMP, &[&[8, 0, 0, 0, 0, 1, 0, 1][..], b"ping"].concat());
        let question = to_board(UDP, &udp((5000, 7), &[0x5a; 1471]));
        let syn = to_board(TCP, &tcp((5000, 9999), 1, 0, SYN, 1000, &[], b""));
        let mut wrong = vec![];
        for (good, places) in [
            (&ping, &[OF_IP, OF_ICMP, OF_ICMP + 1][..]),
            (&question, &[OF_IP, OF_UDP, OF_UDP + 1, DATA_OF_UDP, DATA_OF_UDP + 701, DATA_OF_UDP + 1470]),
            (&syn, &[OF_IP, OF_TCP, OF_TCP + 1]),
        ] {
            wrong.extend(places.iter().map(|place| {
                let mut frame = good.clone();
                frame[*place] ^= 4;
                frame
            }));
        }
        for frame in wrong {
            assert_eq!(answers(&wire, &frame), Vec::<Vec<u8>>::new(), "an answer to {frame:02x?}");
        }

        let mut without = question.clone();
        without[OF_UDP..OF_UDP + 2].fill(0);
        for datagram in [&question, &without] {
            let replies = answers(&wire, datagram);
            assert!(replies.len() == 1 && replies[0][DATA_OF_UDP..] == question[DATA_OF_UDP..], "{replies:02x?}");
        }
        let pongs = answers(&wire, &ping);
        assert!(pongs.len() == 1 && pongs[0][34] == 0 && pongs[0].ends_with(b"ping"), "{pongs:02x?}");
        let replies = answers(&wire, &syn);
        assert!(replies.first().is_some_and(|reply| reply[47] == SYN | ACK), "{replies:02x?}");
    });
}

#[test]
fn segments_with_wrong_checksums_are_dropped() {
    on_every_board("checksums::segments_with_wrong_checksums_are_dropped", |image| {
        let wire = Wire::new();
        let _board = image.serve_on(NETDEV);
        wire.find(CLIENT_MAC, CLIENT);

        let segment = |seq, ack, flags, data: &[u8]| to_board(TCP, &tcp((5001, 7), seq, ack, flags, 4000, &[], data));
        let replies = answers(&wire, &segment(100, 0, SYN, b""));
        let syn_ack = replies.first().expect("an answer to the SYN");
        let theirs = u32::from_be_bytes(syn_ack[38..42].try_into().unwrap()).wrapping_add(1);
        let mut more = answers(&wire, &segment(101, theirs, ACK, b""));
        // On a slow machine, the board might have retransmitted its SYN,ACK.
        more.retain(|answer| answer != syn_ack);
        assert_eq!(more, Vec::<Vec<u8>>::new());

        let mut changed = segment(101, theirs, ACK, b"data");
        *changed.last_mut().unwrap() ^= 1;
        assert_eq!(answers(&wire, &changed), Vec::<Vec<u8>>::new());
        let replies = answers(&wire, &segment(101, theirs, ACK, b"data"));
        assert!(replies.first().is_some_and(|echo| echo.ends_with(b"data")), "{replies:02x?}");
        wire.send(&segment(105, theirs.wrapping_add(4), RST, b""));
    });
}

/// Sends a frame, and returns the board's answers. Asserts that their checksums are correct.
fn answers(wire: &Wire, frame: &[u8]) -> Vec<Vec<u8>> {
    let mut answers = vec![];
    wire.send(frame);
    // The answers to two more datagrams arrive after all answers to the frame.
    for marker in [b"first", b"after"] {
        wire.send(&to_board(UDP, &udp((4999, 7), marker)));
        loop {
            let answer = wire.receive();
            // Short frames are padded to 60 bytes. The padding is not part of the packet.
            let len = 14 + usize::from(u16::from_be_bytes([answer[16], answer[17]]));
            let mut packet = answer[14..len].to_vec();
            fix_checksums(&mut packet);
            assert_eq!(packet, answer[14..len], "a wrong checksum of the board's");
            if packet.ends_with(marker) {
                break;
            }
            answers.push(answer[..len].to_vec());
        }
    }
    answers
}

/// Builds a frame to the board, with correct checksums.
fn to_board(protocol: u8, payload: &[u8]) -> Vec<u8> {
    let mut packet = ip(Ends::V4(CLIENT, SERVER), protocol, 0, payload);
    fix_checksums(&mut packet);
    frame(Medium::Ethernet, SERVER_MAC, CLIENT_MAC, packet)
}
