//! Stateless address autoconfiguration (RFC 4862): solicits routers and creates addresses from advertised prefixes.
//! routers.rs chooses the router that this host uses. slaac/prefix.rs handles the advertised prefixes.

mod prefix;

use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{EthernetAddress, EthernetFrame, Icmpv6Message, IpAddress, IpCidr, Ipv6Address, Ipv6Cidr};

use super::change::{Change, Changes, Origin, push};
use super::claim::Claims;
use super::icmpv6::icmpv6;
use super::routers::Routers;
use crate::stack::event::{AddressEvent, DropReason};
use crate::stack::ndisc::interface_address;

/// The largest number of prefixes that are kept. Further prefixes are ignored.
const PREFIXES: usize = 3;
/// The largest number of DNS servers that are kept. Further servers are ignored.
const DNS: usize = 3;
/// The number of router solicitations at a constant interval (RFC 4861 section 10). Later intervals grow (RFC 7559).
const SOLICITATIONS: u8 = 3;
/// The constant interval between the first router solicitations (RFC 4861 section 10).
const INTERVAL: Duration = Duration::from_secs(4);
/// The longest interval between two router solicitations.
const LONGEST: Duration = Duration::from_secs(512);
/// The value for a lifetime that never ends.
const FOR_EVER: u32 = u32::MAX;
/// The largest number of advertisements processed per second. Known routers and other routers have separate limits.
const ADVERTISEMENTS: u8 = 16;
/// The smallest MTU of IPv6, in bytes (RFC 8200 section 5).
const LEAST_MTU: u32 = 1280;

// Option types (RFC 4861 section 4.6, RFC 8106 section 5.1).
const PREFIX: u8 = 3;
const MTU: u8 = 5;
const RDNSS: u8 = 25;

/// The SLAAC state of one interface.
pub(super) struct Host {
    hardware: EthernetAddress,
    /// The source address of this host's solicitations.
    link_local: Ipv6Cidr,
    /// Whether this host has begun to use the link-local address. Until then, no solicitation is sent.
    ready: bool,
    /// Whether the link-local address comes from the configuration.
    by_hand: bool,
    /// The number of solicitations sent so far.
    solicited: u8,
    /// The time at which the next solicitation is due.
    at: Option<Instant>,
    /// The time between two solicitations.
    wait: Duration,
    /// Whether any router has answered since the solicitations began.
    answered: bool,
    /// Whether the link has come up again and no router has answered since then.
    unconfirmed: bool,
    /// The time at which to remove all routers and prefixes that were not advertised again after the link came up.
    confirm_at: Option<Instant>,
    prefixes: heapless::Vec<Prefix, PREFIXES>,
    routers: Routers,
    dns: heapless::Vec<(Ipv6Address, Instant), DNS>,
    /// The MTU that a router advertised, in bytes.
    mtu: Option<u32>,
    /// The numbers of advertisements since `read_since`: from unknown routers, and from known routers.
    read: [u8; 2],
    read_since: Instant,
    /// The number of new prefixes since `prefixes_since`.
    new_prefixes: usize,
    prefixes_since: Instant,
}

/// A prefix, stored as the address that is created from the prefix.
#[derive(Clone, Copy)]
struct Prefix {
    address: Ipv6Address,
    /// The time at which the valid lifetime of the address ends.
    until: Instant,
    /// The time at which the preferred lifetime of the address ends.
    preferred_until: Instant,
    /// Whether hosts with this prefix are on the link.
    on_link: bool,
    /// Whether a router advertised the prefix since the link came up.
    confirmed: bool,
    state: State,
}

impl Prefix {
    /// Returns the address with its prefix length: 64 if the prefix is on the link, otherwise 128.
    fn cidr(&self) -> IpCidr {
        let len = if self.on_link { 64 } else { 128 };
        IpCidr::Ipv6(Ipv6Cidr::new(self.address, len))
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// This host is checking that no other host uses the address.
    Claimed,
    /// Another host uses the address.
    Taken,
    /// This host uses the address. If `deprecated`, other addresses are preferred.
    Used { deprecated: bool },
}

impl Host {
    /// Creates the SLAAC state. Uses the link-local address in `addresses`, or creates one from `hardware` if
    /// `addresses` contains none.
    pub(super) fn new(hardware: EthernetAddress, addresses: &[IpCidr]) -> Self {
        let given = addresses.iter().find_map(|address| match address {
            IpCidr::Ipv6(cidr) if cidr.address().is_unicast_link_local() => Some(*cidr),
            _ => None,
        });
        let made = Ipv6Cidr::new(interface_address(Ipv6Address::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), hardware), 64);
        Host {
            hardware,
            link_local: given.unwrap_or(made),
            ready: false,
            by_hand: given.is_some(),
            solicited: 0,
            at: None,
            wait: INTERVAL,
            answered: false,
            unconfirmed: false,
            confirm_at: None,
            prefixes: heapless::Vec::new(),
            routers: Routers::new(),
            dns: heapless::Vec::new(),
            mtu: None,
            read: [0; 2],
            read_since: Instant::ZERO,
            new_prefixes: 0,
            prefixes_since: Instant::ZERO,
        }
    }

