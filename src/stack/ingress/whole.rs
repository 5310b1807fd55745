//! Makes every received packet whole before any other part of the stack reads the packet.
//!
//! Fragments are reassembled, and IPv6 extension headers are removed. reassembly.rs and extensions.rs parse the
//! formats.

use smoltcp::phy::{Device, TxToken};
use smoltcp::time::Instant;
use smoltcp::wire::{IpAddress, IpCidr, Ipv4Packet, Ipv6Address, Ipv6Packet};

use super::admission::Target;
use super::extensions::{self, Chain, Problem};
use super::icmp_reply::{self, Error, Limit};
use super::reassembly::{Arrival, Reassembler, ends};
use super::{Quote, Received, WatchedTx, demux};
use crate::stack::connections::sooner;
use crate::stack::control::Segment;
use crate::stack::event::{DropReason, Event, Io, Probe};
use crate::stack::link::source;
use crate::stack::ndisc::{ALL_NODES, solicited_node};
use crate::stack::{Reassembly, Session, Stack, UdpSession};

/// The result of processing a received packet.
pub(super) enum Whole<'p> {
    /// An ICMP error to the packet's sender.
    Answer(&'p [u8]),
    /// Nothing: the packet was dropped, or its datagram is not yet complete.
    Nothing,
    /// A whole packet, as it was received.
    Packet(&'p [u8]),
    /// A whole packet, built from fragments or from a packet with extension headers.
    Remade(&'p [u8]),
}

/// The facts about this host on which the processing of a packet depends.
pub(super) struct Host<'h> {
    /// Whether the stack must check the checksums of IPv4 headers.
    pub(super) checksum: bool,
    pub(super) owns: &'h dyn Fn(IpAddress) -> bool,
    pub(super) is_broadcast: &'h dyn Fn(IpAddress) -> bool,
    /// Returns whether this host is a member of a multicast group.
    pub(super) is_member: &'h dyn Fn(Ipv6Address) -> bool,
    /// Returns the source address with which this host answers another host.
    pub(super) source_for: &'h dyn Fn(Ipv6Address) -> Ipv6Address,
}

/// The memory for fragmented datagrams, for packets without their extension headers, and for ICMP errors.
#[derive(Default)]
pub(in crate::stack) struct Front<'a> {
    reassembler: Reassembler<'a>,
    /// Memory for a packet whose extension headers were removed, or for an ICMP error.
    copy: &'a mut [u8],
    limit: Limit,
    /// The earliest time at which a fragmented datagram can time out.
    due: Option<Instant>,
}

impl<'a> Front<'a> {
    pub(in crate::stack) fn new(datagrams: &'a mut [Reassembly], bytes: &'a mut [u8], copy: &'a mut [u8]) -> Self {
        Front { reassembler: Reassembler::new(datagrams, bytes), copy, ..Front::default() }
    }

