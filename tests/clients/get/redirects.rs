//! Invalid redirects, the maximum number of redirects, and the bodies of redirect responses.

use super::rig::*;
use crate::common::link::on_tap;

#[test]
fn an_invalid_redirect_is_a_one_line_error() {
    on_tap("redirects::an_invalid_redirect_is_a_one_line_error", |link| {
        let home = folder("nowhere");
        let file = home.join("page");
        let server = Scripted::on_ipv4();
        for (location, why) in [
            ("https://192.168.69.100/", "redirected to 'https://192.168.69.100/': https is not supported"),
            ("ftp://192.168.69.100/", "only http is supported"),
            ("http://", "empty host"),
            ("http://user@192.168.69.100/", "a user name or password in it is not supported"),
            ("http://192.168.69.100:0/", "port 0 cannot be connected to"),
            ("http://10.9.9.9/", "no route to 10.9.9.9"),
            ("http://192.168.69.100:4001/", "http://192.168.69.100:4001/: connection refused"),
            (r"/\xff\xfe", "that is not a URL"),
            ("http://\u{202e}x/", "domain"),
        ] {
            let answer = format!("b'HTTP/1.1 302 Found\\r\\nLocation: {}\\r\\n\\r\\n'", escaped(location));
            let got = get(link, &["-L", &server.url(&answer, Then::Close), "-o", file.to_str().unwrap()]);
            failed(&got, why);
            assert!(got.stdout.is_empty() && names(&home).is_empty(), "{location}: {:?}", names(&home));
        }
    });
}

#[test]
fn the_body_of_a_redirect_is_not_written() {
    on_tap("redirects::the_body_of_a_redirect_is_not_written", |link| {
        let server = Scripted::on_ipv4();
        let there = server.url("b'HTTP/1.1 200 OK\\r\\nContent-Length: 5\\r\\n\\r\\nhello'", Then::Close);
        for (body, then) in [("b'over there'", Then::Close), ("b'x' * 1000000", Then::Close), ("b''", Then::Hold)] {
            let answer = format!("b'HTTP/1.1 308 Permanent\\r\\nLocation: {there}\\r\\n\\r\\n' + {body}");
            let url = server.url(&answer, then);
            let followed = get(link, &["-L", &url]);
            went_well(&followed);
            assert_eq!(followed.out(), "hello");
            let heads = get(link, &["-i", "-L", &url]).out();
            assert_eq!(heads.matches("HTTP/1.1 ").count(), 2, "{heads}");
            assert!(heads.ends_with("\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"), "{heads}");
        }
    });
}

#[test]
fn ten_redirects_are_followed_but_not_eleven() {
    on_tap("redirects::ten_redirects_are_followed_but_not_eleven", |link| {
        let server = Scripted::on_ipv4();
        let ten = get(link, &["-L", &server.hops(10)]);
        went_well(&ten);
        assert_eq!(ten.out(), "here");
        failed(&get(link, &["-L", &server.hops(11)]), "more than 10 redirects, the last of them to http://");
    });
}

/// Returns the text as Python writes it in a bytes literal.
fn escaped(text: &str) -> String {
    text.replace('\u{202e}', r"\xe2\x80\xae")
}