    /// Claims the link-local address. An address from the configuration is ready immediately: `Autoconf` claims it if
    /// necessary.
    pub(super) fn start(&mut self, claims: &mut Claims, now: Instant) {
        // Without a configured address, `add` starts the claim, and `granted` sets `ready` later. `add` succeeds,
        // because at the start the list of claims has room.
        if self.by_hand || !claims.add(IpCidr::Ipv6(self.link_local), Origin::Slaac, now) {
            self.ready = true;
            self.at = Some(now);
        }
    }

    /// Returns the time of the next call to [`advance`](Self::advance).
    pub(super) fn due(&self) -> Option<Instant> {
        let prefixes = self.prefixes.iter().flat_map(|prefix| {
            // An address that is not deprecated yet becomes deprecated at `preferred_until`.
            let fresh = prefix.state == State::Used { deprecated: false };
            [Some(prefix.until), fresh.then_some(prefix.preferred_until)]
        });
        let times = prefixes.chain([self.routers.due(), self.at, self.confirm_at]).flatten();
        times.chain(self.dns.iter().map(|(_, until)| *until)).min()
    }

    /// Returns the length of the longest packet that routers allow, in bytes, or `None` if no router sets a limit.
    pub(super) fn mtu(&self) -> Option<usize> {
        self.mtu.and_then(|mtu| mtu.try_into().ok())
    }

    /// Returns whether only existing connections should use `address` (RFC 4862 section 5.5.4).
    pub(super) fn is_deprecated(&self, address: IpAddress) -> bool {
        let deprecated = State::Used { deprecated: true };
        self.prefixes.iter().any(|prefix| prefix.state == deprecated && IpAddress::Ipv6(prefix.address) == address)
    }

    /// Solicits routers, because the link came up. Prefixes and routers that are not advertised again are removed
    /// later.
    pub(super) fn link_up(&mut self, now: Instant) {
        self.mtu = None;
        self.routers.link_up();
        self.prefixes.iter_mut().for_each(|prefix| prefix.confirmed = false);
        // The first answer sets the time limit `confirm_at`.
        (self.unconfirmed, self.confirm_at) = (true, None);
        // Until the link-local address is in use, nothing is sent. `granted` then starts the solicitations.
        if self.ready {
            self.solicit(now);
        }
    }

    /// Starts to solicit routers.
    fn solicit(&mut self, now: Instant) {
        (self.solicited, self.wait, self.at, self.answered) = (0, INTERVAL, Some(now), false);
    }

    /// Returns the DNS servers that routers have advertised.
    pub(super) fn dns_servers(&self) -> impl Iterator<Item = Ipv6Address> {
        self.dns.iter().map(|(server, _)| *server)
    }

    /// Removes routers, prefixes and servers that have expired, and marks addresses as deprecated. If a router
    /// solicitation is due, counts the solicitation as sent and returns its source address.
    pub(super) fn advance(&mut self, now: Instant, changes: &mut Changes) -> Option<Ipv6Address> {
        // Routers that are still on the link have had enough time to answer, so the others are removed.
        if self.confirm_at.take_if(|at| *at <= now).is_some() {
            self.routers.drop_unconfirmed();
            self.prefixes.iter_mut().filter(|prefix| !prefix.confirmed).for_each(|prefix| prefix.until = now);
        }
        for prefix in &mut self.prefixes {
            let State::Used { .. } = prefix.state else { continue };
            if prefix.until <= now {
                push(changes, Change::Report(AddressEvent::Expired(prefix.cidr())));
                push(changes, Change::Remove(prefix.address.into()));
                continue;
            }
            prefix.state = State::Used { deprecated: prefix.preferred_until <= now };
        }
        self.prefixes.retain(|prefix| prefix.until > now);
        self.dns.retain(|(_, until)| *until > now);
        // If no router is left, ask for routers again.
        if self.routers.advance(now, changes) {
            self.solicit(now);
        }
        if self.at.is_none_or(|at| at > now) {
            return None;
        }
        // Report once that no router has answered the solicitations at the constant interval.
        if self.solicited == SOLICITATIONS && !self.answered {
            push(changes, Change::Report(AddressEvent::NoRouter));
        }
        self.solicited = self.solicited.saturating_add(1);
        self.at = Some(now + self.wait);
        // After the solicitations at the constant interval, each interval is twice as long as the one before (RFC
        // 7559).
        if self.solicited > SOLICITATIONS {
            self.wait = (self.wait * 2).min(LONGEST);
        }
        Some(self.link_local.address())
    }

