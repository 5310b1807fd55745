//! Sends packets from the shared sockets and packets that waited for a neighbour. Also sends neighbour requests.

use smoltcp::iface::PollResult;
use smoltcp::phy::{Device, TxToken};
use smoltcp::time::Instant;
use smoltcp::wire::{IpAddress, IpProtocol};
#[cfg(feature = "ipv6")]
use smoltcp::wire::{Ipv6Address, Ipv6Packet};

use super::arp::{ARP_FRAME, Heard, write_request};
use super::ethernet::Contents;
#[cfg(feature = "ipv6")]
use super::ndp::{NDP_FRAME, Solicited, write_solicit};
use super::neighbours::Due;
use crate::phy::EthernetAddress;
use crate::stack::connections::RETRY;
use crate::stack::event::{AddressEvent, Direction, DropReason, Event, Io, Probe, Step};
use crate::stack::ingress::{Out, Watch};
use crate::stack::{Console, Session, Stack, UdpSession, ipv4};

/// The sockets that do not belong to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::stack) enum Shared {
    Datagrams,
    #[cfg(feature = "ping")]
    Pings,
}

impl<S: Session + Clone, U: UdpSession> Stack<'_, S, U> {
    /// Lets the sockets of the group `shared` send one packet. Returns whether a socket did anything, or `None` if
    /// nothing can be sent now.
    pub(in crate::stack) fn transmit_shared<D: Device, C: Console, P: Probe>(
        &mut self,
        now: Instant,
        shared: Shared,
        io: &mut Io<D, C, P>,
    ) -> Option<bool> {
        #[cfg(feature = "fragments")]
        if self.fragmenter.is_busy() {
            return None;
        }
        // Take the token first, so that no socket gives up a packet for which the device has no room.
        let token = io.device.transmit(now)?;
        let set = match shared {
            Shared::Datagrams => &mut self.datagrams.set,
            #[cfg(feature = "ping")]
            Shared::Pings => self.pings.as_mut()?.set(),
        };
        // smoltcp writes the packet to the scratch memory. `dispatch` then finds the packet's link header and sends the
        // packet.
        let mut out = Out::capture(&mut io.probe, now, self.scratch);
        let changed =
            self.iface.poll_egress(now, &mut Watch::<D, P>::capture(&mut out), set) == PollResult::SocketStateChanged;
        let Some(len) = out.sent.captured else { return Some(changed) };
        self.dispatch(now, len, token, &mut io.probe);
        Some(true)
    }

    /// Sends the packet in the first `len` bytes of the scratch memory.
    ///
    /// If the next hop's hardware address is not known, keeps the packet until the next hop answers. Also sends a
    /// request for the address, unless an earlier request is unanswered.
    pub(in crate::stack) fn dispatch<P: Probe>(
        &mut self,
        now: Instant,
        len: usize,
        token: impl TxToken,
        probe: &mut P,
    ) {
        let packet = &self.scratch[..len];
        let Some((_, destination)) = ends(packet) else { return };
        let is_broadcast =
            matches!(destination, IpAddress::Ipv4(all) if all.is_broadcast()) || self.is_broadcast(destination);
        let mut header = self.link.header_of_many(destination, is_broadcast);
        // On Ethernet, a packet to one host needs the next hop's hardware address.
        if header.is_none() && self.link.hardware.is_some() {
            let Some(hop) = self.next_hop(destination) else {
                return probe.event(now, &Event::Dropped(DropReason::Unreachable));
            };
            if !self.link.resolve(now, &hop, &mut header) {
                // `ask` creates the neighbour's entry, in which `keep` stores the packet.
                let must_ask = self.link.neighbours.ask(now, hop);
                if !self.link.neighbours.keep(&hop, packet) {
                    probe.event(now, &Event::Dropped(DropReason::Unreachable));
                } else if let Some(port) = udp_source(packet) {
                    self.datagrams.waits(port, Some(hop));
                }
                self.report_lost(now, probe);
                if must_ask {
                    self.send_request(now, hop, token, probe);
                }
                return;
            }
            self.link.on_sent(now);
        }
        // The port's newest datagram is sent now, so the port no longer waits for a hardware address.
        if self.datagrams.any_waits()
            && let Some(port) = udp_source(packet)
        {
            self.datagrams.waits(port, None);
        }
        let limit = self.mtu_to(now, destination);
        self.fragmenter.send(now, header, limit, packet, token, probe);
    }

    /// Sends a request for a neighbour that a connection needs. Returns whether a request was sent.
    ///
    /// No request is sent while earlier requests for the neighbour are unanswered, or if the device has no room.
    pub(in crate::stack) fn ask<D: Device, C, P: Probe>(
        &mut self,
        now: Instant,
        hop: IpAddress,
        io: &mut Io<D, C, P>,
    ) -> bool {
        // Take the token first: `neighbours.ask` records the request as sent, so the device must have room for it.
        let Some(token) = io.device.transmit(now) else { return false };
        let must_ask = self.link.neighbours.ask(now, hop);
        self.report_lost(now, &mut io.probe);
        if must_ask {
            self.send_request(now, hop, token, &mut io.probe);
        }
        must_ask
    }

    /// Returns this host's link-local address, or the unspecified address if the host has no link-local address.
    #[cfg(feature = "ipv6")]
    fn link_local(&self) -> Ipv6Address {
        let local = self.iface.ip_addrs().iter().find_map(|own| match own.address() {
            IpAddress::Ipv6(own) if own.is_unicast_link_local() => Some(own),
            _ => None,
        });
        local.unwrap_or(Ipv6Address::UNSPECIFIED)
    }

    /// Reports the packets that were lost while they waited for a neighbour, because other packets replaced them.
    /// Without the feature `std`, such packets are not counted, so this function does nothing.
    fn report_lost<P: Probe>(&mut self, now: Instant, probe: &mut P) {
        #[cfg(not(feature = "std"))]
        let _ = (now, probe);
        #[cfg(feature = "std")]
        for _ in 0..self.link.neighbours.take_lost() {
            probe.event(now, &Event::Dropped(DropReason::Unreachable));
        }
    }

    /// Sends an ARP request or a neighbour solicitation for the next hop `hop`.
    fn send_request<P: Probe>(&mut self, now: Instant, hop: IpAddress, token: impl TxToken, probe: &mut P) {
        // Without a source address of the same IP version, no request can be sent.
        let (Some(hardware), Some(source)) = (self.link.hardware, self.iface.get_source_address(&hop)) else { return };
        match (source, hop) {
            (IpAddress::Ipv4(source), IpAddress::Ipv4(target)) => {
                send_frame(now, ARP_FRAME, token, probe, |frame| write_request(frame, hardware, source, target));
            }
            #[cfg(feature = "ipv6")]
            (IpAddress::Ipv6(source), IpAddress::Ipv6(target)) => {
                send_frame(now, NDP_FRAME, token, probe, |frame| write_solicit(frame, hardware, source, target));
            }
            #[cfg(feature = "ipv6")]
            _ => {}
        }
    }

    /// Does one piece of due work: repeats a neighbour request, reports a group, or sends a packet that waited. If a
    /// neighbour has not answered, also drops the packets that waited for it. Returns `None` if no work is due, or if
    /// nothing can be sent now.
    pub(in crate::stack) fn run_link<D: Device, C: Console, P: Probe>(
        &mut self,
        now: Instant,
        io: &mut Io<D, C, P>,
    ) -> Option<Step> {
        if self.link.due().is_none_or(|due| due > now) {
            return None;
        }
        #[cfg(feature = "fragments")]
        if self.fragmenter.is_busy() {
            return None;
        }
        let Some(token) = io.device.transmit(now) else {
            self.link.neighbours.blocked(now + RETRY);
            #[cfg(feature = "ipv6")]
            self.link.groups.blocked(now + RETRY);
            return None;
        };
        #[cfg(feature = "ipv6")]
        if self.link.groups.due().is_some_and(|due| due <= now)
            && let Some(hardware) = self.link.hardware
            && let Some(report) = self.link.groups.next(now, self.random.next())
        {
            let source = self.link_local();
            send_frame(now, report.len(), token, &mut io.probe, |frame| report.write(frame, hardware, source));
            return Some(Step::Egress(None));
        }
        loop {
            match self.link.neighbours.next_due(now)? {
                Due::Ask(hop) => self.send_request(now, hop, token, &mut io.probe),
                Due::Send(index, hardware) => {
                    let header = self.link.answer_to(hardware);
                    let packet = self.link.neighbours.first_kept(index)?;
                    let limit = ends(packet).map_or(usize::MAX, |(_, to)| self.mtu_to(now, to));
                    self.fragmenter.send(now, header, limit, packet, token, &mut io.probe);
                    if let Some(port) = udp_source(packet) {
                        self.datagrams.on_kept_sent(port);
                    }
                    self.link.neighbours.drop_kept(index);
                }
                Due::GiveUp(index) => {
                    while let Some(packet) = self.link.neighbours.first_kept(index) {
                        let port = udp_source(packet);
                        // If the program waits without limit, the requests start again and the packets are kept.
                        if port.is_some_and(|port| self.datagrams.waits_for_neighbour(port))
                            && let Some(hop) = self.link.neighbours.ask_anew(now, index)
                        {
                            self.send_request(now, hop, token, &mut io.probe);
                            return Some(Step::Egress(None));
                        }
                        io.probe.event(now, &Event::Dropped(DropReason::Unreachable));
                        self.link.neighbours.drop_kept(index);
                        if let Some(port) = port {
                            self.datagrams.unreachable(port);
                        }
                    }
                    self.link.neighbours.forget(index);
                    continue;
                }
            }
            return Some(Step::Egress(None));
        }
    }

    /// Processes an ARP or neighbour discovery message from a neighbour, and answers a request. Returns false for all
    /// other frames.
    pub(in crate::stack) fn process_neighbour<P: Probe>(
        &mut self,
        now: Instant,
        contents: Contents<'_>,
        token: &mut Option<impl TxToken>,
        probe: &mut P,
    ) -> bool {
        let iface = &self.iface;
        let learnt = match contents {
            Contents::Arp(message) => {
                let (heard, learnt) = self.link.arp(now, message, |address| iface.has_ip_addr(address));
                match (heard, self.link.hardware) {
                    (Heard::Answer { to, own, asker }, _) => {
                        let link = &self.link;
                        if let Some(token) = token.take() {
                            send_frame(now, ARP_FRAME, token, probe, |frame| link.write_answer(frame, to, own, asker));
                        }
                    }
                    (Heard::Conflict { own, by, defended }, Some(hardware)) => {
                        self.report_conflict(now, own.into(), by, probe);
                        // If an address must be defended, announce it.
                        if defended && let Some(token) = token.take() {
                            send_frame(now, ARP_FRAME, token, probe, |frame| write_request(frame, hardware, own, own));
                        }
                    }
                    _ => {}
                }
                learnt
            }
            #[cfg(feature = "ipv6")]
            Contents::Packet { packet, from, .. } => {
                let Some((solicited, learnt)) = self.link.ndp(now, packet, from, |address| iface.has_ip_addr(address))
                else {
                    return false;
                };
                match solicited {
                    Solicited::Answer { to, own, asker } => {
                        let link = &self.link;
                        if let Some(token) = token.take() {
                            send_frame(now, NDP_FRAME, token, probe, |frame| link.write_advert(frame, to, own, asker));
                        }
                    }
                    Solicited::Conflict { own, by } => self.report_conflict(now, own.into(), by, probe),
                    Solicited::Nothing => {}
                }
                learnt
            }
            #[cfg(not(feature = "ipv6"))]
            Contents::Packet { .. } => return false,
        };
        self.report_lost(now, probe);
        if learnt {
            // The connections that wait for a hardware address try again.
            self.connections.neighbours_may_be_known();
        }
        true
    }
}

