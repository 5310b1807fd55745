//! Neighbour discovery (RFC 4861): neighbour solicitations and the advertisements that answer them.

use smoltcp::time::Instant;
use smoltcp::wire::{EthernetAddress, HardwareAddress};
use smoltcp::wire::{
    Icmpv6Message, Icmpv6Packet, IpAddress, IpProtocol, Ipv6Address, Ipv6Packet, NdiscNeighborFlags, NdiscRepr,
    RawHardwareAddress,
};

use super::Link;
use super::ethernet::{self, Ends, LEN};
use crate::stack::ndisc::{self, ADVERT, ALL_NODES, group_hardware, solicited_node};

/// The length of a frame that contains a neighbour solicitation or advertisement with a hardware address, in bytes.
pub(in crate::stack) const NDP_FRAME: usize = LEN + ADVERT;

/// The reaction to a neighbour solicitation or advertisement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::stack) enum Solicited {
    Nothing,
    /// The message is a solicitation for our address `own`, which the stack answers. `asker` is `None` for a DAD probe
    /// (duplicate address detection, RFC 4862 section 5.4).
    Answer {
        to: EthernetAddress,
        own: Ipv6Address,
        asker: Option<Ipv6Address>,
    },
    /// Another host uses our address `own` (RFC 4862 section 5.4.4).
    Conflict {
        own: Ipv6Address,
        by: EthernetAddress,
    },
}

