//! The interface's addresses and routers while the stack runs.

use core::fmt;

use smoltcp::iface::Interface;
#[cfg(feature = "dhcp")]
use smoltcp::phy::{ChecksumCapabilities, Device};
use smoltcp::time::Instant;
use smoltcp::wire::{IpAddress, IpCidr};

#[cfg(feature = "dhcp")]
mod apply;
#[cfg(feature = "dhcp")]
mod autoconf;
#[cfg(feature = "dhcp")]
mod change;
#[cfg(feature = "dhcp")]
mod claim;
#[cfg(feature = "dhcp")]
mod dhcp;
#[cfg(feature = "dhcp")]
mod dhcp_options;
#[cfg(feature = "dhcp")]
mod frame;
#[cfg(feature = "slaac")]
mod icmpv6;
#[cfg(feature = "dhcp")]
mod lease;
#[cfg(feature = "slaac")]
mod routers;
#[cfg(feature = "slaac")]
mod slaac;

#[cfg(feature = "dhcp")]
pub use lease::BadOffer;

#[cfg(feature = "dhcp")]
use super::config::MAX_ADDRESSES;
use super::event::{AddressEvent, Event, Probe};
use super::{Config, Session, SetupError, Stack, UdpSession};
#[cfg(feature = "dhcp")]
use super::{Console, Io};
#[cfg(feature = "dhcp")]
use crate::phy::{EthernetAddress, HardwareAddress};
#[cfg(feature = "dhcp")]
use apply::emit;
#[cfg(feature = "dhcp")]
pub(super) use autoconf::Autoconf;
#[cfg(feature = "dhcp")]
use autoconf::Wanted;

