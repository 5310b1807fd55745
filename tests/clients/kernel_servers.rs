//! Tests every program's client with servers on the kernel's TCP and UDP.
//!
//! The tests compare standard output and exit codes.

use crate::common::link::{CALLER, KERNEL, Link, noise, on_tap, on_tap_and_tun};
use crate::common::peer::{Finished, Peer, python};

#[test]
fn every_program_on_tcp() {
    on_tap_and_tun("every_program_on_tcp", |link| {
        for address in KERNEL {
            let server = |name, port| python::server(name, address.parse().unwrap(), port);
            let call = |arguments: &[&str]| done(link.call(arguments, b""));

            let _greeting = server("greeting", 9999);
            assert_eq!(call(&["greeting", address]), "Welcome!\nHello,Li!\nHello,Cheng!\nHello,victor!\n");
            assert_eq!(call(&["greeting", address, "a b", "ñ"]), "Welcome!\nHello,a b!\nHello,ñ!\n");

            let _echo = server("echo", 7);
            assert_eq!(call(&["echo", address, "one", "two words"]), "one\ntwo words\n");

            let discard = server("discard", 9);
            assert_eq!(call(&["discard", address, "one", "two"]), "");
            discard.wait_for("6 bytes", |out| out.ends_with("\n6\n"));
            assert_eq!(call(&["discard", address, "--bytes", "300000"]), "");
            discard.wait_for("300000 bytes", |out| out.ends_with("\n300000\n"));

            let _chargen = server("chargen", 19);
            assert_eq!(call(&["chargen", address, "--bytes", "100000"]), "0123456789".repeat(10_000));

            let ack = server("ack", 9998);
            assert_eq!(call(&["ack", address, "hello"]), "ACK\n");
            ack.wait_for("hello", |out| out == "ready\nhello\n");

            let _thanks = server("thanks", 8080);
            // Each text has its own connection.
            assert_eq!(call(&["thanks", address, "one", "two"]), "thank you !\nthank you !\n");

            let _upper = server("upper", 14000);
            assert_eq!(call(&["upper", address, "straße"]), "STRASSE\n");

            let _elsewhere = server("upper", 4000);
            let host = if address.contains(':') { format!("[{address}]:4000") } else { format!("{address}:4000") };
            assert_eq!(call(&["upper", &host, "moved"]), "MOVED\n");
        }
    });
}

#[test]
fn every_program_on_udp() {
    on_tap_and_tun("every_program_on_udp", |link| {
        for (address, caller) in KERNEL.into_iter().zip(CALLER) {
            let server = |name, port| python::server(name, address.parse().unwrap(), port);
            let call = |arguments: &[&str]| done(link.call(arguments, b""));

            let _greeting = server("greeting_udp", 9999);
            let greetings = "hello Li!\nhello Cheng!\nhello victor!\n";
            assert_eq!(call(&["greeting", address, "--udp"]), greetings);

            let _echo = server("echo_udp", 7);
            assert_eq!(call(&["echo", address, "--udp", "one", "", "two words"]), "one\n\ntwo words\n");

            let discard = server("inbox", 9);
            assert_eq!(call(&["discard", address, "--udp", "one", "two"]), "");
            discard.wait_for("both", |out| out == "ready\none\ntwo\n");

            let _thanks = server("thanks_udp", 8081);
            assert_eq!(call(&["thanks", address, "--udp", "hi"]), "thank you !\n");

            let inbox = server("who_udp", 9997);
            assert_eq!(call(&["inbox", address]), format!("{caller} sent AAABBBCCC\n"));
            assert_eq!(call(&["inbox", address, "a", "b"]), format!("{caller} sent a\n{caller} sent b\n"));
            // With --no-wait, the client does not wait for a reply.
            assert_eq!(call(&["inbox", address, "c", "d", "--no-wait"]), "");
            inbox.wait_for("all five", |out| out == "ready\nAAABBBCCC\na\nb\nc\nd\n");
        }
    });
}

