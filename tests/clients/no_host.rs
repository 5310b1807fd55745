//! Clients of a host or router that does not exist.
//!
//! Each client prints one line, which names the address and says what to check.

use std::fs;

use smolstep::phy::linux::Kind;

use crate::common::link::{KERNEL, Link, on_tap, on_tap_and_tun};
use crate::common::peer::{Finished, Peer, python, smolstep};

const ABSENT: [&str; 2] = ["192.168.69.77", "fdaa::77"];

#[test]
fn a_client_names_the_host_that_does_not_answer() {
    on_tap_and_tun("a_client_names_the_host_that_does_not_answer", |link| {
        for address in ABSENT {
            let url = if address.contains(':') { format!("http://[{address}]/") } else { format!("http://{address}/") };
            let no_host = match link.kind {
                Kind::Tap => {
                    format!("no host answers at {address}: check the address, and that the host is up and on tap0\n")
                }
                // A TUN has neither ARP nor NDP, so the client only times out.
                Kind::Tun => "timed out".into(),
            };
            for command in [
                &["call", "ack", address, "hi"][..],
                &["call", "echo", address, "hi"],
                &["call", "inbox", address, "hi"],
                &["call", "echo", "--udp", address, "hi"],
                &["call", "chat", "--udp", address, "hi"],
                &["get", &url],
            ] {
                // On a TUN, which accepts every packet, inbox succeeds as soon as it has sent its datagram.
                if link.kind == Kind::Tun && command[1] == "inbox" {
                    continue;
                }
                failed(&run(link, &[command, &["--timeout", "50ms"]].concat()), &no_host);
            }
            if link.kind == Kind::Tap {
                // This timeout is long enough for the client to repeat its ARP or NDP request.
                for command in [&["call", "inbox", address, "hi"][..], &["call", "thanks", "--udp", address, "hi"]] {
                    failed(&run(link, &[command, &["--timeout", "1200ms"]].concat()), &no_host);
                }
            }
        }
    });
}

/// The host gets its address only after three ARP or NDP requests.
#[test]
fn clients_wait_for_a_host_that_appears_late() {
    on_tap("clients_wait_for_a_host_that_appears_late", |link| {
        for (address, prefix_len) in [("192.168.69.77", 24), ("fdaa::77", 64), ("192.168.69.78", 24), ("fdaa::78", 64)]
        {
            let family = if address.contains(':') { "ipv6" } else { "ipv4" };
            // The servers bind before the host has its address.
            fs::write(format!("/proc/sys/net/{family}/ip_nonlocal_bind"), "1").unwrap();
            let echo = python::server("echo_udp", address.parse().unwrap(), 7);
            let dns = python::server("dns", address.parse().unwrap(), 53);
            let questions = python::run("questions", &[link.name(), address]);
            questions.wait_for("ready", |out| out.starts_with("ready"));
            let (arguments, reply) = match address.ends_with('7') {
                true => (&["call", "echo", "--udp", address, "hi"][..], "hi\n"),
                false => (&["resolve", "both.test", "--dns", address][..], "fdaa::64\n192.168.69.100\n"),
            };
            let mut smolstep = smolstep();
            smolstep.env("RUST_LOG", "error").args(arguments).args(["--timeout", "1h"]).args(link.arguments());
            let client = Peer::start(&mut smolstep);
            questions.wait_for("three questions", |out| out.matches("asked").count() >= 3);
            link.add_address(address, prefix_len);
            let client = client.finish();
            let ended = (client.code(), client.out(), client.err());
            assert_eq!(ended, (Some(0), reply.into(), String::new()), "{address}");
            // No datagram was repeated.
            assert!(dns.out().matches("asked").count() <= 2, "{}", dns.out());
            drop(echo);
        }
    });
}

