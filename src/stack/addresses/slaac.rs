//! Stateless address autoconfiguration (RFC 4862): solicits routers, and makes addresses from their prefixes.

use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{EthernetAddress, EthernetFrame, Icmpv6Message, IpCidr, Ipv6Address, Ipv6Cidr};

use super::change::{Change, Changes, Origin, push};
use super::claim::Claims;
use super::icmpv6::icmpv6;
use crate::stack::event::AddressEvent;

/// The largest number of prefixes that are used, and of DNS servers that are kept. Further ones are ignored.
const PREFIXES: usize = 3;
const DNS: usize = 3;
/// Routers are solicited three times, 4 s apart (RFC 4861 section 10), then less and less often (RFC 7559).
const SOLICITATIONS: u8 = 3;
const INTERVAL: Duration = Duration::from_secs(4);
const LONGEST: Duration = Duration::from_secs(512);
/// No advertisement can shorten a lifetime below this time, because anyone on the link can send an advertisement (RFC 4862
/// section 5.5.3).
const TWO_HOURS: Duration = Duration::from_secs(7200);
/// A lifetime of all ones means for ever.
const FOR_EVER: u32 = u32::MAX;

// Options (RFC 4861 section 4.6, RFC 8106 section 5.1).
const PREFIX: u8 = 3;
const RDNSS: u8 = 25;

/// The address in a 64-bit network that is made from a hardware address (RFC 4291 appendix A).
///
/// It has `ff:fe` in the middle, and the universal bit is inverted.
pub fn interface_address(network: Ipv6Address, hardware: EthernetAddress) -> Ipv6Address {
    let EthernetAddress([a, b, c, d, e, f]) = hardware;
    let mut octets = network.octets();
    octets[8..].copy_from_slice(&[a ^ 2, b, c, 0xff, 0xfe, d, e, f]);
    octets.into()
}

/// The SLAAC state of one interface.
pub(super) struct Host {
    hardware: EthernetAddress,
    /// The source address of this host's solicitations.
    link_local: Ipv6Cidr,
    /// Whether the link-local address can be used, because its claim has ended or it is configured. Nothing is sent before
    /// that.
    ready: bool,
    by_hand: bool,
    solicited: u8,
    at: Option<Instant>,
    wait: Duration,
    prefixes: heapless::Vec<Prefix, PREFIXES>,
    router: Option<(Ipv6Address, Instant)>,
    dns: heapless::Vec<(Ipv6Address, Instant), DNS>,
}

/// A prefix, stored as the address made from it.
#[derive(Clone, Copy)]
struct Prefix {
    address: Ipv6Cidr,
    until: Instant,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Claimed,
    Taken,
    Used,
}

