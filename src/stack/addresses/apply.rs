//! Runs autoconfiguration and applies the changes that it requests to the interface.

use smoltcp::phy::{Device, TxToken};
use smoltcp::time::Instant;
use smoltcp::wire::EthernetAddress;

use super::autoconf::Autoconf;
use super::change::Change;
use super::frame::Out;
use crate::stack::connections::RETRY;
use crate::stack::event::{Direction, Event, Io, Probe, Step};
#[cfg(feature = "slaac")]
use crate::stack::link::without_tag;
use crate::stack::{Console, Session, Stack, UdpSession};

impl<S: Session + Clone, U: UdpSession> Stack<'_, S, U> {
    /// Does the autoconfiguration work that is due: sends at most one frame, then applies the changes to the interface.
    /// Returns `None` if no frame was sent. If the device has no room for a frame, all work waits for [`RETRY`].
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
        // Take the token first: `advance` counts its frame as sent, so the device must have room for the frame.
        let Some(token) = io.device.transmit(now) else {
            autoconf.blocked(now + RETRY);
            return None;
        };
        let out = autoconf.advance(now, random);
        // `advance` might have started or ended a claim, whose solicited-node group must be joined or left.
        #[cfg(feature = "ipv6")]
        self.join_groups(now);
        let autoconf = self.autoconf.as_mut()?;
        let hardware = autoconf.hardware();
        let sent = out.map(|out| {
            emit(&out, hardware, token, now, &mut io.probe);
            // `None`: the frame does not belong to a connection.
            Step::Egress(None)
        });
        self.apply_changes(now, &mut io.probe);
        sent
    }

    /// Lets autoconfiguration process a received frame. Returns true if the interface should not see the frame, because
    /// it is a DHCP reply.
    pub(in crate::stack) fn autoconf_process(&mut self, now: Instant, frame: &[u8]) -> bool {
        let (own, Some(autoconf)) = (self.iface.ip_addrs(), &mut self.autoconf) else { return false };
        // The array has room for the longest Ethernet frame without a VLAN tag, in bytes. A longer frame keeps its tag,
        // and autoconfiguration ignores the frame.
        #[cfg(feature = "slaac")]
        let mut room = [0; 1514];
        #[cfg(feature = "slaac")]
        let frame = without_tag(frame, &mut room);
        autoconf.process(now, frame, own)
    }

    /// Applies the changes to the interface that autoconfiguration has queued, and reports its events.
    pub(in crate::stack) fn apply_changes<P: Probe>(&mut self, now: Instant, probe: &mut P) {
        while let Some(change) = self.autoconf.as_mut().and_then(Autoconf::change) {
            match change {
                Change::Add(address) => {
                    if let Err(error) = self.add_address(now, address, probe) {
                        log::warn!("{address} is not used: {error}");
                    }
                }
                // The result is dropped: the program might have removed the address already.
                Change::Remove(address) => drop(self.remove_address(now, address, probe)),
                // A router that this host already uses, such as one from the configuration, is not replaced.
                Change::Router(router) if self.config.gateways.iter().any(|old| old.version() == router.version()) => {}
                Change::Router(router) => {
                    if let Err(error) = self.replace_router(now, router, probe) {
                        log::warn!("router {router} is not used: {error}");
                    }
                }
                // The program might have removed the router, too.
                Change::RouterGone(router) => drop(self.remove_router(now, router, probe)),
                Change::Report(event) => probe.event(now, &Event::Address(event)),
                Change::Dropped(why) => probe.event(now, &Event::Dropped(why)),
            }
        }
    }
}

/// Writes a frame into the device's transmit buffer and passes the frame to the [`Probe`].
pub(super) fn emit<P: Probe>(out: &Out, hardware: EthernetAddress, token: impl TxToken, now: Instant, probe: &mut P) {
    token.consume(out.len(hardware), |frame| {
        out.emit(hardware, frame);
        probe.frame(now, Direction::Out, frame);
    });
}
