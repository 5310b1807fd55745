//! The link: Ethernet headers and neighbours' hardware addresses. smoltcp sees IP packets only.
//!
//! The file ethernet.rs reads and writes Ethernet headers. The file neighbours.rs stores the neighbours' hardware
//! addresses and the packets awaiting address resolution. The files arp.rs and ndp.rs process and write the messages
//! between neighbours. The file groups.rs reports the multicast groups to switches, so that solicitations reach this
//! host. The file egress.rs sends the packets of the shared sockets. The file announce.rs announces this host's
//! addresses.

mod announce;
mod arp;
mod egress;
mod ethernet;
#[cfg(feature = "ipv6")]
mod groups;
#[cfg(feature = "ipv6")]
mod ndp;
mod neighbours;
#[cfg(all(test, feature = "std"))]
mod tests;

#[cfg(any(feature = "dhcp", all(feature = "board", target_os = "none")))]
pub(crate) use arp::{ARP_FRAME, write_request};
pub(super) use egress::{Shared, source};
#[cfg(feature = "dhcp")]
pub(super) use ethernet::LEN;
#[cfg(feature = "slaac")]
pub(super) use ethernet::without_tag;
pub(super) use ethernet::{Contents, Ends, Header, len, read, write};
#[cfg(feature = "ipv6")]
pub(super) use groups::may_be_group_query;
pub use neighbours::Neighbour;

#[cfg(feature = "fragments")]
use core::num::NonZeroUsize;

use smoltcp::phy::{Checksum, DeviceCapabilities, Medium};
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::IpAddress;

#[cfg(feature = "ipv6")]
use super::connections::sooner;
#[cfg(feature = "ipv6")]
use super::ndisc::solicited_node;
use crate::phy::{EthernetAddress, HardwareAddress};
use neighbours::Neighbours;

/// The shortest time between two defences of our addresses (RFC 5227 section 2.4).
const DEFEND_INTERVAL: Duration = Duration::from_secs(10);

/// The shortest time between two reports of hosts that use our addresses.
const REPORT_INTERVAL: Duration = Duration::from_secs(1);

/// The stack's link: this host's hardware address and the neighbours.
pub(super) struct Link<'a> {
    /// The hardware address of this host. `None` on a link without Ethernet, which has no neighbours.
    hardware: Option<EthernetAddress>,
    neighbours: Neighbours<'a>,
    /// The most recently resolved neighbour, if its hardware address is stale.
    old: Option<IpAddress>,
    #[cfg(feature = "ipv6")]
    groups: groups::Groups,
    /// The time at which one of our addresses was most recently defended against another host.
    defended_at: Option<Instant>,
    /// The time at which a host that uses one of our addresses was last reported.
    reported_at: Option<Instant>,
}

impl<'a> Link<'a> {
    /// Creates a link without known neighbours. Returns `None` if `neighbours` is empty on Ethernet.
    ///
    /// `kept` is the memory for packets awaiting address resolution. Each packet is at most `mtu` bytes long. The
    /// neighbour table hashes addresses with `key`.
    pub(super) fn new(
        hardware: HardwareAddress,
        neighbours: &'a mut [Neighbour],
        kept: &'a mut [u8],
        mtu: usize,
        key: u64,
    ) -> Option<Self> {
        let hardware = match hardware {
            HardwareAddress::Ethernet(own) => Some(own),
            HardwareAddress::Ip => None,
        };
        (hardware.is_none() || !neighbours.is_empty()).then(|| Link {
            hardware,
            neighbours: Neighbours::new(neighbours, kept, mtu, key),
            old: None,
            #[cfg(feature = "ipv6")]
            groups: groups::Groups::default(),
            defended_at: None,
            reported_at: None,
        })
    }

    /// Returns the hardware address of this host.
    pub(super) fn hardware(&self) -> Option<EthernetAddress> {
        self.hardware
    }

    /// Returns the link header with which to answer a frame from the hardware address `from`.
    pub(super) fn answer_to(&self, from: EthernetAddress) -> Header {
        self.hardware.map(|own| Ends { to: from, from: own })
    }

    /// Fills in the header of a packet to a neighbour. Returns whether the neighbour's hardware address is known.
    ///
    /// Call [`on_sent`](Self::on_sent) once the packet has been sent.
    pub(super) fn resolve(&mut self, now: Instant, hop: &IpAddress, header: &mut Header) -> bool {
        // A link without Ethernet needs no header.
        let Some(own) = self.hardware else { return true };
        let Some((hardware, is_old)) = self.neighbours.find(now, hop) else { return false };
        *header = Some(Ends { to: hardware, from: own });
        self.old = is_old.then_some(*hop);
        true
    }

    /// Records that a packet was sent to the most recently resolved neighbour.
    ///
    /// If the neighbour's hardware address is stale, a request for the neighbour follows soon.
    pub(super) fn on_sent(&mut self, now: Instant) {
        if let Some(hop) = self.old.take() {
            self.neighbours.ask_soon(now, &hop);
        }
    }

