//! Handshakes that are not the first of their kind: repeated SYNs, and new connections where an old one is in TIME-WAIT.

use std::net::{SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::thread;

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketType, bind, connect as connect_socket, socket, sockopt};

use crate::common::link::{KERNEL, SERVER, at, connect, expect, expect_last, on_tap, on_tap_and_tun, patient, send};
use crate::common::peer::python;

#[test]
fn a_port_in_time_wait_connects_anew() {
    on_tap_and_tun("a_port_in_time_wait_connects_anew", |link| {
        let server = link.serve_and_log_all(&["ack"], 2);
        let mut served = 0;
        for (address, kernel) in SERVER.into_iter().zip(KERNEL) {
            let from = at(kernel, 45_000);
            for _ in 0..5 {
                let mut client = connect_from(from, at(address, 9998));
                send(&mut client, "hi");
                expect_last(&mut client, "ACK");
                drop(client);
                served += 1;
                server.wait_for_log("-> TIME-WAIT: ", served);
            }
        }
        let log = server.err();
        assert_eq!(log.matches("accepted ").count(), 10, "{log}");
        // None of them was over yet when the next one began.
        assert!(!log.contains("TIME-WAIT -> CLOSED"), "{log}");
        assert_eq!(server.stop().out().lines().filter(|line| line.ends_with(":45000 hi")).count(), 10);
    });
}

#[test]
fn connections_in_time_wait_make_room() {
    on_tap_and_tun("connections_in_time_wait_make_room", |link| {
        let server = link.serve_and_log_all(&["ack", "greeting", "--max-connections", "4"], 6);
        let mut established = connect(SERVER[0], 9999);
        expect(&mut established, "Welcome!");
        for round in 0..40 {
            let mut client = connect(SERVER[round % 2], 9998);
            send(&mut client, format!("round {round}"));
            expect_last(&mut client, "ACK");
            drop(client);
            // Nothing is dropped, so that the next one need not try twice: all slots but one are in TIME-WAIT.
            server.wait_for_log("-> TIME-WAIT: ", round + 1);
        }
        send(&mut established, "Li");
        expect(&mut established, "Hello,Li!");
        let log = server.err();
        assert_eq!(log.matches("accepted ").count(), 41, "{log}");
        assert!(!log.contains("dropped") && !log.contains("TIME-WAIT -> CLOSED"), "{log}");
        assert_eq!(server.stop().out().lines().filter(|line| line.contains(" round ")).count(), 40);
    });
}

#[test]
fn a_syn_that_is_repeated_makes_one_connection() {
    on_tap("a_syn_that_is_repeated_makes_one_connection", |link| {
        let server = link.serve_and_log_all(&["greeting", "--half-open-timeout", "1min"], 4);
        for (count, address) in SERVER.into_iter().enumerate() {
            let client = python::run(DEAF_CLIENT, &[link.name(), address, "9999", "2"]).finish();
            assert_eq!((client.code(), &client.out()[..]), (Some(0), "Welcome!\nHello,Li!\n"), "{client:?}");
            server.wait_for_log("closed ", count + 1);
            let log = server.err();
            assert_eq!(log.matches("accepted ").count(), count + 1, "{log}");
            assert_eq!(log.matches("LISTEN -> SYN-RECEIVED").count(), count + 1, "{log}");
        }
    });
}

/// Connects from an own address and port, which other connections may have had.
fn connect_from(own: SocketAddr, remote: SocketAddr) -> TcpStream {
    let family = if own.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    loop {
        let socket: OwnedFd = socket(family, SocketType::STREAM, None).unwrap();
        sockopt::set_socket_reuseaddr(&socket, true).unwrap();
        bind(&socket, &own).unwrap();
        match connect_socket(&socket, &remote) {
            // The kernel waits for the last acknowledgement of the connection before, which is on its way.
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

/// A client that hears nothing until its kernel has sent so many SYNs and had as many answers; then it greets.
const DEAF_CLIENT: &str = "
import ctypes, select, socket, struct, sys
interface, address, port, count = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
six = ':' in address

# Everything that goes over the interface, from before the first SYN on.
sniffer = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
sniffer.bind((interface, 3))
sniffer.settimeout(60)

# A filter that lets nothing through: return 0.
SO_ATTACH_FILTER, SO_DETACH_FILTER = 26, 27
nothing = ctypes.create_string_buffer(struct.pack('HBBI', 6, 0, 0, 0))
client = socket.socket(socket.AF_INET6 if six else socket.AF_INET)
client.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack('HL', 1, ctypes.addressof(nothing)))
client.setblocking(False)
try:
    client.connect((address, port))
except BlockingIOError:
    pass
own = client.getsockname()[1]

syns, numbers = [], []
while len(syns) < count or len(numbers) < count:
    packet, (_, protocol, *_) = sniffer.recvfrom(65536)
    segment = packet[40:] if six else packet[20:]
    if protocol != (0x86dd if six else 0x0800) or len(segment) < 20:
        continue
    source, destination, number = struct.unpack('!HHI', segment[:8])
    if (source, destination, segment[13] & 0x3f) == (own, port, 0x02):
        syns.append(number)
    if (source, destination, segment[13] & 0x3f) == (port, own, 0x12):
        numbers.append(number)
assert len(set(syns)) == 1 and len(set(numbers)) == 1, (syns, numbers)

client.setsockopt(socket.SOL_SOCKET, SO_DETACH_FILTER, 0)
_, connected, _ = select.select([], [client], [], 60)
assert connected and client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
client.settimeout(60)
print(client.recv(1024).decode())
client.sendall(b'Li')
print(client.recv(1024).decode())
";
