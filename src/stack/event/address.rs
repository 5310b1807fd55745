//! Events about the interface's addresses and routers.

use core::fmt;

use smoltcp::wire::{IpAddress, IpCidr, Ipv4Address, Ipv4Cidr};

use crate::phy::EthernetAddress;
#[cfg(feature = "dhcp")]
use crate::stack::BadOffer;

/// An event about the interface's addresses or routers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum AddressEvent {
    /// This host uses an address from now on.
    Added(IpCidr),
    /// A DHCP server leased an address for `seconds` seconds. This host uses the address from now on.
    Leased {
        /// The address.
        address: Ipv4Cidr,
        /// The server.
        server: Ipv4Address,
        /// The duration of the lease, in seconds; `u32::MAX` means for ever.
        seconds: u32,
    },
    /// A lease has ended. DHCP requests another lease.
    LeaseLost {
        /// The address.
        address: Ipv4Cidr,
        /// The reason.
        why: Loss,
    },
    /// This host released a lease before it expired.
    Released {
        /// The address.
        address: Ipv4Cidr,
        /// The server's address.
        server: Ipv4Address,
    },
    /// An address was created from a prefix that a router advertises. This host uses the address from now on.
    Advertised(IpCidr),
    /// No DHCP server has answered yet. The event is reported once, and the requests continue.
    NoDhcpServer,
    /// No IPv6 router has answered yet. The event is reported once, and the solicitations continue.
    NoRouter,
    /// A DHCP server does not grant the address that it offered. The event is reported once, and the requests continue.
    NotGranted {
        /// The server.
        server: Ipv4Address,
        /// The address.
        address: Ipv4Address,
        /// The reason.
        why: Denial,
    },
    /// Another host uses an address of this host, but this host keeps the address. Reported at most once a second.
    Duplicate {
        /// The address.
        address: IpAddress,
        /// The other host.
        by: EthernetAddress,
    },
    /// A DHCP server's offer is not valid and is ignored.
    #[cfg(feature = "dhcp")]
    OfferRefused {
        /// The server.
        server: Ipv4Address,
        /// The reason.
        why: BadOffer,
    },
    /// An address was removed. Connections from this address end.
    Removed(IpCidr),
    /// A lease was renewed for `seconds` seconds.
    Renewed {
        /// The address.
        address: Ipv4Cidr,
        /// The server.
        server: Ipv4Address,
        /// The duration of the lease, in seconds; `u32::MAX` means for ever.
        seconds: u32,
    },
    /// No router advertises the prefix of this address any more.
    Expired(IpCidr),
    /// This router is now the default router of its IP version.
    Router(IpAddress),
    /// This router is no longer used.
    RouterGone(IpAddress),
    /// Another host uses or claims an address that this host was claiming. This host does not use the address.
    Taken {
        /// The address.
        address: IpAddress,
        /// The other host.
        by: EthernetAddress,
    },
}

impl fmt::Display for AddressEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AddressEvent::Added(address) => write!(f, "address {address} is in use"),
            AddressEvent::Leased { address, server, seconds } => {
                write!(f, "DHCP server {server} leases {address} {}", LeaseTime(*seconds))
            }
            AddressEvent::LeaseLost { address, why: Loss::Expired } => {
                write!(f, "the lease of {address} has run out; asking for another")
            }
            AddressEvent::LeaseLost { address, why: Loss::Refused } => {
                write!(f, "the DHCP server takes {address} back; asking for another")
            }
            AddressEvent::Advertised(address) => write!(f, "a router advertises the network of {address}"),
            AddressEvent::Duplicate { address, by } => write!(f, "{address} is used by {}, too", Hardware(*by)),
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
                write!(f, "DHCP server {server} renews {address} {}", LeaseTime(*seconds))
            }
            AddressEvent::Router(router) => write!(f, "router {router} is in use"),
            AddressEvent::RouterGone(router) => write!(f, "router {router} is gone"),
            AddressEvent::Taken { address, by } => {
                write!(f, "{address} is in use by {}: it is not used here", Hardware(*by))
            }
        }
    }
}

/// The duration of a lease, in seconds. `u32::MAX` means for ever (RFC 2131 section 3.3).
struct LeaseTime(u32);

impl fmt::Display for LeaseTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            u32::MAX => f.write_str("for ever"),
            seconds => write!(f, "for {seconds} s"),
        }
    }
}

/// Displays a hardware address in the format of Linux and Wireshark.
#[derive(Clone, Copy, Debug)]
pub struct Hardware(pub EthernetAddress);

impl fmt::Display for Hardware {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

/// How a DHCP server failed to grant the address that it had offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Denial {
    /// The server refused the request (DHCPNAK).
    Refused,
    /// The server did not reply to the request.
    Silent,
}

/// Why a lease ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Loss {
    /// The lease expired, because no server renewed it.
    Expired,
    /// A server refused to renew or confirm the lease (DHCPNAK).
    Refused,
}
