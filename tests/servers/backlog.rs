//! More connections than there is room for: the backlog, the slots, and half-open connections that never finish.

use std::io::ErrorKind;
use std::net::TcpStream;
use std::thread;

use crate::common::link::{
    SERVER, at, connect, expect, expect_last, expect_nothing, on_tap_and_tun, on_tun, patient, send,
};
use crate::common::peer::python;

#[test]
fn a_full_backlog_lets_the_client_try_again() {
    on_tap_and_tun("a_full_backlog_lets_the_client_try_again", |link| {
        let server = link.serve(&["greeting", "--serve-at-once", "1", "--backlog", "2"], 4);
        let mut served = connect(SERVER[0], 9999);
        expect(&mut served, "Welcome!");
        // Accepted, and what they send is kept.
        let mut second = connect(SERVER[1], 9999);
        send(&mut second, "Li");
        let mut third = connect(SERVER[0], 9999);
        send(&mut third, "Cheng\n");
        // No room: the kernel repeats its SYN until there is.
        let fourth = thread::spawn(|| connect(SERVER[0], 9999));
        server.wait_for_log("dropped a connection attempt: backlog full", 1);
        assert_eq!(server.err().matches("accepted ").count(), 3);
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
        let server = link.serve(&arguments, 8);
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
        server.wait_for_log("refused ", 2);
        server.wait_for_log(": backlog full", 2);
    });
}

#[test]
fn full_slots_let_the_client_try_again() {
    on_tap_and_tun("full_slots_let_the_client_try_again", |link| {
        let server = link.serve(&["greeting", "--max-connections", "2"], 4);
        let mut clients: Vec<TcpStream> = SERVER.iter().map(|address| connect(address, 9999)).collect();
        for client in &mut clients {
            expect(client, "Welcome!");
        }
        let third = thread::spawn(|| connect(SERVER[0], 9999));
        server.wait_for_log("dropped a connection attempt: all connection slots taken", 1);
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
        let server = link.serve(&["greeting", "--max-connections", "1", "--overflow", "reset"], 4);
        let mut client = connect(SERVER[0], 9999);
        expect(&mut client, "Welcome!");
        for address in SERVER {
            refused(address, 9999);
        }
        send(&mut client, "Li");
        expect(&mut client, "Hello,Li!");
        server.wait_for_log(": all connection slots taken", 2);
    });
}

#[test]
fn half_open_connections_make_room() {
    on_tun("half_open_connections_make_room", |link| {
        let server = link.serve_and_log_all(&["greeting", "--max-connections", "4"], 4);
        let mut established = connect(SERVER[0], 9999);
        expect(&mut established, "Welcome!");
        // A flood from an address where nobody is: no handshake of it ever ends.
        let flood = python::run(SYN_FLOOD, &[link.name(), "192.168.69.50", SERVER[0], "9999", "100"]).finish();
        assert_eq!(flood.code(), Some(0), "{flood:?}");
        server.wait_for_log("its slot was needed", 97);
        for address in SERVER {
            let mut client = connect(address, 9999);
            expect(&mut client, "Welcome!");
            send(&mut client, "Li");
            expect(&mut client, "Hello,Li!");
        }
        send(&mut established, "Li");
        expect(&mut established, "Hello,Li!");
        assert_eq!(server.stop().err().matches("accepted ").count(), 3);
    });
}

fn refused(address: &str, port: u16) {
    let refused = TcpStream::connect(at(address, port)).inspect(patient);
    assert!(matches!(&refused, Err(e) if e.kind() == ErrorKind::ConnectionRefused), "{refused:?}");
}

/// Sends so many SYNs over a TUN, each from another port.
const SYN_FLOOD: &str = "
import socket, struct, sys
interface, source, destination, port, count = *sys.argv[1:5], int(sys.argv[5])
source, destination = socket.inet_aton(source), socket.inet_aton(destination)

def checksum(data):
    total = sum(struct.unpack('!%dH' % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff

def syn(own):
    segment = lambda sum: struct.pack('!HHIIBBHHH', own, int(port), 1000 * own, 0, 5 << 4, 2, 65535, sum, 0)
    pseudo = source + destination + struct.pack('!BBH', 0, 6, 20)
    segment = segment(checksum(pseudo + segment(0)))
    header = lambda sum: struct.pack('!BBHHHBBH', 0x45, 0, 40, own, 0, 64, 6, sum) + source + destination
    return header(checksum(header(0))) + segment

raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
for own in range(40000, 40000 + count):
    raw.sendto(syn(own), (interface, 0x0800))
";
