//! Announces this host's addresses to its neighbours.

use smoltcp::phy::Device;
use smoltcp::time::Instant;
use smoltcp::wire::{IpAddress, IpCidr};

use super::arp::{ARP_FRAME, write_request};
use super::egress::send_frame;
#[cfg(feature = "ipv6")]
use super::ndp::NDP_FRAME;
use crate::stack::event::{Io, Probe};
#[cfg(feature = "ipv6")]
use crate::stack::ndisc::{ALL_NODES, group_hardware};
use crate::stack::{Console, Session, Stack, UdpSession};

impl<S: Session + Clone, U: UdpSession> Stack<'_, S, U> {
    /// Announces the addresses on the link (RFC 5227 section 3, RFC 4861 section 7.2.6).
    ///
    /// Call this function when the program starts and when the link comes up. A peer might have sent an ARP or NDP
    /// request before this host could answer. Without an announcement, that peer waits a second or more before it
    /// repeats the request. If the device runs out of room, the remaining addresses are not announced.
    ///
    /// If the stack obtains or checks addresses itself, the stack announces them without this call, and this function
    /// does nothing. [`run`](crate::run) and [`poll_with`](Self::poll_with) call this function when the link comes up.
    pub fn announce<D: Device, C: Console, P: Probe>(&mut self, now: Instant, io: &mut Io<D, C, P>) {
        #[cfg(feature = "dhcp")]
        if self.autoconf.is_some() {
            return;
        }
        // A link without Ethernet has no neighbours.
        let Some(hardware) = self.link.hardware else { return };
        for address in self.iface.ip_addrs().iter().map(IpCidr::address) {
            let Some(token) = io.device.transmit(now) else { return };
            match address {
                // An ARP announcement is a request for this host's own address.
                IpAddress::Ipv4(own) => {
                    send_frame(now, ARP_FRAME, token, &mut io.probe, |frame| write_request(frame, hardware, own, own));
                }
                #[cfg(feature = "ipv6")]
                IpAddress::Ipv6(own) => send_frame(now, NDP_FRAME, token, &mut io.probe, |frame| {
                    // `None`: no host has asked, so the advertisement goes to all nodes.
                    self.link.write_advert(frame, group_hardware(ALL_NODES), own, None);
                }),
            }
        }
    }
}
