//! Tests every program's server with clients on the kernel's TCP and UDP.
//!
//! The tests compare replies and standard output.

use std::net::{Shutdown, UdpSocket};

use crate::common::link::{
    KERNEL, SERVER, ask, at, chargen, connect, expect, expect_last, noise, on_tap, on_tap_and_tun, send, udp,
};
use crate::common::peer::{nc, python};

#[test]
fn every_program_on_tcp() {
    on_tap_and_tun("every_program_on_tcp", |link| {
        let server = link.serve(&["all"], 30);
        let mut out = LISTENING.to_string();
        for address in SERVER {
            let mut greeting = connect(address, 9999);
            expect(&mut greeting, "Welcome!");
            for (message, reply) in [
                (&b"Li"[..], &b"Hello,Li!"[..]),
                (b"Li\n", b"Hello,Li!\n"),
                (b"Li\r\n", b"Hello,Li!\r\n"),
                (b"\xff\xfe", b"Hello,\xff\xfe!"),
                ("你好".as_bytes(), "Hello,你好!".as_bytes()),
            ] {
                send(&mut greeting, message);
                expect(&mut greeting, reply);
            }
            send(&mut greeting, "exit");
            expect_last(&mut greeting, "");

            let mut echo = connect(address, 7);
            let bytes = noise(10_000, 1);
            send(&mut echo, &bytes);
            expect(&mut echo, &bytes);
            echo.shutdown(Shutdown::Write).unwrap();
            expect_last(&mut echo, "");

            let mut discard = connect(address, 9);
            send(&mut discard, noise(100_000, 2));
            discard.shutdown(Shutdown::Write).unwrap();
            expect_last(&mut discard, "");

            expect(&mut connect(address, 19), chargen(200_000));

            let (longest, upper) = ("é".repeat(1024), "É".repeat(1024));
            for (port, message, reply, printed) in [
                (9998, "hello\n", "ACK", "hello"),
                (9998, "\x1b[2Ja\r\nb\t", "ACK", "\x1b[2Ja\r\nb\t"),
                (8080, "hi", "thank you !", "hi"),
                (14000, "straße, ñ\n", "STRASSE, Ñ\n", "straße, ñ"),
                (14000, "Li", "LI", "Li"),
                (14000, &longest, &upper, &longest),
            ] {
                let mut client = connect(address, port);
                send(&mut client, message);
                expect_last(&mut client, reply);
                out += &format!("{} {printed}\n", client.local_addr().unwrap());
            }
        }
        assert_eq!(server.stop().out(), out);
    });
}

#[test]
fn every_program_on_udp() {
    on_tap_and_tun("every_program_on_udp", |link| {
        let server = link.serve(&["all", "--reply", "noted"], 30);
        let mut out = LISTENING.to_string();
        for (address, kernel) in SERVER.into_iter().zip(KERNEL) {
            let client = |port| udp(at(kernel, 0), at(address, port));

            let greeting = client(9999);
            ask(&greeting, "Li", "hello Li!");
            ask(&greeting, "Li\n", "hello Li!\n");
            ask(&greeting, b"\xff", b"hello \xff!");
            ask(&greeting, "", "hello !");

            let echo = client(7);
            ask(&echo, "Li", "Li");
            ask(&echo, "", "");
            ask(&echo, noise(1_400, 3), noise(1_400, 3));
            // These datagrams need several fragments in each direction. The final datagram has the maximum length over
            // IPv6.
            ask(&echo, noise(10_000, 4), noise(10_000, 4));
            ask(&echo, noise(65_487, 5), noise(65_487, 5));

            // The first reply comes from echo, because discard sends no reply.
            let silent = UdpSocket::bind(at(kernel, 0)).unwrap();
            silent.send_to(b"void", at(address, 9)).unwrap();
            silent.connect(at(address, 7)).unwrap();
            ask(&silent, "heard", "heard");

            for (port, message, reply, printed) in [
                (8081, "hi\r\n", "thank you !", "hi"),
                (8081, "", "thank you !", ""),
                (9997, "AAABBBCCC", "noted", "AAABBBCCC"),
                (9997, "a\0b", "noted", "a\0b"),
            ] {
                let client = client(port);
                ask(&client, message, reply);
                out += &format!("{} {printed}\n", client.local_addr().unwrap());
            }
        }
        assert_eq!(server.stop().out(), out);
    });
}

#[test]
fn looping_ports_are_not_answered() {
    on_tap("looping_ports_are_not_answered", |link| {
        let _server = link.serve(&["echo", "greeting"], 8);
        for (address, kernel) in SERVER.into_iter().zip(KERNEL) {
            let loops: Vec<_> = [7, 9, 13, 17, 19, 37, 9999].map(|port| udp(at(kernel, port), at(address, 7))).into();
            for client in &loops {
                client.send(b"again").unwrap();
            }
            ask(&udp(at(kernel, 0), at(address, 7)), "after them", "after them");
            for client in &loops {
                client.set_nonblocking(true).unwrap();
                assert!(client.recv(&mut [0; 64]).is_err(), "{client:?} is answered");
            }
        }
    });
}

