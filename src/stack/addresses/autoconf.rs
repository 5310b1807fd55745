//! Autoconfiguration of addresses: DHCP (RFC 2131), SLAAC (RFC 4862), and checks for duplicates (RFC 5227, RFC 4862
//! section 5.4).
//!
//! Autoconfiguration works on frames, without a socket or buffer of its own. [`Autoconf::process`] reads each received
//! frame, and [`Autoconf::advance`] returns the next frame to send. Changes to the interface wait in a queue of
//! [`Change`]s. [`Autoconf::due`] returns the time of the next call to `advance`. Autoconfiguration needs Ethernet,
//! because a TUN device has no neighbours.
//!
//! smoltcp's own DHCP socket does not check offers, cannot decline an address, and does not report invalid offers.
//! smoltcp's SLAAC cannot tell when its next poll is due: it reports either never or immediately.

use smoltcp::phy::ChecksumCapabilities;
use smoltcp::time::Instant;
use smoltcp::wire::{ArpPacket, ArpRepr, EthernetAddress, EthernetFrame, EthernetProtocol, IpAddress, IpCidr};

use super::change::{CHANGES, Change, Changes, GRANT, Origin, push};
use super::claim::Claims;
use super::frame::Out;
#[cfg(feature = "slaac")]
use super::slaac;
use super::{dhcp, lease};
use crate::stack::event::AddressEvent;

/// The state of DHCP, SLAAC and address claims.
pub(in crate::stack) struct Autoconf {
    hardware: EthernetAddress,
    checksums: ChecksumCapabilities,
    claims: Claims,
    dhcp: Option<dhcp::Client>,
    #[cfg(feature = "slaac")]
    slaac: Option<slaac::Host>,
    /// A configured address that another host uses, with that host's hardware address.
    taken: Option<(IpAddress, EthernetAddress)>,
    /// The time at which to try again to send a frame for which the device had no room.
    blocked_until: Option<Instant>,
    changes: Changes,
}

/// The parts of autoconfiguration to run.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::stack) struct Wanted {
    pub(in crate::stack) claim: bool,
    pub(in crate::stack) dhcp: bool,
    #[cfg(feature = "slaac")]
    pub(in crate::stack) slaac: bool,
}

impl Wanted {
    /// Returns whether DHCP or SLAAC is wanted. Both ask other hosts for addresses.
    pub(in crate::stack) fn asks(&self) -> bool {
        #[cfg(feature = "slaac")]
        if self.slaac {
            return true;
        }
        self.dhcp
    }

    /// Returns whether any part of autoconfiguration runs.
    pub(in crate::stack) fn any(&self) -> bool {
        self.claim || self.asks()
    }
}

impl Autoconf {
    /// Creates autoconfiguration with the parts that `wanted` selects, and starts them. If `wanted.claim` is set,
    /// starts to claim the configured `addresses`.
    pub(in crate::stack) fn new(
        hardware: EthernetAddress,
        checksums: ChecksumCapabilities,
        wanted: Wanted,
        addresses: &[IpCidr],
        now: Instant,
    ) -> Self {
        let mut autoconf = Autoconf {
            hardware,
            checksums,
            claims: Claims::default(),
            dhcp: wanted.dhcp.then(|| dhcp::Client::new(now)),
            #[cfg(feature = "slaac")]
            slaac: wanted.slaac.then(|| slaac::Host::new(hardware, addresses)),
            taken: None,
            blocked_until: None,
            changes: Changes::new(),
        };
        // Without `wanted.claim`, no address is claimed. The list of claims has room for all addresses, because the
        // caller has counted them.
        for &address in addresses.iter().filter(|_| wanted.claim) {
            autoconf.claims.add(address, Origin::Static, now);
        }
        #[cfg(feature = "slaac")]
        if let Some(host) = &mut autoconf.slaac {
            host.start(&mut autoconf.claims, now);
        }
        autoconf
    }