    /// Returns the header of a multicast or broadcast packet, or `None` if the packet is for one host.
    fn header_of_many(&self, to: IpAddress, is_broadcast: bool) -> Header {
        let own = self.hardware?;
        let hardware = match to {
            _ if is_broadcast => EthernetAddress::BROADCAST,
            // RFC 1112 section 6.4 defines the hardware address of an IPv4 group.
            IpAddress::Ipv4(group) if group.is_multicast() => {
                let [_, b, c, d] = group.octets();
                EthernetAddress([0x01, 0x00, 0x5e, b & 0x7f, c, d])
            }
            #[cfg(feature = "ipv6")]
            IpAddress::Ipv6(group) if group.is_multicast() => super::ndisc::group_hardware(group),
            _ => return None,
        };
        Some(Ends { to: hardware, from: own })
    }

    /// Records that a packet came from a neighbour, which confirms the neighbour's hardware address.
    #[cfg_attr(feature = "recovery", inline(always))]
    pub(super) fn heard(&mut self, now: Instant, from: EthernetAddress, source: IpAddress) {
        if self.hardware.is_some() {
            self.neighbours.confirm(now, &source, from);
        }
    }

    /// Forgets all neighbours and reports all groups again, because the link might have changed.
    pub(super) fn came_up(&mut self, _now: Instant) {
        self.neighbours.clear();
        #[cfg(feature = "ipv6")]
        self.groups.join_again(_now);
    }

    /// Joins the solicited-node groups of these addresses and leaves all other groups.
    #[cfg(feature = "ipv6")]
    pub(super) fn join_groups(&mut self, now: Instant, addresses: impl Iterator<Item = IpAddress>) {
        if self.hardware.is_none() {
            return;
        }
        let groups = addresses.filter_map(|address| match address {
            IpAddress::Ipv6(address) => Some(solicited_node(address)),
            IpAddress::Ipv4(_) => None,
        });
        if !self.groups.set(now, groups) {
            log::warn!(
                "no room for another multicast group: a switch with MLD snooping might drop neighbour solicitations"
            );
        }
    }

    /// Processes a packet if it is an MLD query. Returns whether the packet is an MLD query.
    ///
    /// `random` chooses when the reports are sent.
    #[cfg(feature = "ipv6")]
    pub(super) fn process_group_query(&mut self, now: Instant, packet: &[u8], random: u32) -> bool {
        self.hardware.is_some() && self.groups.asked(now, packet, random)
    }

    /// Returns whether a packet is waiting for this neighbour's answer.
    pub(super) fn holds(&self, hop: IpAddress) -> bool {
        self.neighbours.holds(&hop)
    }

    /// Returns the time of the link's next work: a neighbour request, a packet that waited, or a group report.
    pub(super) fn due(&self) -> Option<Instant> {
        let due = if self.neighbours.is_idle() { None } else { self.neighbours.due() };
        #[cfg(feature = "ipv6")]
        let due = sooner(due, self.groups.due());
        due
    }

    /// Returns whether one of our addresses may be defended now. If so, starts the interval until the next defence.
    fn defends(&mut self, now: Instant) -> bool {
        is_time(&mut self.defended_at, now, DEFEND_INTERVAL)
    }

    /// Returns whether a host that uses one of our addresses may be reported now. If so, starts the interval until the
    /// next report.
    fn reports(&mut self, now: Instant) -> bool {
        is_time(&mut self.reported_at, now, REPORT_INTERVAL)
    }
}

/// Returns whether `last` was at least `interval` ago. If so, sets `last` to `now`.
fn is_time(last: &mut Option<Instant>, now: Instant, interval: Duration) -> bool {
    let is_time = last.is_none_or(|at| now >= at + interval);
    if is_time {
        *last = Some(now);
    }
    is_time
}

/// Returns the device capabilities that smoltcp sees: IP packets of at most `mtu` bytes and no TCP checksum checks.
///
/// The stack checks TCP checksums before smoltcp sees a segment, because the control block must not process a damaged
/// segment. `window` is the length of a connection's receive buffer, in bytes.
pub(super) fn as_smoltcp_sees(device: &DeviceCapabilities, mtu: usize, window: usize) -> DeviceCapabilities {
    let mut capabilities = device.clone();
    #[cfg(feature = "fragments")]
    {
        // The device's limits include the link header, which smoltcp does not see.
        let header = device.max_transmission_unit - device.ip_mtu();
        let without = |frame: Option<NonZeroUsize>| NonZeroUsize::new(frame?.get().saturating_sub(header));
        capabilities.segmentation.tcpv4 = without(device.segmentation.tcpv4);
        capabilities.segmentation.tcpv6 = without(device.segmentation.tcpv6);
    }
    // smoltcp compares the window of every segment with the length of the longest burst. A window that never exceeds
    // this length needs no comparison, which costs a board 80 instructions. 100 bytes hold the longest headers.
    if device.max_burst_size.is_some_and(|burst| window <= burst.saturating_mul(mtu.saturating_sub(100))) {
        capabilities.max_burst_size = None;
    }
    (capabilities.medium, capabilities.max_transmission_unit) = (Medium::Ip, mtu);
    // With `recovery`, the stack checks IPv4 headers itself, so smoltcp need not check them again.
    #[cfg(feature = "recovery")]
    {
        capabilities.checksum.ipv4 = if device.checksum.ipv4.tx() { Checksum::Tx } else { Checksum::None };
    }
    capabilities.checksum.tcp = if device.checksum.tcp.tx() { Checksum::Tx } else { Checksum::None };
    capabilities
}
