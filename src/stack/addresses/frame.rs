//! The frames that autoconfiguration sends.

#[cfg(feature = "slaac")]
use smoltcp::wire::Ipv6Address;
use smoltcp::wire::{EthernetAddress, EthernetFrame, EthernetProtocol, EthernetRepr, Ipv4Address};

#[cfg(feature = "slaac")]
use super::icmpv6;
use super::lease::Message;
use crate::stack::link::{ARP_FRAME, write_request};
#[cfg(feature = "slaac")]
use crate::stack::ndisc;

/// A frame to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::stack) enum Out {
    ArpAnnounce(Ipv4Address),
    ArpRequest {
        source: Ipv4Address,
        target: Ipv4Address,
    },
    Dhcp(Message),
    #[cfg(feature = "slaac")]
    NeighborAdvert(Ipv6Address),
    #[cfg(feature = "slaac")]
    NeighborSolicit {
        source: Ipv6Address,
        target: Ipv6Address,
    },
    #[cfg(feature = "slaac")]
    RouterSolicit(Ipv6Address),
}

const ETHERNET: usize = EthernetFrame::<&[u8]>::header_len();

impl Out {
    /// The frame's length in bytes.
    pub(in crate::stack) fn len(&self, hardware: EthernetAddress) -> usize {
        match self {
            Out::ArpAnnounce(_) | Out::ArpRequest { .. } => ARP_FRAME,
            Out::Dhcp(message) => ETHERNET + message.len(hardware),
            #[cfg(feature = "slaac")]
            Out::NeighborAdvert(_) => ETHERNET + ndisc::ADVERT,
            #[cfg(feature = "slaac")]
            Out::NeighborSolicit { source, .. } => ETHERNET + icmpv6::neighbor_solicit_len(*source, hardware),
            #[cfg(feature = "slaac")]
            Out::RouterSolicit(_) => ETHERNET + icmpv6::ROUTER_SOLICIT,
        }
    }

    /// Writes the frame into a buffer of its length.
    pub(in crate::stack) fn emit(&self, hardware: EthernetAddress, bytes: &mut [u8]) {
        bytes.fill(0);
        match self {
            Out::ArpAnnounce(address) => return write_request(bytes, hardware, *address, *address),
            Out::ArpRequest { source, target } => return write_request(bytes, hardware, *source, *target),
            _ => {}
        }
        let mut frame = EthernetFrame::new_unchecked(bytes);
        let (dst_addr, ethertype) = match self {
            // Written above.
            Out::ArpAnnounce(_) | Out::ArpRequest { .. } => return,
            Out::Dhcp(message) => (message.to(), EthernetProtocol::Ipv4),
            #[cfg(feature = "slaac")]
            Out::NeighborAdvert(_) => (ndisc::group_hardware(ndisc::ALL_NODES), EthernetProtocol::Ipv6),
            #[cfg(feature = "slaac")]
            Out::NeighborSolicit { target, .. } => {
                (ndisc::group_hardware(ndisc::solicited_node(*target)), EthernetProtocol::Ipv6)
            }
            #[cfg(feature = "slaac")]
            Out::RouterSolicit(_) => (ndisc::group_hardware(icmpv6::ALL_ROUTERS), EthernetProtocol::Ipv6),
        };
        EthernetRepr { src_addr: hardware, dst_addr, ethertype }.emit(&mut frame);
        let payload = frame.payload_mut();
        match self {
            Out::ArpAnnounce(_) | Out::ArpRequest { .. } => {}
            Out::Dhcp(message) => message.emit(hardware, payload),
            #[cfg(feature = "slaac")]
            Out::NeighborAdvert(address) => ndisc::emit_advert(*address, hardware, payload),
            #[cfg(feature = "slaac")]
            Out::NeighborSolicit { source, target } => {
                icmpv6::emit_neighbor_solicit(*source, *target, hardware, payload);
            }
            #[cfg(feature = "slaac")]
            Out::RouterSolicit(source) => icmpv6::emit_router_solicit(*source, hardware, payload),
        }
    }
}
