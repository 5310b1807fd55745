//! Hosts by name: `get` uses the first of the host's addresses that accepts the connection.

use super::rig::*;
use crate::common::link::{KERNEL, Link, on_tap};
use crate::common::peer::{Finished, Peer, python};

#[test]
fn a_host_is_resolved_by_its_name_and_named_in_the_request() {
    on_tap("names::a_host_is_resolved_by_its_name_and_named_in_the_request", |link| {
        let (_dns, v4, v6) = (dns(), Scripted::start(KERNEL[0]), Scripted::start(KERNEL[1]));
        let request = "b'HTTP/1.1 200 OK\\r\\n\\r\\n' + request";
        let got = get_named(link, &v4.url_of("both.test", request, Then::Close), &[]);
        went_well(&got);
        assert!(got.out().contains("\r\nHost: both.test:4000\r\n"), "{got:?}");
        // Either address can be first, but only one receives the request.
        assert_eq!(asked(link, &v4) + asked(link, &v6), 1);

        let there = v4.url_of("four.test", request, Then::Close);
        let answer = format!("b'HTTP/1.1 302 Found\\r\\nLocation: {there}\\r\\n\\r\\n'");
        let followed = get_named(link, &v4.url_of("six.test", &answer, Then::Close), &["-L"]);
        assert!(followed.out().contains("\r\nHost: four.test:4000\r\n"), "{followed:?}");
    });
}

#[test]
fn an_unreachable_address_does_not_delay_get() {
    on_tap("names::an_unreachable_address_does_not_delay_get", |link| {
        let (_dns, server) = (dns(), Scripted::on_ipv4());
        // Some of these addresses refuse the connection. Other addresses do not answer, and `--timeout` is an hour.
        for name in ["both.test", "dead.test", "alldead.test"] {
            let url = server.url_of(name, "b'HTTP/1.1 200 OK\\r\\n\\r\\nhello'", Then::Close);
            let got = get_named(link, &url, &["--timeout", "1h"]);
            went_well(&got);
            assert_eq!(got.out(), "hello", "{name}");
        }
    });
}

#[test]
fn a_name_without_an_answer_is_a_one_line_error() {
    on_tap("names::a_name_without_an_answer_is_a_one_line_error", |link| {
        let _dns = dns();
        failed(&get_named(link, "http://none.test/", &[]), "none.test: no such name");
        let silent = get_named(link, "http://silent.test/", &["--timeout", "200ms"]);
        failed(&silent, "silent.test: no answer from DNS server 192.168.69.100 within 0.2 s");
        let refused = get_named(link, "http://both.test/", &[]);
        failed(&refused, "http://both.test/: ");
        failed(&refused, "192.168.69.100: connection refused");
        failed(&refused, "fdaa::64: connection refused");
        let got = get(link, &["http://both.test/"]);
        failed(&got, "");
        assert_eq!(got.err(), "smolstep: no DNS server: give --dns or --dhcp\n");
    });
}

#[test]
fn ctrl_c_ends_all_connection_attempts() {
    on_tap("names::ctrl_c_ends_all_connection_attempts", |link| {
        let dns = dns();
        let started = start(link, &["http://nowhere.test/", "--dns", KERNEL[0], "--timeout", "1h"]);
        dns.wait_for("question", |out| out.contains("asked"));
        started.interrupt();
        failed(&started.finish(), "interrupted");
    });
}

fn get_named(link: Link, url: &str, arguments: &[&str]) -> Finished {
    get(link, &[arguments, &[url, "--dns", KERNEL[0]]].concat())
}

/// Returns the number of requests with the action [`Then::Close`] that a server has received so far.
fn asked(link: Link, server: &Scripted) -> usize {
    // When the server has printed a request for another page, it has printed all earlier requests.
    went_well(&get(link, &[&server.hops(0)]));
    server.peer.wait_for("the other page", |out| out.contains("asked /hops/0\n"));
    server.peer.out().matches("asked /close\n").count()
}

/// A DNS server at the kernel's IPv4 address.
fn dns() -> Peer {
    python::server("dns", KERNEL[0].parse().unwrap(), 53)
}
