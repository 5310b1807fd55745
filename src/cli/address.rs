//! Waits until this side has addresses, and finds the addresses of the host to call.

use std::net::IpAddr;
use std::time::Duration;

use smoltcp::wire::{IpAddress, IpCidr, IpEndpoint};

use super::console::Stdio;
use super::error::Failure;
use super::link::Link;
use super::local::{is_local, is_loopback, loopback_error};
use super::stop::Stop;
use super::tcp_queries::{GRACE, TcpQueries, WithQuery};
use super::timer::{Alarm, Timer};
use super::watch::Watch;
use crate::host::{Clock, Ended, drive};
use crate::names::{Name, ResolveError, Resolver, WithResolver};
use crate::phy::linux::TunTap;
use crate::stack::{Hardware, Io, Probe, Session, Stack, UdpSession};

/// The time after which a warning is logged if the link still accepts no frames.
const SILENCE: Duration = Duration::from_secs(2);

/// Waits until it is known whether another host uses a configured address of this host. On a link that is up, the wait
/// takes 150 ms. If the link is down, logs one warning and keeps waiting.
///
/// # Errors
/// Fails if another host uses one of the addresses or if the device has failed.
pub fn settle<S: Session + Clone, U: UdpSession, P: Probe>(
    link: &Link,
    stack: &mut Stack<'_, S, U>,
    io: &mut Io<TunTap, Stdio, P>,
    clock: &Clock,
) -> Result<(), Failure> {
    // When to log the warning, or `None` once it is logged.
    let mut warn_at = Some(clock.now() + SILENCE.into());
    while !stack.is_settled() {
        let deadline = stack.poll(clock.now(), io);
        if let Some(fault) = io.device.fault() {
            return Err(Failure::run(fault));
        }
        if stack.is_settled() {
            break;
        }
        let now = clock.now();
        if warn_at.is_some_and(|at| now >= at) {
            log::warn!("{}; waiting for it", link_down(&link.name));
            warn_at = None;
        }
        let timeout = deadline.map(|at| if at > now { (at - now).into() } else { Duration::ZERO });
        // `&[]`: no other file ends the wait.
        io.device.wait(timeout, &[]).map_err(|error| Failure::run(format_args!("waiting: {error}")))?;
    }
    check(stack)
}

/// Fails if another host uses a configured address. The error names that host's hardware address.
fn check<S: Session + Clone, U: UdpSession>(stack: &Stack<'_, S, U>) -> Result<(), Failure> {
    match stack.taken() {
        None => Ok(()),
        Some((address, by)) => {
            let by = Hardware(by);
            Err(Failure::run(format_args!("{address} is in use by {by}: give this side another address with --ip")))
        }
    }
}

/// Returns the error text for the link `name`, which is down.
fn link_down(name: &str) -> String {
    format!("nothing can be sent on {name}: set it up with `sudo ip link set {name} up`")
}

/// Looks up the addresses of a host with DNS, over one link.
pub struct Lookup<'l> {
    /// The link.
    pub link: &'l Link,
    /// The timeout of each part of a lookup. The parts are the wait for this side's addresses, the wait for a lease or
    /// a router, and the queries.
    pub patience: Duration,
    /// Whether to wait for both address families, even if some addresses are already known.
    pub thorough: bool,
}