impl<S: Session + Clone, U: UdpSession> Stack<'_, S, U> {
    /// Returns this host's current addresses with their prefixes.
    pub fn addresses(&self) -> &[IpCidr] {
        self.iface.ip_addrs()
    }

    /// Adds an address. If this host already has the address, this call replaces its prefix.
    ///
    /// # Errors
    /// Returns [`AddressError::NotUnicast`] if the address cannot belong to a host, and [`AddressError::Full`] if the
    /// list of addresses is full.
    pub fn add_address<P: Probe>(&mut self, now: Instant, address: IpCidr, probe: &mut P) -> Result<(), AddressError> {
        if !address.address().is_unicast() {
            return Err(AddressError::NotUnicast(address.address()));
        }
        let mut added = Ok(());
        self.iface.update_ip_addrs(|list| match list.iter_mut().find(|known| known.address() == address.address()) {
            Some(known) => *known = address,
            None => added = list.push(address).map_err(|_| AddressError::Full),
        });
        added?;
        probe.event(now, &Event::Address(AddressEvent::Added(address)));
        #[cfg(feature = "ipv6")]
        self.join_groups(now);
        Ok(())
    }

    /// Handles a change of the link. A link that comes up can lead to another network.
    ///
    /// When the link comes up, the stack forgets its neighbours and path MTUs, announces its multicast groups, and asks
    /// again for leases and prefixes. With [`Config::claim`], [`Config::dhcp`] or [`Config::slaac`], the stack also
    /// announces its addresses. This host keeps its current addresses and routers until a DHCP server or a router
    /// withdraws or replaces them.
    pub fn link_changed(&mut self, now: Instant, up: bool) {
        if !up {
            // While the link is down, the stack keeps its state. The link might come up again on the same network.
            return;
        }
        self.link.came_up(now);
        #[cfg(feature = "fragments")]
        self.paths.clear();
        #[cfg(feature = "dhcp")]
        if let Some(autoconf) = &mut self.autoconf {
            autoconf.link_up(now, self.iface.ip_addrs());
        }
    }

    /// Joins the solicited-node groups of this host's addresses and of the addresses being claimed (RFC 4862 section
    /// 5.4.2). The stack leaves all other groups.
    #[cfg(feature = "ipv6")]
    pub(super) fn join_groups(&mut self, now: Instant) {
        let addresses = self.iface.ip_addrs().iter().map(IpCidr::address);
        #[cfg(feature = "dhcp")]
        let addresses = addresses.chain(self.autoconf.iter().flat_map(Autoconf::claimed));
        self.link.join_groups(now, addresses);
    }

    /// Removes an address. Also removes the router in the address's network, unless another address's network contains
    /// the router.
    ///
    /// Connections from this address end with [`End::AddressGone`](super::End::AddressGone) in the next polls. The
    /// peers of these connections get no RST, because nothing can be sent from the address any more. Returns false if
    /// the interface does not have the address.
    pub fn remove_address<P: Probe>(&mut self, now: Instant, address: IpAddress, probe: &mut P) -> bool {
        let Some(gone) = self.iface.ip_addrs().iter().copied().find(|known| known.address() == address) else {
            return false;
        };
        self.iface.update_ip_addrs(|list| list.retain(|known| *known != gone));
        // Each connection from this address ends in its next turn.
        self.connections.enqueue_from(address);
        #[cfg(feature = "ipv6")]
        self.join_groups(now);
        probe.event(now, &Event::Address(AddressEvent::Removed(gone)));
        // `config.gateways` contains the routers in use, not only those from the configuration.
        let router = self.config.gateways.iter().copied().find(|router| gone.contains_addr(router));
        if let Some(router) = router.filter(|router| !self.is_on_link(*router)) {
            self.remove_router(now, router, probe);
        }
        true
    }

    /// Routes packets to other networks through `router`. Replaces the current router of the same IP version.
    ///
    /// # Errors
    /// Returns [`AddressError::NotOnLink`] if the router is not on the link or is not a unicast address, and
    /// [`AddressError::Full`] if the list of routers is full.
    pub fn set_router<P: Probe>(&mut self, now: Instant, router: IpAddress, probe: &mut P) -> Result<(), AddressError> {
        // `config.gateways` contains the routers in use, not only those from the configuration.
        if self.config.gateways.contains(&router) {
            return Ok(());
        }
        if !router.is_unicast() || !self.is_on_link(router) {
            return Err(AddressError::NotOnLink(router));
        }
        self.replace_router(now, router, probe)
    }

    /// Makes `router` the default router of its IP version, in place of the current router. Does not check that
    /// `router` is on the link, because a router on the link can be outside the interface's networks.
    fn replace_router<P: Probe>(&mut self, now: Instant, router: IpAddress, probe: &mut P) -> Result<(), AddressError> {
        // `config.gateways` contains the routers in use, not only those from the configuration.
        if let Some(old) = self.config.gateways.iter().copied().find(|old| old.version() == router.version()) {
            self.remove_router(now, old, probe);
        }
        add_route(&mut self.iface, router).map_err(|_| AddressError::Full)?;
        self.config.gateways.push(router).map_err(|_| AddressError::Full)?;
        probe.event(now, &Event::Address(AddressEvent::Router(router)));
        Ok(())
    }

    /// Stops using `router`. Returns false if the stack did not use this router.
    pub fn remove_router<P: Probe>(&mut self, now: Instant, router: IpAddress, probe: &mut P) -> bool {
        if !self.config.gateways.contains(&router) {
            return false;
        }
        // Both `config` and smoltcp's table of routes contain the router.
        self.config.gateways.retain(|known| *known != router);
        let routes = self.iface.routes_mut();
        routes.update(|list| list.retain(|route| route.via_router != router));
        probe.event(now, &Event::Address(AddressEvent::RouterGone(router)));
        true
    }

    /// Returns whether a known path MTU or a router's advertisement can limit packets to less than the device's MTU.
    #[cfg(feature = "fragments")]
    pub(super) fn limits_packets(&self) -> bool {
        #[cfg(feature = "slaac")]
        if self.autoconf.as_ref().and_then(Autoconf::mtu).is_some() {
            return true;
        }
        !self.paths.is_empty()
    }

    /// Returns the path MTU to `remote` in bytes, or the link's MTU if the path MTU is not known.
    ///
    /// The result is at most the device's MTU. For IPv6, a smaller MTU that the link's routers advertise limits the
    /// result further (RFC 4861 section 6.3.4). Without the features `fragments` and `slaac`, the result is always the
    /// device's MTU.
    pub(super) fn mtu_to(&self, _now: Instant, _remote: IpAddress) -> usize {
        let mtu = self.mtu;
        #[cfg(feature = "slaac")]
        let mtu = match (_remote, self.autoconf.as_ref().and_then(Autoconf::mtu)) {
            (IpAddress::Ipv6(_), Some(advertised)) => advertised.min(mtu),
            _ => mtu,
        };
        #[cfg(feature = "fragments")]
        let mtu = self.paths.find(_now, &_remote).map_or(mtu, |path| path.min(mtu));
        mtu
    }

    /// Returns the path MTU for answers to a packet, in bytes. The result is `usize::MAX` if only the link limits the
    /// answers.
    #[cfg(feature = "fragments")]
    pub(super) fn limit_to_source(&self, now: Instant, packet: &[u8]) -> usize {
        let sender = if self.limits_packets() { super::link::source(packet) } else { None };
        sender.map_or(usize::MAX, |to| self.mtu_to(now, to))
    }

    /// Returns the source address for new connections (RFC 6724 section 5, rule 3). The result is usually `source`. If
    /// `source` is deprecated, the result is another address that is not deprecated, if the interface has one.
    pub(super) fn preferred(&self, source: IpAddress) -> IpAddress {
        #[cfg(feature = "slaac")]
        if let Some(autoconf) = self.autoconf.as_ref().filter(|autoconf| autoconf.is_deprecated(source)) {
            // The first address that is neither link-local nor deprecated.
            let fresh = self.iface.ip_addrs().iter().map(IpCidr::address).find(|own| match own {
                IpAddress::Ipv6(address) => !address.is_unicast_link_local() && !autoconf.is_deprecated(*own),
                IpAddress::Ipv4(_) => false,
            });
            return fresh.unwrap_or(source);
        }
        source
    }

    /// Returns whether one of the interface's networks contains an address.
    pub(super) fn is_on_link(&self, address: IpAddress) -> bool {
        self.iface.ip_addrs().iter().any(|own| own.contains_addr(&address))
    }

    /// Returns whether an address is the broadcast address of one of the interface's networks.
    pub(super) fn is_broadcast(&self, address: IpAddress) -> bool {
        self.iface.ip_addrs().iter().any(|own| match own {
            IpCidr::Ipv4(own) => own.broadcast().map(IpAddress::Ipv4) == Some(address),
            #[cfg(feature = "ipv6")]
            IpCidr::Ipv6(_) => false,
        })
    }
}

