//! `smolstep ping` through a router that reports ICMP errors. The router is the kernel of the namespace.

use std::process::Command;

use crate::common::link::{KERNEL, Link, on_tap_and_tun};
use crate::common::netns::output;
use crate::common::peer::{Finished, Peer, smolstep};
use crate::common::skip;

#[test]
fn ping_reports_errors_from_a_router() {
    on_tap_and_tun("ping_reports_errors_from_a_router", |link| {
        if !route() {
            return;
        }
        for (to, from, why) in [
            ("10.9.0.1", KERNEL[0], "destination unreachable (host)"),
            ("10.9.1.1", KERNEL[0], "destination unreachable (administratively prohibited)"),
            ("fd09::1", KERNEL[1], "destination unreachable (no route)"),
            ("fd09:0:0:1::1", KERNEL[1], "destination unreachable (administratively prohibited)"),
        ] {
            // ping sends only one request, because the kernel limits the rate of these errors.
            let run = ping(link, to, &["-c", "1"]);
            let out = run.out();
            assert_eq!(run.code(), Some(1), "{run:?}");
            assert!(out.contains(&format!("\nFrom {from}: icmp_seq=1 {why}\n")), "{to}: {out}");
            assert!(out.contains("1 packets transmitted, 0 received, 100% lost"), "{out}");
            assert!(out.contains(" ms, errors for 1\n") && !out.contains("round trip"), "{out}");
        }
    });
}

#[test]
fn a_request_that_is_too_long_is_reported_with_the_mtu() {
    on_tap_and_tun("a_request_that_is_too_long_is_reported_with_the_mtu", |link| {
        if !route() {
            return;
        }
        for (to, from) in [("10.8.0.2", KERNEL[0]), ("fd08::2", KERNEL[1])] {
            let run = ping(link, to, &["-c", "1", "-s", "1400"]);
            let line = format!("\nFrom {from}: icmp_seq=1 packet too big (MTU 1300)\n");
            assert!(run.code() == Some(1) && run.out().contains(&line), "{run:?}");
        }
    });
}

/// Makes the kernel a router. Some of its routes are unreachable or prohibited, and some lead to a link with a small
/// MTU. Returns false if the kernel's settings cannot be changed.
fn route() -> bool {
    for (name, value) in [
        ("ipv4/ip_forward", "1"),
        ("ipv6/conf/all/forwarding", "1"),
        // By default, the kernel limits ICMP errors to one per second.
        ("ipv4/icmp_ratelimit", "0"),
        ("ipv6/icmp/ratelimit", "0"),
    ] {
        if let Err(error) = std::fs::write(format!("/proc/sys/net/{name}"), value) {
            skip("tap", &format!("/proc/sys/net/{name}: {error}"));
            return false;
        }
    }
    for line in [
        "route replace unreachable 10.9.0.0/24",
        "route replace prohibit 10.9.1.0/24",
        "route replace unreachable fd09::/64",
        "route replace prohibit fd09:0:0:1::/64",
        "link del narrow",
        "link add narrow mtu 1300 type veth peer name other",
        "address add 10.8.0.1/24 dev narrow",
        "address add fd08::1/64 dev narrow nodad",
        "link set narrow up",
        "link set other up",
    ] {
        let output = output(Command::new("ip").args(line.split(' '))).unwrap();
        let first = line == "link del narrow";
        assert!(first || output.status.success(), "ip {line}: {}", String::from_utf8_lossy(&output.stderr));
    }
    true
}

fn ping(link: Link, to: &str, arguments: &[&str]) -> Finished {
    let mut command = smolstep();
    command.args(["ping", to, "-i", "0.01", "--gateway", KERNEL[0], "--gateway", KERNEL[1]]);
    // Without an ICMP error, ping would wait for an hour.
    command.args(["--timeout", "1h"]).args(arguments).args(link.arguments());
    Peer::start(&mut command).finish()
}
