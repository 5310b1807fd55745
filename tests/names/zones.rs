//! A link-local address can have a zone wherever an address is allowed. A zone other than the link's name is an error.

use smolstep::phy::linux::Kind;

use crate::common::link::{Link, on_tap_and_tun};
use crate::common::peer::{Finished, Peer, python, smolstep};

#[test]
fn the_zone_of_the_link_is_accepted() {
    on_tap_and_tun("the_zone_of_the_link_is_accepted", |link| {
        link.add_router_address();
        let zone = link.name();
        let server = |name, port| python::server(name, "::".parse().unwrap(), port);
        let _greeting = (server("greeting", 9999), server("greeting_udp", 9999));
        for host in [
            format!("fe80::64%{zone}"),
            format!("[fe80::64%{zone}]"),
            format!("[fe80::64%{zone}]:9999"),
            "[fe80::64]:9999".into(),
        ] {
            let tcp = run(link, &["call", "greeting", &host, "Li"]);
            assert!(tcp.code() == Some(0) && tcp.out().ends_with("Hello,Li!\n"), "{host}: {tcp:?}");
            let udp = run(link, &["call", "greeting", &host, "Li", "--udp"]);
            assert!(udp.code() == Some(0) && udp.out().ends_with("hello Li!\n"), "{host}: {udp:?}");
        }

        let page = server("http_host", 8000);
        for url in [
            format!("http://[fe80::64%25{zone}]:8000/"),
            format!("http://[fe80::64%{zone}]:8000/"),
            "http://[fe80::64]:8000/".into(),
        ] {
            let got = run(link, &["get", &url]);
            assert!(got.code() == Some(0) && got.out() == "Host: [fe80::64]:8000", "{url}: {got:?}");
        }
        drop(page);

        let host = format!("fe80::64%{zone}");
        let ping = run(link, &["ping", &host, "-c", "1"]);
        assert!(ping.code() == Some(0) && ping.out().contains("from fe80::64: icmp_seq=1"), "{ping:?}");
        let resolved = run(link, &["resolve", &host]);
        assert!(resolved.code() == Some(0) && resolved.out() == "fe80::64\n", "{resolved:?}");

        let _dns = python::server_with("dns_failing", "::".parse().unwrap(), 53, &["8183"]);
        let resolved = run(link, &["resolve", "host.example", "--dns", &host]);
        assert_eq!(resolved.err(), "smolstep: host.example: no such name\n");

        // The ping goes to this router, which has no route to the host.
        let ip = format!("fe80::2%{zone}/64");
        let far = ["ping", "fd09::1", "-c", "1", "--timeout", "50ms", "--ip", "fdaa::2/64", "--ip", &ip];
        let ping = run(link, &[&far[..], &["--gateway", &host]].concat());
        assert!(ping.err().is_empty() && ping.out().contains("1 packets transmitted"), "{ping:?}");
    });
}

#[test]
fn another_zone_is_a_one_line_error() {
    on_tap_and_tun("another_zone_is_a_one_line_error", |link| {
        let zone = link.name();
        let other =
            format!("bad address 'fe80::64%eth0': its zone is not {zone}, the link's name; write fe80::64%{zone}");
        for command in [
            &["call", "greeting", "fe80::64%eth0"][..],
            &["call", "greeting", "fe80::64%eth0", "--udp"],
            &["ping", "fe80::64%eth0"],
            &["resolve", "fe80::64%eth0"],
            &["resolve", "host.example", "--dns", "fe80::64%eth0"],
            &["ping", "fdaa::64", "--gateway", "fe80::64%eth0"],
        ] {
            failed(&run(link, command), 2, &other);
        }
        failed(&run(link, &["call", "greeting", "[fe80::64%eth0]:9999"]), 2, "bad address '[fe80::64%eth0]:9999': ");
        let port = format!("fe80::64%{zone}:9999");
        let meant = format!("bad address '{port}': with a port it is [fe80::64%{zone}]:9999");
        failed(&run(link, &["call", "greeting", &port]), 2, &meant);
        // An invalid URL results in exit code 1, like an invalid URL in a redirect.
        let meant = format!(
            "bad URL 'http://[fe80::64%25eth0]/': its zone is not {zone}, the link's name; write [fe80::64%25{zone}]"
        );
        failed(&run(link, &["get", "http://[fe80::64%25eth0]/"]), 1, &meant);
    });
}

/// Runs `smolstep COMMAND` on this link. On a TUN, the function also configures a link-local address.
fn run(link: Link, command: &[&str]) -> Finished {
    let mut smolstep = smolstep();
    smolstep.env("RUST_LOG", "error").args(command).args(link.arguments());
    if link.kind == Kind::Tun && !command.contains(&"--ip") {
        smolstep.args(["--ip", "fdaa::2/64", "--ip", "fe80::2/64"]);
    }
    Peer::start(&mut smolstep).finish()
}

/// Asserts this exit code, and one line on standard error that begins with `why`.
#[track_caller]
fn failed(run: &Finished, code: i32, why: &str) {
    let err = run.err();
    let line = err.strip_prefix("smolstep: ").and_then(|err| err.strip_suffix('\n')).unwrap_or_default();
    assert!(run.code() == Some(code) && line.starts_with(why) && !line.contains('\n'), "{why:?} wanted: {run:?}");
}
