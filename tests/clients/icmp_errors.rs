//! ICMP errors of the kernel: for closed UDP ports, from a firewall that rejects, and from a router without a route.

use std::process::Command;

use crate::common::link::{KERNEL, Link, on_tap, on_tap_and_tun};
use crate::common::netns::output;
use crate::common::peer::Finished;
use crate::common::require::skip;

/// A client that waited for it would fail the test: see [`Peer::finish`](crate::common::peer::Peer::finish).
const FOR_EVER: [&str; 2] = ["--timeout", "1h"];

#[test]
fn a_closed_udp_port_refuses() {
    on_tap_and_tun("a_closed_udp_port_refuses", |link| {
        // The kernel would send six in a row, and then one a second.
        write("ipv4/icmp_ratelimit", "0");
        write("ipv6/icmp/ratelimit", "0");
        for address in KERNEL {
            for app in ["greeting", "echo", "thanks", "chat"] {
                failed(&call(link, &[app, "--udp", address, "hi"]), "connection refused");
            }
            // A DNS server that is none.
            let refused = format!("host.example: connection refused by {address}: it is no DNS server");
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

/// These errors may pass, so the client tries until its time is over, and then names them.
#[test]
fn a_router_says_why_nothing_arrives() {
    on_tap("a_router_says_why_nothing_arrives", |link| {
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

/// Makes a table of nftables with a chain `in` for what arrives, and adds the rules. Returns false where nobody can.
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

fn write(name: &str, value: &str) {
    if let Err(error) = std::fs::write(format!("/proc/sys/net/{name}"), value) {
        skip("tap", &format!("/proc/sys/net/{name}: {error}"));
    }
}

/// It ended with exit code 1 and one line on standard error, with `why` in it.
#[track_caller]
fn failed(call: &Finished, why: &str) {
    let err = call.err();
    let one_line = err.starts_with("smolstep: ") && err.ends_with('\n') && err.matches('\n').count() == 1;
    assert!(call.code() == Some(1) && one_line && err.contains(why), "{why:?} wanted: {call:?}");
}
