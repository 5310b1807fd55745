//! smolstep servers that get their addresses from dnsmasq.
//!
//! The tests cover leases, renewals, lost leases, router advertisements and duplicate addresses.

use smolstep::cli::netlink::Netlink;

use crate::common::dnsmasq::{self, Dnsmasq};
use crate::common::events;
use crate::common::link::{KERNEL, Link, connect, expect, on_tap};
use crate::common::peer::{Peer, nc, python, smolstep};

#[test]
fn a_lease_is_used_renewed_and_lost() {
    on_tap("a_lease_is_used_renewed_and_lost", |link| {
        let Some(first) = dhcp(link, 150, 159) else { return };
        let server = serve(link, &["greeting", "--dhcp"]);
        server.wait_for("lease", |out| out.contains("listening udp 192.168.69.15"));
        let out = events::without(&server.out());
        let address = out.split([' ', ':']).find(|word| word.starts_with("192.168.69.15")).unwrap();
        assert_eq!(
            out,
            format!("listening tcp {address}:9999 greeting\nlistening udp {address}:9999 greeting\n"),
            "{}",
            server.err()
        );
        assert_eq!(nc(&["-N", address, "9999"], b"Li\n").out(), "Welcome!Hello,Li!\n");
        let mut stream = connect(address, 9999);
        expect(&mut stream, "Welcome!");
        // After a renewal, there are two seconds until the next request. The first dnsmasq must stop before that
        // request.
        let renews = format!("DHCP server {} renews {address}/24 for 120 s", KERNEL[0]);
        let renewals = events::address_changes(&server.out(), &renews);
        server.wait_for("two renewals", |out| events::address_changes(out, &renews) >= renewals + 2);

        // Another server with other addresses refuses to renew this lease.
        first.stop();
        let Some(_second) = dhcp(link, 170, 179) else { return };
        server.wait_for("other lease", |out| out.contains("listening udp 192.168.69.17"));
        events::wait_for_address_change(
            &server,
            &format!("the DHCP server takes {address}/24 back; asking for another"),
        );
        events::wait_for(&server, "ended", &[("reason", "address gone")], 1);
        let out = events::without(&server.out());
        let gone = format!(
            "no longer listening tcp {address}:9999 greeting\nno longer listening udp {address}:9999 greeting\n"
        );
        assert!(out.contains(&gone), "{out}");
        let address = out.split([' ', ':']).find(|word| word.starts_with("192.168.69.17")).unwrap();
        assert_eq!(nc(&["-N", address, "9999"], b"Li\n").out(), "Welcome!Hello,Li!\n");
        let ping = Peer::start(std::process::Command::new("ping").args(["-c", "1", "-W", "60", address])).finish();
        assert_eq!(ping.code(), Some(0), "{ping:?}");
        server.stop();
    });
}

#[test]
fn a_lease_is_released_at_exit() {
    on_tap("a_lease_is_released_at_exit", |link| {
        let Some(dnsmasq) = dhcp(link, 150, 159) else { return };
        let server = serve(link, &["greeting", "--dhcp"]);
        server.wait_for("lease", |out| out.contains("listening udp 192.168.69.15"));
        assert!(dnsmasq.leases().contains(" 192.168.69.15"), "{}", dnsmasq.leases());
        let finished = server.stop();
        let told = format!("/24 is given back to DHCP server {}", KERNEL[0]);
        assert_eq!(events::address_changes(&finished.out(), &told), 1, "{finished:?}");
        dnsmasq.wait_for("DHCPRELEASE(");
        dnsmasq.wait_for_no_lease();
        let ping = Peer::start(smolstep().args(["ping", KERNEL[0], "-c", "1", "--dhcp"]).args(link.arguments()));
        assert_eq!(ping.finish().code(), Some(0));
        dnsmasq.wait_for_times("DHCPRELEASE(", 2);
        dnsmasq.wait_for_no_lease();
    });
}

#[test]
fn all_kinds_of_addresses_can_be_combined() {
    on_tap("all_kinds_of_addresses_can_be_combined", |link| {
        link.add_router_address();
        let mut options = dnsmasq::range(150, 159);
        options.extend(["--enable-ra".into(), "--dhcp-range=fdaa::,ra-only,64,10m".into()]);
        let Some(_dnsmasq) = start(link, &options) else { return };
        let server = serve(link, &["echo", "--dhcp", "--slaac", "--ip", "192.168.69.1/24", "--ip", "fdaa::1/64"]);
        server.wait_for("all of them", |out| {
            ["192.168.69.1:7", "192.168.69.15", "[fdaa::1]:7", "[fdaa::ff:fe00:1]:7", "[fe80::ff:fe00:1]:7"]
                .iter()
                .all(|address| out.contains(&format!("listening udp {address}")))
        });
        for address in ["192.168.69.1", "fdaa::1", "fdaa::ff:fe00:1", "fe80::ff:fe00:1%tap0"] {
            assert_eq!(nc(&["-N", address, "7"], b"hello").out(), "hello", "{address}");
        }
        server.stop();
    });
}