#[test]
fn standard_input_is_sent() {
    on_tap_and_tun("standard_input_is_sent", |link| {
        for address in KERNEL {
            let server = |name, port| python::server(name, address.parse().unwrap(), port);
            let call = |arguments: &[&str], input: &[u8]| done(link.call(arguments, input));

            let _echo = server("echo", 7);
            let bytes = noise(300_000, 5);
            let back = link.call(&["echo", address], &bytes);
            assert!(back.code() == Some(0) && back.stdout == bytes, "{} bytes, {}", back.stdout.len(), back.err());
            assert_eq!(call(&["echo", address], b""), "");

            // The server replies only after the client has closed its side.
            let _after = server("echo_at_end", 4000);
            let host = if address.contains(':') { format!("[{address}]:4000") } else { format!("{address}:4000") };
            assert_eq!(call(&["echo", &host], b"to the end\n"), "to the end\n");

            let _upper = server("upper", 14000);
            assert_eq!(call(&["upper", address], b"a line\nanother\n"), "A LINE\n");
            let ack = server("ack", 9998);
            assert_eq!(call(&["ack", address], b"no line ending"), "ACK\n");
            ack.wait_for("the line", |out| out == "ready\nno line ending\n");

            let _datagrams = server("echo_udp", 7);
            assert_eq!(call(&["echo", address, "--udp"], b"one\r\n\ntwo"), "one\n\ntwo\n");
            let _inbox = server("who_udp", 9997);
            assert_eq!(call(&["inbox", address, "--no-wait"], b"x\ny\n"), "");
        }
    });
}

#[test]
fn a_dash_stands_for_standard_input() {
    on_tap_and_tun("a_dash_stands_for_standard_input", |link| {
        for address in KERNEL {
            let server = |name, port| python::server(name, address.parse().unwrap(), port);
            let call = |arguments: &[&str], input: &[u8]| done(link.call(arguments, input));
            let lines = b"Li\n\n-\r\nvictor";

            let _greeting = server("greeting", 9999);
            assert_eq!(call(&["greeting", address, "-"], lines), "Welcome!\nHello,Li!\nHello,-!\nHello,victor!\n");
            assert_eq!(call(&["greeting", address, "-"], b""), "Welcome!\n");
            assert_eq!(
                call(&["greeting", address, "a", "-", "b"], b"Li\n"),
                "Welcome!\nHello,a!\nHello,Li!\nHello,b!\n"
            );

            let _echo = server("echo", 7);
            let bytes = noise(100_000, 6);
            let back = link.call(&["echo", address, "-"], &bytes);
            assert!(back.code() == Some(0) && back.stdout == bytes, "{} bytes, {}", back.stdout.len(), back.err());
            assert_eq!(call(&["echo", address, "a", "-", "b"], lines), "a\nLi\n\n-\nvictor\nb\n");

            let discard = server("discard", 9);
            assert_eq!(call(&["discard", address, "-"], lines), "");
            discard.wait_for("13 bytes", |out| out.ends_with("\n13\n"));
            assert_eq!(call(&["discard", address, "ab", "-", "c"], lines), "");
            discard.wait_for("12 bytes", |out| out.ends_with("\n12\n"));

            // Each line that is not empty has its own connection.
            let ack = server("ack", 9998);
            assert_eq!(call(&["ack", address, "-"], lines), "ACK\nACK\nACK\n");
            ack.wait_for("three lines", |out| out == "ready\nLi\n-\nvictor\n");
            let _thanks = server("thanks", 8080);
            assert_eq!(call(&["thanks", address, "a", "-"], lines), "thank you !\n".repeat(4));
            let _upper = server("upper", 14000);
            assert_eq!(call(&["upper", address, "-", "b"], lines), "LI\n-\nVICTOR\nB\n");
            let nothing = link.call(&["upper", address, "-"], b"\n\n");
            assert_eq!((nothing.code(), nothing.err()), (Some(1), "smolstep: there is no text to send\n".into()));

            let _datagrams = server("greeting_udp", 9999);
            let greetings = "hello a!\nhello Li!\nhello !\nhello -!\nhello victor!\n";
            assert_eq!(call(&["greeting", address, "--udp", "a", "-"], lines), greetings);
            let _thanks = server("thanks_udp", 8081);
            assert_eq!(call(&["thanks", address, "--udp", "-"], b"a\nb\n"), "thank you !\nthank you !\n");
            let _echo = server("echo_udp", 7);
            assert_eq!(call(&["echo", address, "--udp", "-"], lines), "Li\n\n-\nvictor\n");
            let inbox = server("who_udp", 9997);
            assert_eq!(call(&["inbox", address, "--no-wait", "-"], b"x\ny\n"), "");
            inbox.wait_for("both", |out| out == "ready\nx\ny\n");
            let nothing = link.call(&["inbox", address, "-"], b"");
            assert!(nothing.code() == Some(1) && nothing.err().contains("there is no text to send"), "{nothing:?}");
        }
    });
}

