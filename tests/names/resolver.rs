//! Tests `resolve`, and `ping` and `call` with a host name.
//!
//! The DNS servers are dnsmasq and Python scripts.

use smolstep::phy::linux::Kind;

use crate::common::dnsmasq;
use crate::common::link::{KERNEL, Link, on_tap, on_tap_and_tun};
use crate::common::peer::{Finished, Peer, python, smolstep};
use crate::{done, failed};

const DNS: [&str; 2] = ["--dns", KERNEL[0]];

#[test]
fn a_name_has_addresses_of_both_families() {
    on_tap("a_name_has_addresses_of_both_families", |link| {
        let Some(_dnsmasq) = dnsmasq::start(link, &HOSTS) else { return };
        let resolve = |name: &str| run(link, &[&["resolve", name], &DNS[..]].concat());
        done(&resolve("host.example"), "fdaa::64\n192.168.69.100\n");
        done(&resolve("HOST.example."), "fdaa::64\n192.168.69.100\n");
        done(&resolve("four.example"), "192.168.69.100\n");
        done(&resolve("alias.example"), "fdaa::64\n192.168.69.100\n");
        // dnsmasq returns the addresses in another order in each reply.
        let many = resolve("many.example").out();
        let mut many: Vec<_> = many.lines().collect();
        many.sort_unstable();
        assert_eq!(many, ["192.168.69.201", "192.168.69.202"]);
        failed(&resolve("nosuch.example"), "smolstep: nosuch.example: no such name\n");
        failed(
            &resolve("elsewhere.test"),
            "smolstep: elsewhere.test: DNS server 192.168.69.100 refuses to answer (REFUSED)\n",
        );
    });
}

#[test]
fn dhcp_names_the_server() {
    on_tap("dhcp_names_the_server", |link| {
        let mut options = dnsmasq::range(150, 159);
        options.extend(HOSTS.map(String::from));
        let Some(_dnsmasq) = dnsmasq::start(link, &options.iter().map(String::as_str).collect::<Vec<_>>()) else {
            return;
        };
        done(&run(link, &["resolve", "host.example", "--dhcp"]), "fdaa::64\n192.168.69.100\n");
        let ping = run(link, &["ping", "four.example", "--dhcp", "-c", "1"]);
        assert_eq!(ping.code(), Some(0), "{ping:?}");
        // In this test smolstep has no IPv6 address, so it uses IPv4.
        let server = python::server("greeting", KERNEL[0].parse().unwrap(), 9999);
        done(&run(link, &["call", "greeting", "host.example", "Li", "--dhcp"]), "Welcome!\nHello,Li!\n");
        drop(server);
    });
}

#[test]
fn names_are_resolved_by_the_dns_server_of_an_advertisement() {
    on_tap("names_are_resolved_by_the_dns_server_of_an_advertisement", |link| {
        link.add_router_address();
        let mut options = dnsmasq::range(150, 159);
        options.extend(["--enable-ra".into(), "--dhcp-range=fdaa::,ra-only,64,10m".into()]);
        options.extend(HOSTS.map(String::from));
        let start = |options: &[String]| dnsmasq::start(link, &options.iter().map(String::as_str).collect::<Vec<_>>());
        let Some(first) = start(&options) else { return };
        let _four = python::server("greeting", KERNEL[0].parse().unwrap(), 9999);
        let _six = python::server("greeting", KERNEL[1].parse().unwrap(), 9999);
        // The DNS server on the router can be reached immediately. The addresses that it returns can be reached only
        // after smolstep has its own address.
        for arguments in [&["--slaac"][..], &["--dhcp", "--slaac"]] {
            done(&run(link, &[&["resolve", "host.example"], arguments].concat()), "fdaa::64\n192.168.69.100\n");
            let ping = run(link, &[&["ping", "host.example", "-c", "1"], arguments].concat());
            assert_eq!(ping.code(), Some(0), "{ping:?}");
            done(
                &run(link, &[&["call", "greeting", "host.example", "Li"], arguments].concat()),
                "Welcome!\nHello,Li!\n",
            );
        }
        let call = ["call", "greeting", "four.example", "Li", "--dhcp", "--slaac"];
        done(&run(link, &call), "Welcome!\nHello,Li!\n");
        failed(
            &run(link, &["call", "greeting", "four.example", "Li", "--slaac"]),
            "smolstep: no route to 192.168.69.100",
        );
        first.stop();

        // The DNS server from the router advertisement does not answer. Another DNS server becomes known later, from
        // DHCP.
        options.push("--dhcp-option=option6:dns-server,[fe80::77]".into());
        let Some(_second) = start(&options) else { return };
        done(&run(link, &["resolve", "host.example", "--dhcp", "--slaac"]), "fdaa::64\n192.168.69.100\n");
        done(&run(link, &call), "Welcome!\nHello,Li!\n");
    });
}

