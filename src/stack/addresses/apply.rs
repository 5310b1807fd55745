//! Runs autoconfiguration, and applies its changes to the interface.

use smoltcp::phy::{Device, PacketMeta, TxToken};
use smoltcp::time::Instant;
use smoltcp::wire::{EthernetAddress, HardwareAddress, IpAddress};

use super::autoconf::Autoconf;
use super::change::Change;
use super::frame::Out;
use crate::stack::connections::RETRY;
use crate::stack::event::{Direction, Event, Io, Probe, Step};
use crate::stack::ingress::{OneFrame, Sent, WatchedTx};
use crate::stack::{Console, Session, Stack, UdpSession};

impl<S: Session + Clone, U: UdpSession> Stack<'_, S, U> {
    /// Does the work of autoconfiguration that is due. Sends one frame at most.
    pub(in crate::stack) fn configure<D: Device, C: Console, P: Probe>(
        &mut self,
        now: Instant,
        io: &mut Io<D, C, P>,
    ) -> Option<Step> {
        if self.autoconf.as_ref()?.due().is_none_or(|due| due > now) {
            return None;
        }
        let random = self.random.next();
        let autoconf = self.autoconf.as_mut()?;
        if let Some(frame) = autoconf.frame_to_show() {
            self.show_neighbour::<D, _, _>(now, &frame, io);
            return None;
        }
        let Some(token) = io.device.transmit(now) else {
            autoconf.blocked(now + RETRY);
            return None;
        };
        let out = autoconf.advance(now, random);
        let hardware = autoconf.hardware();
        let sent = out.map(|out| {
            emit(&out, hardware, token, now, &mut io.probe);
            Step::Egress(None)
        });
        self.apply_changes(now, &mut io.probe);
        sent
    }

    /// Shows smoltcp an ARP reply that never was on the link.
    fn show_neighbour<D: Device, C, P: Probe>(&mut self, now: Instant, frame: &[u8], io: &mut Io<D, C, P>) {
        let (token, mut sent): (Option<D::TxToken<'_>>, _) = (None, Sent::default());
        let mut tx = WatchedTx::new(token, &mut io.probe, now, &mut sent, self.fragment_ids);
        let mut device = OneFrame::new(frame, PacketMeta::default(), &mut tx);
        self.iface.poll_ingress_single(now, &mut device, &mut self.fragment_set);
        self.connections.neighbours_may_be_known();
        self.datagrams_arrived();
    }

    /// Notes that the link went down, or came up, perhaps on another network.
    ///
    /// When it comes up, the stack forgets neighbours, announces its addresses, and asks for leases and prefixes anew. What is in
    /// use stays in use until a server or router says otherwise.
    #[cfg(feature = "std")]
    pub(crate) fn link_changed(&mut self, now: Instant, up: bool) {
        if !up {
            return;
        }
        // smoltcp forgets its neighbours when the addresses change.
        self.iface.update_ip_addrs(|_| {});
        if let Some(autoconf) = &mut self.autoconf {
            autoconf.link_up(now, self.iface.ip_addrs());
        }
    }

    /// Asks for the hardware address of the next hop to `remote`, in cases where smoltcp does not ask (#1101). Returns true if a
    /// frame left.
    ///
    /// The caller must ask at most once a second, and send its packet again when the answer arrives.
    pub(in crate::stack) fn solicit<D: Device, C, P: Probe>(
        &mut self,
        now: Instant,
        local: IpAddress,
        remote: IpAddress,
        io: &mut Io<D, C, P>,
    ) -> bool {
        #[allow(irrefutable_let_patterns, reason = "there may be no other medium")]
        let HardwareAddress::Ethernet(hardware) = self.config.hardware else { return false };
        let out = match (local, self.next_hop(remote)) {
            (IpAddress::Ipv4(source), Some(IpAddress::Ipv4(target))) => Out::ArpRequest { source, target },
            #[cfg(feature = "slaac")]
            (IpAddress::Ipv6(source), Some(IpAddress::Ipv6(target))) => Out::NeighborSolicit { source, target },
            _ => return false,
        };
        let Some(token) = io.device.transmit(now) else { return false };
        emit(&out, hardware, token, now, &mut io.probe);
        true
    }

    /// Applies autoconfiguration's changes to the interface.
    pub(in crate::stack) fn apply_changes<P: Probe>(&mut self, now: Instant, probe: &mut P) {
        while let Some(change) = self.autoconf.as_mut().and_then(Autoconf::change) {
            match change {
                Change::Add(address) => {
                    if let Err(error) = self.add_address(now, address, probe) {
                        log::warn!("{address} is not used: {error}");
                    }
                }
                Change::Remove(address) => drop(self.remove_address(now, address, probe)),
                // A configured router is not replaced.
                Change::Router(router) if self.config.gateways.iter().any(|old| old.version() == router.version()) => {}
                Change::Router(router) => {
                    if let Err(error) = self.set_router(now, router, probe) {
                        log::warn!("router {router} is not used: {error}");
                    }
                }
                Change::DistantRouter { .. } if self.config.gateways.iter().any(is_ipv4) => {}
                Change::DistantRouter { router, own } => {
                    match self.replace_router(now, router.into(), own.into(), probe) {
                        Ok(()) => self.autoconf.iter_mut().for_each(|autoconf| autoconf.use_distant(router, own, now)),
                        Err(error) => log::warn!("router {router} is not used: {error}"),
                    }
                }
                Change::RouterGone(router) => drop(self.remove_router(now, router, probe)),
                Change::Report(event) => probe.event(now, &Event::Address(event)),
                #[cfg(feature = "slaac")]
                Change::Dropped(why) => probe.event(now, &Event::Dropped(why)),
            }
        }
    }
}

fn is_ipv4(address: &IpAddress) -> bool {
    matches!(address, IpAddress::Ipv4(_))
}

pub(super) fn emit<P: Probe>(out: &Out, hardware: EthernetAddress, token: impl TxToken, now: Instant, probe: &mut P) {
    token.consume(out.len(hardware), |frame| {
        out.emit(hardware, frame);
        probe.frame(now, Direction::Out, frame);
    });
}