impl Host {
    /// A host whose link-local address is in `addresses`, or made from its hardware address.
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
            prefixes: heapless::Vec::new(),
            router: None,
            dns: heapless::Vec::new(),
        }
    }

    pub(super) fn start(&mut self, claims: &mut Claims, now: Instant) {
        if self.by_hand || !claims.add(IpCidr::Ipv6(self.link_local), Origin::Slaac, now) {
            self.ready = true;
            self.at = Some(now);
        }
    }

    pub(super) fn due(&self) -> Option<Instant> {
        let router = self.router.map(|(_, until)| until);
        let prefixes = self.prefixes.iter().map(|prefix| prefix.until);
        prefixes.chain(self.dns.iter().map(|(_, until)| *until)).chain(router).chain(self.at).min()
    }

    pub(super) fn dns_servers(&self) -> impl Iterator<Item = Ipv6Address> {
        self.dns.iter().map(|(server, _)| *server)
    }

    /// Removes routers, prefixes and servers that have expired. Returns the source address of a solicitation, if one is due.
    pub(super) fn advance(&mut self, now: Instant, changes: &mut Changes) -> Option<Ipv6Address> {
        for prefix in self.prefixes.iter().filter(|prefix| prefix.until <= now && prefix.state == State::Used) {
            push(changes, Change::Report(AddressEvent::Expired(prefix.address.into())));
            push(changes, Change::Remove(prefix.address.address().into()));
        }
        self.prefixes.retain(|prefix| prefix.until > now);
        self.dns.retain(|(_, until)| *until > now);
        if self.router.is_some_and(|(_, until)| until <= now) {
            self.lose_router(now, changes);
        }
        if self.at.is_none_or(|at| at > now) {
            return None;
        }
        if self.solicited == SOLICITATIONS {
            push(changes, Change::Report(AddressEvent::NoRouter));
        }
        self.solicited = self.solicited.saturating_add(1);
        self.at = Some(now + self.wait);
        if self.solicited > SOLICITATIONS {
            self.wait = (self.wait * 2).min(LONGEST);
        }
        Some(self.link_local.address())
    }

    /// Starts to use an address, because no other host has it.
    pub(super) fn granted(&mut self, now: Instant, address: IpCidr, changes: &mut Changes) {
        if address == IpCidr::Ipv6(self.link_local) {
            self.ready = true;
            self.at = Some(now);
        } else {
            match self.prefixes.iter_mut().find(|prefix| IpCidr::Ipv6(prefix.address) == address) {
                Some(prefix) => {
                    prefix.state = State::Used;
                    push(changes, Change::Report(AddressEvent::Advertised(address)));
                }
                // The address expired while it was being claimed.
                None => return,
            }
        }
        push(changes, Change::Add(address));
    }

    /// Notes that another host has an address. Without a link-local address, SLAAC ends (RFC 4862 section 5.4.5).
    pub(super) fn conflict(&mut self, address: IpCidr) {
        for prefix in self.prefixes.iter_mut().filter(|prefix| IpCidr::Ipv6(prefix.address) == address) {
            prefix.state = State::Taken;
        }
    }

    /// Handles a router advertisement, if the frame is one.
    pub(super) fn process(
        &mut self,
        now: Instant,
        frame: &EthernetFrame<&[u8]>,
        own: &[IpCidr],
        claims: &mut Claims,
        changes: &mut Changes,
    ) {
        let Some((source, bytes)) = icmpv6(frame, Icmpv6Message::RouterAdvert).filter(|_| self.ready) else { return };
        // RFC 4861 section 6.1.2.
        let (Some(&[_, _, _, _, _, _, high, low, ..]), true) =
            (bytes.first_chunk::<16>(), source.is_unicast_link_local())
        else {
            return;
        };
        let lifetime = u16::from_be_bytes([high, low]);
        match self.router {
            Some((router, _)) if router == source && lifetime == 0 => self.lose_router(now, changes),
            Some((router, _)) if router != source => {}
            _ if lifetime > 0 => {
                let known = self.router.replace((source, now + Duration::from_secs(lifetime.into())));
                if known.is_none() {
                    push(changes, Change::Router(source.into()));
                }
            }
            _ => {}
        }
        // Once there is a router, solicitations end (RFC 4861 section 6.3.7).
        if self.router.is_some() {
            self.at = None;
        }
        let mut options = bytes.get(16..).unwrap_or_default();
        while let Some(&[kind, units]) = options.first_chunk() {
            let len = usize::from(units) * 8;
            let Some(option) = options.get(..len).filter(|option| !option.is_empty()) else { return };
            match kind {
                PREFIX => self.prefix(now, option, own, claims),
                RDNSS => self.servers(now, option),
                _ => {}
            }
            options = options.get(len..).unwrap_or_default();
        }
    }

    /// Handles a prefix information option (RFC 4862 section 5.5.3).
    fn prefix(&mut self, now: Instant, option: &[u8], own: &[IpCidr], claims: &mut Claims) {
        let Some(&[_, _, length, flags, ref rest @ ..]) = option.first_chunk::<32>() else { return };
        let (Some(valid), Some(preferred)) = (number(rest, 0), number(rest, 4)) else { return };
        let Some(&[a, b, c, d, e, f, g, h]) = rest.get(12..20).and_then(|bytes| bytes.first_chunk::<8>()) else {
            return;
        };
        // Bits beyond the prefix length are not part of the prefix (RFC 4861 section 4.6.2).
        let network = Ipv6Address::from([a, b, c, d, e, f, g, h, 0, 0, 0, 0, 0, 0, 0, 0]);
        let special = network.is_unicast_link_local() || network.is_multicast() || network.is_loopback();
        // An address made from a hardware address needs a prefix of 64 bits (RFC 2464 section 4).
        if length != 64 || flags & 0x40 == 0 || preferred > valid || special || network.is_unspecified() {
            return;
        }
        let address = Ipv6Cidr::new(interface_address(network, self.hardware), 64);
        let until = after(now, valid);
        if let Some(known) = self.prefixes.iter_mut().find(|prefix| prefix.address == address) {
            let least = known.until.min(now + TWO_HOURS);
            known.until = until.max(least);
            return;
        }
        let by_hand = own.iter().any(|own| own.address() == address.address().into());
        if valid == 0 || by_hand || self.prefixes.is_full() {
            return;
        }
        if claims.add(IpCidr::Ipv6(address), Origin::Slaac, now) {
            // There is room, as was checked above.
            let _ = self.prefixes.push(Prefix { address, until, state: State::Claimed });
        }
    }

    /// Handles DNS servers (RFC 8106 section 5.1).
    fn servers(&mut self, now: Instant, option: &[u8]) {
        let Some(lifetime) = number(option, 4) else { return };
        for octets in option.get(8..).unwrap_or_default().chunks_exact(16) {
            let Some(&octets) = octets.first_chunk::<16>() else { continue };
            let server = Ipv6Address::from(octets);
            if server.is_unspecified() || server.is_multicast() || server.is_loopback() {
                continue;
            }
            self.dns.retain(|(known, _)| *known != server);
            if lifetime > 0 {
                // Servers that do not fit are ignored.
                let _ = self.dns.push((server, after(now, lifetime)));
            }
        }
    }

    /// Drops the router, and solicits another one.
    fn lose_router(&mut self, now: Instant, changes: &mut Changes) {
        if let Some((router, _)) = self.router.take() {
            push(changes, Change::RouterGone(router.into()));
        }
        (self.solicited, self.wait, self.at) = (0, INTERVAL, Some(now));
    }
}

/// A 32-bit number.
fn number(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().copied().map(u32::from_be_bytes)
}

/// The end of a lifetime of `seconds` seconds. An infinite lifetime ends in a hundred years.
fn after(now: Instant, seconds: u32) -> Instant {
    let seconds = if seconds == FOR_EVER { 3_155_760_000 } else { u64::from(seconds) };
    now + Duration::from_secs(seconds)
}
