//! Addresses from dnsmasq, and what is served on them: leases, renewals, losses, advertisements, addresses that are taken.
#![cfg(target_os = "linux")]

mod common;

use smolstep::cli::netlink::Netlink;

use common::dnsmasq::{self, Dnsmasq};
use common::link::{KERNEL, Link, connect, expect, on_tap};
use common::peer::{Peer, nc, python, smolstep};

#[test]
fn a_lease_is_served_on_renewed_and_lost() {
    on_tap("a_lease_is_served_on_renewed_and_lost", |link| {
        let Some(first) = dhcp(link, 150, 159) else { return };
        let server = serve(link, &["greeting", "--dhcp"]);
        server.wait_for("lease", |out| out.contains("listening udp 192.168.69.15"));
        let out = server.out();
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
        // Just after a renewal there are two seconds: who is asked in vain then is not asked again for a while.
        let renews = format!("DHCP server {} renews {address}/24 for 120 s", KERNEL[0]);
        let renewals = server.err().matches(&renews).count();
        server.wait_for_log(&renews, renewals + 2);

        // Another server has other addresses, and refuses to renew this one.
        first.stop();
        let Some(_second) = dhcp(link, 170, 179) else { return };
        server.wait_for("other lease", |out| out.contains("listening udp 192.168.69.17"));
        server.wait_for_log(&format!("the DHCP server takes {address}/24 back; asking for another"), 1);
        server.wait_for_log("its address was removed", 1);
        let out = server.out();
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
fn a_lease_is_given_back_at_the_end() {
    on_tap("a_lease_is_given_back_at_the_end", |link| {
        let Some(dnsmasq) = dhcp(link, 150, 159) else { return };
        let server = serve(link, &["greeting", "--dhcp"]);
        server.wait_for("lease", |out| out.contains("listening udp 192.168.69.15"));
        assert!(dnsmasq.leases().contains(" 192.168.69.15"), "{}", dnsmasq.leases());
        let finished = server.stop();
        let told = format!("/24 is given back to DHCP server {}", KERNEL[0]);
        assert!(finished.err().contains(&told), "{finished:?}");
        dnsmasq.wait_for("DHCPRELEASE(");
        dnsmasq.wait_for_no_lease();
        let ping = Peer::start(smolstep().args(["ping", KERNEL[0], "-c", "1", "--dhcp"]).args(link.arguments()));
        assert_eq!(ping.finish().code(), Some(0));
        dnsmasq.wait_for_times("DHCPRELEASE(", 2);
        dnsmasq.wait_for_no_lease();
    });
}

#[test]
fn all_kinds_of_addresses_go_together() {
    on_tap("all_kinds_of_addresses_go_together", |link| {
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
fn without_a_server_others_are_served_meanwhile() {
    on_tap("without_a_server_others_are_served_meanwhile", |link| {
        let server = serve(link, &["echo", "--dhcp", "--ip", "192.168.69.1/24"]).listening(2);
        assert_eq!(nc(&["-N", "192.168.69.1", "7"], b"hello").out(), "hello");
        server.wait_for_log("no DHCP server answers; still asking", 1);
        assert_eq!(nc(&["-N", "192.168.69.1", "7"], b"hello").out(), "hello");
        let Some(_dnsmasq) = dhcp(link, 150, 159) else { return };
        server.wait_for("lease", |out| out.contains("listening udp 192.168.69.15"));
        server.stop();
    });
}

#[test]
fn offers_that_make_no_sense_are_told_and_not_taken() {
    on_tap("offers_that_make_no_sense_are_told_and_not_taken", |link| {
        let rogue = python::run(NONSENSE, &[link.name()]);
        rogue.wait_for("ready", |out| out.starts_with("ready"));
        let server = serve(link, &["echo", "--dhcp", "--ip", "192.168.69.1/24"]).listening(2);
        for what in ["0.0.0.0 is not an address", "255.0.255.0 cannot be the mask", "it is for no time"] {
            server.wait_for_log(what, 1);
        }
        assert_eq!(nc(&["-N", "192.168.69.1", "7"], b"hello").out(), "hello");
        assert_eq!(server.out().lines().count(), 2, "{}", server.out());
        drop(rogue);
        let Some(_dnsmasq) = dhcp(link, 150, 159) else { return };
        server.wait_for("lease", |out| out.contains("listening udp 192.168.69.15"));
        server.stop();
    });
}

/// A DHCP server that offers no address, one with a mask that is none, one for no time, garbage, and so on in turn.
const NONSENSE: &str = "
import socket, sys

server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
server.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, sys.argv[1].encode())
server.bind(('', 67))
print('ready', flush=True)
NOBODY, US = bytes(4), bytes([192, 168, 69, 100])
MASK, HOUR = bytes([255, 255, 255, 0]), bytes([0, 0, 14, 16])
LEASES = [(NOBODY, MASK, HOUR), (bytes([192, 168, 69, 150]), bytes([255, 0, 255, 0]), HOUR),
          (bytes([192, 168, 69, 150]), MASK, NOBODY)]
heard = 0
while True:
    asked = server.recv(2000)
    address, mask, time = LEASES[heard % len(LEASES)]
    heard += 1
    options = b'\\x63\\x82Sc' + b'\\x35\\x01\\x02' + b'\\x36\\x04' + US + b'\\x01\\x04' + mask + b'\\x33\\x04' + time
    reply = bytes([2]) + asked[1:12] + NOBODY + address + US + NOBODY + asked[28:44] + bytes(192) + options + b'\\xff'
    for answer in b'', reply[:100], asked, reply:
        server.sendto(answer, ('255.255.255.255', 68))
";

#[test]
fn a_leased_address_that_somebody_has_is_declined() {
    on_tap("a_leased_address_that_somebody_has_is_declined", |link| {
        // The kernel has one of the two addresses, where dnsmasq does not look for it. It has a hardware address's own place in
        // the range for each of them.
        let mut netlink = Netlink::open().unwrap();
        let loopback = netlink.link("lo").unwrap().unwrap().index;
        netlink.add_address(loopback, "192.168.69.150".parse().unwrap(), 32).unwrap();
        let mut options = dnsmasq::range(150, 151);
        options.push("--dhcp-host=02:00:00:00:00:01,192.168.69.150".into());
        let Some(dnsmasq) = start(link, &options) else { return };
        let server = serve(link, &["echo", "--dhcp"]);
        server.wait_for_log("192.168.69.150 is in use by ", 1);
        dnsmasq.wait_for("DHCPDECLINE(tap0) 192.168.69.150 02:00:00:00:00:01");
        // Ten seconds later it asks again, and gets the other one.
        server.wait_for("lease", |out| out.contains("listening udp 192.168.69.151:7"));
        assert!(!server.out().contains("192.168.69.150"), "{}", server.out());
        server.stop();
    });
}

fn dhcp(link: Link, first: u8, last: u8) -> Option<Dnsmasq> {
    start(link, &dnsmasq::range(first, last))
}

fn start(link: Link, options: &[String]) -> Option<Dnsmasq> {
    dnsmasq::start(link, &options.iter().map(String::as_str).collect::<Vec<_>>())
}

/// What the addresses of SLAAC are made of, and a lease may be reserved for.
const MAC: [&str; 2] = ["--mac", "02:00:00:00:00:01"];

/// `smolstep serve ARGUMENTS` on this link, which need not have an address yet.
fn serve(link: Link, arguments: &[&str]) -> Peer {
    Peer::start(smolstep().arg("serve").args(arguments).args(MAC).args(link.arguments()))
}
