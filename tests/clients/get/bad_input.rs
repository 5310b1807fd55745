//! `get` with invalid URLs, and with servers that send invalid responses, disconnect or stay silent.
//!
//! In each case, `get` prints one line, exits with 1, and leaves no new file behind.

use std::fs;

use super::rig::*;
use crate::common::link::{KERNEL, on_tap};

#[test]
fn a_url_that_cannot_be_fetched_is_a_one_line_error() {
    on_tap("bad_input::a_url_that_cannot_be_fetched_is_a_one_line_error", |link| {
        let home = folder("urls");
        for (url, why) in [
            ("", "write it like http://HOST/PATH"),
            ("page", "write it like http://HOST/PATH"),
            ("192.168.69.100/page", "write it like http://HOST/PATH"),
            ("http://", "it names no host"),
            ("http:///page", "it names no host"),
            ("https://192.168.69.100/", "https is not supported, because smolstep has no TLS"),
            ("gopher://192.168.69.100/", "only http is supported"),
            ("http://a:b@192.168.69.100/", "a user name or password in it is not supported"),
            ("http://192.168.69.100:0/", "port 0 cannot be connected to"),
            ("http://192.168.69.100:70000/", "invalid port number"),
            ("http://[fdaa::/", "invalid IPv6 address"),
            ("http://\u{1b}[31m/", "a host's name has letters, digits, hyphens and dots"),
            ("http://10.0.0.1/", "no route to 10.0.0.1"),
            ("http://224.0.0.1/", "224.0.0.1 is not a host address"),
            ("http://192.168.69.2/", "192.168.69.2 is this side's own address"),
            ("http://192.168.69.100/", "http://192.168.69.100/: connection refused"),
            ("http://[fdaa::64]/", "http://[fdaa::64]/: connection refused"),
        ] {
            let got = get(link, &[url, "-o", home.join("page").to_str().unwrap()]);
            failed(&got, why);
            assert!(got.stdout.is_empty() && names(&home).is_empty(), "{url}");
        }
        failed(&get(link, &["http://192.168.69.77/", "--timeout", "50ms"]), "no host answers at 192.168.69.77");
    });
}