#[test]
fn a_missing_lease_is_a_one_line_error() {
    on_tap("a_missing_lease_is_a_one_line_error", |link| {
        let arguments = ["resolve", "host.example", "--dhcp", "--timeout", "300ms"];
        failed(&run(link, &arguments), "smolstep: no lease from a DHCP server on tap0 within 0.3 s\n");
        let arguments = ["resolve", "host.example", "--slaac", "--timeout", "300ms"];
        failed(&run(link, &arguments), "smolstep: no router on tap0 named a DNS server within 0.3 s: give --dns\n");
        // An address from --ip does not replace the lease.
        let arguments = ["resolve", "host.example", "--dhcp", "--ip", "192.168.69.2/24", "--timeout", "300ms"];
        failed(&run(link, &arguments), "smolstep: no lease from a DHCP server on tap0 within 0.3 s\n");
        let arguments = ["call", "ack", "192.168.69.100", "hi", "--dhcp", "--timeout", "300ms"];
        failed(&run(link, &arguments), "smolstep: no lease from a DHCP server on tap0 within 0.3 s\n");
    });
}

#[test]
fn a_call_by_name_uses_the_address_that_answers() {
    on_tap_and_tun("a_call_by_name_uses_the_address_that_answers", |link| {
        let Some(_dnsmasq) = dnsmasq::start(link, &HOSTS) else { return };
        for address in KERNEL {
            // The name also has an address of the other family, on which the port is closed.
            let _server = python::server("greeting", address.parse().unwrap(), 9999);
            let call = run(link, &[&["call", "greeting", "host.example", "Li", "Cheng"], &DNS[..]].concat());
            done(&call, "Welcome!\nHello,Li!\nHello,Cheng!\n");
        }
        let _ack = python::server("ack", KERNEL[0].parse().unwrap(), 4000);
        done(&run(link, &[&["call", "ack", "host.example:4000", "a", "b"], &DNS[..]].concat()), "ACK\nACK\n");
        let _udp = python::server("echo_udp", KERNEL[1].parse().unwrap(), 7);
        done(&run(link, &[&["call", "echo", "host.example", "hi", "--udp"], &DNS[..]].concat()), "hi\n");
        let refused = run(link, &[&["call", "greeting", "host.example", "Li"], &DNS[..]].concat());
        failed(&refused, "192.168.69.100:9999: connection refused");
        failed(&refused, "[fdaa::64]:9999: connection refused");
    });
}

#[test]
fn an_unreachable_address_does_not_delay_call() {
    on_tap("an_unreachable_address_does_not_delay_call", |link| {
        let Some(_dnsmasq) = dnsmasq::start(link, &["--host-record=dead.example,192.168.69.100,fdaa::dead"]) else {
            return;
        };
        // The first address does not answer, and --timeout is an hour.
        let call = |arguments: &[&str]| run(link, &[&["call"], arguments, &["--timeout", "1h"], &DNS].concat());
        let _greeting = python::server("greeting", KERNEL[0].parse().unwrap(), 9999);
        done(&call(&["greeting", "dead.example", "Li", "Cheng"]), "Welcome!\nHello,Li!\nHello,Cheng!\n");
        let _ack = python::server("ack", KERNEL[0].parse().unwrap(), 4000);
        done(&call(&["ack", "dead.example:4000", "a", "b"]), "ACK\nACK\n");
    });
}

#[test]
fn each_failure_of_a_dns_server_has_its_own_error() {
    on_tap("each_failure_of_a_dns_server_has_its_own_error", |link| {
        for (reply, patience, what) in [
            (&["silent"][..], "500ms", "no answer from DNS server 192.168.69.100 within 0.5 s"),
            (&["8180", "garbage"], "500ms", "the reply of DNS server 192.168.69.100 cannot be read"),
            (&["garbage"], "500ms", "no answer from DNS server 192.168.69.100 within 0.5 s"),
            (&["8183"], "10s", "no such name"),
            (&["8182"], "10s", "DNS server 192.168.69.100 has failed (SERVFAIL)"),
            (&["8180"], "10s", "the name has no address"),
            (
                &["8380"],
                "10s",
                "the reply of DNS server 192.168.69.100 is too long for UDP, and there is none over TCP",
            ),
        ] {
            let _server = python::server_with("dns_failing", KERNEL[0].parse().unwrap(), 53, reply);
            for command in
                [&["resolve", "host.example"][..], &["ping", "host.example"], &["call", "ack", "host.example", "hi"]]
            {
                let run = run(link, &[command, &DNS, &["--timeout", patience]].concat());
                failed(&run, &format!("smolstep: host.example: {what}"));
            }
        }
        // The first server does not answer, and the second one knows the name.
        let Some(_dnsmasq) = dnsmasq::start(link, &HOSTS) else { return };
        let arguments = ["resolve", "host.example", "--dns", "192.168.69.77", "--dns", KERNEL[0]];
        done(&run(link, &arguments), "fdaa::64\n192.168.69.100\n");
    });
}