#[test]
fn clients_are_served_while_no_dhcp_server_answers() {
    on_tap("clients_are_served_while_no_dhcp_server_answers", |link| {
        let server = serve(link, &["echo", "--dhcp", "--ip", "192.168.69.1/24"]).listening(2);
        assert_eq!(nc(&["-N", "192.168.69.1", "7"], b"hello").out(), "hello");
        events::wait_for_address_change(&server, "no DHCP server answers; still asking");
        assert_eq!(nc(&["-N", "192.168.69.1", "7"], b"hello").out(), "hello");
        let Some(_dnsmasq) = dhcp(link, 150, 159) else { return };
        server.wait_for("lease", |out| out.contains("listening udp 192.168.69.15"));
        server.stop();
    });
}

#[test]
fn invalid_offers_are_reported_and_refused() {
    on_tap("invalid_offers_are_reported_and_refused", |link| {
        let rogue = python::run("dhcp_nonsense", &[link.name()]);
        rogue.wait_for("ready", |out| out.starts_with("ready"));
        let server = serve(link, &["echo", "--dhcp", "--ip", "192.168.69.1/24"]).listening(2);
        for what in ["0.0.0.0 is not an address", "255.0.255.0 cannot be the mask", "the lease time is missing"] {
            events::wait_for_address_change(&server, what);
        }
        assert_eq!(nc(&["-N", "192.168.69.1", "7"], b"hello").out(), "hello");
        assert_eq!(events::without(&server.out()).lines().count(), 2, "{}", server.out());
        let bad = [("reason", "DHCP reply with bad options")];
        assert!(events::count(&server, "dropped", &bad) >= 3, "{}", server.out());
        drop(rogue);
        let Some(_dnsmasq) = dhcp(link, 150, 159) else { return };
        server.wait_for("lease", |out| out.contains("listening udp 192.168.69.15"));
        server.stop();
    });
}

#[test]
fn a_leased_address_in_use_is_declined() {
    on_tap("a_leased_address_in_use_is_declined", |link| {
        // The kernel uses one of the two addresses, on an interface that dnsmasq does not check. dnsmasq offers this
        // address first, because dnsmasq reserves the address for the hardware address of smolstep's server.
        let mut netlink = Netlink::open().unwrap();
        let loopback = netlink.link("lo").unwrap().unwrap().index;
        netlink.add_address(loopback, "192.168.69.150".parse().unwrap(), 32).unwrap();
        let mut options = dnsmasq::range(150, 151);
        options.push("--dhcp-host=02:00:00:00:00:01,192.168.69.150".into());
        let Some(dnsmasq) = start(link, &options) else { return };
        let server = serve(link, &["echo", "--dhcp"]);
        events::wait_for_address_change(&server, "192.168.69.150 is in use by ");
        dnsmasq.wait_for("DHCPDECLINE(tap0) 192.168.69.150 02:00:00:00:00:01");
        // After ten seconds, smolstep's server requests an address again, and gets the other one.
        server.wait_for("lease", |out| out.contains("listening udp 192.168.69.151:7"));
        assert!(!events::without(&server.out()).contains("192.168.69.150"), "{}", server.out());
        server.stop();
    });
}

/// Starts dnsmasq as a DHCP server with a range of addresses.
fn dhcp(link: Link, first: u8, last: u8) -> Option<Dnsmasq> {
    start(link, &dnsmasq::range(first, last))
}

pub(super) fn start(link: Link, options: &[String]) -> Option<Dnsmasq> {
    dnsmasq::start(link, &options.iter().map(String::as_str).collect::<Vec<_>>())
}

/// The options that set smolstep's hardware address. SLAAC derives addresses from the hardware address.
const MAC: [&str; 2] = ["--mac", "02:00:00:00:00:01"];

/// Starts `smolstep serve ARGUMENTS` on this link. Unlike [`Link::serve`], this function does not wait for an address.
pub(super) fn serve(link: Link, arguments: &[&str]) -> Peer {
    Peer::start(smolstep().arg("serve").args(arguments).args(MAC).args(events::PRINTED).args(link.arguments()))
}