impl Lookup<'_> {
    /// Returns the reachable addresses of `host`, which is a name or an IP address. The list contains at least one
    /// address and is in the order of RFC 8305. The lookup of a name needs a free UDP port in the stack.
    ///
    /// Before the lookup, waits until this side has its own addresses: configured addresses, or addresses from DHCP or
    /// SLAAC.
    ///
    /// # Errors
    /// The error's message is one line. The message names the host, unless the link is at fault.
    pub(super) fn addresses<S: Session + Clone, U: UdpSession>(
        &self,
        host: &str,
        stack: &mut Stack<'_, WithQuery<S>, WithResolver<U>>,
        io: &mut Io<TunTap, Stdio, Watch<'_>>,
        clock: &Clock,
        stop: &mut Stop,
    ) -> Result<Vec<IpAddr>, Failure> {
        if is_local(host) {
            return Err(loopback_error(host, &self.link.name));
        }
        let found = self.all_addresses(host, stack, io, clock, stop)?;
        let reachable_now =
            |stack: &Stack<'_, _, _>| found.iter().copied().filter(|&to| can_reach(stack, to)).collect::<Vec<_>>();
        // Wait if a lease, a router or a SLAAC address can still arrive and make one of these addresses reachable.
        if found.iter().any(|to| self.may_gain_address(stack, to)) {
            self.wait(stack, io, clock, stop, |stack| !reachable_now(stack).is_empty())?;
        }
        let reachable = reachable_now(stack);
        match found.first() {
            // The error explains why the best address cannot be reached.
            Some(&first) if reachable.is_empty() => Err(self.unreachable(stack, first)),
            _ => Ok(reachable),
        }
    }

    /// Returns whether DHCP or SLAAC can still provide an address in the same family as `to`.
    fn may_gain_address<S: Session + Clone, U: UdpSession>(&self, stack: &Stack<'_, S, U>, to: &IpAddr) -> bool {
        match to {
            to if is_loopback(*to) => false,
            IpAddr::V4(_) => self.lacks_lease(stack),
            // A router can announce a further prefix at any time.
            IpAddr::V6(_) => self.link.slaac,
        }
    }

    /// Returns the error for an address that cannot be reached.
    fn unreachable<S: Session + Clone, U: UdpSession>(&self, stack: &Stack<'_, S, U>, to: IpAddr) -> Failure {
        let address = IpAddress::from(to);
        if is_loopback(to) {
            return loopback_error(&to.to_string(), &self.link.name);
        }
        if !address.is_unicast() {
            return Failure::run(format_args!("{to} is not a host address: it is multicast, broadcast or unspecified"));
        }
        if stack.addresses().iter().any(|own| own.address() == address) {
            return Failure::run(format_args!("{to} is this side's own address: give the address of another host"));
        }
        match to {
            IpAddr::V4(_) if self.lacks_lease(stack) => self.no_lease(),
            _ => no_route(&address),
        }
    }

    /// Like [`addresses`](Self::addresses), but includes addresses that cannot be reached.
    ///
    /// # Errors
    /// The same errors as [`addresses`](Self::addresses).
    pub(super) fn all_addresses<S: Session + Clone, U: UdpSession>(
        &self,
        host: &str,
        stack: &mut Stack<'_, WithQuery<S>, WithResolver<U>>,
        io: &mut Io<TunTap, Stdio, Watch<'_>>,
        clock: &Clock,
        stop: &mut Stop,
    ) -> Result<Vec<IpAddr>, Failure> {
        let host = &*self.link.without_zone(host)?;
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        if let Ok(address) = bare.parse::<IpAddr>() {
            self.settle(stack, io, clock, stop)?;
            if IpAddress::from(address).is_unicast() && self.may_gain_address(stack, &address) {
                // If neither an address nor a route arrives, the attempt to connect reports the error.
                self.wait(stack, io, clock, stop, |stack| can_reach(stack, address))?;
            }
            return Ok(vec![address]);
        }
        self.look_up(host, stack, io, clock, stop)
    }

    /// Asks the DNS servers for the addresses of a name. First waits until the configured addresses are checked and,
    /// with DHCP or SLAAC, until a DNS server can be reached.
    fn look_up<S: Session + Clone, U: UdpSession>(
        &self,
        host: &str,
        stack: &mut Stack<'_, WithQuery<S>, WithResolver<U>>,
        io: &mut Io<TunTap, Stdio, Watch<'_>>,
        clock: &Clock,
        stop: &mut Stop,
    ) -> Result<Vec<IpAddr>, Failure> {
        // For an invalid name, smolstep exits with code 1, as for a name that does not exist.
        let name = Name::new(host).map_err(|error| Failure::run(format_args!("bad host '{host}': {error}")))?;
        let learns_servers = self.link.dhcp || self.link.slaac;
        if self.link.dns.is_empty() && !learns_servers {
            return Err(Failure::run(ResolveError::NoServer));
        }
        self.settle(stack, io, clock, stop)?;
        if learns_servers {
            self.wait(stack, io, clock, stop, |stack| !self.reached_servers(stack).is_empty())?;
        }
        if self.reached_servers(stack).is_empty() {
            return Err(match self.servers(stack).next() {
                Some(first) => Failure::run(format_args!("DNS server: {}", self.unreachable(stack, first.into()))),
                None => self.no_server(stack),
            });
        }
        let random = getrandom::u32().map_err(|error| Failure::run(format_args!("no entropy: {error}")))?;
        // The message IDs of the two queries, for IPv6 and for IPv4 addresses. They must be hard to guess.
        let ids = [(random >> 16) as u16, random as u16];
        let (reaches_v6, reaches_v4) = (has_family(stack, true), has_family(stack, false));
        let mut resolver = Resolver::new(name, &self.reached_servers(stack), self.patience.into(), ids)
            .reaching(reaches_v6, reaches_v4)
            .with_tcp();
        if self.thorough {
            // Wait for both families, so that the result contains all addresses.
            resolver = resolver.thorough();
        }
        let finished = self.run(resolver, stack, io, clock, stop)?;
        match finished.as_ref().and_then(Resolver::result) {
            Some(Ok(addresses)) => Ok(addresses.in_order().collect()),
            Some(Err(ResolveError::Unreachable(server))) => {
                Err(Failure::run(format_args!("{host}: DNS server: {}", unanswered(self.link, stack, server))))
            }
            Some(Err(error)) => Err(Failure::run(format_args!("{host}: {error}"))),
            None => Err(interrupted()),
        }
    }

    /// Runs `resolver` until it has a result, and returns the resolver. During the lookup, adds the DNS servers that
    /// DHCP or routers announce. Returns `None` if a signal ends the lookup first.
    fn run<S: Session + Clone, U: UdpSession>(
        &self,
        resolver: Resolver,
        stack: &mut Stack<'_, WithQuery<S>, WithResolver<U>>,
        io: &mut Io<TunTap, Stdio, Watch<'_>>,
        clock: &Clock,
        stop: &mut Stop,
    ) -> Result<Option<Resolver>, Failure> {
        let port = stack.bind_unreported(0, WithResolver::Resolver(resolver)).map_err(Failure::run)?;
        let mut queries = TcpQueries::new(port, self.patience);
        let resolver = loop {
            let (mut finished, known_servers) = (None, self.reached_servers(stack).len());
            let ended = drive(stack, io, clock, stop, |stack| {
                finished = stack.take_udp(port);
                finished.is_some() || self.reached_servers(stack).len() > known_servers || queries.is_due(stack)
            })?;
            match finished {
                Some(WithResolver::Resolver(resolver)) => break resolver,
                // This cannot happen, because the port was bound to a resolver.
                Some(WithResolver::Program(_)) => return Ok(None),
                None if ended == Ended::Stopped => return Ok(None),
                // There is a new server, or a query over TCP must begin or has ended.
                None => {}
            }
            let servers = self.reached_servers(stack);
            if let Some(WithResolver::Resolver(resolver)) = stack.udp_program(port) {
                resolver.add_servers(&servers);
            }
            queries.advance(stack, io, clock.now());
        };
        // If the TCP connections are still open, wait: the DNS servers should see them close.
        if !queries.free_closed(stack) {
            Self::wait_for(GRACE, stack, io, clock, stop, |stack| queries.free_closed(stack))?;
        }
        Ok(Some(resolver))
    }

    /// Returns the DNS servers of --dns, then the servers that DHCP and routers have announced so far.
    fn servers<S: Session + Clone, U: UdpSession>(&self, stack: &Stack<'_, S, U>) -> impl Iterator<Item = IpAddress> {
        self.link.dns.iter().copied().chain(stack.dns_servers())
    }

    /// Returns the DNS servers that can be reached now.
    fn reached_servers<S: Session + Clone, U: UdpSession>(&self, stack: &Stack<'_, S, U>) -> Vec<IpAddress> {
        self.servers(stack).filter(|&server| can_reach(stack, server.into())).collect()
    }

    /// Waits until it is known whether another host uses a configured address. Fails if another host uses one, or if
    /// the link stays down. The wait takes at most the timeout `patience` or [`SILENCE`], whichever is longer.
    fn settle<S: Session + Clone, U: UdpSession, P: Probe>(
        &self,
        stack: &mut Stack<'_, S, U>,
        io: &mut Io<TunTap, Stdio, P>,
        clock: &Clock,
        stop: &mut Stop,
    ) -> Result<(), Failure> {
        // How long to wait after the warning that the link is down.
        let remaining = self.patience.saturating_sub(SILENCE);
        Self::wait_for(SILENCE, stack, io, clock, stop, |stack| stack.is_settled())?;
        if !stack.is_settled() && !remaining.is_zero() {
            log::warn!("{}; waiting for it", link_down(&self.link.name));
            Self::wait_for(remaining, stack, io, clock, stop, |stack| stack.is_settled())?;
        }
        if !stack.is_settled() {
            return Err(Failure::run(link_down(&self.link.name)));
        }
        check(stack)
    }

    /// Polls until `done` returns true or the timeout `patience` expires. A timeout is not an error: the caller checks
    /// the result itself. Fails if a signal ends the wait.
    fn wait<'a, S: Session + Clone, U: UdpSession, P: Probe>(
        &self,
        stack: &mut Stack<'a, S, U>,
        io: &mut Io<TunTap, Stdio, P>,
        clock: &Clock,
        stop: &mut Stop,
        done: impl FnMut(&mut Stack<'a, S, U>) -> bool,
    ) -> Result<(), Failure> {
        Self::wait_for(self.patience, stack, io, clock, stop, done)
    }

    /// Polls until `done` returns true or the timeout `time` expires. A timeout is not an error: the caller checks the
    /// result itself. Fails if a signal ends the wait.
    fn wait_for<'a, S: Session + Clone, U: UdpSession, P: Probe>(
        time: Duration,
        stack: &mut Stack<'a, S, U>,
        io: &mut Io<TunTap, Stdio, P>,
        clock: &Clock,
        stop: &mut Stop,
        mut done: impl FnMut(&mut Stack<'a, S, U>) -> bool,
    ) -> Result<(), Failure> {
        let ends_at = clock.now() + time.into();
        // Without the timer, `drive` could sleep past this time, because it knows only the stack's deadlines.
        let timer = Timer::new()?;
        timer.set(clock, Some(ends_at))?;
        let ended =
            drive(stack, io, clock, &mut Alarm { stop, timer: &timer }, |stack| done(stack) || clock.now() >= ends_at)?;
        if ended == Ended::Done { Ok(()) } else { Err(interrupted()) }
    }

    /// Returns whether this host uses DHCP but has no lease yet. An IPv4 address that is not a configured address comes
    /// from a lease.
    fn lacks_lease<S: Session + Clone, U: UdpSession>(&self, stack: &Stack<'_, S, U>) -> bool {
        let leased = |own: &IpCidr| matches!(own, IpCidr::Ipv4(_)) && !self.link.addresses.contains(own);
        self.link.dhcp && !stack.addresses().iter().any(leased)
    }

    /// Returns the error for a lookup that needs a lease from a DHCP server.
    fn no_lease(&self) -> Failure {
        let (name, seconds) = (&self.link.name, self.patience.as_secs_f64());
        Failure::run(format_args!("no lease from a DHCP server on {name} within {seconds} s"))
    }

    /// Returns the error for a lookup for which no DNS server is known.
    fn no_server<S: Session + Clone, U: UdpSession>(&self, stack: &Stack<'_, S, U>) -> Failure {
        let seconds = self.patience.as_secs_f64();
        let name = &self.link.name;
        if self.lacks_lease(stack) {
            self.no_lease()
        } else if self.link.dhcp {
            Failure::run("the DHCP server names no DNS server: give --dns")
        } else {
            Failure::run(format_args!("no router on {name} named a DNS server within {seconds} s: give --dns"))
        }
    }
}

