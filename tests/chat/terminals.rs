//! The program chat at terminals.
//!
//! The tests cover line editing while messages arrive, several partners, and the sandbox.

use std::fs;

use rustix::process::{Pid, Signal, kill_process};
use smolstep::phy::linux::Kind;

use crate::common::link::{KERNEL, SERVER, at, connect, expect, expect_last, on_tap, send, udp};
use crate::common::netns::{make, sandbox_possible, skip};
use crate::common::peer::Peer;
use crate::common::terminal::{left_well, screen, start, wait_for_last, wait_for_line};

const SMOLSTEP: &str = env!("CARGO_BIN_EXE_smolstep");

/// The client's address on tap1. The kernel routes between tap1 and the server's tap0.
const CLIENT: &str = "192.168.70.2";

/// Starts a server at a terminal.
fn server(arguments: &[&str]) -> Peer {
    let serve = [SMOLSTEP, "serve", "chat", "--tap", "tap0", "--gateway", "192.168.69.100"];
    start(&[&serve, arguments].concat()).listening(4)
}

/// Starts a client at a terminal.
fn client() -> Peer {
    make(Kind::Tap, "tap1", &[("192.168.70.100", 24)]);
    fs::write("/proc/sys/net/ipv4/ip_forward", "1").unwrap();
    let link = ["--tap", "tap1", "--ip", "192.168.70.2/24", "--gateway", "192.168.70.100"];
    start(&[&[SMOLSTEP, "call", "chat", SERVER[0]], &link[..]].concat())
}

/// Returns the address of the partner in a server's most recent conversation.
fn partner(server: &Peer) -> String {
    let begun = screen(&server.out())
        .into_iter()
        .rev()
        .find_map(|line| Some(line.strip_prefix("talking with ")?.strip_suffix(": q ends the talk")?.to_owned()));
    begun.expect("a talk")
}

#[test]
fn two_terminals_and_three_kernel_clients() {
    on_tap("two_terminals_and_three_kernel_clients", |_| {
        let (mut server, mut client) = (server(&[]), client());
        wait_for_last(&client, ">>>");
        wait_for_last(&server, ">>>");
        let from = partner(&server);
        assert!(from.starts_with(CLIENT), "{from}");
        // These three clients wait for their turn, and the server holds back their text.
        let mut waiting = [1, 2, 3].map(|n| {
            let mut stream = connect(SERVER[0], 9000);
            send(&mut stream, format!("{n} waits\n"));
            stream
        });

        // A received line is printed above the line being edited, which stays unchanged.
        client.type_in(b"half of");
        wait_for_last(&client, ">>> half of");
        server.type_in(b"hello\r");
        wait_for_line(&client, "hello");
        wait_for_last(&client, ">>> half of");
        server.type_in(b"me");
        wait_for_last(&server, ">>> me");
        client.type_in(b" a line\r");
        wait_for_line(&server, &format!("{from} half of a line"));
        wait_for_last(&server, ">>> me");
        // The input moves the cursor left, and then inserts a character. After that, cursor-up twice recalls a line
        // from the history.
        client.type_in(b"abd\x1b[Dc\r");
        wait_for_line(&server, &format!("{from} abcd"));
        client.type_in(b"\x1b[A\x1b[A\r");
        server.wait_for("the line from the history", |out| {
            screen(out).iter().filter(|line| **line == format!("{from} half of a line")).count() == 2
        });
        // Forty lines arrive together, while a line is being edited.
        client.type_in(b"still here");
        server.type_in(b"\x15");
        server.type_in((1..=40).map(|n| format!("number {n}\r")).collect::<String>().as_bytes());
        wait_for_line(&client, "number 40");
        wait_for_last(&client, ">>> still here");
        let seen = screen(&client.out());
        let numbers: Vec<_> = seen.iter().filter(|line| line.contains("number")).collect();
        assert_eq!(numbers, (1..=40).map(|n| format!("number {n}")).collect::<Vec<_>>().iter().collect::<Vec<_>>());
        assert!(!screen(&server.out()).iter().any(|line| line.contains("waits")));

        client.type_in(b"\x15q\r");
        left_well(&client.finish());
        server.wait_for("the end", |out| screen(out).contains(&format!("the talk with {from} has ended")));
        server.wait_for("the first who waits", |out| screen(out).iter().any(|line| line.ends_with(" 1 waits")));
        send(&mut waiting[0], "q\n");
        expect_last(&mut waiting[0], "the talk has ended\n");
        server.wait_for("the second", |out| screen(out).iter().any(|line| line.ends_with(" 2 waits")));
        server.type_in(b"hi\r");
        server.type_in(b"Q\r");
        expect_last(&mut waiting[1], "hi\nthe talk has ended\n");
        server.wait_for("the third", |out| screen(out).iter().any(|line| line.ends_with(" 3 waits")));
        // Ctrl-D ends the conversation, and Ctrl-C stops the server.
        server.type_in(b"\x04");
        expect_last(&mut waiting[2], "the talk has ended\n");
        server.wait_for("the last end", |out| screen(out).iter().filter(|l| l.ends_with(" has ended")).count() == 4);
        server.type_in(b"\x03");
        left_well(&server.finish());
    });
}

