//! Tests inbox with the datagram AAABBBCCC, and with the single datagram of the chat tutorial.

use crate::common::link::{KERNEL, SERVER, on_tap_and_tun};
use crate::pair::{Pair, host, messages, start};

const ASKED: Pair<'static> =
    Pair { port: 9997, server: ("datagram_server", &["noted"]), client: ("datagram_client", &[]), input: "", lines: 1 };

#[test]
fn a_datagram_is_replied_to() {
    on_tap_and_tun("inbox::a_datagram_is_replied_to", |link| {
        for family in [0, 1] {
            let python = ASKED.in_python(family);
            assert_eq!((python.server.as_str(), python.client.as_str()), ("ADDRESS:PORT AAABBBCCC\n", "noted\n"));

            let server = link.serve(&["inbox", "--reply", "noted"], 2);
            assert_eq!(ASKED.call(SERVER[family]), python.client);
            assert_eq!(messages(&server, 1), ["AAABBBCCC"]);
            server.stop();

            for arguments in [&["inbox", KERNEL[family]][..], &["inbox", KERNEL[family], "AAABBBCCC"]] {
                assert_eq!(ASKED.with_our_client(link, family, arguments), python);
            }
        }
    });
}

#[test]
fn a_datagram_without_a_reply() {
    on_tap_and_tun("inbox::a_datagram_without_a_reply", |link| {
        let pair = Pair { server: ("datagram_server", &[]), ..ASKED };
        for family in [0, 1] {
            let server = link.serve(&["inbox"], 2);
            // The client waits endlessly for a reply, as it does without a server.
            let client = start(pair.client, SERVER[family], pair.port);
            assert_eq!(messages(&server, 1), ["AAABBBCCC"]);
            assert_eq!(client.out(), "");
            client.kill();
            server.stop();

            let ours = pair.with_our_client(link, family, &["inbox", KERNEL[family], "--no-wait"]);
            assert_eq!((ours.server.as_str(), ours.client.as_str()), ("ADDRESS:PORT AAABBBCCC\n", ""));
        }
    });
}

#[test]
fn the_chat_tutorials_one_shot() {
    on_tap_and_tun("inbox::the_chat_tutorials_one_shot", |link| {
        let pair = Pair {
            port: 9000,
            server: ("chat_udp_one_shot_server", &[]),
            client: ("chat_udp_one_shot_client", &[]),
            input: "",
            lines: 1,
        };
        for family in [0, 1] {
            let python = pair.in_python(family);
            assert_eq!((python.server.as_str(), python.client.as_str()), ("(b'hello', ('ADDRESS', PORT))\n", ""));

            let server = link.serve(&["inbox", "--once", "--port", "inbox=9000"], 2);
            assert_eq!(pair.call(SERVER[family]), python.client);
            let server = server.finish();
            let last = last_message(&server.out());
            assert_eq!((server.code(), last.as_str()), (Some(0), "hello"), "{server:?}");

            let host = host(KERNEL[family], pair.port);
            assert_eq!(pair.with_our_client(link, family, &["inbox", &host, "hello", "--no-wait"]), python);
        }
    });
}

/// Returns the message in the final line.
fn last_message(out: &str) -> String {
    out.lines().last().and_then(|line| line.split_once(' ')).unwrap_or_default().1.to_owned()
}
