//! A board's addresses and routers, the name of its server, and datagrams of all lengths.

use std::net::IpAddr;
use std::process::Command;

use smolstep::cli::netlink::Netlink;
use smolstep::phy::linux::Kind;

use crate::board::{BOARD, Image, on_every_board, on_every_controller};
use crate::calls::greeted;
use crate::common::Scratch;
use crate::common::dnsmasq::{self, Dnsmasq};
use crate::common::firmware::Settings;
use crate::common::link::{KERNEL, Link, ask, at, connect, expect, noise, on_tap, send, udp};
use crate::common::peer::{Peer, nc, python};
use crate::common::skip;

/// Addresses of the board that are configured manually.
const BY_HAND: [&str; 2] = ["192.168.69.1", "fdaa::1"];
/// The address that SLAAC derives from the board's hardware address.
const MADE: &str = "fdaa::ff:fe00:1";
const LINK_LOCAL: &str = "fe80::ff:fe00:1";
/// Hosts outside the board's networks.
const FAR: [&str; 2] = ["10.9.0.1", "fd09::1"];

const EVERYTHING: Settings =
    &[("SMOLSTEP_IP", "192.168.69.1/24,dhcp,slaac,fdaa::1/64"), ("SMOLSTEP_GATEWAY", "192.168.69.100,fdaa::64")];
const BY_HAND_ONLY: Settings =
    &[("SMOLSTEP_IP", "192.168.69.1/24,fdaa::1/64"), ("SMOLSTEP_GATEWAY", "192.168.69.100,fdaa::64")];
const BY_NAME: Settings = &[("SMOLSTEP_IP", "dhcp"), ("SMOLSTEP_SERVER", "greeter.example")];

#[test]
fn all_kinds_of_addresses_can_be_combined() {
    with("network::all_kinds_of_addresses_can_be_combined", "lm3s6965evb", EVERYTHING, |image, link| {
        give(link.name(), "fe80::64", 64);
        let mut options = dnsmasq::range(150, 159);
        options.extend(["--enable-ra".into(), "--dhcp-range=fdaa::,ra-only,64,10m".into()]);
        let Some(_dnsmasq) = start(link, &options) else { return };
        let board = image.boot(&["--tap", link.name()]);
        let mut addresses: Vec<String> = BY_HAND.map(String::from).to_vec();
        addresses.extend([MADE.into(), LINK_LOCAL.into()]);
        for address in &addresses {
            listens(&board, address);
        }
        let leased = |out: &str| {
            let (_, rest) = out.split_once("DHCP server 192.168.69.100 leases ")?;
            Some(rest.split_once('/')?.0.to_owned())
        };
        board.wait_for("a lease", |out| leased(out).is_some());
        addresses.push(leased(&board.out()).unwrap());
        listens(&board, addresses.last().unwrap());
        for address in &addresses {
            let reached = if address == LINK_LOCAL { format!("{address}%tap0") } else { address.clone() };
            pinged(&reached);
            assert_eq!(nc(&["-N", &reached, "9999"], b"Li\n").out(), "Welcome!Hello,Li!\n", "{reached}");
        }
        // The routers are configured manually. DHCP and router advertisements do not change these routers.
        behind_a_router(&board);
        assert!(!board.out().contains("[ERROR"), "{}", board.out());
    });
}

#[test]
fn what_exceeds_the_mtu_that_a_router_advertises_is_not_sent() {
    let name = "network::what_exceeds_the_mtu_that_a_router_advertises_is_not_sent";
    with(name, "lm3s6965evb", EVERYTHING, |image, link| {
        give(link.name(), "fe80::64", 64);
        let advertised = format!("--ra-param={},mtu:1280,10,600", link.name());
        let options = ["--enable-ra".into(), "--dhcp-range=fdaa::,ra-only,64,10m".into(), advertised];
        let Some(_dnsmasq) = start(link, &options) else { return };
        let board = image.boot(&["--tap", link.name()]);
        listens(&board, MADE);
        let client = udp(at(KERNEL[1], 0), at(MADE, 7));
        ask(&client, [7; 1_232], [7; 1_232]);
        // The reply to this datagram would be too long, so the board sends no reply.
        client.send(&[7; 1_233]).unwrap();
        ask(&client, "hello", "hello");
        let long = Peer::start(Command::new("ping").args(["-c", "1", "-W", "1", "-s", "1233", MADE])).finish();
        assert_eq!(long.code(), Some(1), "{long:?}");
        let fits = Peer::start(Command::new("ping").args(["-c", "1", "-W", "60", "-s", "1232", MADE])).finish();
        assert_eq!(fits.code(), Some(0), "{fits:?}");
    });
}

