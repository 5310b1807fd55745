//! The DHCP client (RFC 2131 section 4.4): discover, request, check, use, renew.
//!
//! dhcp/bound.rs handles the current lease.

mod bound;

use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{DhcpMessageType, IpCidr, Ipv4Address};

use super::change::{Change, Changes, Origin, push};
use super::claim::Claims;
use super::frame::Out;
use super::lease::{BadOffer, Lease, Message, Reply};
use crate::stack::event::{AddressEvent, Denial, DropReason, Loss};

/// How long the client waits for an answer to its first message (RFC 2131 section 4.1). Each further wait is twice as
/// long.
const FIRST: Duration = Duration::from_secs(4);
/// The longest wait for an answer (RFC 2131 section 4.1).
const LONGEST: Duration = Duration::from_secs(64);
/// The number of DHCPREQUEST messages for one offer, before the client abandons the offer.
const REQUESTS: u8 = 4;
/// The time that the client waits after a conflict before it starts again (RFC 2131 section 3.1 point 5).
const AFTER_CONFLICT: Duration = Duration::from_secs(10);
/// The time that the client waits after the first refusal before it starts again. Also the time between two attempts to
/// claim the leased address.
const AFTER_REFUSAL: Duration = Duration::from_secs(1);
/// Each consecutive refusal doubles the wait, at most this many times. The longest wait after a refusal is thus 64 s.
const REFUSALS: u8 = 6;
/// The shortest time between two attempts to renew a lease (RFC 2131 section 4.4.5). If the lease ends less than 8
/// minutes after T1, the shortest time is an eighth of that period, but at least a second.
const RENEWALS: Duration = Duration::from_secs(60);
/// The largest number of requests to confirm a lease after the link has come up. If no server answers, the client keeps
/// the lease (RFC 2131 section 3.2).
const CONFIRMATIONS: u8 = 3;

/// The DHCP client of one interface.
pub(super) struct Client {
    state: State,
    xid: u32,
    /// The number of messages sent in this state.
    tries: u8,
    /// The time at which the newest message was sent.
    asked: Instant,
    /// The time at which the next message is due. `None` if no message is scheduled.
    at: Option<Instant>,
    /// Whether the client has already reported that no server answers.
    reported_silence: bool,
    /// Whether the client has already reported an invalid reply to its newest message.
    reported_refusal: bool,
    /// Whether the client has already reported that a server did not grant the address that the server had offered.
    reported_denial: bool,
    /// The number of consecutive requests that a server refused, at most [`REFUSALS`].
    denials: u8,
    /// A server that did not grant the address it had offered, or that offered an address that another host uses. Other
    /// servers' offers are preferred.
    distrusted: Option<Ipv4Address>,
    /// Whether the lease must be confirmed because the link came up.
    confirming: bool,
    /// The number of ARP requests for the lease's next hop that the client can still send.
    hop_requests: u8,
    /// The time at which the next of these requests is due.
    hop_at: Instant,
}

/// The states of RFC 2131's figure 5.
enum State {
    /// INIT and SELECTING.
    Selecting,
    Requesting(Lease),
    /// The lease is granted, but another host can still object to the address.
    Checking(Lease),
    /// Another host has the address, so the client must decline the lease.
    Declining(Lease),
    /// BOUND, RENEWING and REBINDING.
    Bound(Lease),
}

/// The addresses that the client accepts in a reply.
#[derive(Clone, Copy)]
enum Expected<'o> {
    /// Any address that this host neither uses nor claims as a configured address.
    NoneOf(&'o [IpCidr], &'o Claims),
    /// This address only: the address that the client has requested or already uses.
    Only(Ipv4Address),
}