/// Returns the error for an address without a route. The message suggests --ip and --gateway.
pub(super) fn no_route(address: &IpAddress) -> Failure {
    Failure::run(format_args!(
        "no route to {address}: give an address on its network with --ip, or a router with --gateway"
    ))
}

/// Returns the error text for a packet to `to` whose next hop did not answer ARP or NDP.
pub(super) fn unanswered<S: Session + Clone, U: UdpSession>(
    link: &Link,
    stack: &Stack<'_, S, U>,
    to: IpAddress,
) -> String {
    let name = &link.name;
    match stack.next_hop(to) {
        Some(router) if router != to => {
            format!("no host answers at {router}, the router to {to}: check that it is up, and on {name}")
        }
        _ => format!("no host answers at {to}: check the address, and that the host is up and on {name}"),
    }
}

/// Returns whether the stack has a route to `to` and a source address for it.
fn can_reach<S: Session + Clone, U: UdpSession>(stack: &Stack<'_, S, U>, to: IpAddr) -> bool {
    // The port does not matter, but `source_for` rejects port 0.
    !is_loopback(to) && stack.source_for(IpEndpoint::new(to.into(), 1)).is_ok()
}

/// Returns whether the stack has an address of one family: IPv6 if `v6` is true, else IPv4. Link-local IPv6 addresses
/// are ignored.
fn has_family<S: Session + Clone, U: UdpSession>(stack: &Stack<'_, S, U>, v6: bool) -> bool {
    stack.addresses().iter().any(|own| match own.address() {
        IpAddress::Ipv4(_) => !v6,
        IpAddress::Ipv6(own) => v6 && !own.is_unicast_link_local(),
    })
}

/// Returns the error for a lookup that a signal has ended.
fn interrupted() -> Failure {
    Failure::run("interrupted")
}