    /// Processes a received frame before the interface sees it. `own` lists the interface's addresses. Returns true if
    /// the interface should not see the frame, because it is a DHCP reply. Changes that the frame causes are queued.
    pub(in crate::stack) fn process(&mut self, now: Instant, frame: &[u8], own: &[IpCidr]) -> bool {
        let Ok(frame) = EthernetFrame::new_checked(frame) else { return false };
        let (to, from) = (frame.dst_addr(), frame.src_addr());
        // Frames for other hosts, this host's own frames and frames from invalid source addresses are ignored.
        if (to.is_unicast() && to != self.hardware) || from == self.hardware || !from.is_unicast() {
            return false;
        }
        if let Some(claim) = self.claims.contradicted(&frame, self.hardware) {
            // `contradicted` has already ended this claim.
            self.conflict(now, claim, from);
        }
        match frame.ethertype() {
            EthernetProtocol::Arp => {
                // The link processes the ARP message, too, so the result is false.
                self.learn(frame.payload());
                false
            }
            EthernetProtocol::Ipv4 => {
                let Some(client) = &mut self.dhcp else { return false };
                let Some(reply) = lease::Reply::parse(&frame, self.hardware, &self.checksums) else { return false };
                if let Err(why) = client.process(now, &reply, own, &mut self.claims, &mut self.changes) {
                    push(&mut self.changes, Change::Dropped(why));
                }
                // No socket of the interface needs a DHCP reply.
                true
            }
            #[cfg(feature = "slaac")]
            EthernetProtocol::Ipv6 => {
                if let Some(host) = &mut self.slaac {
                    host.process(now, &frame, own, &mut self.claims, &mut self.changes);
                }
                false
            }
            _ => false,
        }
    }

    /// Does the work that is due. Returns the frame to send, or `None` if there is no frame. `random` must be
    /// unpredictable. Changes to the interface, such as an address that is now in use, are queued for the caller.
    pub(in crate::stack) fn advance(&mut self, now: Instant, random: u32) -> Option<Out> {
        // The caller has a token to transmit, so the device has room again.
        self.blocked_until = None;
        // Each granted address queues up to `GRANT` changes. If they do not fit, the address is granted in a later
        // call.
        while self.changes.len() + GRANT <= CHANGES
            && let Some((address, origin)) = self.claims.granted(now)
        {
            match origin {
                Origin::Static => push(&mut self.changes, Change::Add(address)),
                Origin::Dhcp => self.dhcp.iter_mut().for_each(|client| client.granted(now, &mut self.changes)),
                #[cfg(feature = "slaac")]
                Origin::Slaac => {
                    self.slaac.iter_mut().for_each(|host| host.granted(now, address, &mut self.changes));
                }
            }
        }
        // The caller applies these changes first. Other work waits until the queue is empty.
        if !self.changes.is_empty() {
            return None;
        }
        if let Some(out) = self.claims.advance(now) {
            return Some(out);
        }
        if let Some(client) = &mut self.dhcp
            && let Some(out) = client.advance(now, random, &mut self.claims, &mut self.changes)
        {
            return Some(out);
        }
        #[cfg(feature = "slaac")]
        if let Some(host) = &mut self.slaac
            && let Some(source) = host.advance(now, &mut self.changes)
        {
            return Some(Out::RouterSolicit(source));
        }
        None
    }

    /// Releases the DHCP lease, if there is one. Returns the frame to send, or `None` if there is no lease.
    pub(in crate::stack) fn release(&mut self, random: u32) -> Option<Out> {
        self.dhcp.as_mut()?.release(random, &mut self.changes).map(Out::Dhcp)
    }

    /// Returns the time of the next call to [`advance`](Self::advance).
    pub(in crate::stack) fn due(&self) -> Option<Instant> {
        let dhcp = self.dhcp.as_ref().and_then(dhcp::Client::due);
        #[cfg(feature = "slaac")]
        let slaac = self.slaac.as_ref().and_then(slaac::Host::due);
        #[cfg(not(feature = "slaac"))]
        let slaac = None;
        let due = [self.claims.due(), dhcp, slaac].into_iter().flatten().min();
        // All work waits until `blocked_until`, if this time is set, so the result is the later of the two times.
        // `None` counts as earlier than any time. If no work is scheduled, the result stays `None`.
        due.max(due.and(self.blocked_until))
    }

