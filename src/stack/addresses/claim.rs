//! Address claims: checks that no other host has an address before this host uses the address.

use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{
    ArpPacket, ArpRepr, EthernetAddress, EthernetFrame, EthernetProtocol, IpAddress, IpCidr, Ipv4Address,
};

use super::change::Origin;
use super::frame::Out;

/// The largest number of claims at the same time: one for each address of the interface.
const CLAIMS: usize = smoltcp::config::IFACE_MAX_ADDR_COUNT;
/// The number of DAD probes (duplicate address detection) for an address: PROBE_NUM of RFC 5227 section 1.1. A DAD
/// probe is an ARP request or a neighbour solicitation for the address.
const PROBES: u8 = 3;
/// The number of announcements of an address: ANNOUNCE_NUM of RFC 5227. RFC 4861 section 7.2.6 allows up to three.
const ANNOUNCEMENTS: u8 = 2;
/// The time between two announcements: ANNOUNCE_INTERVAL of RFC 5227. RFC 4861 section 7.2.6 asks for at least a
/// second.
const ANNOUNCE_INTERVAL: Duration = Duration::from_secs(2);
/// How long the stack waits after each DAD probe for an objection from a host that uses the address. RFC 5227 allows
/// several seconds, for networks that are slow to come up. This stack waits only 300 ms, because a neighbour on a
/// working link answers within a millisecond.
const INTERVAL: Duration = Duration::from_millis(300);
/// The wait after each DAD probe for an address from the configuration. This wait is shorter than `INTERVAL`, because
/// the user waits until the address is ready.
const INTERVAL_BY_HAND: Duration = Duration::from_millis(50);

/// The addresses that are being claimed or announced.
#[derive(Default)]
pub(super) struct Claims(heapless::Vec<Claim, CLAIMS>);

struct Claim {
    address: IpCidr,
    origin: Origin,
    /// Whether the check has ended without an objection, so that the address is only announced.
    granted: bool,
    /// The number of DAD probes sent so far. Once the address is granted, the number of announcements sent so far.
    sent: u8,
    /// The time at which the next message is due. After the last DAD probe, the time at which the address is granted.
    at: Instant,
}

impl Claims {
    /// Starts to claim an address. Returns false if the list is full, or if the address is already being claimed.
    pub(super) fn add(&mut self, address: IpCidr, origin: Origin, now: Instant) -> bool {
        // The claim replaces an entry that only announces the address.
        self.0.retain(|claim| !claim.granted || claim.address.address() != address.address());
        let known = self.0.iter().any(|claim| claim.address.address() == address.address());
        !known && self.0.push(Claim { address, origin, granted: false, sent: 0, at: now }).is_ok()
    }

    /// Announces an address of this host. Does nothing if the list of claims is full.
    pub(super) fn announce(&mut self, address: IpCidr, now: Instant) {
        self.0.retain(|claim| claim.address.address() != address.address() || !claim.granted);
        let _ = self.0.push(Claim { address, origin: Origin::Static, granted: true, sent: 0, at: now });
    }

    /// Removes the claim to `address` that `origin` made.
    pub(super) fn remove(&mut self, address: IpAddress, origin: Origin) {
        self.0.retain(|claim| claim.address.address() != address || claim.origin != origin);
    }

    /// Returns whether `address` is a configured address that is being claimed.
    pub(super) fn has_by_hand(&self, address: IpAddress) -> bool {
        self.0.iter().any(|c| !c.granted && c.address.address() == address && c.origin == Origin::Static)
    }

    /// Returns the addresses of all claims.
    #[cfg(feature = "ipv6")]
    pub(super) fn addresses(&self) -> impl Iterator<Item = IpAddress> {
        self.0.iter().map(|claim| claim.address.address())
    }

    /// Returns whether any address of this origin is still being claimed.
    pub(super) fn any(&self, origin: Origin) -> bool {
        self.0.iter().any(|claim| !claim.granted && claim.origin == origin)
    }