#[test]
fn random_numbers_are_greeted() {
    on_tap("random_numbers_are_greeted", |link| {
        let _server = python::server("greeting", KERNEL[0].parse().unwrap(), 9999);
        let out = done(link.call(&["greeting", KERNEL[0], "--random", "5"], b""));
        let mut lines = out.lines();
        assert_eq!(lines.next(), Some("Welcome!"));
        let mut numbers: Vec<_> =
            lines.map(|line| line.strip_prefix("Hello,0.").unwrap().strip_suffix('!').unwrap()).collect();
        let digits = |number: &&str| (1..=16).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit());
        assert!(numbers.iter().all(digits), "{out}");
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), 5, "{out}");
    });
}

#[test]
fn a_terminal_is_prompted() {
    on_tap("a_terminal_is_prompted", |link| {
        let address = KERNEL[0];
        let server = |name, port| python::server(name, address.parse().unwrap(), port);
        let (_upper, _echo) = (server("upper", 14000), server("echo", 7));
        let (_datagrams, _ack) = (server("thanks_udp", 8081), server("ack", 9998));
        assert_eq!(on_terminal(link, &["upper", address], 1), ">> hello 1\r\nHELLO 1\r\nexit 0\n");
        assert_eq!(on_terminal(link, &["ack", address], 1), ">> hello 1\r\nACK\r\nexit 0\n");
        assert_eq!(
            on_terminal(link, &["upper", address, "-"], 3),
            ">> hello 1\r\nHELLO 1\r\n>> hello 2\r\nHELLO 2\r\n>> exit 0\n"
        );
        let echo = ">> hello 1\r\nhello 1\r\n>> hello 2\r\nhello 2\r\n>> exit 0\n";
        assert_eq!(on_terminal(link, &["echo", address], 3), echo);
        let thanks = ">> hello 1\r\nthank you !\r\n>> hello 2\r\nthank you !\r\n>> exit 0\n";
        assert_eq!(on_terminal(link, &["thanks", address, "--udp"], 3), thanks);
    });
}

/// Asserts that a call succeeded silently, and returns its standard output.
#[track_caller]
fn done(finished: Finished) -> String {
    assert!(finished.code() == Some(0) && finished.err().is_empty(), "{finished:?}");
    finished.out()
}

/// Runs a call at a terminal, where person.py answers `prompts` prompts.
///
/// The third answer is Ctrl-D. Returns the terminal's output.
fn on_terminal(link: Link, call: &[&str], prompts: u32) -> String {
    let smolstep = env!("CARGO_BIN_EXE_smolstep");
    let prompts = prompts.to_string();
    let arguments = [&[&prompts, smolstep, "call"][..], call, &link.arguments()].concat();
    let person: Peer = python::run("person", &arguments);
    let finished = person.finish();
    assert_eq!(finished.code(), Some(0), "{finished:?}");
    finished.out()
}