#[cfg(feature = "dhcp")]
impl<S: Session + Clone, U: UdpSession> Stack<'_, S, U> {
    /// Returns whether the checks of all configured addresses have ended. Each of these addresses is then assigned to
    /// this host or known to belong to another host.
    pub fn is_settled(&self) -> bool {
        self.autoconf.as_ref().is_none_or(Autoconf::is_settled)
    }

    /// Returns a configured address that another host on the link uses, with that host's hardware address. This stack
    /// does not use the address. `None` if there is no such address.
    pub fn taken(&self) -> Option<(IpAddress, EthernetAddress)> {
        self.autoconf.as_ref().and_then(Autoconf::taken)
    }

    /// Returns the DNS servers from DHCP and from router advertisements, at most 4. The servers from DHCP come first.
    pub fn dns_servers(&self) -> heapless::Vec<IpAddress, 4> {
        let mut servers = heapless::Vec::new();
        if let Some(autoconf) = &self.autoconf {
            autoconf.dns_servers(&mut |server| {
                // Further servers do not fit, and are ignored.
                let _ = servers.push(server);
            });
        }
        servers
    }

    /// Releases the DHCP lease, if there is one, and stops DHCP. Call this function before the program exits.
    ///
    /// This also ends all connections that use the leased address. If the DHCPRELEASE message is lost, or if the device
    /// has no room for it, the lease expires by itself (RFC 2131 section 4.4.6).
    pub fn release_lease<D: Device, C: Console, P: Probe>(&mut self, now: Instant, io: &mut Io<D, C, P>) {
        let random = self.random.next();
        let Some(autoconf) = &mut self.autoconf else { return };
        let (hardware, out) = (autoconf.hardware(), autoconf.release(random));
        if let Some(out) = out
            && let Some(token) = io.device.transmit(now)
        {
            emit(&out, hardware, token, now, &mut io.probe);
        }
        // `release` has queued the removal of the address and of the lease's router.
        self.apply_changes(now, &mut io.probe);
    }
}

