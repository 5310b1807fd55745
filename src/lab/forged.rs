//! Segments that no host has sent: single forged segments, and a SYN flood.

use alloc::vec;

use smoltcp::wire::{IpAddress, IpEndpoint, Ipv4Address};

use super::packetdrill::Ends;
use super::packetdrill::segment::{Choice, Flags, SegmentText};
use super::{Lab, address, hardware, router};
use crate::stack::{Console, Session, UdpSession};

/// A TCP segment without data that claims to be from a host, which has not sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[doc(hidden)]
pub struct Forged {
    /// The host that the segment claims to be from.
    pub sender: usize,
    /// The flags. Those of a SYN come with the option MSS.
    pub flags: Flags,
    /// The sequence number, relative to the sender's initial sequence number.
    pub seq: u32,
    /// The acknowledgement number, relative to the receiver's initial sequence number.
    pub ack: Option<u32>,
    /// The window field.
    pub window: u16,
}

impl Forged {
    fn segment(&self) -> SegmentText {
        let Forged { flags, seq, ack, window, .. } = *self;
        let options = if flags.has(Flags::SYN) { vec![Choice::Mss(1460)] } else { vec![] };
        SegmentText { flags, seq, len: 0, ack, window: Some(window), options: Some(options) }
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
        let syn = Forged { sender: 0, flags: Flags(Flags::SYN), seq: 0, ack: None, window: 65_535 };
        self.put_segment([source, IpEndpoint::new(address(1), port)], &syn);
    }

    /// Puts a segment between two ends on the wire. It arrives after the latency of the wire.
    fn put_segment(&mut self, ends: [IpEndpoint; 2], forged: &Forged) {
        let Some(host) = (0..N).find(|&host| address(host) == ends[1].addr) else { return };
        let addresses = ends.map(|end| match end.addr {
            IpAddress::Ipv4(address) => address,
            #[cfg(feature = "ipv6")]
            IpAddress::Ipv6(_) => Ipv4Address::UNSPECIFIED,
        });
        // The numbers of a new connection are absolute.
        let isn = self.isn_of(ends).map(|isn| isn.map_or(0, |isn| isn.0 as u32));
        let hardware = [router::HARDWARE, hardware(host)];
        let ends = Ends { hardware, addresses, ports: ends.map(|end| end.port), isn };
        for frame in forged.segment().frames(&ends, usize::MAX) {
            self.wire.put(self.now, host, &frame);
        }
        self.note_wire();
    }
}