    /// Grants one address whose check has ended without an objection. Returns the address and its origin.
    ///
    /// The claim then announces the address, so each address is returned once. Returns `None` if no check has ended.
    pub(super) fn granted(&mut self, now: Instant) -> Option<(IpCidr, Origin)> {
        // A check ends when the wait after its last probe is over, at the time `c.at`.
        let at = self.0.iter().position(|c| !c.granted && c.sent == PROBES && c.at <= now)?;
        let claim = self.0.get_mut(at)?;
        // From now on, `sent` counts the announcements.
        claim.granted = true;
        claim.sent = 0;
        Some((claim.address, claim.origin))
    }

    /// Returns the next DAD probe or announcement to send, and counts it as sent. `None` if no message is due. Also
    /// removes the claims whose announcements have all been sent.
    pub(super) fn advance(&mut self, now: Instant) -> Option<Out> {
        // A claim ends after its last announcement.
        self.0.retain(|claim| !claim.granted || claim.sent < ANNOUNCEMENTS);
        // After the last DAD probe, `granted` handles the claim.
        let claim = self.0.iter_mut().find(|claim| claim.at <= now && (claim.granted || claim.sent < PROBES))?;
        claim.sent += 1;
        claim.at = now
            + match (claim.granted, claim.origin) {
                (true, _) => ANNOUNCE_INTERVAL,
                (false, Origin::Static) => INTERVAL_BY_HAND,
                (false, _) => INTERVAL,
            };
        Some(match claim.address.address() {
            IpAddress::Ipv4(address) if claim.granted => Out::ArpAnnounce(address),
            IpAddress::Ipv4(target) => Out::ArpRequest { source: Ipv4Address::UNSPECIFIED, target },
            #[cfg(feature = "slaac")]
            IpAddress::Ipv6(address) if claim.granted => Out::NeighborAdvert(address),
            #[cfg(feature = "slaac")]
            IpAddress::Ipv6(target) => Out::NeighborSolicit { source: smoltcp::wire::Ipv6Address::UNSPECIFIED, target },
            #[allow(unreachable_patterns, reason = "smoltcp can be built for one IP version")]
            _ => return None,
        })
    }

    /// Returns the time of the next message or grant.
    pub(super) fn due(&self) -> Option<Instant> {
        self.0.iter().map(|claim| claim.at).min()
    }

    /// Ends and returns the claim that `frame` contradicts. The frame's sender uses or claims the same address.
    ///
    /// `hardware` is this host's hardware address. Returns `None` if the frame contradicts no claim.
    pub(super) fn contradicted(
        &mut self,
        frame: &EthernetFrame<&[u8]>,
        hardware: EthernetAddress,
    ) -> Option<(IpCidr, Origin)> {
        // Only a claim that is not granted yet can be contradicted, so most frames need not be parsed.
        if self.0.iter().all(|claim| claim.granted) {
            return None;
        }
        let address = match frame.ethertype() {
            EthernetProtocol::Arp => claimed_by_arp(frame.payload(), hardware)?,
            #[cfg(feature = "slaac")]
            EthernetProtocol::Ipv6 => super::icmpv6::claimed_by(frame)?,
            _ => return None,
        };
        let at = self.0.iter().position(|claim| !claim.granted && claim.address.address() == address)?;
        let claim = self.0.swap_remove(at);
        Some((claim.address, claim.origin))
    }
}

/// Returns the address that the sender of an ARP packet uses or claims (RFC 5227 section 2.1.1). `None` if this host
/// sent the packet.
fn claimed_by_arp(payload: &[u8], hardware: EthernetAddress) -> Option<IpAddress> {
    let packet = ArpPacket::new_checked(payload).ok()?;
    let ArpRepr::EthernetIpv4 { source_hardware_addr, source_protocol_addr, target_protocol_addr, .. } =
        ArpRepr::parse(&packet).ok()?
    else {
        return None;
    };
    if source_hardware_addr == hardware {
        return None;
    }
    // The sender of an ARP probe has no address yet. The target of the probe is the address that the sender claims.
    let probed = source_protocol_addr.is_unspecified();
    Some(if probed { target_protocol_addr } else { source_protocol_addr }.into())
}
