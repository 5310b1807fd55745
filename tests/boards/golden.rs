//! Compares a board's UART output with golden files. Before the comparison, names replace addresses and ports.

use std::net::Shutdown;
use std::path::Path;

use crate::board::{BOARD, Image, on_every_board, on_image};
use crate::common::link::{KERNEL, ask, at, connect, expect, expect_last, send, udp};
use crate::common::peer::{Peer, python};

/// The environment variable that makes the tests write the golden files instead of comparing with them.
const BLESS: &str = "SMOLSTEP_BLESS";

#[test]
fn the_uart_output_of_a_server_matches_the_golden_file() {
    on_every_board("golden::the_uart_output_of_a_server_matches_the_golden_file", |image| {
        let board = image.serve();
        let closed = |count| board.wait_for("a closed line", |out| out.matches("[INFO ] closed ").count() == count);

        let mut greeting = connect(BOARD, 9999);
        expect(&mut greeting, "Welcome!");
        for name in ["Li", "Cheng"] {
            send(&mut greeting, name);
            expect(&mut greeting, format!("Hello,{name}!"));
        }
        send(&mut greeting, "exit");
        expect_last(&mut greeting, "");
        drop(greeting);
        closed(1);

        for (port, count) in [(7, 2), (9, 3)] {
            let mut stream = connect(BOARD, port);
            send(&mut stream, "some");
            if port == 7 {
                expect(&mut stream, "some");
            }
            stream.shutdown(Shutdown::Write).unwrap();
            expect_last(&mut stream, "");
            drop(stream);
            closed(count);
        }
        for (port, reply, count) in [(9998, "ACK", 4), (8080, "thank you !", 5), (14000, "HELLO\x07", 6)] {
            let mut stream = connect(BOARD, port);
            send(&mut stream, "hello\x07");
            expect_last(&mut stream, reply);
            drop(stream);
            closed(count);
        }
        // The client closes with unread bytes, so its kernel sends RST.
        expect(&mut connect(BOARD, 19), " !\"#$%");
        closed(7);

        for (port, reply) in [(7, "hi"), (9999, "hello hi!"), (8081, "thank you !")] {
            ask(&udp(at(KERNEL[0], 0), at(BOARD, port)), "hi", reply);
        }
        // No board has memory for the UDP port of discard, so nothing is printed about this datagram.
        udp(at(KERNEL[0], 0), at(BOARD, 9)).send(b"void").unwrap();
        udp(at(KERNEL[0], 0), at(BOARD, 9997)).send(b"AAABBBCCC").unwrap();
        let end = "on udp port 9997, sent 0 bytes\n";
        board.wait_for(end, |out| out.ends_with(end));
        compare(image, &board.out());
    });
}

#[test]
fn the_uart_output_of_a_client_matches_the_golden_file() {
    on_image("golden::the_uart_output_of_a_client_matches_the_golden_file", "mps2-an385-client", |image| {
        let server = python::server("greeting", KERNEL[0].parse().unwrap(), 9999);
        let called: Peer = image.boot(&["--tap", "tap0"]);
        compare(image, &called.finish().out());
        drop(server);
    });
}

/// Compares the output of an image with its golden file, or writes the file if [`BLESS`] is set.
#[track_caller]
fn compare(image: &Image, said: &str) {
    let said = with_names(said);
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{}.run", image.name()));
    if std::env::var_os(BLESS).is_some() {
        std::fs::write(&file, said).unwrap();
        return;
    }
    let golden = std::fs::read_to_string(&file).unwrap_or_default();
    if said != golden {
        let at = said.lines().zip(golden.lines()).take_while(|(said, golden)| said == golden).count();
        let line = |text: &str| text.lines().nth(at).unwrap_or("(nothing)").to_owned();
        panic!(
            "{} line {}: \"{}\", but the board says \"{}\"; if that is right, {BLESS}=1 writes it there\n{said}",
            file.display(),
            at + 1,
            line(&golden),
            line(&said),
        );
    }
}

/// Replaces addresses and ephemeral ports with names.
fn with_names(said: &str) -> String {
    let mut normal = String::new();
    let mut rest = said;
    while let Some((before, after)) = rest.split_once("192.168.69.") {
        let (host, after) = digits(after);
        let port = after.strip_prefix(':').map(digits);
        normal += before;
        normal += if host == "1" { "BOARD" } else { "KERNEL" };
        rest = match port {
            Some((port, after)) if port.len() == 5 && port != "14000" => {
                normal += ":PORT";
                after
            }
            _ => after,
        };
    }
    normal + rest
}

fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()))
}
