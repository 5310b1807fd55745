//! Tests every program of a board with kernel clients.

use std::net::{Shutdown, UdpSocket};
use std::process::Command;

use crate::board::{BOARD, on_every_board};
use crate::common::link::{KERNEL, PATIENCE, ask, at, chargen, connect, expect, expect_last, noise, send, udp};
use crate::common::peer::Peer;

#[test]
fn pings_are_answered() {
    on_every_board("programs::pings_are_answered", |image| {
        let _board = image.serve();
        for payload in ["0", "56", "1472"] {
            for _ in 0..3 {
                // ping's -W applies only to the first answer of a run, so each run sends one request.
                let mut ping = Command::new("ping");
                ping.args(["-c", "1", "-W", "60", "-s", payload, BOARD]);
                let finished = Peer::start(&mut ping).finish();
                assert_eq!(finished.code(), Some(0), "{}", finished.out());
                assert!(finished.out().contains("1 packets transmitted, 1 received"), "{}", finished.out());
            }
        }
    });
}

#[test]
fn programs_on_tcp() {
    on_every_board("programs::programs_on_tcp", |image| {
        let board = image.serve();

        let mut greeting = connect(BOARD, 9999);
        expect(&mut greeting, "Welcome!");
        for (message, reply) in [("Li", "Hello,Li!"), ("Li\r\n", "Hello,Li!\r\n"), ("你好", "Hello,你好!")] {
            send(&mut greeting, message);
            expect(&mut greeting, reply);
        }
        send(&mut greeting, "exit");
        expect_last(&mut greeting, "");
        drop(greeting);

        let mut echo = connect(BOARD, 7);
        let bytes = noise(10_000, 1);
        send(&mut echo, &bytes);
        expect(&mut echo, &bytes);
        echo.shutdown(Shutdown::Write).unwrap();
        expect_last(&mut echo, "");
        drop(echo);

        let mut discard = connect(BOARD, 9);
        send(&mut discard, noise(20_000, 1));
        discard.shutdown(Shutdown::Write).unwrap();
        expect_last(&mut discard, "");
        drop(discard);

        expect(&mut connect(BOARD, 19), chargen(20_000));

        for (port, message, reply, printed) in [
            (9998, "hello\n", "ACK", "hello"),
            (9998, "\x1b[2J\u{9b}1m\u{202e}\ta\x07\n", "ACK", r"\x1b[2J\xc2\x9b1m\xe2\x80\xae	a\x07"),
            (8080, "hi", "thank you !", "hi"),
            (14000, "straße\n", "STRASSE\n", "straße"),
        ] {
            let mut stream = connect(BOARD, port);
            send(&mut stream, message);
            expect_last(&mut stream, reply);
            printed_by(&board, &format!("{} {printed}", stream.local_addr().unwrap()));
        }
    });
}

#[test]
fn programs_on_udp() {
    on_every_board("programs::programs_on_udp", |image| {
        let board = image.serve();
        let client = |port| udp(at(KERNEL[0], 0), at(BOARD, port));

        ask(&client(7), "Li", "Li");
        ask(&client(9999), "Li", "hello Li!");
        ask(&client(9999), b"\xff", b"hello \xff!");

        // The first reply comes from echo, because discard sends no reply.
        let silent = UdpSocket::bind(at(KERNEL[0], 0)).unwrap();
        silent.send_to(b"void", at(BOARD, 9)).unwrap();
        silent.connect(at(BOARD, 7)).unwrap();
        silent.set_read_timeout(Some(PATIENCE)).unwrap();
        ask(&silent, "heard", "heard");

        let thanks = client(8081);
        ask(&thanks, "hi\r\n", "thank you !");
        printed_by(&board, &format!("{} hi", thanks.local_addr().unwrap()));
        let inbox = client(9997);
        for (message, printed) in [(&b"AAABBBCCC"[..], "AAABBBCCC"), (b"\x9b1m\xe2\x80", r"\x9b1m\xe2\x80")] {
            inbox.send(message).unwrap();
            printed_by(&board, &format!("{} {printed}", inbox.local_addr().unwrap()));
        }
    });
}

/// Waits until the UART has printed `line`.
fn printed_by(board: &Peer, line: &str) {
    board.wait_for(line, |out| out.lines().any(|l| l == line));
}
