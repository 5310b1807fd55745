//! Reports membership of the solicited-node groups by MLDv2 (RFC 3810), or by MLDv1 (RFC 2710) if a router uses MLDv1.
//!
//! A switch with MLD snooping forwards neighbour solicitations only to the ports whose hosts have reported the group.
//! The stack does not use smoltcp's own reports. While the stack serves a connection, each packet that smoltcp sends
//! gets that connection's link header. A report would thus go to the hardware address of the connection's next hop
//! instead of the group's hardware address.
//!
//! smoltcp's reports are also wrong: for a group that it joins, smoltcp would report the record type that means leaving
//! (RFC 3810 section 5.2.12).

use smoltcp::config::IFACE_MAX_ADDR_COUNT;
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{EthernetAddress, Icmpv6Message, Icmpv6Packet, IpProtocol, Ipv6Address, Ipv6Packet, Ipv6Repr};

use super::ethernet::{self, Ends, LEN};
use crate::stack::connections::sooner;
use crate::stack::ndisc::{IPV6, group_hardware};

/// The number of times that each change is reported (Robustness Variable, RFC 3810 section 9.1).
const ROBUSTNESS: u8 = 2;
/// The longest time between two reports of the same change, in milliseconds (RFC 3810 section 9.11).
const CHANGE_INTERVAL: u32 = 1_000;
/// The shortest time between two reports of a group, however often routers send queries.
const LEAST_INTERVAL: Duration = Duration::from_millis(100);
/// The time for which an MLDv1 router is assumed to be present after its most recent query (RFC 3810 section 9.12).
const OLD_ROUTER: Duration = Duration::from_secs(260);

/// The largest number of groups: one for each address of the interface and one for each address being claimed.
const GROUPS: usize = 2 * IFACE_MAX_ADDR_COUNT;

/// The hop-by-hop options before each message: a Router Alert (RFC 2711) and padding.
const OPTIONS: [u8; 8] = [58, 0, ROUTER_ALERT, 2, 0, 0, 1, 0];
const ROUTER_ALERT: u8 = 5;
/// The length of an MLDv1 report, in bytes.
const V1: usize = 24;
/// The length of an MLDv2 report about one group, in bytes.
const V2: usize = 28;

/// The multicast groups that this host is a member of or has just left.
#[derive(Default)]
pub(super) struct Groups {
    list: heapless::Vec<Membership, GROUPS>,
    /// The time at which the next report is sent.
    due: Option<Instant>,
    /// Until this time, an MLDv1 router is assumed to be on the link.
    v1_until: Option<Instant>,
    /// The time at which to try again after the device had no room for a report.
    blocked_until: Option<Instant>,
}

struct Membership {
    group: Ipv6Address,
    /// Whether this host is a member of the group. False if the host has left the group.
    is_member: bool,
    /// The number of reports about joining or leaving the group that must still be sent.
    changes: u8,
    /// The time at which the next report of the group is sent, because of a change or a query.
    at: Option<Instant>,
    /// No report of the group is sent before this time.
    quiet_until: Instant,
}

/// A report about one group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Report {
    kind: Kind,
    group: Ipv6Address,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// The record type MODE_IS_EXCLUDE.
    Member,
    /// The record type CHANGE_TO_EXCLUDE_MODE.
    Joined,
    /// The record type CHANGE_TO_INCLUDE_MODE.
    Left,
    /// The MLDv1 report.
    V1Member,
    /// The MLDv1 message Done.
    V1Done,
}

impl Groups {
    /// Joins `groups` and leaves all other groups. Returns false if the list has no room for all of `groups`.
    pub(super) fn set(&mut self, now: Instant, groups: impl Iterator<Item = Ipv6Address>) -> bool {
        let mut wanted: heapless::Vec<_, GROUPS> = heapless::Vec::new();
        let mut has_room = true;
        for group in groups {
            has_room &= wanted.contains(&group) || wanted.push(group).is_ok();
        }
        let mut changed = false;
        // First join or leave the groups in the list, then add the groups that are not in the list.
        for membership in &mut self.list {
            let is_member = wanted.contains(&membership.group);
            if membership.is_member != is_member {
                (membership.is_member, membership.changes, membership.at) = (is_member, ROBUSTNESS, Some(now));
                changed = true;
            }
        }
        for group in wanted {
            if self.list.iter().any(|known| known.group == group) {
                continue;
            }
            // If the list is full, a new group can replace a group that this host has left.
            if self.list.is_full()
                && let Some(left) = self.list.iter().position(|known| !known.is_member)
            {
                self.list.swap_remove(left);
            }
            let new = Membership { group, is_member: true, changes: ROBUSTNESS, at: Some(now), quiet_until: now };
            has_room &= self.list.push(new).is_ok();
            changed = true;
        }
        if changed {
            self.note_due();
        }
        has_room
    }

