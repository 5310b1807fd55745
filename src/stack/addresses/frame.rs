//! The frames that autoconfiguration sends.

#[cfg(feature = "slaac")]
use smoltcp::wire::Ipv6Address;
use smoltcp::wire::{
    ArpOperation, ArpPacket, ArpRepr, EthernetAddress, EthernetFrame, EthernetProtocol, EthernetRepr, Ipv4Address,
};

#[cfg(feature = "slaac")]
use super::icmpv6;
use super::lease::Message;
#[cfg(feature = "slaac")]
use crate::stack::ndisc;

/// A frame to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::stack) enum Out {
    ArpAnnounce(Ipv4Address),
    /// The answer to a neighbour's request for the address `source`.
    ArpReply {
        source: Ipv4Address,
        to: (Ipv4Address, EthernetAddress),
    },
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
/// The length of an ARP packet (RFC 826).
const ARP: usize = 28;

impl Out {
    /// The frame's length in bytes.
    pub(in crate::stack) fn len(&self, hardware: EthernetAddress) -> usize {
        ETHERNET
            + match self {
                Out::ArpAnnounce(_) | Out::ArpReply { .. } | Out::ArpRequest { .. } => ARP,
                Out::Dhcp(message) => message.len(hardware),
                #[cfg(feature = "slaac")]
                Out::NeighborAdvert(_) => ndisc::ADVERT,
                #[cfg(feature = "slaac")]
                Out::NeighborSolicit { source, .. } => icmpv6::neighbor_solicit_len(*source, hardware),
                #[cfg(feature = "slaac")]
                Out::RouterSolicit(_) => icmpv6::ROUTER_SOLICIT,
            }
    }

    /// Writes the frame into a buffer of its length.
    pub(in crate::stack) fn emit(&self, hardware: EthernetAddress, bytes: &mut [u8]) {
        bytes.fill(0);
        let mut frame = EthernetFrame::new_unchecked(bytes);
        let (dst_addr, ethertype) = match self {
            Out::ArpAnnounce(_) | Out::ArpRequest { .. } => (EthernetAddress::BROADCAST, EthernetProtocol::Arp),
            Out::ArpReply { to: (_, hardware), .. } => (*hardware, EthernetProtocol::Arp),
            Out::Dhcp(message) => (message.to(), EthernetProtocol::Ipv4),
            #[cfg(feature = "slaac")]
            Out::NeighborAdvert(_) => (ndisc::group_hardware(ndisc::ALL_NODES), EthernetProtocol::Ipv6),
            #[cfg(feature = "slaac")]
            Out::NeighborSolicit { target, .. } => {
                (ndisc::group_hardware(icmpv6::solicited_node(*target)), EthernetProtocol::Ipv6)
            }
            #[cfg(feature = "slaac")]
            Out::RouterSolicit(_) => (ndisc::group_hardware(icmpv6::ALL_ROUTERS), EthernetProtocol::Ipv6),
        };
        EthernetRepr { src_addr: hardware, dst_addr, ethertype }.emit(&mut frame);
        let payload = frame.payload_mut();
        match self {
            Out::ArpAnnounce(address) => arp(hardware, *address, (*address, None), payload),
            Out::ArpReply { source, to: (target, to) } => arp(hardware, *source, (*target, Some(*to)), payload),
            Out::ArpRequest { source, target } => arp(hardware, *source, (*target, None), payload),
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

/// Writes a reply to a target whose hardware address is given, otherwise a request.
fn arp(hardware: EthernetAddress, source: Ipv4Address, target: (Ipv4Address, Option<EthernetAddress>), out: &mut [u8]) {
    let (target, to) = target;
    let arp = ArpRepr::EthernetIpv4 {
        operation: if to.is_some() { ArpOperation::Reply } else { ArpOperation::Request },
        source_hardware_addr: hardware,
        source_protocol_addr: source,
        target_hardware_addr: to.unwrap_or(EthernetAddress([0; 6])),
        target_protocol_addr: target,
    };
    arp.emit(&mut ArpPacket::new_unchecked(out));
}
