//! Repeated handshakes: retransmitted SYNs, and new connections during TIME-WAIT.

use std::net::{SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::thread;

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketType, bind, connect as connect_socket, socket, sockopt};

use crate::common::events;
use crate::common::link::{KERNEL, SERVER, at, connect, expect, expect_last, on_tap, on_tap_and_tun, patient, send};
use crate::common::peer::python;

const TO_TIME_WAIT: (&str, &str) = ("to", "TIME-WAIT");
const LEFT_TIME_WAIT: [(&str, &str); 2] = [("from", "TIME-WAIT"), ("to", "CLOSED")];

#[test]
fn a_client_port_in_time_wait_can_connect_again() {
    on_tap_and_tun("a_client_port_in_time_wait_can_connect_again", |link| {
        let server = link.serve_with_events(&["ack"], 2);
        let mut served = 0;
        for (address, kernel) in SERVER.into_iter().zip(KERNEL) {
            let from = at(kernel, 45_000);
            for _ in 0..5 {
                let mut client = connect_from(from, at(address, 9998));
                send(&mut client, "hi");
                expect_last(&mut client, "ACK");
                drop(client);
                served += 1;
                events::wait_for(&server, "state", &[TO_TIME_WAIT], served);
            }
        }
        assert_eq!(events::count(&server, "accepted", &[]), 10);
        // Each connection was still in TIME-WAIT when the next one began.
        assert_eq!(events::count(&server, "state", &LEFT_TIME_WAIT), 0);
        assert_eq!(server.stop().out().lines().filter(|line| line.ends_with(":45000 hi")).count(), 10);
    });
}

#[test]
fn connections_in_time_wait_yield_their_slots() {
    on_tap_and_tun("connections_in_time_wait_yield_their_slots", |link| {
        let server = link.serve_with_events(&["ack", "greeting", "--max-connections", "4"], 6);
        let mut established = connect(SERVER[0], 9999);
        expect(&mut established, "Welcome!");
        for round in 0..40 {
            let mut client = connect(SERVER[round % 2], 9998);
            send(&mut client, format!("round {round}"));
            expect_last(&mut client, "ACK");
            drop(client);
            // The next SYN must arrive after this change of state. Otherwise no slot would be free, and the client
            // would have to retransmit the SYN.
            events::wait_for(&server, "state", &[TO_TIME_WAIT], round + 1);
        }
        send(&mut established, "Li");
        expect(&mut established, "Hello,Li!");
        assert_eq!(events::count(&server, "accepted", &[]), 41);
        assert_eq!(events::count(&server, "dropped", &[]), 0);
        assert_eq!(events::count(&server, "state", &LEFT_TIME_WAIT), 0);
        assert_eq!(server.stop().out().lines().filter(|line| line.contains(" round ")).count(), 40);
    });
}

#[test]
fn a_repeated_syn_opens_one_connection() {
    on_tap("a_repeated_syn_opens_one_connection", |link| {
        let server = link.serve_with_events(&["greeting", "--handshake-timeout", "1min"], 4);
        for (count, address) in SERVER.into_iter().enumerate() {
            let client = python::run("deaf_client", &[link.name(), address, "9999", "2"]).finish();
            assert_eq!((client.code(), &client.out()[..]), (Some(0), "Welcome!\nHello,Li!\n"), "{client:?}");
            events::wait_for(&server, "ended", &[], count + 1);
            assert_eq!(events::count(&server, "accepted", &[]), count + 1);
            let begun = [("from", "LISTEN"), ("to", "SYN-RECEIVED")];
            assert_eq!(events::count(&server, "state", &begun), count + 1);
        }
    });
}

/// Connects from the address and port `own`, which can be the endpoint of an earlier connection.
fn connect_from(own: SocketAddr, remote: SocketAddr) -> TcpStream {
    let family = if own.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    loop {
        let socket: OwnedFd = socket(family, SocketType::STREAM, None).unwrap();
        sockopt::set_socket_reuseaddr(&socket, true).unwrap();
        bind(&socket, &own).unwrap();
        match connect_socket(&socket, &remote) {
            // The kernel still waits for the final acknowledgement of the earlier connection.
            Err(Errno::ADDRNOTAVAIL) => thread::yield_now(),
            other => {
                other.unwrap();
                let stream = TcpStream::from(socket);
                patient(&stream);
                return stream;
            }
        }
    }
}