    /// Forgets any MLDv1 router and reports all joined groups again, because the link might have changed.
    pub(super) fn join_again(&mut self, now: Instant) {
        self.v1_until = None;
        for membership in self.list.iter_mut().filter(|membership| membership.is_member) {
            // Each group is reported as often as after joining.
            (membership.changes, membership.at) = (ROBUSTNESS, Some(now));
        }
        self.note_due();
    }

    /// Processes a router's MLD query (RFC 3810 section 6.2). Returns false if the packet is not an MLD query.
    ///
    /// `random` chooses when the reports are sent.
    pub(super) fn asked(&mut self, now: Instant, packet: &[u8], random: u32) -> bool {
        let Some(query) = read(packet) else { return false };
        if query.is_v1 {
            self.v1_until = Some(now + OLD_ROUTER);
        }
        for (number, membership) in self.list.iter_mut().enumerate() {
            if !membership.is_member || query.group.is_some_and(|group| group != membership.group) {
                continue;
            }
            // Each group gets a different random time.
            let random = random.rotate_left(2 * number as u32);
            let delay = Duration::from_millis(random.checked_rem(query.longest_delay).unwrap_or(0).into());
            membership.at = sooner(membership.at, Some((now + delay).max(membership.quiet_until)));
        }
        self.note_due();
        true
    }

    /// Returns the time of the next report.
    pub(super) fn due(&self) -> Option<Instant> {
        let due = self.due?;
        Some(self.blocked_until.map_or(due, |until| until.max(due)))
    }

    /// Delays all reports until `until`, because the device has no room.
    pub(super) fn blocked(&mut self, until: Instant) {
        self.blocked_until = Some(until);
    }

    /// Returns the report to send now, or `None` if no report is due. `random` chooses when the next report of the
    /// group is sent.
    pub(super) fn next(&mut self, now: Instant, random: u32) -> Option<Report> {
        // The caller has a token to transmit, so the device has room again.
        self.blocked_until = None;
        let is_v1 = self.v1_until.is_some_and(|until| now < until);
        let index = self.list.iter().position(|membership| membership.at.is_some_and(|at| at <= now))?;
        let membership = self.list.get_mut(index)?;
        // A report answers a query if no change remains to be reported.
        let kind = match (is_v1, membership.is_member, membership.changes) {
            (false, true, 0) => Kind::Member,
            (false, true, _) => Kind::Joined,
            (false, false, _) => Kind::Left,
            (true, true, _) => Kind::V1Member,
            (true, false, _) => Kind::V1Done,
        };
        let report = Report { kind, group: membership.group };
        membership.changes = membership.changes.saturating_sub(1);
        membership.quiet_until = now + LEAST_INTERVAL;
        let delay = Duration::from_millis((random % CHANGE_INTERVAL).into());
        membership.at = (membership.changes > 0).then(|| membership.quiet_until.max(now + delay));
        // A group that this host has left is forgotten after its last report.
        if membership.changes == 0 && !membership.is_member {
            self.list.swap_remove(index);
        }
        self.note_due();
        Some(report)
    }

    /// Updates the time of the next report.
    fn note_due(&mut self) {
        self.due = self.list.iter().filter_map(|membership| membership.at).min();
    }
}

impl Report {
    /// Returns the length of the report's frame, in bytes.
    pub(super) fn len(&self) -> usize {
        LEN + IPV6 + OPTIONS.len() + self.message_len()
    }

    fn message_len(&self) -> usize {
        if matches!(self.kind, Kind::V1Member | Kind::V1Done) { V1 } else { V2 }
    }

