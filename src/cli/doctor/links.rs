//! Checks the TAPs and TUNs of this machine: their owners, states and addresses.
//!
//! No check suggests deleting an interface, because the owner might still need it.

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr};

use rustix::process::{getegid, geteuid, getgroups};

use super::Report;
use crate::cli::netlink::{Link, Netlink, Tun};
use crate::cli::sandbox::KERNEL;

/// Checks all TAPs and TUNs, and returns whether one of them can be used. If this user may attach to none of them, also
/// shows the command that creates a TAP. `admin` says whether this user may configure interfaces.
pub(super) fn check(report: &mut Report<'_>, admin: bool) -> io::Result<bool> {
    let links = match Netlink::open().and_then(|mut netlink| netlink.links()) {
        Ok(links) => links,
        Err(e) => {
            report.note(format_args!("the interfaces cannot be listed ({e})"))?;
            return Ok(false);
        }
    };
    let (mut any_usable, mut any_attachable) = (false, false);
    for link in &links {
        let Some(tun) = link.tun else { continue };
        let may_attach =
            admin || (tun.owner.is_none_or(|uid| uid == geteuid().as_raw()) && tun.group.is_none_or(is_member));
        any_attachable |= may_attach;
        any_usable |= check_link(report, &links, link, tun, may_attach)?;
    }
    if !any_attachable {
        // The first name that no interface has.
        let name = (0..).map(|n| format!("tap{n}")).find(|name| links.iter().all(|link| link.name != *name));
        let name = name.unwrap_or_default();
        let user = if geteuid().is_root() { "" } else { " user $(id -u)" };
        report.note(format_args!(
            "no TAP or TUN here is yours; the sandbox needs none; make one: {}ip tuntap add dev {name} mode tap{user} && {}",
            sudo(),
            configure(&links, &name)
        ))?;
    }
    Ok(any_usable)
}

/// Reports the state of one TAP or TUN, and returns whether the interface can be used. `may_attach` says whether this
/// user may attach to the interface.
fn check_link(report: &mut Report<'_>, links: &[Link], link: &Link, tun: Tun, may_attach: bool) -> io::Result<bool> {
    let name = &link.name;
    let owner = match (tun.owner, tun.group) {
        (_, Some(gid)) => format!("group {gid}'s"),
        (Some(uid), _) if uid == geteuid().as_raw() => "yours".to_owned(),
        (Some(uid), _) => format!("user {uid}'s"),
        (None, None) => "anybody's".to_owned(),
    };
    let what = format!("{name} is a {} and {owner}", tun.kind);
    let up = if link.up { "up" } else { "down" };
    let set_up = format!("{}ip link set {name} up", sudo());
    if !may_attach {
        report.note(format_args!("{what}, so you cannot attach to it"))?;
    } else if tun.multi_queue {
        report.note(format_args!("{what}, made multi-queue, which smolstep does not use"))?;
    } else if link.carrier {
        // A TAP or TUN has a carrier only while a program is attached.
        report.note(format_args!("{what}, {up}, in use by another program"))?;
    } else if let Some(index) = link.controller {
        let controller = links.iter().find(|other| other.index == index);
        let bridge = if controller.is_some_and(|link| link.bridge) { "the bridge " } else { "" };
        let by = controller.map_or("another interface", |link| &link.name);
        let what = format!("{what}, {up}, enslaved to {bridge}{by}");
        match controller {
            _ if !link.up => report.note(format_args!("{what}: {set_up}"))?,
            Some(other) if !other.up => {
                report.note(format_args!("{what}, which is down: {}ip link set {by} up", sudo()))?;
            }
            // The bridge has this machine's addresses, so the TAP needs no address.
            _ => return report.ok(what),
        }
    } else if link.addresses.is_empty() {
        report.note(format_args!("{what}, {up}, without an address: {}", configure(links, name)))?;
    } else if !link.up {
        report.note(format_args!("{what}, down: {set_up}"))?;
    } else {
        let addresses: Vec<String> = link.addresses.iter().map(|(a, len)| format!("{a}/{len}")).collect();
        return report.ok(format_args!("{what}, up, {}", addresses.join(" ")));
    }
    Ok(false)
}

/// Returns whether this user is in group `gid`.
fn is_member(gid: u32) -> bool {
    let groups = getgroups().unwrap_or_default();
    groups.iter().chain([&getegid()]).any(|group| group.as_raw() == gid)
}

/// Returns the shell commands that add free addresses to an interface and set the interface up.
fn configure(links: &[Link], name: &str) -> String {
    let sudo = sudo();
    let mut commands = String::new();
    for (address, len) in free_addresses(links, name) {
        commands += &format!("{sudo}ip addr add {address}/{len} dev {name} && ");
    }
    commands + &format!("{sudo}ip link set {name} up")
}

/// Returns unused addresses for an interface. If the sandbox's addresses and their IPv4 network are unused, returns
/// these addresses, without the IPv6 address if the interface accepts none. Otherwise, returns one address in a free
/// network 192.168.N.0/24. The list is empty if no such network is free.
fn free_addresses(links: &[Link], name: &str) -> Vec<(IpAddr, u8)> {
    let taken = |wanted: &IpAddr| {
        links.iter().flat_map(|link| &link.addresses).any(|(address, _)| match (address, wanted) {
            // Two IPv4 addresses with the same first three bytes are in the same /24 network.
            (IpAddr::V4(a), IpAddr::V4(b)) => a.octets()[..3] == b.octets()[..3],
            (a, b) => a == b,
        })
    };
    if KERNEL.iter().any(|(address, _)| taken(address)) {
        // The search begins after the sandbox's network 192.168.69.0/24.
        let next = (70..=254).map(|n| IpAddr::V4(Ipv4Addr::new(192, 168, n, 100))).find(|address| !taken(address));
        return next.into_iter().map(|address| (address, 24)).collect();
    }
    KERNEL.into_iter().filter(|(address, _)| address.is_ipv4() || has_ipv6(name)).collect()
}

/// Returns whether the kernel accepts IPv6 addresses on an interface. The interface need not exist yet.
fn has_ipv6(name: &str) -> bool {
    let disabled = |name| fs::read_to_string(format!("/proc/sys/net/ipv6/conf/{name}/disable_ipv6"));
    disabled(name).or_else(|_| disabled("default")).is_ok_and(|disabled| disabled.trim() == "0")
}

/// Returns `sudo` and a space, the prefix of a command that needs root. For root the prefix is empty, because sudo
/// might not be installed.
pub(super) fn sudo() -> &'static str {
    if geteuid().is_root() { "" } else { "sudo " }
}