#[test]
fn text_typed_without_a_partner_is_not_sent() {
    on_tap("text_typed_without_a_partner_is_not_sent", |_| {
        let mut server = server(&[]);
        let nobody = |server: &Peer, times: usize| {
            server.wait_for("the hint", |out| {
                screen(out).iter().filter(|line| **line == "(nobody is here: what was typed is not sent)").count()
                    == times
            });
        };
        // Before the first partner connects, there is no line editor, and Ctrl-D has no effect. Later there is a line
        // editor.
        server.type_in(b"a secret\r");
        nobody(&server, 1);
        server.type_in(b"\x04and another\r");
        nobody(&server, 2);
        let stranger = udp(at(KERNEL[0], 0), at(SERVER[0], 9000));
        stranger.send(b"hello\n").unwrap();
        wait_for_last(&server, ">>>");
        server.type_in(b"to you\r");
        let mut bytes = [0; 64];
        let len = stranger.recv(&mut bytes).unwrap();
        assert_eq!(&bytes[..len], b"to you\n");
        stranger.send(b"q\n").unwrap();
        server.wait_for("the end", |out| out.contains(" has ended"));
        server.type_in(b"to nobody\r");
        nobody(&server, 3);
        wait_for_last(&server, ">>>");
        let mut partner = connect(SERVER[0], 9000);
        server.wait_for("the talk", |out| out.contains("talking with"));
        server.type_in(b"to you\rq\r");
        expect_last(&mut partner, "to you\nthe talk has ended\n");
        server.type_in(b"\x03");
        left_well(&server.finish());
    });
}

#[test]
fn a_line_begun_for_one_partner_is_not_sent_to_the_next() {
    on_tap("a_line_begun_for_one_partner_is_not_sent_to_the_next", |_| {
        let mut server = server(&[]);
        // The first partner connects while text is being typed without a line editor.
        server.type_in(b"for nobody");
        server.wait_for("the echo", |out| out.ends_with("for nobody"));
        let mut first = connect(SERVER[0], 9000);
        wait_for_last(&server, ">>>");
        server.type_in(b"for one only");
        wait_for_last(&server, ">>> for one only");
        send(&mut first, "q\n");
        expect_last(&mut first, "the talk has ended\n");
        let mut second = connect(SERVER[0], 9000);
        wait_for_line(&server, "(what was typed before is not sent)");
        wait_for_last(&server, ">>> for one only");
        server.type_in(b"\r");
        wait_for_line(&server, "(not sent: this was begun for somebody else, arrow up brings it back)");
        server.type_in(b"to you\r");
        expect(&mut second, "to you\n");
        server.type_in(b"\xff\r");
        wait_for_line(&server, "(not sent: a line that is not UTF-8)");
        // A line from the history goes to the current partner.
        wait_for_last(&server, ">>>");
        server.type_in(b"\x1b[A\x1b[A\rq\r");
        expect_last(&mut second, "for one only\nthe talk has ended\n");
        server.type_in(b"\x03");
        left_well(&server.finish());
    });
}