#[test]
fn each_program_can_use_another_port() {
    on_tap("each_program_can_use_another_port", |link| {
        let arguments = ["greeting", "echo", "thanks", "--port", "greeting=4000", "--port", "echo/udp=4001"];
        let server = link.serve(&[&arguments[..], &["--ip", "192.168.69.7/24"]].concat(), 6);
        assert_eq!(
            server.out(),
            "listening tcp 192.168.69.7:4000 greeting
listening tcp 192.168.69.7:7 echo
listening tcp 192.168.69.7:8080 thanks
listening udp 192.168.69.7:4000 greeting
listening udp 192.168.69.7:4001 echo
listening udp 192.168.69.7:8081 thanks
"
        );
        let address = "192.168.69.7";
        expect(&mut connect(address, 4000), "Welcome!");
        ask(&udp(at(KERNEL[0], 0), at(address, 4000)), "Li", "hello Li!");
        ask(&udp(at(KERNEL[0], 0), at(address, 4001)), "Li", "Li");
        let mut echo = connect(address, 7);
        send(&mut echo, "Li");
        expect(&mut echo, "Li");
        assert!(std::net::TcpStream::connect(at(address, 9999)).is_err());
    });
}

#[test]
fn the_template_changes_the_reply() {
    on_tap_and_tun("the_template_changes_the_reply", |link| {
        let _server = link.serve(&["greeting", "--template", "{}? Hello, {}!"], 4);
        for (address, kernel) in SERVER.into_iter().zip(KERNEL) {
            let mut client = connect(address, 9999);
            expect(&mut client, "Welcome!");
            send(&mut client, "Li\n");
            expect(&mut client, "Li? Hello, Li!\n");
            ask(&udp(at(kernel, 0), at(address, 9999)), "Li", "Li? Hello, Li!");
        }
    });
}

#[test]
fn inbox_with_once_exits_after_one_datagram() {
    on_tap_and_tun("inbox_with_once_exits_after_one_datagram", |link| {
        for (address, kernel) in SERVER.into_iter().zip(KERNEL) {
            for reply in [&["--reply", "bye"][..], &[]] {
                let server = link.serve(&[&["inbox", "--once"], reply].concat(), 2);
                let client = udp(at(kernel, 0), at(address, 9997));
                match reply {
                    [] => assert_eq!(client.send(b"one").unwrap(), 3),
                    _ => ask(&client, "one", "bye"),
                }
                let from = client.local_addr().unwrap();
                let server = server.finish();
                assert_eq!(server.code(), Some(0), "{server:?}");
                assert!(server.out().ends_with(&format!(" inbox\n{from} one\n")), "{}", server.out());
            }
        }
    });
}

#[test]
fn nc_works_with_every_server() {
    on_tap_and_tun("nc_works_with_every_server", |link| {
        let server = link.serve(&["all"], 30);
        for address in SERVER {
            let tcp = |port, input: &[u8]| nc(&["-N", address, port], input).out();
            assert_eq!(tcp("9999", b"Li\n"), "Welcome!Hello,Li!\n");
            assert_eq!(tcp("7", b"Li\n"), "Li\n");
            assert_eq!(tcp("9998", b"Li\n"), "ACK");
            assert_eq!(tcp("8080", b"Li\n"), "thank you !");
            assert_eq!(tcp("14000", b"Li\n"), "LI\n");
            // With -W 1, nc exits after one datagram.
            let udp = |port, input: &[u8]| nc(&["-u", "-W", "1", address, port], input).out();
            assert_eq!(udp("9999", b"Li\n"), "hello Li!\n");
            assert_eq!(udp("8081", b"Li\n"), "thank you !");
        }
        assert_eq!(server.stop().out().lines().filter(|line| line.ends_with(" Li")).count(), 8);
    });
}

#[test]
fn python_clients_work_with_the_servers() {
    on_tap_and_tun("python_clients_work_with_the_servers", |link| {
        let _server = link.serve(&["all"], 30);
        for address in SERVER {
            let client = |name, port| python_client(name, address, port);
            let greetings = "Welcome!\nHello,Li!\nHello,Cheng!\nHello,victor!\n";
            assert_eq!(client("greeting_client", "9999"), greetings);
            assert_eq!(client("datagram_client", "9999"), "hello Li!\n");
            assert_eq!(client("datagram_client", "8081"), "thank you !\n");
        }
    });
}

/// Runs a Python client, which must succeed, and returns its output.
fn python_client(name: &str, address: &str, port: &str) -> String {
    let finished = python::run(name, &[address, port]).finish();
    assert_eq!(finished.code(), Some(0), "{finished:?}");
    finished.out()
}

/// The lines that `serve all` prints at its start.
const LISTENING: &str = "listening tcp 192.168.69.1:9999 greeting
listening tcp 192.168.69.1:7 echo
listening tcp 192.168.69.1:9 discard
listening tcp 192.168.69.1:19 chargen
listening tcp 192.168.69.1:9998 ack
listening tcp 192.168.69.1:8080 thanks
listening tcp 192.168.69.1:14000 upper
listening tcp 192.168.69.1:9000 chat
listening tcp 192.168.69.1:80 http
listening udp 192.168.69.1:9999 greeting
listening udp 192.168.69.1:7 echo
listening udp 192.168.69.1:9 discard
listening udp 192.168.69.1:8081 thanks
listening udp 192.168.69.1:9000 chat
listening udp 192.168.69.1:9997 inbox
listening tcp [fdaa::1]:9999 greeting
listening tcp [fdaa::1]:7 echo
listening tcp [fdaa::1]:9 discard
listening tcp [fdaa::1]:19 chargen
listening tcp [fdaa::1]:9998 ack
listening tcp [fdaa::1]:8080 thanks
listening tcp [fdaa::1]:14000 upper
listening tcp [fdaa::1]:9000 chat
listening tcp [fdaa::1]:80 http
listening udp [fdaa::1]:9999 greeting
listening udp [fdaa::1]:7 echo
listening udp [fdaa::1]:9 discard
listening udp [fdaa::1]:8081 thanks
listening udp [fdaa::1]:9000 chat
listening udp [fdaa::1]:9997 inbox
";
