//! Headers from old and careless servers: `get` reads them as curl does.

use super::rig::*;
use crate::common::link::{KERNEL, on_tap};

/// Odd but acceptable answers, as Python bytes. Both `get` and curl must return the body `hello`.
const ODD: &[&str] = &[
    r"b'HTTP/1.1  200   OK\r\nContent-Length: 5\r\n\r\nhello'",
    r"b'HTTP/1.1 200\r\nContent-Length: 5\r\n\r\nhello'",
    r"b'HTTP/1.1 200 \r\nContent-Length: 5\r\n\r\nhello'",
    r"b'HTTP/1.1 200 tr\xe8s bien\r\nContent-Length: 5\r\n\r\nhello'",
    r"b'HTTP/1.1 200 OK\r\nContent-Length : 5\r\n\r\nhello'",
    r"b'HTTP/1.1 200 OK\r\nX: a\r\n\tb\r\n c: d\r\nContent-Length: 5\r\n\r\nhello'",
    r"b'HTTP/1.1 200 OK\r\nX: a\r\n \r\nContent-Length: 5\r\n\r\nhello'",
    r"b'HTTP/1.1 200 OK\nContent-Length: 5\n\nhello'",
    r"b'HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\nContent-Length: 5\r\n\r\nhello'",
    r"b'HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\nhello'",
    r"b'HTTP/1.1 200 OK\r\nContent-Encoding: identity\r\nContent-Length: 5\r\n\r\nhello'",
    r"b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, identity\r\n\r\n5\r\nhello\r\n0\r\n\r\n'",
    r"b'HTTP/1.1 200 OK\r\n' + b'Transfer-Encoding: chunked\r\n' * 2 + b'\r\n5\r\nhello\r\n0\r\n\r\n'",
    r"b'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello'",
];

/// Answers with invalid header lines, and the number of these lines.
///
/// The third field is true if curl also accepts the answer.
const SKIPPED: &[(&str, usize, bool)] = &[
    (r"b'HTTP/1.1 200 OK\r\n: no name\r\nContent-Length: 5\r\n\r\nhello'", 1, true),
    (r"b'HTTP/1.1 200 OK\r\nX y: a\r\nX: \x1b[2J\r\nContent-Length: 5\r\n\r\nhello'", 2, true),
    (r"b'HTTP/1.1 200 OK\r\nX\x01: a\r\nX: a\rb\r\nContent-Length: 5\r\n\r\nhello'", 2, true),
    (r"b'HTTP/1.1 200 OK\r\nno colon\r\nContent-Length: 5\r\n\r\nhello'", 1, false),
    (r"b'HTTP/1.1 200 OK\r\n first: y\r\nX: a\0\r\nContent-Length: 5\r\n\r\nhello'", 2, false),
];

#[test]
fn old_servers_are_read_as_curl_reads_them() {
    on_tap("old_servers::old_servers_are_read_as_curl_reads_them", |link| {
        for address in KERNEL {
            let server = Scripted::start(address);
            for answer in ODD {
                let url = server.url(answer, Then::Close);
                let got = get(link, &[&url]);
                went_well(&got);
                assert!(got.stdout == b"hello" && curl(&[&url]) == b"hello", "{answer}: {}", got.out());
            }
        }
    });
}

#[test]
fn invalid_header_lines_are_skipped_with_one_warning() {
    on_tap("old_servers::invalid_header_lines_are_skipped_with_one_warning", |link| {
        let server = Scripted::on_ipv4();
        for &(answer, count, and_curl) in SKIPPED {
            let url = server.url(answer, Then::Close);
            let got = get(link, &[&url]);
            assert_eq!((got.code(), got.out().as_str()), (Some(0), "hello"), "{answer}: {}", got.err());
            let warning = format!("skipped header lines that cannot be understood: {count}\n");
            assert!(got.err().ends_with(&warning) && got.err().lines().count() == 1, "{answer}: {}", got.err());
            assert!(!and_curl || curl(&[&url]) == b"hello", "{answer}");
        }
    });
}

#[test]
fn a_folded_location_is_followed() {
    on_tap("old_servers::a_folded_location_is_followed", |link| {
        let server = Scripted::on_ipv4();
        let there = server.url("b'HTTP/1.1 200 OK\\r\\n\\r\\nhello'", Then::Close);
        let answer = format!("b'HTTP/1.1 302 Found\\r\\nLocation:\\r\\n {there}\\r\\n\\r\\n'");
        let got = get(link, &["-L", &server.url(&answer, Then::Close)]);
        went_well(&got);
        assert_eq!(got.out(), "hello");
    });
}

#[test]
fn get_does_not_wait_for_an_http_1_0_server_to_close() {
    on_tap("old_servers::get_does_not_wait_for_an_http_1_0_server_to_close", |link| {
        let server = Scripted::on_ipv4();
        let answer = r"b'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello'";
        let url = server.url(answer, Then::Hold);
        let got = get(link, &[&url]);
        went_well(&got);
        assert!(got.out() == "hello" && curl(&[&url]) == b"hello", "{got:?}");
    });
}
