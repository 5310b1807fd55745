//! Reads and changes the kernel's interfaces and addresses over rtnetlink. All calls apply to the network namespace of
//! the calling thread.

use std::io;
use std::net::IpAddr;
use std::path::Path;

use netlink_packet_core::{DefaultNla, NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP, NLM_F_EXCL, Nla};
use netlink_packet_route::address::{AddressAttribute, AddressFlags, AddressMessage, AddressScope};
use netlink_packet_route::link::{InfoData, InfoKind, InfoTun, LinkAttribute, LinkFlags, LinkInfo, LinkMessage};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use netlink_sys::protocols::NETLINK_ROUTE;

use super::exchange::Exchange;
use crate::phy::linux::Kind;

/// An rtnetlink socket.
pub struct Netlink(Exchange);

/// An interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The interface's index.
    pub index: u32,
    /// The interface's name.
    pub name: String,
    /// Whether the interface is set up. A TAP or TUN can be up, but carries frames only while a program is attached.
    pub up: bool,
    /// Whether the interface has a carrier. A TAP or TUN has a carrier while a program is attached.
    pub carrier: bool,
    /// The index of the bridge or other interface that controls this interface.
    pub controller: Option<u32>,
    /// Whether the interface is a bridge.
    pub bridge: bool,
    /// The properties of a TAP or TUN; `None` for other interfaces.
    pub tun: Option<Tun>,
    /// The interface's addresses, with prefix lengths.
    pub addresses: Vec<(IpAddr, u8)>,
}

/// Properties that only a TAP or TUN has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tun {
    /// Whether the interface is a TAP or a TUN.
    pub kind: Kind,
    /// The only user who may attach. If `None`, every user who may open /dev/net/tun may attach.
    pub owner: Option<u32>,
    /// The only group whose members may attach, if a group is set.
    pub group: Option<u32>,
    /// Whether the interface has several queues.
    pub multi_queue: bool,
}

impl Netlink {
    /// Connects to rtnetlink.
    ///
    /// # Errors
    /// Fails with the kernel's error. An error is unlikely, because every Linux kernel has rtnetlink.
    pub fn open() -> io::Result<Netlink> {
        Exchange::open(NETLINK_ROUTE).map(Netlink)
    }

    /// Returns all interfaces.
    ///
    /// # Errors
    /// Fails with the kernel's error.
    pub fn links(&mut self) -> io::Result<Vec<Link>> {
        let Netlink(exchange) = self;
        let mut links = Vec::new();
        exchange.request(RouteNetlinkMessage::GetLink(LinkMessage::default()), NLM_F_DUMP, |message| {
            if let RouteNetlinkMessage::NewLink(link) = message {
                links.push(describe(&link));
            }
        })?;
        exchange.request(RouteNetlinkMessage::GetAddress(AddressMessage::default()), NLM_F_DUMP, |message| {
            if let RouteNetlinkMessage::NewAddress(address) = message
                && let Some(link) = links.iter_mut().find(|l| l.index == address.header.index)
                && let Some(own) = own_address(&address)
            {
                link.addresses.push((own, address.header.prefix_len));
            }
        })?;
        Ok(links)
    }

    /// Returns the interface called `name`, if it exists.
    ///
    /// # Errors
    /// Fails with the kernel's error.
    pub fn link(&mut self, name: &str) -> io::Result<Option<Link>> {
        Ok(self.links()?.into_iter().find(|l| l.name == name))
    }

    /// Sets the interface with this index up, or down if `up` is false.
    ///
    /// # Errors
    /// Fails without CAP_NET_ADMIN.
    pub fn set_up(&mut self, index: u32, up: bool) -> io::Result<()> {
        let Netlink(exchange) = self;
        let mut message = LinkMessage::default();
        message.header.index = index;
        message.header.change_mask = LinkFlags::Up;
        message.header.flags = if up { LinkFlags::Up } else { LinkFlags::empty() };
        exchange.request(RouteNetlinkMessage::SetLink(message), NLM_F_ACK, |_| {})
    }

    /// Deletes an interface.
    ///
    /// # Errors
    /// Fails without CAP_NET_ADMIN.
    pub fn delete(&mut self, index: u32) -> io::Result<()> {
        let mut message = LinkMessage::default();
        message.header.index = index;
        self.0.request(RouteNetlinkMessage::DelLink(message), NLM_F_ACK, |_| {})
    }

