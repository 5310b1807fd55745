//! More connections than a server's slots and backlog can store.
//!
//! The tests cover a full backlog, slots that are all taken, and half-way connections that never complete.

use std::io::ErrorKind;
use std::net::TcpStream;
use std::thread;

use crate::common::events;
use crate::common::link::{
    SERVER, at, connect, expect, expect_last, expect_nothing, on_tap_and_tun, on_tun, patient, send,
};
use crate::common::peer::python;

const BACKLOG_FULL: (&str, &str) = ("reason", "backlog full");
const SLOTS_TAKEN: (&str, &str) = ("reason", "all connection slots taken");

#[test]
fn a_client_retries_while_the_backlog_is_full() {
    on_tap_and_tun("a_client_retries_while_the_backlog_is_full", |link| {
        let server = link.serve_with_events(&["greeting", "--serve-at-once", "1", "--backlog", "2"], 4);
        let mut served = connect(SERVER[0], 9999);
        expect(&mut served, "Welcome!");
        // The second and third connections are accepted, and their data is queued.
        let mut second = connect(SERVER[1], 9999);
        send(&mut second, "Li");
        let mut third = connect(SERVER[0], 9999);
        send(&mut third, "Cheng\n");
        // The backlog is full, so the SYN of the fourth connection is dropped. The kernel retransmits it until the
        // backlog has a free slot.
        let fourth = thread::spawn(|| connect(SERVER[0], 9999));
        events::wait_for(&server, "dropped", &[BACKLOG_FULL], 1);
        assert_eq!(events::count(&server, "accepted", &[]), 3);
        expect_nothing(&second);
        expect_nothing(&third);

        // The server serves the connections one by one, in order of arrival.
        send(&mut served, "exit");
        expect_last(&mut served, "");
        expect(&mut second, "Welcome!Hello,Li!");
        expect_nothing(&third);
        drop(second);
        expect(&mut third, "Welcome!Hello,Cheng!\n");
        drop(third);
        expect(&mut fourth.join().unwrap(), "Welcome!");
    });
}

#[test]
fn clients_are_refused_while_the_backlog_is_full() {
    on_tap_and_tun("clients_are_refused_while_the_backlog_is_full", |link| {
        let arguments = ["greeting", "echo", "--serve-at-once", "1", "--backlog", "0", "--overflow", "reset"];
        let server = link.serve_with_events(&arguments, 8);
        for address in SERVER {
            let mut served = connect(address, 9999);
            expect(&mut served, "Welcome!");
            assert_refused(address, 9999);
            // Each listener has its own backlog.
            let mut echo = connect(address, 7);
            send(&mut echo, "hi");
            expect(&mut echo, "hi");
            for (mut client, end) in [(served, "exit"), (echo, "")] {
                send(&mut client, end);
                client.shutdown(std::net::Shutdown::Write).unwrap();
                expect_last(&mut client, "");
            }
        }
        events::wait_for(&server, "refused", &[BACKLOG_FULL], 2);
    });
}

#[test]
fn a_client_retries_while_all_slots_are_in_use() {
    on_tap_and_tun("a_client_retries_while_all_slots_are_in_use", |link| {
        let server = link.serve_with_events(&["greeting", "--max-connections", "2"], 4);
        let mut clients: Vec<TcpStream> = SERVER.iter().map(|address| connect(address, 9999)).collect();
        for client in &mut clients {
            expect(client, "Welcome!");
        }
        let third = thread::spawn(|| connect(SERVER[0], 9999));
        events::wait_for(&server, "dropped", &[SLOTS_TAKEN], 1);
        // The third connection attempt has not closed the first two connections.
        for client in &mut clients {
            send(client, "Li");
            expect(client, "Hello,Li!");
        }
        clients.pop();
        expect(&mut third.join().unwrap(), "Welcome!");
        send(&mut clients[0], "Li");
        expect(&mut clients[0], "Hello,Li!");
    });
}

#[test]
fn clients_are_refused_while_all_slots_are_in_use() {
    on_tap_and_tun("clients_are_refused_while_all_slots_are_in_use", |link| {
        let server = link.serve_with_events(&["greeting", "--max-connections", "1", "--overflow", "reset"], 4);
        let mut client = connect(SERVER[0], 9999);
        expect(&mut client, "Welcome!");
        for address in SERVER {
            assert_refused(address, 9999);
        }
        send(&mut client, "Li");
        expect(&mut client, "Hello,Li!");
        events::wait_for(&server, "refused", &[SLOTS_TAKEN], 2);
    });
}

#[test]
fn half_way_connections_yield_their_slots() {
    on_tun("half_way_connections_yield_their_slots", |link| {
        let server = link.serve_with_events(&["greeting", "--max-connections", "4"], 4);
        let mut established = connect(SERVER[0], 9999);
        expect(&mut established, "Welcome!");
        // No host has the source address of the SYN flood, so no handshake completes.
        let flood = python::run("syn_flood", &[link.name(), "192.168.69.50", SERVER[0], "9999", "100"]).finish();
        assert_eq!(flood.code(), Some(0), "{flood:?}");
        events::wait_for(&server, "handshake-ended", &[("reason", "recycled")], 97);
        for address in SERVER {
            let mut client = connect(address, 9999);
            expect(&mut client, "Welcome!");
            send(&mut client, "Li");
            expect(&mut client, "Hello,Li!");
        }
        send(&mut established, "Li");
        expect(&mut established, "Hello,Li!");
        assert_eq!(events::of(&server.stop().out(), "accepted", &[]).len(), 3);
    });
}

/// Asserts that a connection is refused.
fn assert_refused(address: &str, port: u16) {
    let refused = TcpStream::connect(at(address, port)).inspect(patient);
    assert!(matches!(&refused, Err(e) if e.kind() == ErrorKind::ConnectionRefused), "{refused:?}");
}