#[test]
fn an_address_of_another_host_is_not_used() {
    with("network::an_address_of_another_host_is_not_used", "lm3s6965evb", EVERYTHING, |image, link| {
        give(link.name(), BY_HAND[1], 128);
        let board = image.boot(&["--tap", link.name()]);
        listens(&board, BY_HAND[0]);
        board.wait_for("who has it", |out| out.contains("[ERROR] fdaa::1 is in use by "));
        let out = board.out();
        assert!(out.contains(": it is not used here; build it with another SMOLSTEP_IP\n"), "{out}");
        assert!(!out.contains("[fdaa::1]"), "{out}");
        assert_eq!(nc(&["-N", BY_HAND[0], "7"], b"hello").out(), "hello");
    });
}

#[test]
fn static_addresses_are_announced_and_reached_through_routers() {
    let name = "network::static_addresses_are_announced_and_reached_through_routers";
    with(name, "mps2-an385", BY_HAND_ONLY, |image, link| {
        give(link.name(), "fe80::64", 64);
        let capture = Scratch::new("network.pcap");
        let board = image.boot(&["--tap", link.name(), "--pcap", capture.path()]);
        for address in BY_HAND.iter().chain([&LINK_LOCAL]) {
            listens(&board, address);
        }
        pinged(BY_HAND[0]);
        pinged(BY_HAND[1]);
        pinged(&format!("{LINK_LOCAL}%tap0"));
        behind_a_router(&board);
        let frames = std::fs::read(&capture).unwrap();
        for address in [BY_HAND[1], LINK_LOCAL] {
            assert!(has_advertisement(&frames, address), "{address} is not announced");
        }
    });
}

#[test]
fn a_server_is_called_by_its_name() {
    with("network::a_server_is_called_by_its_name", "mps2-an385-client", BY_NAME, |image, link| {
        let tap = ["--tap", link.name()];
        let failed = |why: &str| {
            let finished = image.boot(&tap).finish();
            let out = finished.out();
            assert_eq!(finished.code(), Some(1), "{out}");
            let errors: Vec<_> = out.lines().filter(|line| line.starts_with("[ERROR]")).collect();
            assert_eq!(errors, [format!("[ERROR] greeter.example: {why}")], "{out}");
        };
        failed("no lease from a DHCP server within 10 s");

        let range = || dnsmasq::range(150, 159);
        // By default, dnsmasq names itself as the DNS server. An empty option 6 prevents that.
        let Some(nameless) = start(link, &[range(), vec!["--dhcp-option=6".into()]].concat()) else { return };
        failed("nobody names a DNS server within 10 s: build it with SMOLSTEP_DNS");
        nameless.stop();

        let Some(unknowing) = start(link, &range()) else { return };
        failed("no such name");
        unknowing.stop();

        // The board's firmware has no IPv6, so it skips the IPv6 address of the name.
        let record = format!("--host-record=greeter.example,{},{}", KERNEL[0], KERNEL[1]);
        let Some(_knowing) = start(link, &[range(), vec![record]].concat()) else { return };
        let _server = python::server("greeting", KERNEL[0].parse().unwrap(), 9999);
        greeted(&image.boot(&tap).finish());
    });
}

/// Runs `test` on a TAP with a firmware image that is built with `settings`.
fn with(name: &str, image: &str, settings: Settings, test: impl FnOnce(&Image, Link) + Send + 'static) {
    match Image::build(image, settings) {
        Ok(image) => on_tap(name, move |link| {
            assert_eq!(link.kind, Kind::Tap);
            test(&image, link);
        }),
        Err(why) => skip("qemu", &why),
    }
}

fn start(link: Link, options: &[String]) -> Option<Dnsmasq> {
    dnsmasq::start(link, &options.iter().map(String::as_str).collect::<Vec<_>>())
}

