//! The frames that autoconfiguration sends.

#[cfg(feature = "slaac")]
use smoltcp::wire::Ipv6Address;
use smoltcp::wire::{EthernetAddress, Ipv4Address};

#[cfg(feature = "slaac")]
use super::icmpv6;
use super::lease::Message;
use crate::stack::link::{self, ARP_FRAME, write_request};
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

impl Out {
    /// Returns the frame's length in bytes.
    pub(in crate::stack) fn len(&self, hardware: EthernetAddress) -> usize {
        match self {
            Out::ArpAnnounce(_) | Out::ArpRequest { .. } => ARP_FRAME,
            Out::Dhcp(message) => link::LEN + message.len(hardware),
            #[cfg(feature = "slaac")]
            Out::NeighborAdvert(_) => link::LEN + ndisc::ADVERT,
            #[cfg(feature = "slaac")]
            Out::NeighborSolicit { source, .. } => link::LEN + icmpv6::neighbor_solicit_len(*source, hardware),
            #[cfg(feature = "slaac")]
            Out::RouterSolicit(_) => link::LEN + icmpv6::ROUTER_SOLICIT,
        }
    }

    /// Writes the frame into `frame`, which must be [`len`](Self::len) bytes long.
    pub(in crate::stack) fn emit(&self, hardware: EthernetAddress, frame: &mut [u8]) {
        frame.fill(0);
        let packet = &mut frame[link::LEN..];
        // `write_request` writes a whole ARP frame. The other messages are IP packets, whose Ethernet header follows
        // below.
        let to = match self {
            Out::ArpAnnounce(address) => return write_request(frame, hardware, *address, *address),
            Out::ArpRequest { source, target } => return write_request(frame, hardware, *source, *target),
            Out::Dhcp(message) => {
                message.emit(hardware, packet);
                message.to()
            }
            #[cfg(feature = "slaac")]
            Out::NeighborAdvert(address) => {
                ndisc::emit_advert(*address, hardware, packet);
                ndisc::group_hardware(ndisc::ALL_NODES)
            }
            #[cfg(feature = "slaac")]
            Out::NeighborSolicit { source, target } => {
                icmpv6::emit_neighbor_solicit(*source, *target, hardware, packet);
                ndisc::group_hardware(ndisc::solicited_node(*target))
            }
            #[cfg(feature = "slaac")]
            Out::RouterSolicit(source) => {
                icmpv6::emit_router_solicit(*source, hardware, packet);
                ndisc::group_hardware(icmpv6::ALL_ROUTERS)
            }
        };
        link::write(Some(link::Ends { to, from: hardware }), frame);
    }
}
