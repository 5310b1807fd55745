//! Segments that no host has sent: single forged segments, and a SYN flood.

use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{
    EthernetAddress, EthernetFrame, EthernetProtocol, EthernetRepr, IpEndpoint, IpProtocol, IpRepr, Ipv4Address,
    TcpControl, TcpPacket, TcpRepr, TcpSeqNumber,
};

use super::{Lab, address, address_byte, router};
use crate::stack::{Console, Session, UdpSession};

/// The longest frame with a forged segment: its headers, and one option of four bytes.
const LONGEST: usize = 14 + 20 + 24;

/// A TCP segment without data that claims to be from a host, which has not sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[doc(hidden)]
pub struct Forged {
    /// The host that the segment claims to be from.
    pub sender: usize,
    /// The flag besides ACK.
    pub control: TcpControl,
    /// The sequence number, relative to the sender's initial sequence number.
    pub seq: u32,
    /// The acknowledgement number, relative to the receiver's initial sequence number.
    pub ack: Option<u32>,
    /// The window field.
    pub window: u16,
}

impl Forged {
    /// Writes the frame with this segment between two ends, for a receiver on this wire. `isn` are the initial sequence
    /// numbers of the sender and of the receiver. Returns the frame's length.
    fn write(&self, out: &mut [u8; LONGEST], ends: [IpEndpoint; 2], to: EthernetAddress, isn: [u32; 2]) -> usize {
        let number = |number: u32, isn: u32| TcpSeqNumber(number.wrapping_add(isn) as i32);
        let tcp = TcpRepr {
            src_port: ends[0].port,
            dst_port: ends[1].port,
            control: self.control,
            seq_number: number(self.seq, isn[0]),
            ack_number: self.ack.map(|ack| number(ack, isn[1])),
            window_len: self.window,
            window_scale: None,
            max_seg_size: (self.control == TcpControl::Syn).then_some(1460),
            sack_permitted: false,
            sack_ranges: [None; 3],
            timestamp: None,
            payload: &[],
        };
        let [source, destination] = ends.map(|end| end.addr);
        let ip = IpRepr::new(source, destination, IpProtocol::Tcp, tcp.buffer_len(), 64);
        let len = 14 + ip.header_len() + tcp.buffer_len();
        let mut ethernet = EthernetFrame::new_unchecked(&mut out[..len]);
        let header = EthernetRepr { src_addr: router::HARDWARE, dst_addr: to, ethertype: EthernetProtocol::Ipv4 };
        header.emit(&mut ethernet);
        let (packet, checksums) = (ethernet.payload_mut(), ChecksumCapabilities::default());
        ip.emit(&mut *packet, &checksums);
        let mut segment = TcpPacket::new_unchecked(&mut packet[ip.header_len()..]);
        tcp.emit(&mut segment, &source, &destination, &checksums);
        len
    }
}

impl<
    S: Session + Clone,
    U: UdpSession,
    C: Console,
    const N: usize,
    const R: usize,
    const FRAMES: usize,
    const KEPT: usize,
    const FLOWS: usize,
> Lab<'_, S, U, C, N, R, FRAMES, KEPT, FLOWS>
{
    /// Puts a forged segment of the most recent connection on the wire. Without a connection, there is nothing to forge.
    pub(super) fn forge(&mut self, forged: &Forged) {
        if let Some([a, b]) = self.latest {
            let ends = if a.addr == address(forged.sender) { [a, b] } else { [b, a] };
            self.put_segment(ends, forged);
        }
    }

    /// Puts a frame on the wire that no host has sent. It arrives at host `to`. Returns false if there is no room.
    #[cfg(feature = "cli")]
    pub(crate) fn put(&mut self, to: usize, frame: &[u8]) -> bool {
        let has_room = self.wire.in_flight().count() < FRAMES;
        if has_room {
            self.wire.put(self.now, to, frame);
            self.note_wire();
        }
        has_room
    }

    /// Puts a SYN of a flood on the wire. `number` is the number of earlier SYNs.
    pub(super) fn forge_syn(&mut self, number: u32, port: u16) {
        // The addresses are reserved for documentation (RFC 5737 section 3).
        let host = Ipv4Address::new(198, 51, 100, (number % 250) as u8 + 1);
        let source = IpEndpoint::new(host.into(), 1024 + (number % 60_000) as u16);
        let syn = Forged { sender: 0, control: TcpControl::Syn, seq: 0, ack: None, window: 65_535 };
        self.put_segment([source, IpEndpoint::new(address(1), port)], &syn);
    }

    /// Puts a segment between two ends on the wire. It arrives after the latency of the wire.
    fn put_segment(&mut self, ends: [IpEndpoint; 2], forged: &Forged) {
        let Some(host) = (0..N).find(|&host| address(host) == ends[1].addr) else { return };
        // The numbers of a new connection are absolute.
        let isn = self.isn_of(ends).map(|isn| isn.map_or(0, |isn| isn.0 as u32));
        let mut frame = [0; LONGEST];
        let len = forged.write(&mut frame, ends, EthernetAddress([2, 0, 0, 0, 0, address_byte(host)]), isn);
        self.wire.put(self.now, host, &frame[..len]);
        self.note_wire();
    }
}