#[test]
fn the_kernel_echoes() {
    on_tap_and_tun("the_kernel_echoes", |link| {
        for address in KERNEL {
            let ping = run(link, &["ping", address, "-c", "3", "-i", "0.01", "-s", "100"]);
            let (out, lines) = (ping.out(), ping.out().lines().count());
            assert_eq!((ping.code(), lines), (Some(0), 7), "{ping:?}");
            assert!(out.starts_with(&format!("PING {address} ({address}): 100 bytes of data\n")), "{out}");
            for number in 1..=3 {
                assert!(out.contains(&format!("108 bytes from {address}: icmp_seq={number} ttl=64 time=")), "{out}");
            }
            assert!(
                out.contains(&format!("--- {address} ping statistics ---\n3 packets transmitted, 3 received, 0% lost")),
                "{out}"
            );
            assert!(out.contains("\nround trip min/avg/max = "), "{out}");
        }
        // One ping is sent in fragments, and another contains no data.
        for (size, bytes) in [("8000", "8008 bytes"), ("0", "8 bytes")] {
            let ping = run(link, &["ping", KERNEL[0], "-c", "1", "-s", size]);
            assert!(ping.code() == Some(0) && ping.out().contains(bytes), "{ping:?}");
        }
    });
}

#[test]
fn a_ping_without_replies_fails() {
    on_tap_and_tun("a_ping_without_replies_fails", |link| {
        let ping = run(link, &["ping", "192.168.69.77", "-c", "2", "-i", "0.01", "--timeout", "50ms"]);
        assert_eq!(ping.code(), Some(1), "{ping:?}");
        // On a TAP, the second request causes an error, because the first still waits for the hardware address.
        let errors = ping.out().lines().last().is_some_and(|line| line.ends_with(" ms, errors for 1"));
        assert_eq!(errors, link.kind == Kind::Tap, "{ping:?}");
        assert!(ping.out().contains("\n2 packets transmitted, 0 received, 100% lost, time "), "{ping:?}");
        assert!(!ping.out().contains("round trip"), "{ping:?}");
    });
}

#[test]
fn an_unreachable_destination_is_reported_immediately() {
    on_tap("an_unreachable_destination_is_reported_immediately", |link| {
        for (arguments, what) in [
            (&["resolve", "host.example", "--dns", "8.8.8.8"][..], "DNS server: no route to 8.8.8.8"),
            (
                &["call", "echo", "host.example", "--dns", "192.168.69.2"],
                "DNS server: 192.168.69.2 is this side's own address",
            ),
            (&["ping", "192.168.69.2"], "192.168.69.2 is this side's own address"),
            (&["ping", "ff02::1"], "ff02::1 is not a host address"),
            (&["ping", "10.1.1.1"], "no route to 10.1.1.1"),
        ] {
            failed(&run(link, &[arguments, &["--timeout", "1h"]].concat()), what);
        }
        for command in [&["ping", KERNEL[0]][..], &["call", "echo", KERNEL[0]], &["get", "http://192.168.69.100/"]] {
            let run = run(link, &[command, &["--dhcp", "--timeout", "300ms"]].concat());
            failed(&run, "smolstep: no lease from a DHCP server on tap0 within 0.3 s");
        }
    });
}

#[test]
fn an_interrupted_ping_prints_its_statistics() {
    on_tap("an_interrupted_ping_prints_its_statistics", |link| {
        let mut command = smolstep();
        let ping = Peer::start(command.args(["ping", KERNEL[0], "-i", "0.01"]).args(link.arguments()));
        ping.wait_for("replies", |out| out.contains("icmp_seq=5 "));
        let finished = ping.stop();
        let out = finished.out();
        assert!(out.contains(" ping statistics ---\n") && out.contains("\nround trip min/avg/max = "), "{out}");
    });
}

const HOSTS: [&str; 5] = [
    "--host-record=host.example,192.168.69.100,fdaa::64",
    "--host-record=four.example,192.168.69.100",
    "--cname=alias.example,host.example",
    "--host-record=many.example,192.168.69.201",
    "--host-record=many.example,192.168.69.202",
];

/// Runs `smolstep ARGUMENTS` on this link until it exits.
fn run(link: Link, arguments: &[&str]) -> Finished {
    Peer::start(smolstep().env("RUST_LOG", "error").args(arguments).args(link.arguments())).finish()
}