    /// Returns the earliest time at which a fragmented datagram can time out.
    pub(in crate::stack) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Makes a packet whole for which [`is_whole`] returns false: reassembles a fragment, or removes extension headers.
    ///
    /// Calls `dropped` with the reason if this packet or an incomplete datagram is dropped. Packets for other hosts and
    /// packets with a malformed IP header are dropped silently.
    pub(super) fn take<'p>(
        &'p mut self,
        now: Instant,
        packet: &'p [u8],
        host: &Host<'_>,
        dropped: &mut dyn FnMut(DropReason),
    ) -> Whole<'p> {
        match packet.first().map(|first| first >> 4) {
            Some(4) => self.take_v4(now, packet, host, dropped),
            Some(6) => self.take_v6(now, packet, host, dropped),
            _ => Whole::Packet(packet),
        }
    }

    /// Processes an IPv4 packet: reassembles fragments.
    fn take_v4<'p>(
        &'p mut self,
        now: Instant,
        packet: &'p [u8],
        host: &Host<'_>,
        dropped: &mut dyn FnMut(DropReason),
    ) -> Whole<'p> {
        if self.reassembler.is_empty() {
            // Without memory for fragments, the stack does not reassemble.
            return Whole::Packet(packet);
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
        // If this is the first fragment of its datagram, the datagram times out after `TIMEOUT`. Otherwise `due` is
        // already earlier.
        self.due = sooner(self.due, Some(now + super::reassembly::TIMEOUT));
        match self.reassembler.arrives_v4(now, packet) {
            Arrival::Rebuilt(packet) => return Whole::Remade(packet),
            Arrival::Kept { lost: true } => dropped(DropReason::LostFragments),
            Arrival::Kept { lost: false } => {}
            Arrival::Bad | Arrival::Problem(_) => dropped(DropReason::BadFragment),
        }
        Whole::Nothing
    }

    /// Processes an IPv6 packet: reassembles fragments, then removes extension headers or answers with an ICMPv6 error.
    fn take_v6<'p>(
        &'p mut self,
        now: Instant,
        packet: &'p [u8],
        host: &Host<'_>,
        dropped: &mut dyn FnMut(DropReason),
    ) -> Whole<'p> {
        let len = Ipv6Packet::new_checked(packet).map_or(0, |ip| ip.total_len());
        let Some(packet) = packet.get(..len).filter(|packet| !packet.is_empty()) else { return Whole::Nothing };
        let (_, to) = ends(packet);
        if !(host.owns)(to.into()) && !(host.is_member)(to) {
            return Whole::Nothing;
        }
        let Front { reassembler, copy, limit, due } = self;
        let (rebuilt, chain) = match extensions::read(packet) {
            Chain::Fragment(fragment) if !reassembler.is_empty() => {
                *due = sooner(*due, Some(now + super::reassembly::TIMEOUT));
                match reassembler.arrives_v6(now, packet, &fragment) {
                    Arrival::Rebuilt(packet) => (Some(packet), extensions::read(packet)),
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
                        return answer(copy, packet, problem, now, limit, host);
                    }
                }
            }
            chain => (None, chain),
        };
        let packet = rebuilt.unwrap_or(packet);
        match chain {
            Chain::Upper { protocol, at, fragment } => {
                if (fragment || rebuilt.is_some()) && is_neighbour_discovery(protocol, &packet[at..]) {
                    dropped(DropReason::BadFragment);
                    return Whole::Nothing;
                }
                if rebuilt.is_some() && at == extensions::HEADER {
                    return Whole::Remade(packet);
                }
                match extensions::strip(packet, protocol, at, copy) {
                    Some(len) => Whole::Remade(&copy[..len]),
                    None => Whole::Nothing,
                }
            }
            // The fragment is inside a reassembled datagram, or the stack has no memory for fragments.
            Chain::Fragment(_) => {
                dropped(DropReason::BadFragment);
                Whole::Nothing
            }
            Chain::Problem(problem) => {
                dropped(DropReason::UnsupportedHeader);
                answer(copy, packet, problem, now, limit, host)
            }
            Chain::Silent => {
                dropped(DropReason::UnsupportedHeader);
                Whole::Nothing
            }
        }
    }
}

/// Returns whether a packet is not a fragment and has no extension headers. Nearly all packets are whole. This look at
/// two bytes saves most of the work of [`Front::take`].
pub(super) fn is_whole(packet: &[u8]) -> bool {
    match packet.first().map(|first| first >> 4) {
        // These bits are the More Fragments flag and the fragment offset.
        Some(4) => packet.get(6..8).is_none_or(|field| field[0] & 0x3f == 0 && field[1] == 0),
        // TCP, UDP or ICMPv6 follows the IPv6 header directly.
        Some(6) => matches!(packet.get(6), Some(6 | 17 | 58)),
        _ => true,
    }
}

/// Returns whether an ICMPv6 message belongs to neighbour discovery.
///
/// Such messages are not accepted in fragments (RFC 6980 section 5).
fn is_neighbour_discovery(protocol: u8, message: &[u8]) -> bool {
    protocol == 58 && matches!(message.first(), Some(133..=137 | 148 | 149))
}

/// Writes a parameter problem about a packet to `copy` (RFC 4443 sections 2.4 and 3.4). Returns [`Whole::Nothing`] if
/// no error may be sent about this packet or at this time.
fn answer<'p>(
    copy: &'p mut [u8],
    packet: &[u8],
    problem: Problem,
    now: Instant,
    limit: &mut Limit,
    host: &Host<'_>,
) -> Whole<'p> {
    let (from, to) = ends(packet);
    let mut own = to;
    // If `to` is a multicast address, it cannot be the source of the error.
    if to.is_multicast() {
        if !problem.to_group || from.is_unspecified() || from.is_multicast() {
            return Whole::Nothing;
        }
        own = (host.source_for)(from);
    }
    // Type 4 is the parameter problem.
    let error = Error { kind: 4, code: problem.code, word: problem.pointer };
    match icmp_reply::v6(copy, error, own, [packet, &[]]) {
        // `allows` also counts the error.
        Some(len) if limit.allows(now) => Whole::Answer(&copy[..len]),
        _ => Whole::Nothing,
    }
}

