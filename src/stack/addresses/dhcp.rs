//! The DHCP client (RFC 2131 section 4.4): discover, request, check, use, renew.

use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{DhcpMessageType, IpCidr, Ipv4Address, Ipv4Cidr};

use super::change::{Change, Changes, Origin, push};
use super::claim::Claims;
use super::lease::{BadOffer, Lease, Message, Reply};
use crate::stack::event::{AddressEvent, Denial, Loss};

/// How long the first message waits for an answer, and the longest wait of any message (RFC 2131 section 4.1).
const FIRST: Duration = Duration::from_secs(4);
const LONGEST: Duration = Duration::from_secs(64);
/// The number of requests for one offer.
const REQUESTS: u8 = 4;
/// How long to wait after a conflict (RFC 2131 section 3.1 point 5) or a refusal.
const AFTER_CONFLICT: Duration = Duration::from_secs(10);
const AFTER_REFUSAL: Duration = Duration::from_secs(1);
/// How many refused requests in a row double the wait. The longest wait after a refusal is thus 64 s.
const REFUSALS: u8 = 6;
/// The shortest time between two attempts to renew (RFC 2131 section 4.4.5); for leases under 8 minutes it is an eighth.
const RENEWALS: Duration = Duration::from_secs(60);

/// The client of one interface.
pub(super) struct Client {
    state: State,
    xid: u32,
    /// The number of attempts in this state, when the last attempt was sent, and when the next is due.
    tries: u8,
    asked: Instant,
    at: Option<Instant>,
    /// Which problems were already reported: no server answers, an offer is not valid, an offer is not granted.
    reported_silence: bool,
    reported_refusal: bool,
    reported_denial: bool,
    /// The number of requests that were refused.
    denials: u8,
}

/// The states of RFC 2131's figure 5.
enum State {
    /// INIT and SELECTING.
    Selecting,
    Requesting(Lease),
    /// Granted, but not used yet: another host may still object.
    Checking(Lease),
    /// Another host has the address: the lease must be declined.
    Declining(Lease),
    /// BOUND, RENEWING and REBINDING.
    Bound(Lease),
}

/// The addresses that a reply may be about.
#[derive(Clone, Copy)]
enum Expected<'o> {
    /// Any address that is neither in use nor being claimed by hand.
    NoneOf(&'o [IpCidr], &'o Claims),
    Only(Ipv4Address),
}

impl Client {
    pub(super) fn new(now: Instant) -> Self {
        Client {
            state: State::Selecting,
            xid: 0,
            tries: 0,
            asked: now,
            at: Some(now),
            reported_silence: false,
            reported_refusal: false,
            reported_denial: false,
            denials: 0,
        }
    }

    pub(super) fn due(&self) -> Option<Instant> {
        match &self.state {
            State::Bound(lease) => Some(self.at.map_or(lease.end, |at| at.min(lease.end))),
            _ => self.at,
        }
    }

    pub(super) fn dns_servers(&self) -> impl Iterator<Item = Ipv4Address> {
        let lease = match &self.state {
            State::Bound(lease) => Some(lease),
            _ => None,
        };
        lease.into_iter().flat_map(|lease| lease.dns.iter().copied())
    }

