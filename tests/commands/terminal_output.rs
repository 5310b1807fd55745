//! Received data is escaped at a terminal, and written unchanged to a pipe.

use std::process::Command;

use crate::common::link::{KERNEL, Link, SERVER, at, connect, expect_last, on_tap, on_tap_and_tun, send, udp};
use crate::common::peer::{Peer, python, smolstep};
use crate::common::terminal::{screen, start};

const SMOLSTEP: &str = env!("CARGO_BIN_EXE_smolstep");

/// Text with harmful control characters.
///
/// The text clears the screen, rings the bell, reverses the text direction, and sets colours with both forms of CSI.
const NASTY: &[u8] = b"\x1b[2Ja\x07\xe2\x80\xaeb\xc2\x9b31mc\x9b32m\td\xc3\xbc\r\ne\rf";

/// The lines that a terminal shows for [`NASTY`].
const SHOWN: [&str; 2] = [r"\x1b[2Ja\x07\xe2\x80\xaeb\xc2\x9b31mc\x9b32m	dü", r"e\rf"];

/// Starts `smolstep ARGUMENTS` on this link at a terminal.
fn at_terminal(link: Link, arguments: &[&str]) -> Peer {
    start(&[&["env", "RUST_LOG=error", SMOLSTEP], arguments, &link.arguments()].concat())
}

/// Checks that the output contains these consecutive lines.
///
/// The output must not contain control characters except CR, LF and TAB.
#[track_caller]
fn assert_shown(out: &str, lines: &[&str]) {
    assert!(out.contains(&lines.join("\r\n")), "{out:?}");
    assert!(!out.contains(|c: char| c.is_control() && !"\r\n\t".contains(c)), "{out:?}");
}

#[test]
fn a_client_at_a_terminal() {
    on_tap_and_tun("a_client_at_a_terminal", |link| {
        for address in KERNEL {
            let _echo = python::server("nasty_reply", address.parse().unwrap(), 8080);
            let call = at_terminal(link, &["call", "thanks", address, "hi"]).finish();
            assert_eq!(call.code(), Some(0), "{call:?}");
            // The stream ends within a UTF-8 character.
            assert_shown(&call.out(), &[&SHOWN[..], &[r"\xe2\x80"]].concat());

            let call = link.call(&["thanks", address, "hi"], b"");
            assert_eq!(call.stdout, [NASTY, b"\n\xe2\x80\n"].concat());
        }
    });
}

#[test]
fn an_echo_at_a_terminal() {
    on_tap_and_tun("an_echo_at_a_terminal", |link| {
        for address in KERNEL {
            let _echo = python::server("echo", address.parse().unwrap(), 7);
            let text = "\x1b[2J\u{9b}1m\u{202e}";
            let call = at_terminal(link, &["call", "echo", address, text]).finish();
            assert_eq!(call.code(), Some(0), "{call:?}");
            assert_shown(&call.out(), &[r"\x1b[2J\xc2\x9b1m\xe2\x80\xae", ""]);
            assert_eq!(link.call(&["echo", address, text], b"").out(), format!("{text}\n"));
        }
    });
}

#[test]
fn servers_at_a_terminal() {
    on_tap_and_tun("servers_at_a_terminal", |link| {
        let programs = ["serve", "ack", "thanks", "upper", "inbox"];
        let server = at_terminal(link, &programs).listening(10);
        for (address, kernel) in SERVER.into_iter().zip(KERNEL) {
            for (port, reply) in [(9998, &b"ACK"[..]), (8080, b"thank you !"), (14000, NASTY)] {
                let mut client = connect(address, port);
                send(&mut client, NASTY);
                expect_last(&mut client, if port == 14000 { upper(reply) } else { reply.to_vec() });
                let from = client.local_addr().unwrap();
                server.wait_for("the message", |out| out.contains(&format!("{from} {}\r\n{}\r\n", SHOWN[0], SHOWN[1])));
            }
            let client = udp(at(kernel, 0), at(address, 9997));
            client.send(NASTY).unwrap();
            let from = client.local_addr().unwrap();
            server.wait_for("the datagram", |out| out.contains(&format!("{from} {}\r\n{}\r\n", SHOWN[0], SHOWN[1])));
        }
        assert_shown(&server.out(), &SHOWN);
    });
}

/// Converts ASCII letters and `ü` to upper case.
fn upper(bytes: &[u8]) -> Vec<u8> {
    let upper: Vec<u8> = bytes.to_ascii_uppercase();
    let at = upper.windows(2).position(|two| two == b"\xc3\xbc").unwrap();
    [&upper[..at], b"\xc3\x9c", &upper[at + 2..]].concat()
}

/// The line editor of chat prints its own escape sequences, but escapes those that a peer sends.
#[test]
fn a_server_with_an_editor() {
    on_tap("a_server_with_an_editor", |link| {
        let server = at_terminal(link, &["serve", "chat", "ack"]).listening(6);
        let mut partner = connect(SERVER[0], 9000);
        send(&mut partner, "hello\n");
        server.wait_for("the prompt", |out| screen(out).iter().any(|line| line.starts_with(">>>")));
        let mut client = connect(SERVER[0], 9998);
        send(&mut client, NASTY);
        expect_last(&mut client, "ACK");
        server.wait_for("the message", |out| out.contains(SHOWN[0]));
        assert!(!server.out().contains("\x1b[2J"));
    });
}

#[test]
fn a_page_at_a_terminal() {
    on_tap_and_tun("a_page_at_a_terminal", |link| {
        for address in KERNEL {
            let _server = python::server("nasty_page", address.parse().unwrap(), 80);
            let host = if address.contains(':') { format!("[{address}]") } else { address.into() };
            let url = format!("http://{host}/");
            for arguments in [&[][..], &["-o", "/dev/tty"]] {
                let get = at_terminal(link, &[&["get", "-i", &url], arguments].concat()).finish();
                assert_eq!(get.code(), Some(0), "{get:?}");
                let header = ["HTTP/1.1 200 OK", r"X: \xe2\x80\xae", ""];
                assert_shown(&get.out(), &[&header, &SHOWN[..], &[r"\xe2\x80"]].concat());
            }
            let get = Peer::start(Command::new(smolstep().get_program()).args(["get", &url]).args(link.arguments()));
            assert_eq!(get.finish().stdout, [NASTY, b"\n\xe2\x80"].concat());
        }
    });
}