/// Returns whether a host with these addresses is a member of `group` (RFC 4291 section 2.7.1).
///
/// A host is a member of the all-nodes group and of the solicited-node groups of its addresses.
fn is_member(group: Ipv6Address, addresses: &[IpCidr]) -> bool {
    let is_solicited = |own: IpAddress| matches!(own, IpAddress::Ipv6(own) if solicited_node(own) == group);
    group == ALL_NODES || addresses.iter().any(|own| is_solicited(own.address()))
}

impl<S: Session + Clone, U: UdpSession> Stack<'_, S, U> {
    /// Makes a packet whole, then processes it. [`is_whole`] has returned false for the packet.
    pub(super) fn take_whole<T: TxToken, P: Probe>(
        &mut self,
        now: Instant,
        received: Received<'_>,
        segment: &mut Option<Segment>,
        tx: &mut WatchedTx<'_, '_, T, P>,
        quote: &mut Option<Quote>,
    ) -> Target {
        let limit = self.limit_to_source(now, received.packet);
        // `take_in` borrows the whole stack, so `front` is taken out and put back.
        let mut front = core::mem::take(&mut self.front);
        let host = Host {
            checksum: self.checksums.ipv4.rx(),
            owns: &|address| self.iface.has_ip_addr(address),
            is_broadcast: &|address| self.is_broadcast(address),
            is_member: &|group| is_member(group, self.iface.ip_addrs()),
            source_for: &|address| self.iface.get_source_address_ipv6(&address),
        };
        let probe = &mut *tx.out.probe;
        let target = match front.take(now, received.packet, &host, &mut |why| probe.event(now, &Event::Dropped(why))) {
            Whole::Packet(packet) => self.take_in(now, Received { packet, ..received }, segment, tx, quote),
            // The device checks TCP checksums, but it could not check this packet, because it saw no whole segment.
            Whole::Remade(packet) if !self.checksums.tcp.rx() && !demux::tcp_checksum_holds(packet) => {
                probe.event(now, &Event::Dropped(DropReason::Checksum));
                Target::Nowhere
            }
            Whole::Remade(packet) => self.take_in(now, Received { packet, ..received }, segment, tx, quote),
            // If the frame was addressed to several hosts, the stack sends the error only if the packet was addressed
            // to a multicast group (RFC 1122 section 3.2.2, RFC 4443 section 2.4 e).
            Whole::Answer(answer) if received.to_us || ends(received.packet).1.is_multicast() => {
                let mut out = tx.out.of_long(self.fragmenter.lend_for(limit));
                let tx = WatchedTx { token: tx.token.take(), out: &mut out };
                tx.consume(answer.len(), |out| out.copy_from_slice(answer));
                Target::Nowhere
            }
            Whole::Answer(_) | Whole::Nothing => Target::Nowhere,
        };
        self.front = front;
        target
    }

    /// Removes the fragmented datagrams that have timed out, and reports each loss. If a datagram's first fragment has
    /// arrived, also sends its sender an ICMP error (time exceeded: RFC 1122 section 3.3.2, RFC 8200 section 4.5),
    /// unless the rate limit forbids the error.
    pub(in crate::stack) fn expire_fragments<D: Device, C, P: Probe>(&mut self, now: Instant, io: &mut Io<D, C, P>) {
        if self.front.due.is_none_or(|due| due > now) {
            return;
        }
        while let Some((lost, answer)) = self.front.reassembler.expire(now, self.scratch) {
            if lost {
                io.probe.event(now, &Event::Dropped(DropReason::LostFragments));
            }
            // This host might have lost the address since the fragment arrived. The rate of errors is limited, and
            // `allows` counts the error.
            if let Some(len) = answer
                && source(&self.scratch[..len]).is_some_and(|own| self.iface.has_ip_addr(own))
                && self.front.limit.allows(now)
                && let Some(token) = io.device.transmit(now)
            {
                self.dispatch(now, len, token, &mut io.probe);
            }
        }
        self.front.due = self.front.reassembler.due();
    }
}
