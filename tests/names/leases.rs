//! Unusual leases: through a relay, with a mask of 32 bits, and after the link was down.

use std::process::Command;

use smolstep::cli::netlink::Netlink;

use super::addresses::{serve, start};
use crate::common::far::FAR;
use crate::common::link::{KERNEL, on_tap};
use crate::common::netns::{down, up};
use crate::common::peer::{Peer, nc, python, smolstep};
use crate::common::{dnsmasq, events};

/// A kernel address that is outside the link's network.
const DISTANT: &str = "192.168.70.1";

#[test]
fn a_relayed_lease_is_renewed_and_released_at_its_server() {
    on_tap("a_relayed_lease_is_renewed_and_released_at_its_server", |link| {
        add_distant_address();
        let relay = python::run("dhcp_relay", &[link.name(), KERNEL[0], DISTANT, "192.168.69.150"]);
        relay.wait_for("ready", |out| out.starts_with("ready"));
        let server = serve(link, &["echo", "--dhcp"]);
        server.wait_for("lease", |out| out.contains("listening udp 192.168.69.150"));
        let renewal = format!("DHCP server {DISTANT} renews 192.168.69.150/24 for 120 s");
        server.wait_for("two renewals", |out| events::address_changes(out, &renewal) >= 2);
        let request = "server REQUEST from 192.168.69.150\n";
        relay.wait_for("two requests", |out| out.matches(request).count() >= 2);
        server.stop();
        relay.wait_for("release", |out| out.contains("server RELEASE from 192.168.69.150\n"));
        // The relay received only the messages of the first exchange.
        let out = relay.out();
        let relayed: Vec<&str> = out.lines().filter(|line| line.starts_with("relay")).collect();
        assert_eq!(relayed, ["relay DISCOVER", "relay REQUEST"]);
    });
}

#[test]
fn a_lease_by_way_of_a_relay_is_renewed_without_the_relay() {
    on_tap("a_lease_by_way_of_a_relay_is_renewed_without_the_relay", |link| {
        let options = dnsmasq::range(150, 159);
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        let Some(far) = dnsmasq::start_far(&options) else { return };
        let relayed = format!("--dhcp-relay={},{}", KERNEL[0], FAR[0]);
        let Some(relay) = dnsmasq::start(link, &[&relayed, "--interface=near"]) else { return };
        let server = serve(link, &["echo", "--dhcp"]);
        server.wait_for("lease", |out| out.contains("listening udp 192.168.69.15"));
        assert!(
            events::address_changes(&server.out(), &format!("DHCP server {} leases", FAR[0])) > 0,
            "{}",
            server.out()
        );
        relay.stop();
        let renewal = format!("DHCP server {} renews 192.168.69.15", FAR[0]);
        let before = events::address_changes(&server.out(), &renewal);
        server.wait_for("two renewals", |out| events::address_changes(out, &renewal) >= before + 2);
        far.wait_for_times("DHCPREQUEST(v1) 192.168.69.15", before + 3);
        server.stop();
        far.wait_for("DHCPRELEASE(v1) 192.168.69.15");
        far.wait_for_no_lease();
    });
}

#[test]
fn a_lease_with_a_32_bit_mask_reaches_all_hosts_through_its_router() {
    on_tap("a_lease_with_a_32_bit_mask_reaches_all_hosts_through_its_router", |link| {
        add_distant_address();
        let options = [
            "--dhcp-range=192.168.69.150,192.168.69.159,255.255.255.0,10m".into(),
            format!("--dhcp-option=option:router,{}", KERNEL[0]),
            "--dhcp-option=option:netmask,255.255.255.255".into(),
        ];
        let Some(_dnsmasq) = start(link, &options) else { return };
        let server = serve(link, &["echo", "--dhcp"]);
        server.wait_for("lease", |out| out.contains("listening udp 192.168.69.15"));
        assert!(events::address_changes(&server.out(), "/32 for 600 s") > 0, "{}", server.out());
        let out = events::without(&server.out());
        let address = out.split([' ', ':']).find(|word| word.starts_with("192.168.69.15")).unwrap();
        // These clients have the router's own address, and an address on another network.
        assert_eq!(nc(&["-N", address, "7"], b"hello").out(), "hello");
        assert_eq!(nc(&["-N", "-s", DISTANT, address, "7"], b"hello").out(), "hello");
        server.stop();
        for host in [KERNEL[0], DISTANT] {
            let ping = smolstep().args(["ping", host, "-c", "2", "--dhcp"]).args(link.arguments()).output().unwrap();
            assert!(ping.status.success(), "{ping:?}");
        }
    });
}

