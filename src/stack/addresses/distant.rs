//! A router that no network of the interface contains, as in leases with a mask of 32 bits.
//!
//! Such a router is a neighbour on the link. smoltcp ignores ARP packets of hosts outside its networks, so it never learns the
//! router's hardware address. Therefore smoltcp's route leads to the own address, and smoltcp is shown an ARP reply that this
//! address is at the router's hardware address. ARP with the router is done here, in both directions.

use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{
    ArpOperation, ArpPacket, ArpRepr, EthernetAddress, EthernetFrame, EthernetProtocol, EthernetRepr, Ipv4Address,
};

use super::frame::Out;

/// The time between two requests while the router has not answered, and after it has. smoltcp forgets a neighbour after 60 s.
const ASK: Duration = Duration::from_secs(1);
const ASK_RARELY: Duration = Duration::from_secs(10);
const REFRESH: Duration = Duration::from_secs(25);
/// The number of requests before a silent router is asked less often.
const QUICK_REQUESTS: u8 = 3;

/// The length of an ARP packet in an Ethernet frame.
const FRAME: usize = 14 + 28;

pub(super) struct DistantRouter {
    pub(super) router: Ipv4Address,
    /// The address that the router is asked from.
    own: Ipv4Address,
    hardware: Option<EthernetAddress>,
    /// Whether the router asks for the own address.
    asks: bool,
    /// Whether smoltcp must be shown the hardware address.
    show: bool,
    /// The number of requests without an answer.
    asked: u8,
    at: Instant,
}

impl DistantRouter {
    pub(super) fn new(router: Ipv4Address, own: Ipv4Address, now: Instant) -> Self {
        DistantRouter { router, own, hardware: None, asks: false, show: false, asked: 0, at: now }
    }

    /// When to call [`advance`](Self::advance), or [`frame_to_show`](Self::frame_to_show).
    pub(super) fn due(&self) -> Instant {
        if self.show || self.asks { Instant::ZERO } else { self.at }
    }

    /// The request that is due, or the answer to the router's.
    pub(super) fn advance(&mut self, now: Instant) -> Option<Out> {
        if let (true, Some(hardware)) = (core::mem::take(&mut self.asks), self.hardware) {
            return Some(Out::ArpReply { source: self.own, to: (self.router, hardware) });
        }
        if self.at > now {
            return None;
        }
        self.asked = self.asked.saturating_add(1);
        self.at = now + if self.asked <= QUICK_REQUESTS { ASK } else { ASK_RARELY };
        Some(Out::ArpRequest { source: self.own, target: self.router })
    }

    /// Notes the hardware address of a neighbour, from an ARP packet. `asked` is the address that the packet asks for, if any.
    pub(super) fn learn(
        &mut self,
        now: Instant,
        neighbour: (Ipv4Address, EthernetAddress),
        asked: Option<Ipv4Address>,
    ) {
        if neighbour.0 == self.router {
            self.hardware = Some(neighbour.1);
            self.asks = asked == Some(self.own);
            (self.show, self.asked, self.at) = (true, 0, now + REFRESH);
        }
    }

    /// Asks again at once, because the link came up.
    #[cfg(feature = "std")]
    pub(super) fn link_up(&mut self, now: Instant) {
        (self.asked, self.at) = (0, now);
    }

    /// Notes that smoltcp has forgotten its neighbours.
    pub(super) fn forgotten(&mut self) {
        self.show = self.hardware.is_some();
    }

    /// The ARP reply that smoltcp must be shown now, if any.
    pub(super) fn frame_to_show(&mut self, hardware: EthernetAddress) -> Option<[u8; FRAME]> {
        if !core::mem::take(&mut self.show) {
            return None;
        }
        let router = self.hardware?;
        let arp = ArpRepr::EthernetIpv4 {
            operation: ArpOperation::Reply,
            source_hardware_addr: router,
            source_protocol_addr: self.own,
            target_hardware_addr: hardware,
            target_protocol_addr: self.own,
        };
        let mut bytes = [0; FRAME];
        let mut frame = EthernetFrame::new_unchecked(&mut bytes[..]);
        EthernetRepr { src_addr: router, dst_addr: hardware, ethertype: EthernetProtocol::Arp }.emit(&mut frame);
        arp.emit(&mut ArpPacket::new_unchecked(frame.payload_mut()));
        Some(bytes)
    }
}