/// Invalid responses, each with the server's action after the response and part of the error that `get` prints.
///
/// A response is given as a Python expression for a value of type `bytes`.
const LIES: &[(&str, Then, &str)] = &[
    ("b''", Then::Close, "closed the connection without an answer"),
    ("b''", Then::Hold, "timed out waiting for the server"),
    ("b''", Then::Reset, "connection reset by peer"),
    ("b'HTTP/1.1 200 OK\\r\\nContent-'", Then::Close, "in the middle of the header"),
    ("b'HTTP/1.1 200 OK\\r\\nContent-'", Then::Hold, "timed out waiting for the server"),
    ("b'SSH-2.0-OpenSSH_9.2\\r\\n'", Then::Hold, "does not speak HTTP/1"),
    ("b'<html>'", Then::Close, "does not speak HTTP/1"),
    ("b'\\x1b[2J\\x1b]0;owned\\x07\\r\\n\\r\\n'", Then::Close, "does not speak HTTP/1"),
    ("b'HTTP/1.1 2\\x1b[2J OK\\r\\n\\r\\n'", Then::Close, "does not speak HTTP/1"),
    ("b'HTTP/1.1 200 OK\\r\\nContent-Length: \\x1b[2J\\r\\n\\r\\n'", Then::Close, "that cannot be understood"),
    ("b'HTTP/1.1 200 OK\\r\\nX: y\\r\\n' + b' z\\r\\n' * 100000", Then::Close, "a header of more than 16384 bytes"),
    ("b'HTTP/1.1 200 OK\\r\\n' + b'?\\r\\n' * 101 + b'\\r\\n'", Then::Close, "more than 100 header lines"),
    ("b'HTTP/2 200\\r\\n\\r\\n'", Then::Close, "does not speak HTTP/1"),
    ("b'HTTP/1.1 101 Switching Protocols\\r\\n\\r\\n'", Then::Hold, "switched to another protocol"),
    ("b'HTTP/1.1 100 Continue\\r\\n\\r\\n' * 100000", Then::Close, "more than 16 answers that are not final"),
    ("b'HTTP/1.1 200 OK\\r\\n' + b'X: y\\r\\n' * 10000 + b'\\r\\n'", Then::Close, "a header of more than 16384 bytes"),
    ("b'HTTP/1.1 200 OK\\r\\n' + b'X:\\r\\n' * 101 + b'\\r\\n'", Then::Close, "more than 100 header lines"),
    ("b'HTTP/1.1 200 OK\\r\\nX: ' + b'y' * 1000000", Then::Close, "a header of more than 16384 bytes"),
    ("b'HTTP/1.1 200 OK\\r\\nContent-Length: 9\\r\\n\\r\\nhello'", Then::Close, "after 5 of 9 bytes"),
    ("b'HTTP/1.1 200 OK\\r\\nContent-Length: 9\\r\\n\\r\\nhello'", Then::Hold, "timed out waiting for the server"),
    (
        "b'HTTP/1.1 200 OK\\r\\nContent-Length: 9\\r\\n\\r\\nhello'",
        Then::Reset,
        "connection reset by peer, after 5 of 9 bytes",
    ),
    ("b'HTTP/1.1 200 OK\\r\\n\\r\\nhello'", Then::Reset, "connection reset by peer, after 5 bytes"),
    ("b'HTTP/1.1 200 OK\\r\\nContent-Length: -1\\r\\n\\r\\n'", Then::Close, "Content-Length that is not a number"),
    ("b'HTTP/1.1 200 OK\\r\\nContent-Length: many\\r\\n\\r\\n'", Then::Close, "Content-Length that is not a number"),
    ("b'HTTP/1.1 200 OK\\r\\nContent-Length: 99999999999999999999\\r\\n\\r\\n'", Then::Close, "not a number"),
    ("b'HTTP/1.1 200 OK\\r\\nContent-Length: 5, 6\\r\\n\\r\\nhello'", Then::Close, "two different Content-Lengths"),
    (
        "b'HTTP/1.1 200 OK\\r\\nContent-Length: 5\\r\\nContent-Length: 6\\r\\n\\r\\nhello'",
        Then::Close,
        "two different Content-Lengths",
    ),
    ("b'HTTP/1.1 200 OK\\r\\nTransfer-Encoding: gzip, chunked\\r\\n\\r\\n'", Then::Close, "coding other than chunked"),
    ("b'HTTP/1.1 200 OK\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\nxyz\\r\\n'", Then::Close, "size is not a number"),
    ("b'HTTP/1.1 200 OK\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n-5\\r\\n'", Then::Close, "size is not a number"),
    (
        "b'HTTP/1.1 200 OK\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n' + b'f' * 17 + b'\\r\\n'",
        Then::Close,
        "size does not fit in 64 bits",
    ),
    (
        "b'HTTP/1.1 200 OK\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n' + b'f' * 16 + b'\\r\\nhello'",
        Then::Close,
        "after 5 bytes, before the last chunk",
    ),
    ("b'HTTP/1.1 200 OK\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n5\\r\\nhello\\r\\n'", Then::Close, "after 5 bytes"),
    ("b'HTTP/1.1 200 OK\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n5\\r\\nhello!!'", Then::Close, "does not end where"),
    (
        "b'HTTP/1.1 200 OK\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n5;' + b'x' * 1000000",
        Then::Close,
        "more than 1024 bytes for the size of a chunk",
    ),
    (
        "b'HTTP/1.1 200 OK\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n0\\r\\n' + b'x: y\\r\\n' * 100000",
        Then::Close,
        "more than 8192 bytes after the last chunk",
    ),
];

#[test]
fn an_invalid_response_is_a_one_line_error_and_keeps_the_file() {
    on_tap("bad_input::an_invalid_response_is_a_one_line_error_and_keeps_the_file", |link| {
        let home = folder("lies");
        let (old, new) = (home.join("old"), home.join("new"));
        fs::write(&old, "what was there").unwrap();
        let server = Scripted::on_ipv4();
        for &(answer, then, why) in LIES {
            let url = server.url(answer, then);
            // Only the tests of the timeout itself have a short timeout. In the other tests, a busy machine can take
            // longer to answer.
            let timeout = if why.starts_with("timed out") { "1s" } else { "1min" };
            for file in [&old, &new] {
                let got = get(link, &[&url, "-o", file.to_str().unwrap(), "--timeout", timeout]);
                failed(&got, why);
                assert!(got.stdout.is_empty(), "{answer}: {got:?}");
                assert!(names(&home) == ["old"] && fs::read(&old).unwrap() == b"what was there", "{answer}");
            }
        }
    });
}

#[test]
fn bytes_beyond_the_announced_length_are_not_written() {
    on_tap("bad_input::bytes_beyond_the_announced_length_are_not_written", |link| {
        let server = Scripted::start(KERNEL[1]);
        for then in [Then::Close, Then::Hold, Then::Reset] {
            for answer in [
                "b'HTTP/1.1 200 OK\\r\\nContent-Length: 5\\r\\n\\r\\nhello and' + b' more' * 100",
                "b'HTTP/1.1 200 OK\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n5\\r\\nhello\\r\\n0\\r\\n\\r\\nand more'",
                "b'HTTP/1.1 200 OK\\r\\nContent-Length: 5, 5\\r\\n\\r\\nhello'",
            ] {
                let got = get(link, &[&server.url(answer, then)]);
                went_well(&got);
                assert_eq!(got.out(), "hello", "{answer}");
            }
        }
    });
}
