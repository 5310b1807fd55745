//! ICMP errors that the kernel sends: for closed UDP ports, and in the role of a firewall or a router.

use std::process::Command;

use crate::common::link::{KERNEL, Link, on_tap, on_tap_and_tun};
use crate::common::netns::output;
use crate::common::peer::Finished;
use crate::common::skip;

/// A timeout that is longer than the test waits: if a client waits for this timeout, the test fails.
///
/// See [`Peer::finish`](crate::common::peer::Peer::finish).
const FOR_EVER: [&str; 2] = ["--timeout", "1h"];

#[test]
fn a_closed_udp_port_refuses() {
    on_tap_and_tun("a_closed_udp_port_refuses", |link| {
        // Without this setting, the kernel would send six errors in a row, and then one per second.
        set_sysctl("ipv4/icmp_ratelimit", "0");
        set_sysctl("ipv6/icmp/ratelimit", "0");
        for address in KERNEL {
            for app in ["greeting", "echo", "thanks", "chat"] {
                failed(&call(link, &[app, "--udp", address, "hi"]), "connection refused");
            }
            // This address has no DNS server.
            let refused = format!("host.example: connection refused by {address}: it is not a DNS server");
            failed(&call(link, &["ack", "host.example", "hi", "--dns", address]), &refused);
        }
    });
}

#[test]
fn a_firewall_refuses() {
    on_tap("a_firewall_refuses", |link| {
        if !firewall(&["add rule inet smolstep in tcp dport 4000 reject with icmpx type port-unreachable"]) {
            return;
        }
        for address in KERNEL {
            let host = if address.contains(':') { format!("[{address}]:4000") } else { format!("{address}:4000") };
            for app in ["greeting", "ack", "echo"] {
                failed(&call(link, &[app, &host, "hi"]), "connection refused");
            }
        }
    });
}

/// A client retries until its timeout, because these ICMP errors can be temporary.
///
/// At the timeout, the client reports the ICMP error.
#[test]
fn an_error_from_a_router_is_reported_at_the_timeout() {
    on_tap("an_error_from_a_router_is_reported_at_the_timeout", |link| {
        let rejected = firewall(&[
            "add rule inet smolstep in tcp dport 4000 reject with icmpx type host-unreachable",
            "add rule inet smolstep in udp dport 4000 reject with icmpx type admin-prohibited",
        ]);
        if !rejected {
            return;
        }
        for (address, host) in KERNEL.into_iter().zip(["192.168.69.100:4000", "[fdaa::64]:4000"]) {
            let tcp = link.call(&["ack", host, "hi", "--timeout", "300ms"], b"");
            failed(&tcp, &format!("timed out: destination unreachable (host), says {address}"));
            let udp = link.call(&["echo", "--udp", host, "hi", "--timeout", "300ms"], b"");
            failed(&udp, &format!("timed out: destination unreachable (administratively prohibited), says {address}"));
        }
    });
}

fn call(link: Link, arguments: &[&str]) -> Finished {
    link.call(&[arguments, &FOR_EVER].concat(), b"")
}

/// Adds nftables rules in a chain `in` for received packets. Returns false if nft is missing or fails.
fn firewall(rules: &[&str]) -> bool {
    let table = ["add table inet smolstep", "add chain inet smolstep in { type filter hook input priority 0; }"];
    for line in table.iter().chain(rules) {
        match output(Command::new("nft").arg(line)) {
            Ok(output) if output.status.success() => {}
            Ok(output) => {
                skip("tap", &format!("nft {line}: {}", String::from_utf8_lossy(&output.stderr)));
                return false;
            }
            Err(error) => {
                skip("tap", &format!("nft (Debian's package nftables): {error}"));
                return false;
            }
        }
    }
    true
}

/// Changes a setting of the kernel in /proc/sys/net. If that fails, the test is skipped.
fn set_sysctl(name: &str, value: &str) {
    if let Err(error) = std::fs::write(format!("/proc/sys/net/{name}"), value) {
        skip("tap", &format!("/proc/sys/net/{name}: {error}"));
    }
}

/// Asserts exit code 1, and one line on standard error that contains `why`.
#[track_caller]
fn failed(call: &Finished, why: &str) {
    let err = call.err();
    let one_line = err.starts_with("smolstep: ") && err.ends_with('\n') && err.matches('\n').count() == 1;
    assert!(call.code() == Some(1) && one_line && err.contains(why), "{why:?} wanted: {call:?}");
}