impl<S: Session + Clone, U: UdpSession> Stack<'_, S, U> {
    /// Reports that another host uses one of our addresses. Each message from that host counts as dropped. At most one
    /// event a second names the host.
    fn report_conflict<P: Probe>(&mut self, now: Instant, address: IpAddress, by: EthernetAddress, probe: &mut P) {
        probe.event(now, &Event::Dropped(DropReason::DuplicateAddress));
        if self.link.reports(now) {
            probe.event(now, &Event::Address(AddressEvent::Duplicate { address, by }));
        }
    }
}

/// Sends a frame that is `len` bytes long. `write` writes the frame's bytes.
pub(super) fn send_frame<P: Probe>(
    now: Instant,
    len: usize,
    token: impl TxToken,
    probe: &mut P,
    write: impl FnOnce(&mut [u8]),
) {
    token.consume(len, |frame| {
        write(frame);
        probe.frame(now, Direction::Out, frame);
    });
}

/// Returns the source and destination addresses of an IP packet.
fn ends(packet: &[u8]) -> Option<(IpAddress, IpAddress)> {
    match packet.first()? >> 4 {
        4 => ipv4::read(packet).map(|(fields, _)| ipv4::ends(fields)),
        #[cfg(feature = "ipv6")]
        6 => {
            let packet = Ipv6Packet::new_checked(packet).ok()?;
            Some((packet.src_addr().into(), packet.dst_addr().into()))
        }
        _ => None,
    }
}

/// Returns the source address of an IP packet.
pub(in crate::stack) fn source(packet: &[u8]) -> Option<IpAddress> {
    ends(packet).map(|(source, _)| source)
}

/// Returns the source port of a UDP datagram or of a datagram's first fragment. `None` for any other packet.
fn udp_source(packet: &[u8]) -> Option<u16> {
    let (protocol, payload) = match packet.first()? >> 4 {
        4 => {
            let (fields, payload) = ipv4::read(packet)?;
            // The lower 13 bits of this field are the fragment's offset.
            let is_first = u16::from_be_bytes([fields[6], fields[7]]) & 0x1fff == 0;
            (IpProtocol::from(fields[9]), if is_first { payload } else { &[] })
        }
        #[cfg(feature = "ipv6")]
        _ => {
            let packet = Ipv6Packet::new_checked(packet).ok()?;
            (packet.next_header(), packet.payload())
        }
        #[cfg(not(feature = "ipv6"))]
        _ => return None,
    };
    let [a, b] = *payload.first_chunk()?;
    (protocol == IpProtocol::Udp).then(|| u16::from_be_bytes([a, b]))
}
