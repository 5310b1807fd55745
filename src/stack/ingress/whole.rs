//! Makes a whole, plain packet of a received frame before anything else looks at it: without a tag of VLAN 0, put together
//! from fragments, without IPv6 extension headers.
//!
//! vlan.rs, reassembly.rs and extensions.rs know the formats. This file works on frames, and those three on IP packets.

use smoltcp::phy::Device;
use smoltcp::time::Instant;
use smoltcp::wire::{EthernetAddress, HardwareAddress, IpAddress, IpCidr, Ipv4Packet, Ipv6Address, Ipv6Packet};

use super::extensions::{self, Chain, Problem};
use super::icmp_reply::{self, Error, Limit};
use super::reassembly::{Arrival, Reassembler, ends};
use super::vlan;
use crate::stack::connections::sooner;
use crate::stack::event::{Direction, DropReason, Event, Io, Probe};
use crate::stack::{Reassembly, Session, Stack, UdpSession};

/// The group of all nodes on the link (RFC 4291 section 2.7.1).
const ALL_NODES: Ipv6Address = Ipv6Address::new(0xff02, 0, 0, 0, 0, 0, 0, 1);

/// The length of an Ethernet header.
const ETHERNET: usize = 14;

/// What is left of a frame.
pub(super) enum Whole<'f> {
    /// A frame to send to the sender of this one.
    Answer(&'f [u8]),
    /// A frame with a whole packet.
    Frame(&'f [u8]),
    /// Nothing, or nothing yet.
    Nothing,
}

/// This host, as a frame's sender addresses it.
pub(super) struct Host<'h> {
    pub(super) hardware: HardwareAddress,
    /// Whether the headers' checksums of IPv4 must be checked.
    pub(super) checksum: bool,
    pub(super) owns: &'h dyn Fn(IpAddress) -> bool,
    pub(super) is_broadcast: &'h dyn Fn(IpAddress) -> bool,
    /// Whether this host belongs to a group.
    pub(super) is_member: &'h dyn Fn(Ipv6Address) -> bool,
    /// The address from which this host answers another.
    pub(super) source_for: &'h dyn Fn(Ipv6Address) -> Ipv6Address,
}

/// The memory for datagrams in fragments, and for changed frames.
#[derive(Default)]
pub(in crate::stack) struct Front<'a> {
    reassembler: Reassembler<'a>,
    /// A frame that is changed, or an answer.
    copy: &'a mut [u8],
    limit: Limit,
    due: Option<Instant>,
}

impl<'a> Front<'a> {
    pub(in crate::stack) fn new(datagrams: &'a mut [Reassembly], bytes: &'a mut [u8], copy: &'a mut [u8]) -> Self {
        Front { reassembler: Reassembler::new(datagrams, bytes), copy, ..Front::default() }
    }

