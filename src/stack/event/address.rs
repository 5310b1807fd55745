//! What happens to the interface's addresses.

use core::fmt;

use smoltcp::wire::{EthernetAddress, IpAddress, IpCidr, Ipv4Address, Ipv4Cidr};

#[cfg(feature = "dhcp")]
use crate::stack::BadOffer;

/// Something that happened to the interface's addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AddressEvent {
    /// An address can be used from now on.
    Added(IpCidr),
    /// A DHCP server leased an address for a time in seconds; it is in use from now on.
    Leased {
        /// The address.
        address: Ipv4Cidr,
        /// The server.
        server: Ipv4Address,
        /// The lease, in seconds.
        seconds: u32,
    },
    /// A lease is over; another one is asked for.
    LeaseLost {
        /// The address.
        address: Ipv4Cidr,
        /// Why.
        why: Loss,
    },
    /// A lease was given back to the server, before the end.
    Released {
        /// The address.
        address: Ipv4Cidr,
        /// The server's address.
        server: Ipv4Address,
    },
    /// A router's advertisement gave an address; it is in use from now on.
    Advertised(IpCidr),
    /// No DHCP server has answered; said once, while the questions go on.
    NoDhcpServer,
    /// No IPv6 router has answered; said once, while the questions go on.
    NoRouter,
    /// A DHCP server does not grant what it offered; said once, while the questions go on.
    NotGranted {
        /// The server.
        server: Ipv4Address,
        /// The address.
        address: Ipv4Address,
        /// What it says.
        why: Denial,
    },
    /// A DHCP server's offer makes no sense and is not taken.
    #[cfg(feature = "dhcp")]
    OfferRefused {
        /// The server.
        server: Ipv4Address,
        /// What about it.
        why: BadOffer,
    },
    /// An address is gone: connections that used it are over.
    Removed(IpCidr),
    /// The lease is renewed for a time in seconds.
    Renewed {
        /// The address.
        address: Ipv4Cidr,
        /// The server.
        server: Ipv4Address,
        /// The lease, in seconds.
        seconds: u32,
    },
    /// No router advertises this address any more.
    Expired(IpCidr),
    /// What is not on the link goes to this router from now on.
    Router(IpAddress),
    /// This router is used no longer.
    RouterGone(IpAddress),
    /// Somebody else has an address that was to be used, or is about to use it. It is not used.
    Taken {
        /// The address.
        address: IpAddress,
        /// Who.
        by: EthernetAddress,
    },
}

impl fmt::Display for AddressEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AddressEvent::Added(address) => write!(f, "address {address} is in use"),
            AddressEvent::Leased { address, server, seconds } => {
                write!(f, "DHCP server {server} leases {address} for {seconds} s")
            }
            AddressEvent::LeaseLost { address, why: Loss::Expired } => {
                write!(f, "the lease of {address} has run out; asking for another")
            }
            AddressEvent::LeaseLost { address, why: Loss::Refused } => {
                write!(f, "the DHCP server takes {address} back; asking for another")
            }
            AddressEvent::Advertised(address) => write!(f, "a router advertises the network of {address}"),
            AddressEvent::Expired(address) => write!(f, "no router advertises the network of {address} any more"),
            AddressEvent::NoDhcpServer => f.write_str("no DHCP server answers; still asking"),
            AddressEvent::NoRouter => f.write_str("no IPv6 router answers; still asking"),
            #[cfg(feature = "dhcp")]
            AddressEvent::OfferRefused { server, why } => {
                write!(f, "refused an offer of DHCP server {server}: {why}; still asking")
            }
            AddressEvent::Released { address, server } => write!(f, "{address} is given back to DHCP server {server}"),
            AddressEvent::NotGranted { server, address, why: Denial::Refused } => {
                write!(f, "DHCP server {server} offers {address}, and then refuses it; still asking")
            }
            AddressEvent::NotGranted { server, address, why: Denial::Silent } => {
                write!(f, "DHCP server {server} offers {address}, and then does not confirm it; still asking")
            }
            AddressEvent::Removed(address) => write!(f, "address {address} is gone"),
            AddressEvent::Renewed { address, server, seconds } => {
                write!(f, "DHCP server {server} renews {address} for {seconds} s")
            }
            AddressEvent::Router(router) => write!(f, "router {router} is in use"),
            AddressEvent::RouterGone(router) => write!(f, "router {router} is gone"),
            AddressEvent::Taken { address, by } => {
                write!(f, "{address} is in use by {}: it is not used here", Hardware(*by))
            }
        }
    }
}

/// A hardware address as Linux and Wireshark write it.
#[derive(Clone, Copy, Debug)]
pub struct Hardware(pub EthernetAddress);

impl fmt::Display for Hardware {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

/// How a DHCP server does not grant what it offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Denial {
    /// It refuses the request (DHCPNAK).
    Refused,
    /// It does not reply to it.
    Silent,
}

/// Why a lease is over before it was given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Loss {
    /// Its time has run out, and nobody renewed it.
    Expired,
    /// The server does not renew it (DHCPNAK).
    Refused,
}