    /// Writes the report's frame.
    ///
    /// `source` is a link-local address, or the unspecified address if the host has no link-local address yet (RFC 3810
    /// section 5.2.13).
    pub(super) fn write(&self, frame: &mut [u8], hardware: EthernetAddress, source: Ipv6Address) {
        let (all_routers, all_v2_routers) =
            (Ipv6Address::new(0xff02, 0, 0, 0, 0, 0, 0, 2), Ipv6Address::new(0xff02, 0, 0, 0, 0, 0, 0, 0x16));
        // An MLDv2 report has the type 143. Its only record begins at offset 8 with the record type. An MLDv1 message
        // has the type 131 or 132.
        let (to, first, group_at) = match self.kind {
            Kind::Member => (all_v2_routers, [143, 0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0], 12),
            Kind::Joined => (all_v2_routers, [143, 0, 0, 0, 0, 0, 0, 1, 4, 0, 0, 0], 12),
            Kind::Left => (all_v2_routers, [143, 0, 0, 0, 0, 0, 0, 1, 3, 0, 0, 0], 12),
            Kind::V1Member => (self.group, [131, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 8),
            Kind::V1Done => (all_routers, [132, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 8),
        };
        let ip = Ipv6Repr {
            src_addr: source,
            dst_addr: to,
            next_header: IpProtocol::HopByHop,
            payload_len: OPTIONS.len() + self.message_len(),
            hop_limit: 1,
        };
        let mut packet = Ipv6Packet::new_unchecked(&mut frame[LEN..]);
        ip.emit(&mut packet);
        let (options, message) = packet.payload_mut().split_at_mut(OPTIONS.len());
        options.copy_from_slice(&OPTIONS);
        message[..first.len()].copy_from_slice(&first);
        message[group_at..].copy_from_slice(&self.group.octets());
        Icmpv6Packet::new_unchecked(message).fill_checksum(&source, &to);
        ethernet::write(Some(Ends { to: group_hardware(to), from: hardware }), frame);
    }
}

/// A router's MLD query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Query {
    /// The queried group, or `None` for all groups.
    group: Option<Ipv6Address>,
    /// The longest time between the query and the report, in milliseconds.
    longest_delay: u32,
    is_v1: bool,
}

/// Returns whether a packet begins with IPv6 hop-by-hop options, as each MLD query does.
pub(in crate::stack) fn may_be_group_query(packet: &[u8]) -> bool {
    matches!(packet, [first, _, _, _, _, _, 0, ..] if first >> 4 == 6)
}

/// Parses an MLD query that comes from this link and has a Router Alert (RFC 3810 section 6.2). `None` for any other
/// packet.
fn read(packet: &[u8]) -> Option<Query> {
    let ip = Ipv6Packet::new_checked(packet).ok()?;
    let (source, to) = (ip.src_addr(), ip.dst_addr());
    if ip.next_header() != IpProtocol::HopByHop || ip.hop_limit() != 1 || !source.is_unicast_link_local() {
        return None;
    }
    let payload = ip.payload();
    let &[next, units, ..] = payload else { return None };
    let (options, bytes) = payload.split_at_checked(8 * (1 + usize::from(units)))?;
    if next != u8::from(IpProtocol::Icmpv6) || !has_router_alert(&options[2..]) {
        return None;
    }
    // The length shows the version of a query. Queries of other lengths are ignored (RFC 3810 section 8.1). smoltcp
    // does not accept MLDv1 queries.
    let is_v1 = bytes.len() == V1;
    if !is_v1 && bytes.len() < V2 {
        return None;
    }
    let message = Icmpv6Packet::new_unchecked(bytes);
    let is_query = message.msg_type() == Icmpv6Message::MldQuery && message.msg_code() == 0;
    if !is_query || !message.verify_checksum(&source, &to) {
        return None;
    }
    let code = u32::from(u16::from_be_bytes(*bytes.get(4..)?.first_chunk()?));
    // RFC 3810 section 5.1.3 defines this floating-point format.
    let is_long = !is_v1 && code >= 0x8000;
    let longest_delay = if is_long { (code & 0xfff | 0x1000) << ((code >> 12 & 7) + 3) } else { code };
    let group = Ipv6Address::from(*bytes.get(8..)?.first_chunk::<16>()?);
    Some(Query { group: Some(group).filter(|group| !group.is_unspecified()), longest_delay, is_v1 })
}

/// Returns whether hop-by-hop options contain a Router Alert.
fn has_router_alert(mut options: &[u8]) -> bool {
    loop {
        options = match options {
            // Pad1, the only option without a length.
            [0, rest @ ..] => rest,
            [ROUTER_ALERT, 2, ..] => return true,
            [_, len, rest @ ..] if rest.len() >= usize::from(*len) => &rest[usize::from(*len)..],
            _ => return false,
        };
    }
}