    /// Starts to use `address`, because no other host uses it. If it is the link-local address, the solicitations of
    /// routers start, too.
    pub(super) fn granted(&mut self, now: Instant, address: IpCidr, changes: &mut Changes) {
        if address == IpCidr::Ipv6(self.link_local) {
            self.ready = true;
            // The first solicitation is due.
            self.at = Some(now);
        } else {
            let claimed = address.address();
            // The address might have expired while it was being claimed.
            let known = self.prefixes.iter_mut().find(|prefix| IpAddress::Ipv6(prefix.address) == claimed);
            let Some(prefix) = known else { return };
            prefix.state = State::Used { deprecated: false };
            push(changes, Change::Report(AddressEvent::Advertised(prefix.cidr())));
            push(changes, Change::Add(prefix.cidr()));
            return;
        }
        // The link-local address.
        push(changes, Change::Add(address));
    }

    /// Handles a conflict: another host uses `address`. If `address` is the link-local address, SLAAC never becomes
    /// ready (RFC 4862 section 5.4.5).
    pub(super) fn conflict(&mut self, address: IpCidr) {
        for prefix in self.prefixes.iter_mut().filter(|prefix| IpAddress::Ipv6(prefix.address) == address.address()) {
            prefix.state = State::Taken;
        }
    }

    /// Processes a frame if the frame contains a router advertisement. `own` lists the interface's addresses.
    pub(super) fn process(
        &mut self,
        now: Instant,
        frame: &EthernetFrame<&[u8]>,
        own: &[IpCidr],
        claims: &mut Claims,
        changes: &mut Changes,
    ) {
        // Until the link-local address is in use, advertisements are ignored.
        let Some((source, bytes)) = icmpv6(frame, Icmpv6Message::RouterAdvert).filter(|_| self.ready) else { return };
        // An advertisement is valid only from a link-local address (RFC 4861 section 6.1.2). After the ICMPv6 header,
        // it contains the hop limit, the flags and the router lifetime.
        let (Some(&[_, _, _, _, _, flags, high, low, ..]), true) =
            (bytes.first_chunk::<16>(), source.is_unicast_link_local())
        else {
            return;
        };
        if !self.may_read(now, source) {
            return push(changes, Change::Dropped(DropReason::TooManyAdvertisements));
        }
        self.answered = true;
        // The first answer after the link came up starts a time limit for the answers of the other routers.
        if core::mem::take(&mut self.unconfirmed) {
            self.confirm_at = Some(now + INTERVAL);
        }
        let lifetime = u16::from_be_bytes([high, low]);
        if !self.routers.advertised(now, source, flags, lifetime) {
            return push(changes, Change::Dropped(DropReason::TooManyAdvertisements));
        }
        // If no router is left, ask for routers again.
        if self.routers.advance(now, changes) {
            self.solicit(now);
        }
        // A default router ends the solicitations (RFC 4861 section 6.3.7).
        if lifetime > 0 {
            self.at = None;
        }
        let mut options = bytes.get(16..).unwrap_or_default();
        // Each option begins with its type and its length in units of 8 bytes.
        while let Some(&[kind, units]) = options.first_chunk() {
            let len = usize::from(units) * 8;
            let Some(option) = options.get(..len).filter(|option| !option.is_empty()) else { return };
            match kind {
                PREFIX => self.prefix(now, option, own, claims, changes),
                MTU => {
                    if let Some(mtu) = number(option, 4).filter(|&mtu| mtu >= LEAST_MTU) {
                        self.mtu = Some(mtu);
                    }
                }
                RDNSS => self.servers(now, option),
                _ => {}
            }
            options = options.get(len..).unwrap_or_default();
        }
    }

    /// Counts an advertisement from `source`. Returns false if this second's limit is exceeded. Known routers have
    /// their own limit, so that a flood from other hosts cannot suppress their advertisements.
    fn may_read(&mut self, now: Instant, source: Ipv6Address) -> bool {
        if now >= self.read_since + Duration::from_secs(1) {
            (self.read, self.read_since) = ([0; 2], now);
        }
        // Index 0 counts the advertisements from unknown routers, and index 1 those from known routers.
        let read = &mut self.read[usize::from(self.routers.knows(source))];
        *read = read.saturating_add(1);
        *read <= ADVERTISEMENTS
    }

    /// Handles an option that lists DNS servers (RFC 8106 section 5.1).
    fn servers(&mut self, now: Instant, option: &[u8]) {
        let Some(lifetime) = number(option, 4) else { return };
        for octets in option.get(8..).unwrap_or_default().as_chunks::<16>().0 {
            let server = Ipv6Address::from(*octets);
            if server.is_unspecified() || server.is_multicast() || server.is_loopback() {
                continue;
            }
            // The new lifetime replaces the old lifetime. A lifetime of 0 only removes the server.
            self.dns.retain(|(known, _)| *known != server);
            if lifetime > 0 {
                let _ = self.dns.push((server, after(now, lifetime))); // Servers that do not fit are ignored.
            }
        }
    }
}

/// Reads a 32-bit number at the offset `at`. `None` if `bytes` is too short.
fn number(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().copied().map(u32::from_be_bytes)
}

/// Returns the time at which a lifetime of `seconds` ends. An infinite lifetime is treated as a hundred years.
fn after(now: Instant, seconds: u32) -> Instant {
    let seconds = if seconds == FOR_EVER { 3_155_760_000 } else { u64::from(seconds) };
    now + Duration::from_secs(seconds)
}
