//! The chat room of a board: TCP members, and a user at the UART.

use std::io::Read;
use std::net::TcpStream;

use crate::board::{BOARD, on_every_full_board};
use crate::common::link::{connect, expect, send};

#[test]
fn the_console_takes_part_in_the_room() {
    on_every_full_board("chat::the_console_takes_part_in_the_room", |image| {
        let mut board = image.serve_all();
        let mut members = [connect(BOARD, 9000), connect(BOARD, 9000)];
        for (member, name) in members.iter_mut().zip(["Ann", "Bob"]) {
            expect(member, "this is a chat room: '/name NAME' as the first line gives you a name, q leaves\n");
            send(member, format!("/name {name}\n"));
            board.wait_for(name, |out| out.contains(&format!(" is now {name}")));
        }
        let [ann, bob] = &mut members;
        send(ann, "hi Bob\n");
        heard(bob, "Ann: hi Bob\n");
        board.wait_for("what Ann says", |out| out.contains("Ann: hi Bob\n"));

        // DEL deletes two wrong letters. After that, a line of 300 bytes is cut to 127 bytes, the size of the input
        // buffer.
        board.type_in(b"helpo\x7f\x7flo all\r");
        heard(ann, "console: hello all\n");
        heard(bob, "console: hello all\n");
        board.type_in(&[b'x'; 300]);
        board.type_in(b"\r");
        heard(ann, &format!("console: {}\n", "x".repeat(127)));
    });
}

/// Reads until `line` has arrived.
fn heard(member: &mut TcpStream, line: &str) {
    let mut all = vec![];
    while !all.ends_with(line.as_bytes()) {
        let mut byte = [0];
        member.read_exact(&mut byte).unwrap();
        all.extend(byte);
        assert!(all.len() < 1000, "no {line} in {}", all.escape_ascii());
    }
}