#[test]
fn the_terminal_is_restored_whatever_stops_the_client() {
    on_tap("the_terminal_is_restored_whatever_stops_the_client", |_| {
        make(Kind::Tap, "tap1", &[("192.168.70.100", 24)]);
        let listener = std::net::TcpListener::bind("192.168.70.100:9000").unwrap();
        let link = ["--tap", "tap1", "--ip", "192.168.70.2/24"];
        let call = [&[SMOLSTEP, "call", "chat", "192.168.70.100"], &link[..]].concat();
        for (way, code) in [("server", 0), ("end of input", 0), ("Ctrl-C", 1), ("SIGTERM", 1)] {
            let mut client = start(&call);
            let (mut stream, _) = listener.accept().unwrap();
            send(&mut stream, "hello\n");
            wait_for_line(&client, "hello");
            wait_for_last(&client, ">>>");
            client.type_in(b"hi\rtyping");
            wait_for_last(&client, ">>> typing");
            match way {
                // Unread data would make the server's kernel reset the connection.
                "server" => expect(&mut stream, "hi\n"),
                "end of input" => client.type_in(b"\x15\x04"),
                "Ctrl-C" => client.type_in(b"\x03"),
                _ => terminate_child(&client),
            }
            if way != "server" {
                // The client closes its side first.
                expect_last(&mut stream, "hi\n");
                send(&mut stream, "the last reply\n");
            }
            drop(stream);
            let finished = client.finish();
            assert!(finished.out().ends_with("echo on\n") && finished.code() == Some(code), "{way}: {finished:?}");
            let seen = screen(&finished.out());
            assert!(seen.contains(&"the talk has ended".into()), "{way}: {seen:?}");
            assert_eq!(seen.contains(&"the last reply".into()), way == "end of input", "{way}: {seen:?}");
        }
    });
}

#[test]
fn no_prompt_is_left_behind() {
    on_tap("no_prompt_is_left_behind", |_| {
        for time in 0..20 {
            let server = server(&["--once"]);
            let mut partner = connect(SERVER[0], 9000);
            wait_for_last(&server, ">>>");
            send(&mut partner, "q\n");
            expect_last(&mut partner, "the talk has ended\n");
            drop(partner);
            let finished = server.finish();
            left_well(&finished);
            // After the line is cleared, only the wrapper script of start() prints.
            let out = finished.out();
            let rest = out.rsplit("\x1b[?2004l\r\x1b[J").next().unwrap_or_default();
            assert!(!rest.contains('\x1b') && !rest.contains(">>>"), "{time}: {}", out.escape_debug());
        }
    });
}

/// Sends SIGTERM to the command at a terminal.
fn terminate_child(terminal: &Peer) {
    let id = terminal.id();
    let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap();
    let child = children.split_whitespace().next().and_then(|n| Pid::from_raw(n.parse().ok()?)).expect("a child");
    kill_process(child, Signal::TERM).unwrap();
}

#[test]
fn two_terminals_chat_through_the_sandbox() {
    if let Err(why) = sandbox_possible() {
        return skip(&why);
    }
    let home = std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("chat-{}", std::process::id()));
    fs::create_dir_all(&home).unwrap();
    let home_is = format!("XDG_RUNTIME_DIR={}", home.display());
    let sandbox = ["env", &home_is, SMOLSTEP, "sandbox"];
    let serve = ["--", SMOLSTEP, "serve", "chat", "--tap", "tap0"];
    let mut here = start(&[&sandbox[..], &serve].concat()).listening(4);
    let mut there = start(&[&sandbox[..], &["--join", "--", "nc", SERVER[0], "9000"]].concat());
    there.type_in(b"hello\r");
    here.wait_for("hello", |out| screen(out).iter().any(|line| line.ends_with(" hello")));
    here.type_in(b"hello to you\r");
    wait_for_line(&there, "hello to you");
    here.type_in(b"q\r");
    wait_for_line(&there, "the talk has ended");
    here.type_in(b"\x03");
    left_well(&here.finish());
    let _ = there.finish();
    let _ = fs::remove_dir_all(&home);
}
