//! DNS servers with long chains of aliases, truncated replies, or malformed datagrams.

use crate::common::dnsmasq;
use crate::common::link::{KERNEL, Link, on_tap};
use crate::common::peer::{Finished, Peer, python, smolstep};
use crate::{done, failed};

#[test]
fn an_odd_reply_is_parsed_or_a_one_line_error() {
    on_tap("an_odd_reply_is_parsed_or_a_one_line_error", |link| {
        let five = "192.168.69.200\n192.168.69.201\n192.168.69.202\n192.168.69.203\n192.168.69.204\n";
        let loops = "its aliases form a loop, or there are more than 16 of them\n";
        let too_long = "is too long for UDP, and there is none over TCP\n";
        for (case, result) in [
            ("aliases-1", Ok("192.168.69.200\n")),
            ("aliases-16", Ok("192.168.69.200\n")),
            ("aliases-17", Err(loops)),
            ("loop", Err(loops)),
            ("noise", Ok("192.168.69.200\n")),
            ("truncated", Ok(five)),
            ("partly", Ok(five)),
            ("deaf", Err(too_long)),
            ("silent", Err(too_long)),
            ("long", Err(too_long)),
        ] {
            for address in KERNEL {
                let _server = python::server_with("dns_odd", address.parse().unwrap(), 53, &[case]);
                let resolved = run(link, &["resolve", "host.example", "--dns", address, "--timeout", "2s"]);
                match result {
                    Ok(out) => done(&resolved, out),
                    Err(why) => failed(&resolved, why),
                }
            }
        }
    });
}

#[test]
fn every_command_repeats_a_truncated_query_over_tcp() {
    on_tap("every_command_repeats_a_truncated_query_over_tcp", |link| {
        (200..205).for_each(|last| link.add_address(&format!("192.168.69.{last}"), 24));
        let _dns = python::server_with("dns_odd", KERNEL[0].parse().unwrap(), 53, &["truncated"]);
        let _echo = python::server("echo", "192.168.69.200".parse().unwrap(), 7);
        done(&run(link, &["call", "echo", "host.example", "hi", "--dns", KERNEL[0]]), "hi\n");
        let ping = run(link, &["ping", "host.example", "-c", "1", "--dns", KERNEL[0]]);
        assert!(ping.code() == Some(0) && ping.err().is_empty(), "{ping:?}");
        let refused = run(link, &["get", "http://host.example:81/", "--dns", KERNEL[0]]);
        failed(&refused, "192.168.69.204: connection refused");
    });
}

#[test]
fn dnsmasq_has_many_addresses_and_aliases() {
    on_tap("dnsmasq_has_many_addresses_and_aliases", |link| {
        let mut options: Vec<_> =
            (1..=60).map(|last| format!("--host-record=many.example,192.168.69.{last}")).collect();
        options.push("--host-record=alias16.example,192.168.69.100".into());
        options.extend((0..16).map(|number| format!("--cname=alias{number}.example,alias{}.example", number + 1)));
        let Some(_dnsmasq) = dnsmasq::start(link, &options.iter().map(String::as_str).collect::<Vec<_>>()) else {
            return;
        };
        done(&run(link, &["resolve", "alias0.example", "--dns", KERNEL[0]]), "192.168.69.100\n");
        // The reply with 60 addresses is 972 bytes long. smolstep stores only eight addresses.
        let many = run(link, &["resolve", "many.example", "--dns", KERNEL[0]]);
        assert_eq!((many.code(), many.out().lines().count(), many.err().as_str()), (Some(0), 8, ""), "{many:?}");
    });
}

/// Runs `smolstep ARGUMENTS` on this link until it exits. `call` logs only errors.
fn run(link: Link, arguments: &[&str]) -> Finished {
    let mut smolstep = smolstep();
    if arguments[0] == "call" {
        smolstep.env("RUST_LOG", "error");
    }
    Peer::start(smolstep.args(arguments).args(link.arguments())).finish()
}
