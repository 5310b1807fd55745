//! Ways in which a connection to a server ends: a half-close, a reset, or a client that is killed.

use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use rustix::net::sockopt::set_socket_linger;

use crate::common::events;
use crate::common::link::{SERVER, connect, expect, expect_last, noise, on_tap_and_tun, send};
use crate::common::peer::python;

const CLOSED: (&str, &str) = ("reason", "closed");

#[test]
fn data_before_a_half_close_is_answered() {
    on_tap_and_tun("data_before_a_half_close_is_answered", |link| {
        let server = link.serve_with_events(&["all"], 30);
        for address in SERVER {
            let half_closed = |port, text: &[u8]| {
                let mut client = connect(address, port);
                send(&mut client, text);
                client.shutdown(Shutdown::Write).unwrap();
                client
            };
            expect_last(&mut half_closed(9999, b"Li\n"), "Welcome!Hello,Li!\n");
            expect_last(&mut half_closed(9999, b""), "Welcome!");
            expect_last(&mut half_closed(14000, b"Li"), "LI");
            expect_last(&mut half_closed(9998, b""), "");
            let bytes = noise(50_000, 6);
            expect_last(&mut half_closed(7, &bytes), &bytes);
        }
        events::wait_for(&server, "ended", &[CLOSED], 10);
    });
}

#[test]
fn a_server_that_closes_first_waits_for_the_client() {
    on_tap_and_tun("a_server_that_closes_first_waits_for_the_client", |link| {
        let server = link.serve_with_events(&["ack", "greeting"], 6);
        for address in SERVER {
            let mut ack = connect(address, 9998);
            send(&mut ack, "hi");
            expect_last(&mut ack, "ACK");
            let mut greeting = connect(address, 9999);
            send(&mut greeting, "exit");
            expect_last(&mut greeting, "Welcome!");
            // The server has closed its side, but the client has not. The server discards the data that the client
            // still sends.
            for client in [&mut ack, &mut greeting] {
                send(client, noise(200_000, 7));
                client.shutdown(Shutdown::Write).unwrap();
                expect_last(client, "");
            }
        }
        events::wait_for(&server, "ended", &[CLOSED], 4);
        assert_eq!(events::count(&server, "ended", &[]), 4);
    });
}

/// If a client sends more than the server reads, its connection is reset (RFC 9293, SHLD-3).
///
/// The server resets the connection although the client has not closed. The client still reads the reply.
#[test]
fn unread_data_does_not_prevent_the_reply() {
    on_tap_and_tun("unread_data_does_not_prevent_the_reply", |link| {
        let server = link.serve_with_events(&["ack"], 2);
        for (round, address) in SERVER.into_iter().enumerate() {
            let mut client = connect(address, 9998);
            send(&mut client, noise(5_000, 9));
            events::wait_for(&server, "ended", &[("reason", "aborted")], round + 1);
            expect_last(&mut client, "ACK");
        }
    });
}

#[test]
fn a_reset_ends_one_connection() {
    on_tap_and_tun("a_reset_ends_one_connection", |link| {
        let server = link.serve_with_events(&["greeting", "echo"], 8);
        for address in SERVER {
            let mut other = connect(address, 7);
            let idle = connect(address, 9999);
            let mut busy = connect(address, 7);
            // The client reads only the first 1,000 bytes, so the server still has data to send when the RST arrives.
            send(&mut busy, noise(60_000, 8));
            expect(&mut busy.try_clone().unwrap(), &noise(60_000, 8)[..1_000]);
            for client in [idle, busy] {
                let (from, to) = (client.local_addr().unwrap().to_string(), client.peer_addr().unwrap().to_string());
                reset(client);
                let fields = [("remote", &from[..]), ("local", &to), ("reason", "connection reset by peer")];
                events::wait_for(&server, "ended", &fields, 1);
            }
            send(&mut other, "still there");
            expect(&mut other, "still there");
        }
    });
}

#[test]
fn a_killed_client_does_not_affect_other_clients() {
    on_tap_and_tun("a_killed_client_does_not_affect_other_clients", |link| {
        let server = link.serve_with_events(&["echo", "chargen"], 6);
        for (round, address) in SERVER.into_iter().enumerate() {
            let mut other = connect(address, 7);
            // The first client streams in both directions, and the second only receives. The third reads nothing, so
            // all buffers are full.
            for (port, reads) in [("7", "reads"), ("19", "reads"), ("7", "stuffed")] {
                let client = python::run("streaming_client", &[address, port, reads]);
                client.wait_for("stream", |out| out.contains("flows"));
                let from = client.out().lines().next().unwrap_or_default().to_string();
                client.kill();
                events::wait_for(&server, "ended", &[("remote", &from)], 1);
                send(&mut other, "still there");
                expect(&mut other, "still there");
            }
            assert_eq!(events::count(&server, "ended", &[]), 4 * round + 3);
            drop(other);
            events::wait_for(&server, "ended", &[], 4 * round + 4);
        }
    });
}

/// Closes a connection with RST.
fn reset(client: TcpStream) {
    set_socket_linger(&client, Some(Duration::ZERO)).unwrap();
}