    /// Adds an address to the interface with this index. An IPv6 address can be used immediately, because the kernel
    /// does not check it for duplicates.
    ///
    /// # Errors
    /// Fails without CAP_NET_ADMIN, or if the interface already has the address.
    pub fn add_address(&mut self, index: u32, address: IpAddr, prefix_len: u8) -> io::Result<()> {
        let Netlink(exchange) = self;
        let mut message = AddressMessage::default();
        message.header.index = index;
        message.header.prefix_len = prefix_len;
        message.header.scope = AddressScope::Universe;
        message.header.family = match address {
            IpAddr::V4(_) => AddressFamily::Inet,
            IpAddr::V6(_) => AddressFamily::Inet6,
        };
        message.attributes = vec![AddressAttribute::Local(address), AddressAttribute::Address(address)];
        if address.is_ipv6() {
            message.attributes.push(AddressAttribute::Flags(AddressFlags::Nodad));
        }
        exchange.request(RouteNetlinkMessage::NewAddress(message), NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, |_| {})
    }
}

/// Stops the kernel's own traffic on an interface, so that all frames come from programs. IPv6 stays on, because
/// programs use it. Call this function before the interface is set up.
///
/// A kernel without IPv6 has no files for these settings, so failed writes are ignored.
pub fn quieten(name: &str) {
    let folder = Path::new("/proc/sys/net/ipv6/conf").join(name);
    for (file, value) in [
        // Turn IPv6 on, even if it is off by default on this machine.
        ("disable_ipv6", "0"),
        // Ignore router advertisements.
        ("accept_ra", "0"),
        // Create no addresses from advertised prefixes.
        ("autoconf", "0"),
        // Send no router solicitations.
        ("router_solicitations", "0"),
        // Send no solicitations to detect duplicate addresses.
        ("accept_dad", "0"),
        // Create no link-local address, for which the kernel would send multicast reports.
        ("addr_gen_mode", "1"),
    ] {
        let _ = std::fs::write(folder.join(file), value);
    }
}

/// Returns the interface that a netlink message describes.
fn describe(message: &LinkMessage) -> Link {
    let mut link = Link {
        index: message.header.index,
        name: String::new(),
        up: message.header.flags.contains(LinkFlags::Up),
        carrier: false,
        controller: None,
        bridge: false,
        tun: None,
        addresses: Vec::new(),
    };
    for attribute in &message.attributes {
        match attribute {
            LinkAttribute::IfName(name) => link.name.clone_from(name),
            LinkAttribute::Carrier(carrier) => link.carrier = *carrier != 0,
            LinkAttribute::Controller(index) => link.controller = Some(*index),
            LinkAttribute::LinkInfo(infos) => {
                link.bridge = infos.contains(&LinkInfo::Kind(InfoKind::Bridge));
                let data = infos.iter().find_map(|info| match info {
                    LinkInfo::Data(InfoData::Tun(data)) => Some(data),
                    _ => None,
                });
                link.tun = data.and_then(|data| describe_tun(data));
            }
            _ => {}
        }
    }
    link
}

// Attribute numbers from linux/if_link.h.
const IFLA_TUN_OWNER: u16 = 1;
const IFLA_TUN_GROUP: u16 = 2;
const IFLA_TUN_TYPE: u16 = 3;
const IFLA_TUN_MULTI_QUEUE: u16 = 7;

/// Parses the attributes of a TAP or TUN. Returns `None` if the type is missing or unknown.
fn describe_tun(data: &[InfoTun]) -> Option<Tun> {
    // netlink-packet-route does not parse these attributes, so each of them is an `Other`.
    let value = |wanted: u16| {
        data.iter().find_map(|info| match info {
            InfoTun::Other(nla) if nla.kind() == wanted => Some(bytes(nla)),
            _ => None,
        })
    };
    // IFF_TUN and IFF_TAP from linux/if_tun.h.
    let kind = match value(IFLA_TUN_TYPE)?.first()? {
        1 => Kind::Tun,
        2 => Kind::Tap,
        _ => return None,
    };
    let id = |kind| value(kind).and_then(|v| Some(u32::from_ne_bytes(v.try_into().ok()?)));
    let (owner, group) = (id(IFLA_TUN_OWNER), id(IFLA_TUN_GROUP));
    let multi_queue = value(IFLA_TUN_MULTI_QUEUE).is_some_and(|v| v.first() == Some(&1));
    Some(Tun { kind, owner, group, multi_queue })
}

/// Returns the value of an attribute.
fn bytes(nla: &DefaultNla) -> Vec<u8> {
    let mut value = vec![0; nla.value_len()];
    nla.emit_value(&mut value);
    value
}

/// Returns the address of this side. On a point-to-point link, the message contains this side's address as `Local` and
/// the other side's as `Address`. On other links, `Address` is this side's address, and `Local` can be missing.
fn own_address(message: &AddressMessage) -> Option<IpAddr> {
    let mut found = None;
    for attribute in &message.attributes {
        match attribute {
            AddressAttribute::Local(address) => return Some(*address),
            AddressAttribute::Address(address) => found = Some(*address),
            _ => {}
        }
    }
    found
}