    /// When the time of the oldest datagram in fragments is over.
    pub(in crate::stack) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Takes in a frame, and tells why it is dropped, if it is.
    pub(super) fn take<'f>(
        &'f mut self,
        now: Instant,
        frame: &'f [u8],
        host: &Host<'_>,
        dropped: &mut dyn FnMut(DropReason),
    ) -> Whole<'f> {
        let mut header = [0; ETHERNET];
        let (link, packet): (&mut [u8], &[u8]) = match host.hardware {
            HardwareAddress::Ethernet(own) => {
                let Some((skip, kind)) = vlan::untagged(frame) else { return Whole::Frame(frame) };
                header[..12].copy_from_slice(&frame[..12]);
                header[12..].copy_from_slice(&kind);
                let packet = &frame[skip..];
                let family = packet.first().map_or(0, |first| first >> 4);
                let is_ip = (kind, family) == ([8, 0], 4) || (kind, family) == ([0x86, 0xdd], 6);
                // The lowest bit of the first byte marks a group.
                if !is_ip || (header[0] & 1 == 0 && header[..6] != own.0) {
                    return plain(self.copy, frame, &header, packet);
                }
                (&mut header[..], packet)
            }
            #[cfg(feature = "medium-ip")]
            HardwareAddress::Ip => (&mut header[..0], frame),
        };
        match packet.first().map(|first| first >> 4) {
            Some(4) => self.take_v4(now, frame, link, packet, host, dropped),
            Some(6) => self.take_v6(now, frame, link, packet, host, dropped),
            _ => Whole::Frame(frame),
        }
    }

    fn take_v4<'f>(
        &'f mut self,
        now: Instant,
        frame: &'f [u8],
        link: &[u8],
        packet: &[u8],
        host: &Host<'_>,
        dropped: &mut dyn FnMut(DropReason),
    ) -> Whole<'f> {
        let Some(&[high, low]) = packet.get(6..8) else { return Whole::Frame(frame) };
        let is_fragment = u16::from_be_bytes([high, low]) & 0x3fff != 0;
        if !is_fragment || self.reassembler.is_empty() {
            return plain(self.copy, frame, link, packet);
        }
        let Ok(ip) = Ipv4Packet::new_checked(packet) else { return Whole::Nothing };
        let to = ip.dst_addr();
        if !(host.owns)(to.into()) && !(host.is_broadcast)(to.into()) {
            return Whole::Nothing;
        }
        if host.checksum && !ip.verify_checksum() {
            dropped(DropReason::Checksum);
            return Whole::Nothing;
        }
        self.due = sooner(self.due, Some(now + super::reassembly::PATIENCE));
        match self.reassembler.arrives_v4(now, link, packet) {
            Arrival::Rebuilt(frame) => return Whole::Frame(frame),
            Arrival::Kept { lost: true } => dropped(DropReason::LostFragments),
            Arrival::Kept { lost: false } => {}
            Arrival::Bad | Arrival::Problem(_) => dropped(DropReason::BadFragment),
        }
        Whole::Nothing
    }

    fn take_v6<'f>(
        &'f mut self,
        now: Instant,
        frame: &'f [u8],
        link: &mut [u8],
        packet: &[u8],
        host: &Host<'_>,
        dropped: &mut dyn FnMut(DropReason),
    ) -> Whole<'f> {
        // TCP, UDP and ICMPv6 come first in nearly all packets.
        if let Some(6 | 17 | 58) = packet.get(6) {
            return plain(self.copy, frame, link, packet);
        }
        let len = Ipv6Packet::new_checked(packet).map_or(0, |ip| ip.total_len());
        let Some(packet) = packet.get(..len).filter(|packet| !packet.is_empty()) else { return Whole::Nothing };
        let (_, to) = ends(packet);
        if !(host.owns)(to.into()) && !(host.is_member)(to) {
            return Whole::Nothing;
        }
        let Front { reassembler, copy, limit, due } = self;
        let (rebuilt, chain) = match extensions::read(packet) {
            Chain::Fragment(fragment) if !reassembler.is_empty() => {
                *due = sooner(*due, Some(now + super::reassembly::PATIENCE));
                match reassembler.arrives_v6(now, link, packet, &fragment) {
                    Arrival::Rebuilt(frame) => (Some(frame), extensions::read(&frame[link.len()..])),
                    Arrival::Kept { lost } => {
                        if lost {
                            dropped(DropReason::LostFragments);
                        }
                        return Whole::Nothing;
                    }
                    Arrival::Bad => {
                        dropped(DropReason::BadFragment);
                        return Whole::Nothing;
                    }
                    Arrival::Problem(problem) => {
                        dropped(DropReason::BadFragment);
                        return answer(copy, link, packet, problem, now, limit, host);
                    }
                }
            }
            chain => (None, chain),
        };
        let packet = rebuilt.map_or(packet, |frame| &frame[link.len()..]);
        match chain {
            Chain::Upper { protocol, at, fragment } => {
                if (fragment || rebuilt.is_some()) && is_neighbour_discovery(protocol, &packet[at..]) {
                    dropped(DropReason::BadFragment);
                    return Whole::Nothing;
                }
                if let Some(frame) = rebuilt.filter(|_| at == extensions::HEADER) {
                    return Whole::Frame(frame);
                }
                let (head, rest) = copy.split_at_mut(link.len().min(copy.len()));
                match extensions::strip(packet, protocol, at, rest) {
                    Some(len) if head.len() == link.len() => {
                        head.copy_from_slice(link);
                        Whole::Frame(&copy[..link.len() + len])
                    }
                    _ => Whole::Nothing,
                }
            }
            // A fragment in a datagram made of fragments, or no memory for any.
            Chain::Fragment(_) => {
                dropped(DropReason::BadFragment);
                Whole::Nothing
            }
            Chain::Problem(problem) => {
                dropped(DropReason::UnsupportedHeader);
                answer(copy, link, packet, problem, now, limit, host)
            }
            Chain::Silent => {
                dropped(DropReason::UnsupportedHeader);
                Whole::Nothing
            }
        }
    }
}