/// Adds an address to an interface of the kernel.
fn give(interface: &str, address: &str, prefix: u8) {
    let mut netlink = Netlink::open().unwrap();
    let index = netlink.link(interface).unwrap().unwrap().index;
    netlink.add_address(index, address.parse().unwrap(), prefix).unwrap();
}

/// Waits until every program listens on an address.
fn listens(board: &Peer, address: &str) {
    let shown = match address.parse::<IpAddr>().unwrap() {
        IpAddr::V4(_) => address.to_owned(),
        IpAddr::V6(_) => format!("[{address}]"),
    };
    let last = format!("listening udp {shown}:9997 inbox\n");
    board.wait_for(&last, |out| out.contains(&last));
}

/// Asserts that the board answers a ping to `address`. The first reply can be lost while the board resolves the
/// hardware address.
fn pinged(address: &str) {
    let ping = Peer::start(Command::new("ping").args(["-c", "3", "-i", "0.5", "-W", "60", address])).finish();
    assert_eq!(ping.code(), Some(0), "{ping:?}");
}

/// Asserts that the board answers clients outside its networks through its routers. The kernel acts as the routers.
fn behind_a_router(board: &Peer) {
    for (far, (prefix, own)) in FAR.into_iter().zip([32, 128].into_iter().zip(BY_HAND)) {
        give("lo", far, prefix);
        assert_eq!(nc(&["-N", "-s", far, own, "9999"], b"Li\n").out(), "Welcome!Hello,Li!\n", "{far}: {}", board.out());
    }
}

/// Returns whether `frames` contains a neighbour advertisement that announces `address`.
///
/// The advertisement is unsolicited and goes to all nodes (RFC 4861 section 4.4).
fn has_advertisement(frames: &[u8], address: &str) -> bool {
    let header = [0x33, 0x33, 0, 0, 0, 1, 2, 0, 0, 0, 0, 1, 0x86, 0xdd];
    let IpAddr::V6(address) = address.parse().unwrap() else { return false };
    frames.windows(14 + 40 + 24).any(|frame| {
        let (message, flags) = (&frame[54..], [0x20, 0, 0, 0]);
        frame.starts_with(&header) && message[0] == 136 && message[4..8] == flags && message[8..] == address.octets()
    })
}

/// QEMU's user network. The DHCP server of this network assigns 192.168.69.50 first, and two ports of the host lead to
/// that address.
const USER_NETWORK: &str = "user,id=n0,net=192.168.69.0/24,host=192.168.69.100,dhcpstart=192.168.69.50,\
                       hostfwd=tcp:127.0.0.1:9999-192.168.69.50:9999,hostfwd=udp:127.0.0.1:7-192.168.69.50:7";

#[test]
fn a_board_gets_its_address_by_dhcp() {
    on_every_controller("network::a_board_gets_its_address_by_dhcp", |image| {
        let image = Image::build(image.name(), &[("SMOLSTEP_IP", "dhcp")]).unwrap();
        let board = image.serve_on(USER_NETWORK);
        let out = board.out();
        assert!(out.contains("DHCP server 192.168.69.100 leases 192.168.69.50/24"), "{out}");
        assert!(out.contains("listening tcp 192.168.69.50:9999 greeting\n"), "{out}");
        let mut greeting = connect("127.0.0.1", 9999);
        expect(&mut greeting, "Welcome!");
        send(&mut greeting, "Li");
        expect(&mut greeting, "Hello,Li!");
        ask(&udp(at("127.0.0.1", 0), at("127.0.0.1", 7)), "hello", "hello");
    });
}

#[test]
fn datagrams_of_all_lengths_are_echoed() {
    on_every_board("network::datagrams_of_all_lengths_are_echoed", |image| {
        let _board = image.serve();
        let echo = udp(at(KERNEL[0], 0), at(BOARD, 7));
        // All lengths near the limit of padding (18 bytes in a frame of 60), all lengths near the maximum, and some
        // between these.
        for len in (0..=66).chain((67..1400).step_by(61)).chain(1465..=1472) {
            let datagram = noise(len, len as u64);
            ask(&echo, &datagram, &datagram);
        }
    });
}
