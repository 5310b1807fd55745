//! Segments that no host has sent: single forged segments, and the SYNs of a flood. agenda.rs puts them on the wire.

use alloc::vec;
use alloc::vec::Vec;

use smoltcp::wire::{IpAddress, IpEndpoint, Ipv4Address, TcpSeqNumber};

use super::packetdrill::Ends;
use super::packetdrill::segment::{Choice, Flags, SegmentText};
use super::{address, hardware, router};

/// A TCP segment without data that claims to come from a host that has not sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[doc(hidden)]
pub struct Forged {
    /// The host that the segment claims as its sender.
    pub sender: usize,
    /// The flags. A segment with SYN also has the MSS option.
    pub flags: Flags,
    /// The sequence number, relative to the sender's initial sequence number.
    pub seq: u32,
    /// The acknowledgement number, relative to the receiver's initial sequence number.
    pub ack: Option<u32>,
    /// The window field.
    pub window: u16,
}

impl Forged {
    /// Returns the endpoints and the content of a SYN in a flood against a port of the server. `number` is the number
    /// of earlier SYNs in the flood.
    pub(super) fn flood_syn(number: u32, port: u16) -> ([IpEndpoint; 2], Self) {
        // The addresses are reserved for documentation (RFC 5737 section 3). The first 60,000 SYNs come from different
        // ports, so each asks for a connection of its own.
        let host = Ipv4Address::new(198, 51, 100, (number % 250) as u8 + 1);
        let source = IpEndpoint::new(host.into(), 1024 + (number % 60_000) as u16);
        // `sender` has no effect, because the first endpoint is the sender.
        let syn = Forged { sender: 0, flags: Flags(Flags::SYN), seq: 0, ack: None, window: 65_535 };
        ([source, IpEndpoint::new(address(1), port)], syn)
    }

    /// Returns the frames that carry the segment from `ends[0]` to `ends[1]`.
    ///
    /// The frames are sent to the hardware address of host `to`.
    ///
    /// `isn` contains the initial sequence numbers of the two sides. If a side has none yet, the segment's number for
    /// that side is absolute.
    pub(super) fn frames(&self, ends: [IpEndpoint; 2], to: usize, isn: [Option<TcpSeqNumber>; 2]) -> Vec<Vec<u8>> {
        let addresses = ends.map(|end| match end.addr {
            IpAddress::Ipv4(address) => address,
            // The hosts of a lab have only IPv4 addresses.
            #[cfg(feature = "ipv6")]
            IpAddress::Ipv6(_) => Ipv4Address::UNSPECIFIED,
        });
        // smoltcp stores a sequence number as an `i32`.
        let isn = isn.map(|isn| isn.map_or(0, |isn| isn.0 as u32));
        // The segment seems to come from outside the network, through the router.
        let hardware = [router::HARDWARE, hardware(to)];
        let ends = Ends { hardware, addresses, ports: ends.map(|end| end.port), isn };
        let Forged { flags, seq, ack, window, .. } = *self;
        // A SYN offers the MSS of Ethernet: 1,500 bytes without the IP and TCP headers.
        let options = if flags.has(Flags::SYN) { vec![Choice::Mss(1460)] } else { vec![] };
        let segment = SegmentText { flags, seq, len: 0, ack, window: Some(window), options: Some(options) };
        // Without data, the segment fits into one frame, whatever the MTU is.
        segment.frames(&ends, usize::MAX)
    }
}
