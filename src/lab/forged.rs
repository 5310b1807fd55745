//! Segments that no host has sent: single forged segments, and a SYN flood.

use smoltcp::phy::ChecksumCapabilities;
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{
    EthernetAddress, EthernetFrame, EthernetProtocol, EthernetRepr, IpAddress, IpEndpoint, IpProtocol, IpRepr,
    Ipv4Address, TcpControl, TcpPacket, TcpRepr, TcpSeqNumber,
};

use super::{Lab, Scheduled, address, address_byte, router};
use crate::stack::{Console, Session, UdpSession};

/// The time between two SYNs of a flood.
const GAP: Duration = Duration::from_millis(1);

/// The longest frame with a forged segment: its headers, and one option of four bytes.
const LONGEST: usize = 14 + 20 + 24;

/// A TCP segment without data that no host has sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[doc(hidden)]
pub struct Forged {
    /// The sender, as the segment says.
    pub source: IpEndpoint,
    /// The receiver.
    pub destination: IpEndpoint,
    /// The flag besides ACK.
    pub control: TcpControl,
    /// The sequence number. It is relative to the sender's initial sequence number, if the connection exists.
    pub seq: u32,
    /// The acknowledgement number, relative to the receiver's initial sequence number.
    pub ack: Option<u32>,
    /// The window field.
    pub window: u16,
}

impl Forged {
    /// Returns the `number`-th SYN of a flood of a port.
    fn syn(number: u32, destination: IpEndpoint) -> Self {
        // The addresses are reserved for documentation (RFC 5737 section 3).
        let host = Ipv4Address::new(198, 51, 100, (number % 250) as u8 + 1);
        let source = IpEndpoint::new(host.into(), 1024 + (number / 250 % 60_000) as u16);
        Forged { source, destination, control: TcpControl::Syn, seq: 0, ack: None, window: 65_535 }
    }

    /// Writes the frame with this segment, for a receiver on this wire. `isn` are the initial sequence numbers of the
    /// sender and of the receiver. Returns the frame's length.
    fn write(&self, out: &mut [u8; LONGEST], to: EthernetAddress, isn: [u32; 2]) -> usize {
        let number = |number: u32, isn: u32| TcpSeqNumber(number.wrapping_add(isn) as i32);
        let tcp = TcpRepr {
            src_port: self.source.port,
            dst_port: self.destination.port,
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
        let (source, destination) = (self.source.addr, self.destination.addr);
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
    /// Puts a forged segment on the wire. It arrives after the latency of the wire. A segment to no host is ignored.
    pub(super) fn forge(&mut self, forged: &Forged) {
        let Some(host) = (0..N).find(|&host| address(host) == forged.destination.addr) else { return };
        let is_v4 = |end: &IpEndpoint| matches!(end.addr, IpAddress::Ipv4(_));
        if !is_v4(&forged.source) {
            return;
        }
        let ends = [forged.source, forged.destination];
        let isn = self.isn_of(ends).map(|isn| isn.map_or(0, |isn| isn.0 as u32));
        let mut frame = [0; LONGEST];
        let len = forged.write(&mut frame, EthernetAddress([2, 0, 0, 0, 0, address_byte(host)]), isn);
        self.wire.inject(self.now, host, &frame[..len]);
        self.note_wire();
    }

    /// Puts the next SYN of a flood on the wire, and schedules the one after it.
    pub(super) fn flood(&mut self, at: Instant, number: u32, left: u32, port: u16) {
        self.forge(&Forged::syn(number, IpEndpoint::new(address(1), port)));
        if left > 1 {
            // There is room, because this event has just been removed.
            let next = Scheduled::Flood { number: number + 1, left: left - 1, port };
            let _ = self.agenda.push((at + GAP, next));
        }
    }
}