    /// Does what is due at this time, and returns the message to send.
    pub(super) fn advance(
        &mut self,
        now: Instant,
        random: u32,
        claims: &mut Claims,
        changes: &mut Changes,
    ) -> Option<Message> {
        if let State::Bound(lease) = &self.state
            && now >= lease.end
        {
            let address = lease.address;
            self.lose(now, address, Loss::Expired, changes);
        }
        if self.at.is_none_or(|at| at > now) {
            return None;
        }
        self.asked = now;
        let refused = core::mem::take(&mut self.reported_refusal);
        // The jitter keeps hosts that start together from asking together.
        let jitter = Duration::from_millis(u64::from(random % 1000));
        let wait = (FIRST * (1 << self.tries.min(4))).min(LONGEST) + jitter;
        match &self.state {
            State::Selecting => {
                if self.tries > 0 && !refused && !self.reported_silence {
                    self.reported_silence = true;
                    push(changes, Change::Report(AddressEvent::NoDhcpServer));
                }
                self.xid = random;
                self.tries = self.tries.saturating_add(1);
                self.at = Some(now + wait);
                Some(self.message(DhcpMessageType::Discover))
            }
            State::Requesting(_) if self.tries >= REQUESTS => {
                self.deny(Denial::Silent, changes);
                self.restart(now);
                None
            }
            State::Requesting(offer) => {
                let (requested, server) = (Some(offer.address.address()), Some(offer.server));
                self.tries += 1;
                self.at = Some(now + wait);
                Some(Message { requested, server, ..self.message(DhcpMessageType::Request) })
            }
            State::Checking(lease) => {
                // The claim starts now, not when the grant arrived, because other work may have been due before.
                claims.add(IpCidr::Ipv4(lease.address), Origin::Dhcp, now);
                self.at = None;
                None
            }
            State::Declining(lease) => {
                let (requested, server) = (Some(lease.address.address()), Some(lease.server));
                let decline = Message { requested, server, ..self.message(DhcpMessageType::Decline) };
                self.restart(now + AFTER_CONFLICT);
                Some(decline)
            }
            State::Bound(lease) => {
                let rebinding = now >= lease.t2;
                let until = if rebinding { lease.end } else { lease.t2 };
                let least = RENEWALS.min((lease.end - lease.t1) / 8).max(AFTER_REFUSAL);
                let to = (!rebinding).then_some(lease.from);
                let client = Some(lease.address.address());
                self.at = Some((now + ((until - now) / 2).max(least)).min(until));
                self.xid = random;
                Some(Message { client, to, ..self.message(DhcpMessageType::Request) })
            }
        }
    }

    /// Handles a reply for this host.
    pub(super) fn process(
        &mut self,
        now: Instant,
        reply: &Reply,
        own: &[IpCidr],
        claims: &mut Claims,
        changes: &mut Changes,
    ) {
        // No reply is expected before the first message of a state.
        let asked = self.tries > 0 || matches!(self.state, State::Bound(_));
        if reply.xid != self.xid || !asked {
            return;
        }
        match (&self.state, reply.kind) {
            (State::Selecting, DhcpMessageType::Offer) => {
                if let Some(offer) = self.sensible(reply, Expected::NoneOf(own, claims), changes) {
                    self.state = State::Requesting(offer);
                    self.tries = 0;
                    self.at = Some(now);
                }
            }
            (State::Requesting(offer), DhcpMessageType::Ack) => {
                let address = offer.address.address();
                if let Some(lease) = self.sensible(reply, Expected::Only(address), changes) {
                    claims.remove(address.into(), Origin::Dhcp);
                    self.state = State::Checking(lease);
                    self.at = Some(now);
                }
            }
            (State::Requesting(_), DhcpMessageType::Nak) => {
                self.deny(Denial::Refused, changes);
                self.restart(now + AFTER_REFUSAL * (1 << self.denials));
                self.denials = (self.denials + 1).min(REFUSALS);
            }
            (State::Bound(old), DhcpMessageType::Ack) => {
                let address = old.address.address();
                if let Some(lease) = self.sensible(reply, Expected::Only(address), changes) {
                    self.renew(lease, changes);
                }
            }
            (State::Bound(old), DhcpMessageType::Nak) => {
                let address = old.address;
                self.lose(now + AFTER_REFUSAL, address, Loss::Refused, changes);
            }
            _ => {}
        }
    }

    /// Starts to use the address, because no other host has it.
    pub(super) fn granted(&mut self, changes: &mut Changes) {
        let State::Checking(lease) = core::mem::replace(&mut self.state, State::Selecting) else { return };
        let Lease { address, server, seconds, .. } = lease;
        push(changes, Change::Report(AddressEvent::Leased { address, server, seconds }));
        push(changes, Change::Add(IpCidr::Ipv4(address)));
        if let Some(router) = lease.router {
            push(changes, Change::Router(router.into()));
        }
        self.at = Some(lease.t1);
        self.tries = 0;
        (self.reported_silence, self.reported_denial, self.denials) = (false, false, 0);
        self.state = State::Bound(lease);
    }