#[test]
fn a_lease_is_confirmed_when_the_link_comes_up() {
    on_tap("a_lease_is_confirmed_when_the_link_comes_up", |link| {
        let options =
            ["--dhcp-range=192.168.69.150,192.168.69.159,255.255.255.0,10m".into(), "--dhcp-authoritative".into()];
        let Some(dnsmasq) = start(link, &options) else { return };
        let server = serve(link, &["echo", "--dhcp"]);
        server.wait_for("lease", |out| out.contains("listening udp 192.168.69.15"));
        assert_eq!(dnsmasq.log().matches("DHCPREQUEST(").count(), 1);
        down(link.name());
        up(link.name());
        dnsmasq.wait_for_times("DHCPREQUEST(", 2);
        events::wait_for_address_change(&server, "renews 192.168.69.15");
        assert_eq!(events::address_changes(&server.out(), "is gone"), 0, "{}", server.out());
        let out = events::without(&server.out());
        let address = out.split([' ', ':']).find(|word| word.starts_with("192.168.69.15")).unwrap();
        assert_eq!(nc(&["-N", address, "7"], b"hello").out(), "hello");
        server.stop();
    });
}

#[test]
fn the_mtu_of_a_router_limits_segments() {
    on_tap("the_mtu_of_a_router_limits_segments", |link| {
        link.add_router_address();
        let options = [
            "--enable-ra".into(),
            "--dhcp-range=fdaa::,ra-only,64,10m".into(),
            format!("--ra-param={},mtu:1280,10,600", link.name()),
        ];
        let Some(_dnsmasq) = start(link, &options) else { return };
        let server = serve(link, &["chargen", "--slaac"]);
        server.wait_for("its address", |out| out.contains("listening tcp [fdaa::ff:fe00:1]:19"));
        let client = Peer::start(python::command("segment_size").args(["fdaa::ff:fe00:1", "19"])).finish();
        // The kernel subtracts twelve bytes if it sends TCP timestamps.
        assert!(["1220\n", "1208\n"].contains(&client.out().as_str()), "{client:?}");
        // The request fits one frame. The reply has two fragments.
        let before = reassembled();
        let mut ping = Command::new("ping");
        let ping = Peer::start(ping.args(["-c", "1", "-W", "60", "-s", "1400", "fdaa::ff:fe00:1"])).finish();
        assert_eq!((ping.code(), reassembled()), (Some(0), before + 1), "{ping:?}");
        server.stop();
    });
}

/// Returns the number of IPv6 packets that the kernel has reassembled in this namespace.
fn reassembled() -> u64 {
    let counts = std::fs::read_to_string("/proc/thread-self/net/snmp6").unwrap();
    let line = counts.lines().find_map(|line| line.strip_prefix("Ip6ReasmOKs")).unwrap();
    line.trim().parse().unwrap()
}

/// Adds [`DISTANT`] to the kernel. ARP requests still come from the kernel's address on the link.
fn add_distant_address() {
    std::fs::write("/proc/sys/net/ipv4/conf/all/arp_announce", "2").unwrap();
    let mut netlink = Netlink::open().unwrap();
    let loopback = netlink.link("lo").unwrap().unwrap().index;
    netlink.add_address(loopback, DISTANT.parse().unwrap(), 32).unwrap();
}