/// Why an address or a router cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum AddressError {
    /// The list is full: smoltcp is built for a fixed number of addresses and routers.
    Full,
    /// The router is not in any of the interface's networks, or is not a unicast address.
    NotOnLink(IpAddress),
    /// The address cannot belong to a host.
    NotUnicast(IpAddress),
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AddressError::Full => f.write_str("no room for another address or router"),
            AddressError::NotOnLink(router) => write!(f, "{router} is not on the link"),
            AddressError::NotUnicast(address) => write!(f, "{address} is not an address that a host can have"),
        }
    }
}

impl core::error::Error for AddressError {}

/// Adds the configured addresses to an interface.
///
/// # Errors
/// Returns [`SetupError::TooMany`] if the interface has no room for all of them.
pub(super) fn add(iface: &mut Interface, addresses: &[IpCidr]) -> Result<(), SetupError> {
    let mut result = Ok(());
    iface.update_ip_addrs(|list| {
        result = addresses.iter().try_for_each(|&address| list.push(address).map_err(|_| SetupError::TooMany));
    });
    result
}

/// Adds a default route through `router`. Returns [`SetupError::TooMany`] if smoltcp's table of routes is full.
fn add_route(iface: &mut Interface, router: IpAddress) -> Result<(), SetupError> {
    let routes = iface.routes_mut();
    let added = match router {
        IpAddress::Ipv4(address) => routes.add_default_ipv4_route(address).map(drop),
        #[cfg(feature = "ipv6")]
        IpAddress::Ipv6(address) => routes.add_default_ipv6_route(address).map(drop),
    };
    added.map_err(|_| SetupError::TooMany)
}

/// Adds a default route through each configured router. Rejects a router outside the configured networks, and a second
/// router of the same IP version.
pub(super) fn add_gateways(iface: &mut Interface, config: &Config) -> Result<(), SetupError> {
    for (number, &gateway) in config.gateways.iter().enumerate() {
        let on_link = config.addresses.iter().any(|own| own.contains_addr(&gateway));
        if !on_link || config.gateways[..number].iter().any(|other| other.version() == gateway.version()) {
            return Err(SetupError::BadGateway(gateway));
        }
        add_route(iface, gateway)?;
    }
    Ok(())
}

/// Creates the state of autoconfiguration. Returns `None` if `config` enables no part of it.
///
/// # Errors
/// Returns [`SetupError::TooMany`] if the configured addresses and the addresses added later could exceed the limit,
/// and [`SetupError::AutoconfNeedsEthernet`] if DHCP or SLAAC is enabled without Ethernet.
#[cfg(feature = "dhcp")]
pub(super) fn autoconf(
    config: &Config,
    checksums: &ChecksumCapabilities,
    now: Instant,
) -> Result<Option<Autoconf>, SetupError> {
    let wanted = Wanted {
        claim: config.claim,
        #[cfg(feature = "dhcp")]
        dhcp: config.dhcp,
        #[cfg(feature = "slaac")]
        slaac: config.slaac,
    };
    // The number of addresses that are added later: one for the DHCP lease, and one for the link-local address.
    let more = usize::from(config.dhcp);
    #[cfg(feature = "slaac")]
    let more = more + usize::from(config.slaac);
    // Without Ethernet there are no neighbours, so `claim` has no effect.
    match config.hardware {
        HardwareAddress::Ethernet(_) if config.addresses.len() + more > MAX_ADDRESSES => Err(SetupError::TooMany),
        HardwareAddress::Ethernet(hardware) if wanted.any() => {
            Ok(Some(Autoconf::new(hardware, checksums.clone(), wanted, &config.addresses, now)))
        }
        HardwareAddress::Ip if wanted.asks() => Err(SetupError::AutoconfNeedsEthernet),
        _ => Ok(None),
    }
}