#[test]
fn ping_names_the_host_that_does_not_answer() {
    on_tap("ping_names_the_host_that_does_not_answer", |link| {
        for address in ABSENT {
            let ping = run(link, &["ping", address, "-c", "2", "-i", "0.01", "--timeout", "50ms"]);
            failed(&ping, &format!("no host answers at {address}: check the address"));
            let out = ping.out();
            assert!(out.contains(&format!("\nno host answers at {address}: icmp_seq=2 is lost\n")), "{out}");
            assert!(out.contains("2 packets transmitted, 0 received, 100% lost"), "{out}");
        }
    });
}

#[test]
fn an_absent_dns_server_is_named() {
    on_tap("an_absent_dns_server_is_named", |link| {
        for address in ABSENT {
            for command in
                [&["resolve", "host.example"][..], &["ping", "host.example"], &["call", "ack", "host.example"]]
            {
                let run = run(link, &[command, &["--dns", address, "--timeout", "50ms"]].concat());
                failed(&run, &format!("host.example: DNS server: no host answers at {address}: check the address"));
            }
        }
        // If one server does not exist and another is silent, the error names the silent server.
        let _silent = python::server("inbox", KERNEL[0].parse().unwrap(), 53);
        let both = ["resolve", "host.example", "--dns", ABSENT[0], "--dns", KERNEL[0], "--timeout", "5s"];
        failed(&run(link, &both), "host.example: no answer from DNS server 192.168.69.100 within 5 s\n");
    });
}

#[test]
fn an_absent_router_is_named() {
    on_tap("an_absent_router_is_named", |link| {
        for (router, address) in [(ABSENT[0], "10.9.0.1"), (ABSENT[1], "fd09::1")] {
            let url = if address.contains(':') { format!("http://[{address}]/") } else { format!("http://{address}/") };
            for command in [
                &["call", "ack", address, "hi"][..],
                &["call", "inbox", address, "hi"],
                &["ping", address, "-c", "1"],
                &["get", &url],
            ] {
                let run = run(link, &[command, &["--gateway", router, "--timeout", "50ms"]].concat());
                failed(&run, &format!("no host answers at {router}, the router to {address}: check that it is up"));
            }
        }
    });
}

#[test]
fn an_ipv6_address_that_ends_like_a_port_gets_a_hint() {
    on_tap_and_tun("an_ipv6_address_that_ends_like_a_port_gets_a_hint", |link| {
        let hint = "; if the address ends with a port, write [fdaa::64]:4000\n";
        for app in ["ack", "greeting", "inbox"] {
            // No host has the first address, and there is no route to the second.
            if app != "inbox" || link.kind == Kind::Tap {
                failed(&run(link, &["call", app, "fdaa::64:4000", "hi", "--timeout", "50ms"]), hint);
            }
            let elsewhere = run(link, &["call", app, "fd09::64:4000", "hi"]);
            failed(&elsewhere, "no route to fd09::64:4000: ");
            failed(&elsewhere, "; if the address ends with a port, write [fd09::64]:4000\n");
        }
        // This text is not a valid address.
        let long = run(link, &["call", "upper", "fdaa::64:14000"]);
        let error = "smolstep: bad address 'fdaa::64:14000': with a port it is [fdaa::64]:14000; ";
        assert!(long.err().starts_with(error), "{long:?}");
        assert_eq!(long.code(), Some(2));
        // There is no hint if the host refuses the connection, or if the final group of the address contains a letter.
        assert!(!run(link, &["call", "ack", "fdaa::64", "hi"]).err().contains("last group"));
        assert!(!run(link, &["call", "ack", "fd09::abcd", "hi"]).err().contains("last group"));
    });
}

fn run(link: Link, command: &[&str]) -> Finished {
    let mut smolstep = smolstep();
    Peer::start(smolstep.env("RUST_LOG", "error").args(command).args(link.arguments())).finish()
}

/// Asserts exit code 1, and one line on standard error that contains `why`.
#[track_caller]
fn failed(run: &Finished, why: &str) {
    let err = run.err();
    let one_line = err.starts_with("smolstep: ") && err.ends_with('\n') && err.matches('\n').count() == 1;
    assert!(run.code() == Some(1) && one_line && err.contains(why), "{why:?} wanted: {run:?}");
}