impl Client {
    /// Creates a client that sends its first DHCPDISCOVER at the time `now`.
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
            distrusted: None,
            confirming: false,
            hop_requests: 0,
            hop_at: now,
        }
    }

    /// Returns the time of the client's next work, or `None` if the client is idle.
    pub(super) fn due(&self) -> Option<Instant> {
        match &self.state {
            State::Bound(lease) => {
                // The end of the lease and an ARP request for the next hop are work, too.
                let hop = self.hop_due(lease);
                [Some(lease.end), self.at, hop].into_iter().flatten().min()
            }
            _ => self.at,
        }
    }

    /// Returns the DNS servers of the current lease.
    pub(super) fn dns_servers(&self) -> impl Iterator<Item = Ipv4Address> {
        let lease = match &self.state {
            State::Bound(lease) => Some(lease),
            _ => None,
        };
        lease.into_iter().flat_map(|lease| lease.dns.iter().copied())
    }

    /// Does the work that is due at `now`: ends an expired lease, or sends an ARP request or a DHCP message. Returns
    /// the frame to send, or `None` if there is no frame. `random` is used for the transaction identifier and for
    /// jitter.
    pub(super) fn advance(
        &mut self,
        now: Instant,
        random: u32,
        claims: &mut Claims,
        changes: &mut Changes,
    ) -> Option<Out> {
        if let State::Bound(lease) = &self.state
            && now >= lease.end
        {
            let address = lease.address;
            // `lose` schedules a DHCPDISCOVER for `now`. `ask` returns it below.
            self.lose(now, address, Loss::Expired, changes);
        }
        if let State::Bound(lease) = &self.state
            && self.hop_due(lease).is_some_and(|at| at <= now)
        {
            // The client sends its renewals to the next hop's hardware address, so it asks for this address.
            self.hop_requests -= 1;
            self.hop_at = now + bound::HOP_INTERVAL;
            return Some(Out::ArpRequest { source: lease.address.address(), target: lease.hop() });
        }
        // If no message is due yet, there is nothing to send.
        if self.at.is_none_or(|at| at > now) {
            return None;
        }
        self.ask(now, random, claims, changes).map(Out::Dhcp)
    }

    /// Does the work that is due in the current state. Returns the message to send, or `None` if there is no message.
    fn ask(&mut self, now: Instant, random: u32, claims: &mut Claims, changes: &mut Changes) -> Option<Message> {
        // If no server has answered the requests to confirm the lease, the client keeps the lease until the renewal at
        // T1. If T1 has passed, the client renews the lease now, in the last arm below.
        if self.confirming && self.tries >= CONFIRMATIONS {
            self.confirming = false;
            if let State::Bound(lease) = &self.state
                && now < lease.t1
            {
                self.at = Some(lease.t1);
                return None;
            }
        }
        self.asked = now;
        // The client reports at most one invalid reply to each of its messages.
        let refused = core::mem::take(&mut self.reported_refusal);
        // The wait doubles with each message, from 4 s to 64 s. The jitter spreads the messages from hosts that start
        // at the same time.
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
                // The claim starts now, not when DHCPACK arrived, because other work might have delayed this call.
                let is_claimed = claims.add(IpCidr::Ipv4(lease.address), Origin::Dhcp, now);
                // If the list of claims is full, the client tries again until another claim ends.
                self.at = (!is_claimed).then(|| now + AFTER_REFUSAL);
                None
            }
            State::Declining(lease) => {
                let (requested, server) = (Some(lease.address.address()), Some(lease.server));
                let decline = Message { requested, server, ..self.message(DhcpMessageType::Decline) };
                self.restart(now + AFTER_CONFLICT);
                Some(decline)
            }
            State::Bound(lease) if self.confirming => {
                let requested = Some(lease.address.address());
                self.tries += 1;
                self.at = Some((now + wait).min(lease.end));
                self.xid = random;
                Some(Message { requested, ..self.message(DhcpMessageType::Request) })
            }
            State::Bound(lease) => {
                // RFC 2131 section 4.4.5: after T1, the client asks its own server. After T2, it asks all servers. Each
                // attempt waits for half of the remaining time.
                let rebinding = now >= lease.t2;
                let until = if rebinding { lease.end } else { lease.t2 };
                let least = RENEWALS.min((lease.end - lease.t1) / 8).max(AFTER_REFUSAL);
                let to = (!rebinding).then(|| lease.to());
                let client = Some(lease.address.address());
                self.at = Some((now + ((until - now) / 2).max(least)).min(until));
                self.xid = random;
                Some(Message { client, to, ..self.message(DhcpMessageType::Request) })
            }
        }
    }

    /// Handles a server's reply to this client. `own` lists the interface's addresses.
    ///
    /// # Errors
    /// Returns the reason why the reply is ignored.
    pub(super) fn process(
        &mut self,
        now: Instant,
        reply: &Reply,
        own: &[IpCidr],
        claims: &mut Claims,
        changes: &mut Changes,
    ) -> Result<(), DropReason> {
        // Until the client has sent a message in the current state, the client ignores most replies. There are two
        // exceptions: all replies while a lease is bound, and offers that compete with the distrusted server's offer.
        let asked = self.tries > 0
            || match &self.state {
                State::Bound(_) => true,
                State::Requesting(offer) => {
                    reply.kind == DhcpMessageType::Offer && self.distrusted == Some(offer.server)
                }
                _ => false,
            };
        if reply.xid != self.xid {
            return Err(DropReason::DhcpTransaction);
        }
        let unexpected = match reply.kind {
            DhcpMessageType::Offer | DhcpMessageType::Ack => DropReason::DhcpUnexpected,
            DhcpMessageType::Nak => DropReason::DhcpNak,
            _ => DropReason::DhcpOptions,
        };
        if !asked {
            return Err(unexpected);
        }
        match (&self.state, reply.kind) {
            (State::Selecting, DhcpMessageType::Offer) => {
                let offer = self.checked_lease(reply, Expected::NoneOf(own, claims), changes)?;
                // After an offer from the distrusted server, other servers get a second to make an offer.
                let wait = if self.distrusted == Some(offer.server) { AFTER_REFUSAL } else { Duration::ZERO };
                self.state = State::Requesting(offer);
                self.tries = 0;
                self.at = Some(now + wait);
            }
            (State::Requesting(_), DhcpMessageType::Offer) if self.tries == 0 => {
                let offer = self.checked_lease(reply, Expected::NoneOf(own, claims), changes)?;
                if self.distrusted == Some(offer.server) {
                    return Err(unexpected);
                }
                self.state = State::Requesting(offer);
                self.at = Some(now);
            }
            (State::Requesting(offer), DhcpMessageType::Ack) => {
                let address = offer.address.address();
                let lease = self.checked_lease(reply, Expected::Only(address), changes)?;
                claims.remove(address.into(), Origin::Dhcp);
                self.state = State::Checking(lease);
                self.at = Some(now);
            }
            (State::Requesting(offer), DhcpMessageType::Nak) if reply.is_from(offer.server) => {
                self.deny(Denial::Refused, changes);
                self.restart(now + AFTER_REFUSAL * (1 << self.denials));
                self.denials = (self.denials + 1).min(REFUSALS);
            }
            (State::Bound(old), DhcpMessageType::Ack) => {
                let address = old.address.address();
                let lease = self.checked_lease(reply, Expected::Only(address), changes)?;
                self.renew(now, lease, changes);
            }
            // Any server may refuse a DHCPREQUEST that was broadcast.
            (State::Bound(old), DhcpMessageType::Nak)
                if self.confirming || now >= old.t2 || reply.is_from(old.server) =>
            {
                let address = old.address;
                self.lose(now + AFTER_REFUSAL, address, Loss::Refused, changes);
            }
            _ => return Err(unexpected),
        }
        Ok(())
    }

    /// Prepares to decline the lease, because another host has the address. The next call to `advance` returns
    /// DHCPDECLINE.
    pub(super) fn conflict(&mut self, now: Instant) {
        // No other state is lost here: a DHCP claim exists only in `Checking`, or after `release`, which has set
        // `Selecting`.
        if let State::Checking(lease) = core::mem::replace(&mut self.state, State::Selecting) {
            self.distrusted = Some(lease.server);
            self.state = State::Declining(lease);
            self.at = Some(now);
        }
    }

    /// Returns the lease in a reply if the lease is valid and `expected` allows its address. For each message that the
    /// client sends, at most one invalid reply is reported.
    ///
    /// # Errors
    /// Returns the reason why the reply is ignored.
    fn checked_lease(
        &mut self,
        reply: &Reply,
        expected: Expected<'_>,
        changes: &mut Changes,
    ) -> Result<Lease, DropReason> {
        // The lease begins at the time at which the client sent its request.
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
        lease.map_err(|why| {
            // `ask` resets this flag with each message.
            if !core::mem::replace(&mut self.reported_refusal, true) {
                push(changes, Change::Report(AddressEvent::OfferRefused { server: reply.server(), why }));
            }
            match why {
                BadOffer::Server => DropReason::DhcpServer,
                _ => DropReason::DhcpOptions,
            }
        })
    }

    /// Distrusts the server of the current offer. Reports once that a server does not grant the address that it
    /// offered.
    fn deny(&mut self, why: Denial, changes: &mut Changes) {
        let State::Requesting(offer) = &self.state else { return };
        let (server, address) = (offer.server, offer.address.address());
        // From now on, the client prefers the offers of other servers.
        self.distrusted = Some(server);
        if !core::mem::replace(&mut self.reported_denial, true) {
            push(changes, Change::Report(AddressEvent::NotGranted { server, address, why }));
        }
    }

    /// Starts again with DHCPDISCOVER at the time `at`.
    fn restart(&mut self, at: Instant) {
        self.state = State::Selecting;
        (self.confirming, self.tries, self.at) = (false, 0, Some(at));
    }

    /// Creates a message without any of the optional fields.
    fn message(&self, kind: DhcpMessageType) -> Message {
        Message { kind, xid: self.xid, client: None, requested: None, server: None, to: None }
    }
}
