//! Tests that a board's control block hides forged segments from smoltcp, as well as acknowledgements that would stop
//! smoltcp's timer.

use smoltcp::phy::Medium;
use smoltcp::wire::TcpPacket;

use crate::board::on_every_board;
use crate::common::hostile::frame::{
    ACK, CLIENT, CLIENT_MAC, Ends, FIN, RST, SERVER, SERVER_MAC, SYN, TCP, fix_checksums, frame, ip, tcp,
};
use crate::wire::{NETDEV, Wire};

/// The scripted peer of a connection to greeting.
struct Peer<'w> {
    wire: &'w Wire,
    port: u16,
    /// SND.NXT and RCV.NXT.
    seq: u32,
    ack: u32,
}

impl<'w> Peer<'w> {
    /// Sends a segment. `ahead` is the distance of its sequence number from SND.NXT.
    fn send(&self, ahead: u32, ack: u32, flags: u8, data: &[u8]) {
        let segment = tcp((self.port, 9999), self.seq.wrapping_add(ahead), ack, flags, 1000, &[], data);
        let mut packet = ip(Ends::V4(CLIENT, SERVER), TCP, 0, &segment);
        fix_checksums(&mut packet);
        self.wire.send(&frame(Medium::Ethernet, SERVER_MAC, CLIENT_MAC, packet));
    }

    /// Returns the sequence number, the acknowledgement number, the flags and the length of the board's next segment.
    fn receive(&self) -> (u32, u32, u8, usize) {
        loop {
            let frame = self.wire.receive();
            if frame[12..14] != [8, 0] || frame[23] != TCP {
                continue;
            }
            let end = 14 + usize::from(u16::from_be_bytes([frame[16], frame[17]]));
            let tcp = TcpPacket::new_checked(&frame[34..end]).unwrap();
            let (seq, ack) = (tcp.seq_number().0 as u32, tcp.ack_number().0 as u32);
            return (seq, ack, frame[47] & (FIN | SYN | RST | ACK), tcp.payload().len());
        }
    }

    /// Opens a connection, and receives `Welcome!`.
    fn open(wire: &'w Wire, port: u16) -> Self {
        let mut peer = Peer { wire, port, seq: 1, ack: 0 };
        wire.find(CLIENT_MAC, CLIENT);
        peer.send(0, 0, SYN, b"");
        let (seq, _, flags, _) = peer.receive();
        assert_eq!(flags, SYN | ACK);
        (peer.seq, peer.ack) = (peer.seq + 1, seq.wrapping_add(1));
        peer.send(0, peer.ack, ACK, b"");
        let (.., len) = peer.receive();
        assert_eq!(len, b"Welcome!".len());
        peer.ack = peer.ack.wrapping_add(len as u32);
        peer.send(0, peer.ack, ACK, b"");
        peer
    }
}

#[test]
fn forged_segments_are_challenged() {
    on_every_board("acceptance::forged_segments_are_challenged", |image| {
        let wire = Wire::new();
        let _board = image.serve_on(NETDEV);
        // An RST in the window, a SYN, and an acknowledgement of data that was never sent. A connection sends only two
        // challenge ACKs a second.
        for (port, (ahead, beyond, flags)) in (5000..).zip([(10, 0, RST), (10, 0, SYN), (0, 1, ACK)]) {
            let peer = Peer::open(&wire, port);
            wire.settle();
            peer.send(ahead, peer.ack.wrapping_add(beyond), flags, b"");
            assert_eq!(peer.receive(), (peer.ack, peer.seq, ACK, 0));
            peer.send(0, peer.ack, ACK, b"Li");
            while peer.receive().3 != b"Hello,Li!".len() {}
        }
    });
}

/// Three equal acknowledgements stop smoltcp's timer if only the FIN is in flight. A peer such as picoTCP sends them.
#[test]
fn equal_acknowledgements_do_not_stop_the_timer_of_a_fin() {
    on_every_board("acceptance::equal_acknowledgements_do_not_stop_the_timer_of_a_fin", |image| {
        let wire = Wire::new();
        let _board = image.serve_on(NETDEV);
        let mut peer = Peer::open(&wire, 5000);
        peer.send(0, peer.ack, ACK, b"exit");
        peer.seq += 4;
        while peer.receive().2 & FIN == 0 {}
        for _ in 0..4 {
            peer.send(0, peer.ack, ACK, b"");
        }
        // Skips the segments that the board sent before it received these acknowledgements.
        wire.settle();
        let (seq, _, flags, _) = peer.receive();
        assert_eq!((seq, flags), (peer.ack, FIN | ACK));
    });
}