/// Whether an ICMPv6 message belongs to neighbour discovery, which is not taken from fragments (RFC 6980 section 5).
fn is_neighbour_discovery(protocol: u8, message: &[u8]) -> bool {
    protocol == 58 && matches!(message.first(), Some(133..=137 | 148 | 149))
}

/// A frame that is changed only if it had a tag.
fn plain<'f>(copy: &'f mut [u8], frame: &'f [u8], link: &[u8], packet: &[u8]) -> Whole<'f> {
    if frame.len() == link.len() + packet.len() {
        return Whole::Frame(frame);
    }
    let Some(copy) = copy.get_mut(..link.len() + packet.len()) else { return Whole::Nothing };
    copy[..link.len()].copy_from_slice(link);
    copy[link.len()..].copy_from_slice(packet);
    Whole::Frame(copy)
}

/// Writes a parameter problem about a packet (RFC 4443 sections 2.4 and 3.4).
fn answer<'f>(
    copy: &'f mut [u8],
    link: &mut [u8],
    packet: &[u8],
    problem: Problem,
    now: Instant,
    limit: &mut Limit,
    host: &Host<'_>,
) -> Whole<'f> {
    let (from, to) = ends(packet);
    let mut own = to;
    if to.is_multicast() {
        if !problem.to_group || from.is_unspecified() || from.is_multicast() {
            return Whole::Nothing;
        }
        own = (host.source_for)(from);
        if let (HardwareAddress::Ethernet(EthernetAddress(hardware)), Some(destination)) =
            (host.hardware, link.first_chunk_mut::<6>())
        {
            *destination = hardware;
        }
    }
    let error = Error { kind: 4, code: problem.code, word: problem.pointer };
    match icmp_reply::v6(copy, link, error, own, [packet, &[]]) {
        Some(len) if limit.allows(now) => Whole::Answer(&copy[..len]),
        _ => Whole::Nothing,
    }
}

/// Whether a group is that of all nodes, or the solicited-node group of one of these addresses (RFC 4291 section 2.7.1).
fn is_member(group: Ipv6Address, addresses: &[IpCidr]) -> bool {
    let (octets, solicited) = (group.octets(), Ipv6Address::new(0xff02, 0, 0, 0, 0, 1, 0xff00, 0).octets());
    group == ALL_NODES
        || octets[..13] == solicited[..13]
            && addresses.iter().any(|address| match address.address() {
                IpAddress::Ipv6(own) => own.octets()[13..] == octets[13..],
                IpAddress::Ipv4(_) => false,
            })
}

impl<S: Session + Clone, U: UdpSession> Stack<'_, S, U> {
    /// Makes a whole packet of a frame.
    pub(super) fn whole<'f, P: Probe>(
        &self,
        now: Instant,
        frame: &'f [u8],
        front: &'f mut Front<'_>,
        probe: &mut P,
    ) -> Whole<'f> {
        let host = Host {
            hardware: self.config.hardware,
            checksum: self.checksums.ipv4.rx(),
            owns: &|address| self.iface.has_ip_addr(address),
            is_broadcast: &|address| self.is_broadcast(address),
            is_member: &|group| is_member(group, self.iface.ip_addrs()),
            source_for: &|address| self.iface.get_source_address_ipv6(&address),
        };
        front.take(now, frame, &host, &mut |why| probe.event(now, &Event::Dropped(why)))
    }

    /// Ends the datagrams in fragments whose time is over, at most all of them.
    pub(in crate::stack) fn expire_fragments<D: Device, C, P: Probe>(&mut self, now: Instant, io: &mut Io<D, C, P>) {
        if self.front.due.is_none_or(|due| due > now) {
            return;
        }
        let Front { reassembler, copy, limit, due } = &mut self.front;
        while let Some((lost, answer)) = reassembler.expire(now, copy) {
            if lost {
                io.probe.event(now, &Event::Dropped(DropReason::LostFragments));
            }
            if let Some(len) = answer
                && limit.allows(now)
                && let Some(token) = io.device.transmit(now)
            {
                smoltcp::phy::TxToken::consume(token, len, |out| {
                    out.copy_from_slice(&copy[..len]);
                    io.probe.frame(now, Direction::Out, out);
                });
            }
        }
        *due = reassembler.due();
    }
}