    /// Records that another host has the address.
    pub(super) fn conflict(&mut self, now: Instant) {
        if let State::Checking(lease) = core::mem::replace(&mut self.state, State::Selecting) {
            self.state = State::Declining(lease);
            self.at = Some(now);
        }
    }

    /// Gives the lease back, if there is one, and stops. Returns the message to send (RFC 2131 section 4.4.6).
    pub(super) fn release(&mut self, random: u32, changes: &mut Changes) -> Option<Message> {
        self.xid = random;
        let old = core::mem::replace(&mut self.state, State::Selecting);
        (self.tries, self.at) = (0, None);
        let State::Bound(Lease { address, server, from, router, .. }) = old else { return None };
        if let Some(router) = router {
            push(changes, Change::RouterGone(router.into()));
        }
        push(changes, Change::Report(AddressEvent::Released { address, server }));
        push(changes, Change::Remove(address.address().into()));
        let (client, server, to) = (Some(address.address()), Some(server), Some(from));
        Some(Message { client, server, to, ..self.message(DhcpMessageType::Release) })
    }

    /// Takes over a renewed lease.
    fn renew(&mut self, lease: Lease, changes: &mut Changes) {
        let State::Bound(old) = &self.state else { return };
        let Lease { address, server, seconds, .. } = lease;
        push(changes, Change::Report(AddressEvent::Renewed { address, server, seconds }));
        if old.address != address {
            push(changes, Change::Remove(address.address().into()));
            push(changes, Change::Add(IpCidr::Ipv4(address)));
        }
        match (old.router, lease.router) {
            (Some(old), new) if new.is_none_or(|new| new != old) => push(changes, Change::RouterGone(old.into())),
            _ => {}
        }
        if let Some(router) = lease.router {
            push(changes, Change::Router(router.into()));
        }
        self.at = Some(lease.t1);
        self.state = State::Bound(lease);
    }

    /// Ends the lease, and asks for another lease at this time.
    fn lose(&mut self, at: Instant, address: Ipv4Cidr, why: Loss, changes: &mut Changes) {
        if let State::Bound(lease) = &self.state
            && let Some(router) = lease.router
        {
            push(changes, Change::RouterGone(router.into()));
        }
        push(changes, Change::Report(AddressEvent::LeaseLost { address, why }));
        push(changes, Change::Remove(address.address().into()));
        self.restart(at);
    }

    /// The lease in a reply, if the lease is valid. If it is not, reports that once for each message of the client.
    fn sensible(&mut self, reply: &Reply, expected: Expected<'_>, changes: &mut Changes) -> Option<Lease> {
        let lease = reply.lease(self.asked).and_then(|lease| {
            let address = lease.address.address();
            match expected {
                Expected::Only(expected) if address != expected => Err(BadOffer::Other(address)),
                Expected::NoneOf(own, claims)
                    if own.iter().any(|own| own.address() == address.into()) || claims.has_by_hand(address.into()) =>
                {
                    Err(BadOffer::Ours(address))
                }
                _ => Ok(lease),
            }
        });
        match lease {
            Ok(lease) => Some(lease),
            Err(why) => {
                if !core::mem::replace(&mut self.reported_refusal, true) {
                    push(changes, Change::Report(AddressEvent::OfferRefused { server: reply.server(), why }));
                }
                None
            }
        }
    }

    /// Reports, once, that a server does not grant what it offered.
    fn deny(&mut self, why: Denial, changes: &mut Changes) {
        let State::Requesting(offer) = &self.state else { return };
        let (server, address) = (offer.server, offer.address.address());
        if !core::mem::replace(&mut self.reported_denial, true) {
            push(changes, Change::Report(AddressEvent::NotGranted { server, address, why }));
        }
    }

    /// Starts again with DHCPDISCOVER at this time.
    fn restart(&mut self, at: Instant) {
        self.state = State::Selecting;
        self.tries = 0;
        self.at = Some(at);
    }

    fn message(&self, kind: DhcpMessageType) -> Message {
        Message { kind, xid: self.xid, client: None, requested: None, server: None, to: None }
    }
}
