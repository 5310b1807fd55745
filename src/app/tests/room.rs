//! chat rooms: members that share one, each on a link of its own.

use core::cell::Cell;

use smoltcp::time::Duration;

use super::random::Random;
use super::rig::*;
use crate::app::{Options, Room, Server, find};
use crate::stack::Next;

const WELCOME: &str = "this is a chat room: '/name NAME' as the first line gives you a name, q leaves\n";

fn room(bytes: usize) -> &'static Room<'static> {
    Box::leak(Box::new(Room::new(vec![Cell::new(0); bytes].leak(), None)))
}

fn join(room: &'static Room<'static>, buffers: Buffers) -> Tcp<Server<'static>> {
    let options = Options { room: Some(room), ..Options::default() };
    let mut member = Tcp::server(find("chat").unwrap().server(&options).unwrap(), buffers);
    if buffers.send > WELCOME.len() {
        assert_eq!(member.hears(), WELCOME);
    }
    member
}

impl Tcp<Server<'static>> {
    /// What has come from the others; the stack would have run the session when there was something.
    fn hears(&mut self) -> String {
        self.settle();
        String::from_utf8(self.take()).unwrap()
    }
}

#[test]
fn a_line_goes_to_all_the_others_with_a_name_or_address() {
    let room = room(4096);
    let (mut ann, mut other) = (join(room, BIG), join(room, BIG));
    assert_eq!(ann.hears(), "192.168.69.2:2000 has joined\n");
    ann.send(b"/name Ann\nhello\n");
    assert_eq!(other.hears(), "192.168.69.2:2000 is now Ann\nAnn: hello\n");
    other.send(b"h\x1b[2Ji\xff\n");
    // Only a first line gives a name.
    other.send(b"/name Bob\n");
    assert_eq!(ann.hears(), "192.168.69.2:2000: h\\x1b[2Ji\\xff\n192.168.69.2:2000: /name Bob\n");
    let mut third = join(room, BIG);
    // An empty name is none, and one ends at a space or after 16 bytes.
    third.send("/name 12345678901234é and more\n".as_bytes());
    third.send(b"x\n");
    assert_eq!(ann.hears().lines().last(), Some("12345678901234é: x"));
    assert_eq!(other.hears().lines().last(), Some("12345678901234é: x"));
    let mut fourth = join(room, BIG);
    fourth.send("/name 123456789012345é\nx\n".as_bytes());
    assert_eq!(ann.hears().lines().last(), Some("123456789012345: x"));
    assert_eq!(third.hears().lines().last(), Some("123456789012345: x"));
}

#[test]
fn members_leave_by_q_by_end_of_stream_and_by_reset() {
    let room = room(4096);
    let mut stays = join(room, BIG);
    type Leave = fn(&mut Tcp<Server<'static>>);
    let ways: [Leave; 3] = [|m| m.send(b"hi\nq\n"), |m| m.reply_and_close(b"hi"), |m| m.reset()];
    for leave in ways {
        let mut member = join(room, BIG);
        stays.hears();
        leave(&mut member);
        member.pass(Duration::from_millis(10));
        let heard = stays.hears();
        assert!(heard.contains(" has left"), "{heard}");
        if member.end.is_none() {
            assert!(heard.starts_with("192.168.69.2:2000: hi\n"), "{heard}");
            assert_eq!(member.take(), b"the talk has ended\n");
            assert!(member.closed());
        }
    }
    assert_eq!(stays.next(), Next::Wait);
}

#[test]
fn a_slow_reader_is_dropped_with_a_message_and_holds_nobody() {
    for buffers in [BIG, SMALL] {
        let room = room(1024);
        let (mut fast, mut slow, mut third) = (join(room, BIG), join(room, buffers), join(room, BIG));
        fast.hears();
        // The third reads all the time; the slow one's peer takes nothing, which fills its own buffer first.
        let mut dropped = None;
        for line in 0..300 {
            fast.send(format!("line {line} of many {}\n", "x".repeat(480)).as_bytes());
            slow.settle();
            let heard = third.hears();
            assert!(heard.contains(&format!(": line {line} of many")), "{heard}");
            if heard.contains("has read too slowly and is dropped") {
                dropped = Some(line);
                break;
            }
        }
        assert!(dropped.is_some(), "{buffers:?}");
        let heard = slow.hears();
        assert!(heard.ends_with("\nyou have read too slowly and missed lines: goodbye\n"), "{heard}");
        assert!(slow.closed() && third.next() == Next::Wait);
        assert_eq!(fast.next(), Next::Wait);
    }
}

#[test]
fn a_slow_reader_that_reads_nothing_at_all_is_reset() {
    let room = room(1024);
    let (mut fast, mut slow) = (join(room, BIG), join(room, SMALL));
    for _ in 0..300 {
        fast.send(&[&[b'x'; 500][..], b"\n"].concat());
        slow.settle();
    }
    assert!(matches!(slow.next(), Next::WakeAt(_)), "{:?}", slow.next());
    slow.pass(Duration::from_secs(11));
    assert_eq!(slow.next(), Next::Abort);
}

#[test]
fn the_ring_wraps_at_any_place() {
    for seed in 0..50 {
        let mut random = Random::new(seed);
        let room = room(1024);
        let (mut speaker, mut listener) = (join(room, BIG), join(room, BIG));
        speaker.send(b"/name S\n");
        listener.hears();
        for _ in 0..100 {
            let text = "x".repeat(random.below(513));
            speaker.send(text.as_bytes());
            speaker.send(b"\n");
            assert_eq!(listener.hears(), format!("S: {text}\n"), "seed {seed}");
        }
    }
}

#[test]
fn a_line_longer_than_the_ring_is_cut() {
    let room = room(64);
    let (mut speaker, mut listener) = (join(room, BIG), join(room, BIG));
    speaker.send(b"/name S\n");
    listener.hears();
    speaker.send(&[&[b'x'; 100][..], b"\n"].concat());
    assert_eq!(listener.hears(), format!("S: {}\n", "x".repeat(57)));
}
