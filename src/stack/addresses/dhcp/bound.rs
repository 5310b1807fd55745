//! The current lease: its router, the next hop to its server, its renewal and its end.

use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{DhcpMessageType, EthernetAddress, IpCidr, Ipv4Address, Ipv4Cidr};

use super::super::change::{Change, Changes, Origin, push};
use super::super::claim::Claims;
use super::super::lease::{Lease, Message};
use super::{Client, State};
use crate::stack::event::{AddressEvent, Loss};

/// The number of ARP requests for the next hop, to which the client sends its renewals.
const HOP_REQUESTS: u8 = 3;
/// The time between two ARP requests for the next hop.
pub(super) const HOP_INTERVAL: Duration = Duration::from_secs(1);

impl Client {
    /// Starts to use the leased address, because no other host has objected to the claim. Reports the lease.
    pub(in super::super) fn granted(&mut self, now: Instant, changes: &mut Changes) {
        // No other state is lost here: a DHCP claim exists only in `Checking`, or after `release`, which has set
        // `Selecting`.
        let State::Checking(lease) = core::mem::replace(&mut self.state, State::Selecting) else { return };
        let Lease { address, server, seconds, .. } = lease;
        push(changes, Change::Report(AddressEvent::Leased { address, server, seconds }));
        push(changes, Change::Add(IpCidr::Ipv4(address)));
        // From now on, a silent or refusing server is reported again, and the wait after a refusal is short again.
        (self.reported_silence, self.reported_denial, self.denials) = (false, false, 0);
        self.distrusted = None;
        self.bind(now, lease, changes);
    }

    /// Starts to use the lease and its router, and schedules the renewal at T1.
    fn bind(&mut self, now: Instant, lease: Lease, changes: &mut Changes) {
        if let Some(router) = lease.router {
            push(changes, Change::Router(router.into()));
        }
        (self.confirming, self.tries, self.at) = (false, 0, Some(lease.t1));
        // Renewals go to the next hop's hardware address. If this address is not known, ARP requests for it begin now.
        (self.hop_requests, self.hop_at) = (HOP_REQUESTS, now);
        self.state = State::Bound(lease);
    }

    /// Releases the lease, if the client has one, and stops the client. Returns the DHCPRELEASE to send (RFC 2131
    /// section 4.4.6), or `None` if there is no lease. `random` becomes the message's transaction identifier.
    pub(in super::super) fn release(&mut self, random: u32, changes: &mut Changes) -> Option<Message> {
        self.xid = random;
        let old = core::mem::replace(&mut self.state, State::Selecting);
        // Without a time in `at`, the client stays idle.
        (self.tries, self.at) = (0, None);
        let State::Bound(lease) = old else { return None };
        let Lease { address, server, router, .. } = lease;
        if let Some(router) = router {
            push(changes, Change::RouterGone(router.into()));
        }
        push(changes, Change::Report(AddressEvent::Released { address, server }));
        push(changes, Change::Remove(address.address().into()));
        let (client, server, to) = (Some(address.address()), Some(server), Some(lease.to()));
        Some(Message { client, server, to, ..self.message(DhcpMessageType::Release) })
    }

    /// Replaces the current lease with `lease`, the renewed lease from a DHCPACK.
    pub(super) fn renew(&mut self, now: Instant, mut lease: Lease, changes: &mut Changes) {
        let State::Bound(old) = &self.state else { return };
        let Lease { address, server, seconds, .. } = lease;
        push(changes, Change::Report(AddressEvent::Renewed { address, server, seconds }));
        if old.address != address {
            // Only the mask has changed, so connections from the address continue.
            push(changes, Change::Add(IpCidr::Ipv4(address)));
        }
        // The old router is removed if the new lease names another router or none. `bind` sets the new router.
        if let Some(router) = old.router
            && lease.router != old.router
        {
            push(changes, Change::RouterGone(router.into()));
        }
        // The hardware address of the next hop stays known if the next hop is the same.
        if lease.hop_hardware.is_none() && lease.hop() == old.hop() {
            lease.hop_hardware = old.hop_hardware;
        }
        self.bind(now, lease, changes);
    }

    /// Ends the lease of `address` for the reason `why`. Requests another lease at the time `at`.
    pub(super) fn lose(&mut self, at: Instant, address: Ipv4Cidr, why: Loss, changes: &mut Changes) {
        if let State::Bound(lease) = &self.state
            && let Some(router) = lease.router
        {
            push(changes, Change::RouterGone(router.into()));
        }
        push(changes, Change::Report(AddressEvent::LeaseLost { address, why }));
        push(changes, Change::Remove(address.address().into()));
        self.restart(at);
    }

    /// Returns the time of the next ARP request for the next hop. `None` if the next hop's hardware address is known,
    /// or if all requests were sent.
    pub(super) fn hop_due(&self, lease: &Lease) -> Option<Instant> {
        (lease.hop_hardware.is_none() && self.hop_requests > 0).then_some(self.hop_at)
    }

    /// Called when the link comes up, perhaps on another network. Confirms the current lease (RFC 2131 sections 3.2 and
    /// 3.7). If there is no lease, starts again with DHCPDISCOVER.
    pub(in super::super) fn link_up(&mut self, now: Instant, claims: &mut Claims) {
        self.distrusted = None;
        match &mut self.state {
            State::Bound(lease) => {
                // On another network, another device might have the next hop's address.
                lease.hop_hardware = None;
                // The next call to `advance` returns a DHCPREQUEST, which confirms the lease.
                (self.confirming, self.tries, self.at) = (true, 0, Some(now));
                (self.hop_requests, self.hop_at) = (HOP_REQUESTS, now);
            }
            // The lease was released, so the client stays idle.
            State::Selecting if self.at.is_none() => {}
            State::Checking(lease) => {
                // This host does not use the address yet, so the client starts again.
                claims.remove(lease.address.address().into(), Origin::Dhcp);
                self.restart(now);
            }
            _ => self.restart(now),
        }
    }

    /// Stores a neighbour's hardware address from an ARP packet if the neighbour is the next hop.
    pub(in super::super) fn learn(&mut self, address: Ipv4Address, hardware: EthernetAddress) {
        if let State::Bound(lease) = &mut self.state
            && lease.hop() == address
        {
            lease.hop_hardware = Some(hardware);
        }
    }
}