impl Link<'_> {
    /// Processes an IPv6 packet if it is a neighbour solicitation or advertisement.
    ///
    /// `from` is the sender's hardware address. Returns `None` for other packets. Otherwise returns the reaction and
    /// whether a neighbour became known.
    pub(in crate::stack) fn ndp(
        &mut self,
        now: Instant,
        packet: &[u8],
        from: EthernetAddress,
        is_own: impl Fn(Ipv6Address) -> bool,
    ) -> Option<(Solicited, bool)> {
        // A link without Ethernet has no neighbours.
        self.hardware?;
        let packet =
            Ipv6Packet::new_checked(packet).ok().filter(|packet| packet.next_header() == IpProtocol::Icmpv6)?;
        let message = Icmpv6Packet::new_checked(packet.payload()).ok()?;
        let kind = message.msg_type();
        if !matches!(kind, Icmpv6Message::NeighborSolicit | Icmpv6Message::NeighborAdvert) {
            return None;
        }
        let (source, destination) = (packet.src_addr(), packet.dst_addr());
        let is_valid =
            packet.hop_limit() == 255 && message.msg_code() == 0 && message.verify_checksum(&source, &destination);
        let nothing = Some((Solicited::Nothing, false));
        match NdiscRepr::parse(&message) {
            Ok(NdiscRepr::NeighborSolicit { target_addr: own, lladdr }) if is_valid && is_own(own) => {
                let hardware = hardware(lladdr);
                if source.is_unspecified() {
                    // A solicitation from the unspecified address must follow the rules of RFC 4861 section 7.1.1.
                    let is_dad_probe = lladdr.is_none() && destination == solicited_node(own);
                    let to = group_hardware(ALL_NODES);
                    return if is_dad_probe {
                        Some((Solicited::Answer { to, own, asker: None }, false))
                    } else {
                        nothing
                    };
                }
                // A multicast address or one of our own addresses does not belong to another host.
                if source.is_multicast() || is_own(source) {
                    return nothing;
                }
                let learnt = hardware.is_some_and(|hardware| self.solicited(now, source.into(), hardware));
                let to = hardware.unwrap_or(from);
                Some((Solicited::Answer { to, own, asker: Some(source) }, learnt))
            }
            Ok(NdiscRepr::NeighborAdvert { flags, target_addr: target, lladdr }) if is_valid => {
                // RFC 4861 section 7.1.2: an advertisement to a group must not have the flag Solicited. If it has this
                // flag, it is invalid and is ignored.
                if destination.is_multicast() && flags.contains(NdiscNeighborFlags::SOLICITED) {
                    return nothing;
                }
                if is_own(target) {
                    // Some switches send a host's own frames back to that host. Such an advertisement is not a
                    // conflict, and is ignored.
                    let by = hardware(lladdr).unwrap_or(from);
                    let is_other = Some(by) != self.hardware;
                    return if is_other { Some((Solicited::Conflict { own: target, by }, false)) } else { nothing };
                }
                Some((Solicited::Nothing, self.advertised(now, target.into(), flags, hardware(lladdr))))
            }
            _ => nothing,
        }
    }

    /// Learns the hardware address of a neighbour from its solicitation. Returns whether a neighbour became known.
    ///
    /// A new hardware address is stale from the start. The next packet to the neighbour makes the stack send a
    /// solicitation, which confirms the address (RFC 4861 section 7.2.3).
    fn solicited(&mut self, now: Instant, source: IpAddress, hardware: EthernetAddress) -> bool {
        // The hardware address is already known.
        if self.neighbours.entry(&source) == Some(Some(hardware)) {
            return false;
        }
        // With `true`, a neighbour without an entry gets one.
        let learnt = self.neighbours.learn(now, source, hardware, true);
        self.neighbours.doubt(now, &source);
        learnt
    }

    /// Processes an advertisement (RFC 4861 section 7.2.5). Returns whether a neighbour became known.
    ///
    /// `target` is the neighbour's address. `flags` decide the new state of the neighbour's entry. `new` is the
    /// advertised hardware address, if any.
    fn advertised(
        &mut self,
        now: Instant,
        target: IpAddress,
        flags: NdiscNeighborFlags,
        new: Option<EthernetAddress>,
    ) -> bool {
        let Some(old) = self.neighbours.entry(&target) else { return false };
        let (Some(hardware), is_solicited) = (new.or(old), flags.contains(NdiscNeighborFlags::SOLICITED)) else {
            return false;
        };
        let has_changed = old.is_some_and(|old| old != hardware);
        // Without the flag Override, the known address is kept, but must be confirmed.
        if has_changed && !flags.contains(NdiscNeighborFlags::OVERRIDE) {
            self.neighbours.doubt(now, &target);
            return false;
        }
        // With `false`, only a neighbour with an entry is updated.
        let learnt =
            (old.is_none() || has_changed || is_solicited) && self.neighbours.learn(now, target, hardware, false);
        // An address from an unsolicited advertisement is stale from the start.
        if !is_solicited && (old.is_none() || has_changed) {
            self.neighbours.doubt(now, &target);
        }
        learnt
    }

    /// Writes an advertisement of our address `own`, in a frame to the hardware address `to`.
    ///
    /// The advertisement answers the solicitation of `asker`. If `asker` is `None`, the advertisement goes to all
    /// nodes: the stack answers a probe of duplicate address detection (DAD), or announces the address unasked.
    pub(in crate::stack) fn write_advert(
        &self,
        frame: &mut [u8],
        to: EthernetAddress,
        own: Ipv6Address,
        asker: Option<Ipv6Address>,
    ) {
        let hardware = self.hardware.unwrap_or_default();
        let solicited = if asker.is_some() { NdiscNeighborFlags::SOLICITED } else { NdiscNeighborFlags::empty() };
        let advert = NdiscRepr::NeighborAdvert {
            flags: solicited | NdiscNeighborFlags::OVERRIDE,
            target_addr: own,
            lladdr: Some(hardware.into()),
        };
        ndisc::emit(own, asker.unwrap_or(ALL_NODES), advert, &mut frame[LEN..]);
        ethernet::write(Some(Ends { to, from: hardware }), frame);
    }
}

/// Writes a solicitation for `target` from `source`.
pub(in crate::stack) fn write_solicit(
    frame: &mut [u8],
    hardware: EthernetAddress,
    source: Ipv6Address,
    target: Ipv6Address,
) {
    let group = solicited_node(target);
    let solicit = NdiscRepr::NeighborSolicit { target_addr: target, lladdr: Some(hardware.into()) };
    ndisc::emit(source, group, solicit, &mut frame[LEN..]);
    ethernet::write(Some(Ends { to: group_hardware(group), from: hardware }), frame);
}

/// Returns the hardware address in an option, if the address is valid for a host.
fn hardware(option: Option<RawHardwareAddress>) -> Option<EthernetAddress> {
    match option?.parse(smoltcp::phy::Medium::Ethernet) {
        Ok(HardwareAddress::Ethernet(hardware)) => Some(hardware).filter(EthernetAddress::is_unicast),
        _ => None,
    }
}
