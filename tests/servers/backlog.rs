//! More connections than fit: the backlog, the slots, and half-open connections that never complete.

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
fn a_full_backlog_lets_the_client_try_again() {
    on_tap_and_tun("a_full_backlog_lets_the_client_try_again", |link| {
        let server = link.serve_with_events(&["greeting", "--serve-at-once", "1", "--backlog", "2"], 4);
        let mut served = connect(SERVER[0], 9999);
        expect(&mut served, "Welcome!");
        // Accepted, and what they send is kept.
        let mut second = connect(SERVER[1], 9999);
        send(&mut second, "Li");
        let mut third = connect(SERVER[0], 9999);
        send(&mut third, "Cheng\n");
        // No room: the kernel repeats its SYN until there is.
        let fourth = thread::spawn(|| connect(SERVER[0], 9999));
        events::wait_for(&server, "dropped", &[BACKLOG_FULL], 1);
        assert_eq!(events::count(&server, "accepted", &[]), 3);
        expect_nothing(&second);
        expect_nothing(&third);

        // In order of arrival, one by one.
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
fn a_full_backlog_refuses() {
    on_tap_and_tun("a_full_backlog_refuses", |link| {
        let arguments = ["greeting", "echo", "--serve-at-once", "1", "--backlog", "0", "--overflow", "reset"];
        let server = link.serve_with_events(&arguments, 8);
        for address in SERVER {
            let mut served = connect(address, 9999);
            expect(&mut served, "Welcome!");
            refused(address, 9999);
            // Each listener has a backlog of its own.
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
fn full_slots_let_the_client_try_again() {
    on_tap_and_tun("full_slots_let_the_client_try_again", |link| {
        let server = link.serve_with_events(&["greeting", "--max-connections", "2"], 4);
        let mut clients: Vec<TcpStream> = SERVER.iter().map(|address| connect(address, 9999)).collect();
        for client in &mut clients {
            expect(client, "Welcome!");
        }
        let third = thread::spawn(|| connect(SERVER[0], 9999));
        events::wait_for(&server, "dropped", &[SLOTS_TAKEN], 1);
        // Nobody lost a connection to it.
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
fn full_slots_refuse() {
    on_tap_and_tun("full_slots_refuse", |link| {
        let server = link.serve_with_events(&["greeting", "--max-connections", "1", "--overflow", "reset"], 4);
        let mut client = connect(SERVER[0], 9999);
        expect(&mut client, "Welcome!");
        for address in SERVER {
            refused(address, 9999);
        }
        send(&mut client, "Li");
        expect(&mut client, "Hello,Li!");
        events::wait_for(&server, "refused", &[SLOTS_TAKEN], 2);
    });
}

#[test]
fn half_open_connections_make_room() {
    on_tun("half_open_connections_make_room", |link| {
        let server = link.serve_with_events(&["greeting", "--max-connections", "4"], 4);
        let mut established = connect(SERVER[0], 9999);
        expect(&mut established, "Welcome!");
        // A flood from an address where nobody is: no handshake of it ever ends.
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

fn refused(address: &str, port: u16) {
    let refused = TcpStream::connect(at(address, port)).inspect(patient);
    assert!(matches!(&refused, Err(e) if e.kind() == ErrorKind::ConnectionRefused), "{refused:?}");
}