    /// Delays all work until `until`, because the device has no room for a frame.
    pub(in crate::stack) fn blocked(&mut self, until: Instant) {
        self.blocked_until = Some(until);
    }

    /// Takes the next change to the interface from the queue.
    pub(in crate::stack) fn change(&mut self) -> Option<Change> {
        self.changes.pop_front()
    }

    /// Returns whether the checks of all configured addresses have ended.
    pub(in crate::stack) fn is_settled(&self) -> bool {
        !self.claims.any(Origin::Static)
    }

    /// Returns a configured address that another host uses, with that host's hardware address.
    pub(in crate::stack) fn taken(&self) -> Option<(IpAddress, EthernetAddress)> {
        self.taken
    }

    /// Calls `servers` with each known DNS server.
    pub(in crate::stack) fn dns_servers(&self, servers: &mut dyn FnMut(IpAddress)) {
        self.dhcp.iter().flat_map(dhcp::Client::dns_servers).for_each(|server| servers(server.into()));
        #[cfg(feature = "slaac")]
        self.slaac.iter().flat_map(slaac::Host::dns_servers).for_each(|server| servers(server.into()));
    }

    /// Returns the addresses that are being claimed or announced.
    #[cfg(feature = "ipv6")]
    pub(in crate::stack) fn claimed(&self) -> impl Iterator<Item = IpAddress> {
        self.claims.addresses()
    }

    /// Returns the interface's hardware address, which is the source of the frames to send.
    pub(in crate::stack) fn hardware(&self) -> EthernetAddress {
        self.hardware
    }

    /// Called when the link comes up. Announces the interface's addresses, `own`, and asks again for leases and
    /// routers.
    pub(in crate::stack) fn link_up(&mut self, now: Instant, own: &[IpCidr]) {
        own.iter().for_each(|&address| self.claims.announce(address, now));
        self.dhcp.iter_mut().for_each(|client| client.link_up(now, &mut self.claims));
        #[cfg(feature = "slaac")]
        self.slaac.iter_mut().for_each(|host| host.link_up(now));
    }

    /// Returns the length of the longest IPv6 packet that routers allow on the link, in bytes, or `None` if no router
    /// sets a limit.
    #[cfg(feature = "slaac")]
    pub(in crate::stack) fn mtu(&self) -> Option<usize> {
        self.slaac.as_ref()?.mtu()
    }

    /// Returns whether `address` is deprecated. New connections should not use a deprecated address.
    #[cfg(feature = "slaac")]
    pub(in crate::stack) fn is_deprecated(&self, address: IpAddress) -> bool {
        self.slaac.as_ref().is_some_and(|host| host.is_deprecated(address))
    }

    /// Learns the hardware address of a neighbour from an ARP packet. The DHCP client needs the hardware address of its
    /// lease's next hop.
    fn learn(&mut self, payload: &[u8]) {
        let Ok(packet) = ArpPacket::new_checked(payload) else { return };
        let Ok(ArpRepr::EthernetIpv4 { source_hardware_addr: hardware, source_protocol_addr: address, .. }) =
            ArpRepr::parse(&packet)
        else {
            return;
        };
        if !hardware.is_unicast() {
            return;
        }
        self.dhcp.iter_mut().for_each(|client| client.learn(address, hardware));
    }

    /// Handles a conflict: the host `by` uses or claims the address of `claim`. The caller has already ended the claim.
    fn conflict(&mut self, now: Instant, claim: (IpCidr, Origin), by: EthernetAddress) {
        let (cidr, origin) = claim;
        let address = cidr.address();
        // A conflict over an address from DHCP or SLAAC is reported as an event.
        if origin != Origin::Static {
            push(&mut self.changes, Change::Report(AddressEvent::Taken { address, by }));
        }
        match origin {
            // The caller of `Stack::taken` reports this conflict.
            Origin::Static => self.taken = Some((address, by)),
            Origin::Dhcp => self.dhcp.iter_mut().for_each(|client| client.conflict(now)),
            #[cfg(feature = "slaac")]
            Origin::Slaac => self.slaac.iter_mut().for_each(|host| host.conflict(cidr)),
        }
    }
}
