//! Fuzzes lines for a chat room.
//!
//! Another member must receive all lines, each after the sender's name.

use std::cell::Cell;

use smolstep::app::{Options, Room, Server, find};
use smolstep::stack::End;

use super::Target;
use super::chat_lines::{MOST, check, honest, hostile, model};
use super::pair::{CLIENT, Ground, Pair, Peer};

/// The first byte of the input selects how the stream is cut into pieces. The other bytes are the stream of a member.
pub const TARGET: Target = Target { name: "chat_room", run, honest, hostile };

const WELCOME: &[u8] = b"this is a chat room: '/name NAME' as the first line gives you a name, q leaves\n";

fn run(input: &[u8]) {
    let Some((&cut, stream)) = input.split_first() else { return };
    let stream = [b"/name S\n", &stream[..stream.len().min(MOST)]].concat();
    // The ring is large enough for all lines, so no member misses a line. A line of one byte takes 8 bytes of the ring.
    // In a long line, each byte takes at most 4 bytes of the ring.
    let ring: Vec<Cell<u8>> = vec![Cell::new(0); 64 * 1024];
    let names = [const { Cell::new(Room::NO_NAME) }; 2];
    let room = Room::new(&ring, &names, None);
    let mut options = Options::default();
    options.room = Some(&room);
    let member = find("chat").and_then(|app| app.server(&options)).expect("chat has a server");
    let mut ground = Ground::<Server<'_>, Peer>::new();
    let mut pair = Pair::new(&mut ground, member, ());

    // Only the room can send this line: a line from a member would begin with the member's name.
    let listener = pair.connect(Peer::listener(b"\nS has left\n"));
    pair.run(|pair| pair.client.session(listener).is_some_and(|peer| peer.received.ends_with(WELCOME)));
    let speaker = pair.connect(Peer::speaker(&stream, cut));
    let (listener, end) = pair.end(listener);
    let heard = String::from_utf8(listener.received).expect("the room forwards text");
    let speaker_address = "10.0.0.2:2001";
    let lines: String = model(&stream).iter().skip(1).map(|line| format!("S: {line}\n")).collect();
    let welcome = String::from_utf8_lossy(WELCOME);
    let begin = format!("{welcome}{speaker_address} has joined\n{speaker_address} is now S\n");
    let bye = "the talk has ended\n";
    check(&heard, &format!("{begin}{lines}S has left\n{bye}"));
    assert_eq!(end, End::Closed);
    assert!(pair.client.ended(speaker).is_some());
    assert!(pair.server_io.console.take().ends_with(&format!("S has left\n{CLIENT} has left\n")));
}
