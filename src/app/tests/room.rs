//! Tests chat rooms. Each member has its own link.

use core::cell::Cell;

use smoltcp::time::Duration;

use super::rig::*;
use crate::app::{Keyboard, Operator, Options, Room, Server, find};
use crate::stack::Next;
use crate::testing::random::Random;

const WELCOME: &str = "this is a chat room: '/name NAME' as the first line gives you a name, q leaves\n";

const TAKEN: &str = "this name is taken: '/name NAME' as the next line gives you another\n";

fn room(bytes: usize) -> &'static Room<'static> {
    room_at(bytes, None)
}

fn room_at(bytes: usize, operator: Option<&'static Operator>) -> &'static Room<'static> {
    let names = vec![Cell::new(Room::NO_NAME); 8].leak();
    Box::leak(Box::new(Room::new(vec![Cell::new(0); bytes].leak(), names, operator)))
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
    /// Runs the session, as the stack does after other members have sent lines. Returns the bytes that its peer
    /// receives.
    fn hears(&mut self) -> String {
        self.settle();
        String::from_utf8(self.take()).unwrap()
    }
}

#[test]
fn all_other_members_receive_a_line_with_its_senders_name_or_address() {
    let room = room(4096);
    let (mut ann, mut other) = (join(room, BIG), join(room, BIG));
    assert_eq!(ann.hears(), "192.168.69.2:2000 has joined\n");
    ann.send(b"/name Ann\nhello\n");
    assert_eq!(other.hears(), "192.168.69.2:2000 is now Ann\nAnn: hello\n");
    other.send(b"h\x1b[2Ji\xff\n");
    // Only a first line can set a name.
    other.send(b"/name Bob\n");
    assert_eq!(ann.hears(), "192.168.69.2:2000: h\\x1b[2Ji\\xff\n192.168.69.2:2000: /name Bob\n");
    let mut third = join(room, BIG);
    // A name ends at a space, or after 16 bytes. An empty name is rejected.
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
fn a_name_belongs_to_one_member() {
    for buffers in [BIG, SMALL] {
        let room = room(4096);
        let (mut ann, mut other) = (join(room, BIG), join(room, buffers));
        other.hears();
        ann.send(b"/name Ann\n");
        other.hears();
        // Names that differ only in case are treated as equal, as on IRC.
        other.send(b"/name ANN\n");
        assert_eq!(other.hears(), TAKEN, "{buffers:?}");
        other.send(b"/name Ann and more\n");
        assert_eq!(other.hears(), TAKEN);
        other.send(b"/name Anna\n/name Bob\n");
        let address = "192.168.69.2:2000";
        let heard = format!("{address} has joined\n{address} is now Anna\nAnna: /name Bob\n");
        assert_eq!((ann.hears(), other.hears().as_str()), (heard, ""));

        // A member without a name is shown by its address. A name is free once its owner has left.
        let mut third = join(room, BIG);
        third.send(b"/name Anna\nhello\n/name Bob\n");
        assert_eq!(third.hears(), TAKEN);
        let heard = format!("{address} has joined\n{address}: hello\n{address}: /name Bob\n");
        assert_eq!(ann.hears(), heard);
        ann.send(b"q\n");
        let mut fourth = join(room, BIG);
        fourth.send(b"/name Ann\n");
        assert_eq!(third.hears().lines().last(), Some(&*format!("{address} is now Ann")));
    }
}

#[test]
fn a_note_about_a_name_does_not_split_a_line() {
    let room = room(4096);
    let (mut ann, mut other) = (join(room, BIG), join(room, SMALL));
    other.hears();
    ann.send(b"/name Ann\n");
    other.hears();
    // A line longer than the send buffer is being sent when the member requests the name.
    let line = format!("{}\n", "x".repeat(300));
    ann.send(line.as_bytes());
    other.settle();
    other.send(b"/name Ann\nhi\n/name Bob\n");
    assert_eq!(other.hears(), format!("Ann: {line}{TAKEN}"));
    let address = "192.168.69.2:2000";
    assert_eq!(ann.hears(), format!("{address} has joined\n{address}: hi\n{address}: /name Bob\n"));
}

#[test]
fn a_name_is_refused_if_no_slot_is_free() {
    let names = [const { Cell::new(Room::NO_NAME) }; 1];
    let room = Box::leak(Box::new(Room::new(vec![Cell::new(0); 1024].leak(), Box::leak(Box::new(names)), None)));
    let (mut ann, mut other) = (join(room, BIG), join(room, BIG));
    ann.send(b"/name Ann\n");
    other.hears();
    other.send(b"/name Bob\n");
    assert_eq!(other.hears(), "no room for another name: you keep your address\n");
}

#[test]
fn a_name_cannot_be_console_or_an_address() {
    for (name, has) in [
        ("console", None),
        ("CONSOLE", None),
        ("console:", None),
        ("con\u{ad}sole", Some("con")),
        ("192.168.69.1", None),
        ("192.168.69.1:2000", None),
        ("[fdaa::1]:2000", Some("[fdaa")),
        (":", None),
        ("\u{202e}Ann", None),
        ("Ann\u{202e}", Some("Ann")),
        ("Ann\u{200d}", Some("Ann")),
        ("R2.D2", Some("R2.D2")),
    ] {
        let room = room(1024);
        let (mut member, mut other) = (join(room, BIG), join(room, BIG));
        member.send(format!("/name {name}\nx\u{202e}y\n").as_bytes());
        let heard = other.hears();
        let want = format!("{}: x\\xe2\\x80\\xaey\n", has.unwrap_or("192.168.69.2:2000"));
        assert!(heard.ends_with(&want) && heard.contains(" is now ") == has.is_some(), "{name:?}: {heard:?}");
        let told = member.hears().contains("this cannot be a name");
        assert_eq!(told, has.is_none(), "{name:?}");
    }
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

/// A time longer than the 2 s for which a line waits for slow readers.
const LONG: Duration = Duration::from_millis(2100);

#[test]
fn a_fast_sender_waits_for_readers() {
    for buffers in [BIG, SMALL] {
        let room = room(1024);
        let (mut fast, mut reader) = (join(room, BIG), join(room, buffers));
        fast.send(b"/name F\n");
        reader.hears();
        // All these lines are sent in one go. Together they are far longer than the ring.
        let lines: String = (0..100).map(|n| format!("{n} {}\n", "x".repeat(200))).collect();
        fast.send(lines.as_bytes());
        // The sender waits, and is polled again when a member has read lines.
        let before = reader.wakes;
        reader.settle();
        assert!(fast.unread() > 0 && reader.wakes > before, "{buffers:?}");
        let want: String = lines.lines().map(|line| format!("F: {line}\n")).collect();
        let mut heard = String::new();
        for _ in 0..2000 {
            heard += &reader.hears();
            fast.settle();
        }
        assert!(heard == want, "{buffers:?}: {} of {} bytes", heard.len(), want.len());
        assert_eq!((reader.next(), fast.next(), fast.unread()), (Next::Wait, Next::Wait, 0));
    }
}

#[test]
fn a_slow_reader_delays_the_room_for_two_seconds_and_is_then_dropped() {
    for buffers in [BIG, SMALL] {
        let room = room(1024);
        let (mut fast, mut slow, mut third) = (join(room, BIG), join(room, buffers), join(room, BIG));
        fast.hears();
        // The third member always reads. The slow member's peer reads nothing, so the peer's receive buffer fills
        // first.
        let mut waited = 0;
        for line in 0..300 {
            fast.send(format!("line {line} of many {}\n", "x".repeat(480)).as_bytes());
            slow.settle();
            let mut heard = third.hears();
            if heard.is_empty() {
                waited += 1;
                let until = fast.now + Duration::from_secs(2);
                assert_eq!(fast.next(), Next::WakeAt(until));
                fast.pass(Duration::from_millis(1990));
                assert_eq!(third.hears(), "", "{line}");
                fast.pass(LONG);
                slow.settle();
                heard = third.hears();
            }
            assert!(heard.contains(&format!(": line {line} of many")), "{heard}");
            if waited > 0 {
                assert!(heard.contains("has read too slowly and is dropped"), "{heard}");
                break;
            }
        }
        assert_eq!(waited, 1, "{buffers:?}");
        let heard = slow.hears();
        assert!(heard.ends_with("\nyou have read too slowly and missed lines: goodbye\n"), "{heard}");
        assert!(slow.closed() && third.next() == Next::Wait);
        assert_eq!(fast.next(), Next::Wait);
    }
}

/// A member that reads only a line now and then is dropped. If that member stayed, each line might wait for 2 s.
#[test]
fn a_member_that_reads_rarely_does_not_block_the_room() {
    let room = room(4096);
    let (mut fast, mut slow, mut third) = (join(room, BIG), join(room, SMALL), join(room, BIG));
    let line = "x".repeat(200) + "\n";
    let (mut held, mut heard) = (0, String::new());
    for _ in 0..1000 {
        fast.offer(line.as_bytes());
        slow.settle();
        heard = third.hears();
        if heard.contains("has read too slowly") {
            break;
        }
        if matches!(fast.next(), Next::WakeAt(at) if at > fast.now) {
            held += 1;
            fast.pass(Duration::from_millis(950));
            slow.now = fast.now;
            slow.take_some(line.len() + 30);
        }
    }
    assert!(heard.contains("has read too slowly") && held > 1, "{held} times");
    assert!(fast.now < smoltcp::time::Instant::from_secs(12), "{}", fast.now);
}

#[test]
fn a_member_that_reads_nothing_is_reset() {
    let room = room(1024);
    let (mut fast, mut slow) = (join(room, BIG), join(room, SMALL));
    for _ in 0..4 {
        fast.send(&[&[b'x'; 500][..], b"\n"].concat());
        slow.settle();
    }
    fast.pass(LONG);
    // The rest of the line fits into the peer's receive buffer, so only the session shows that the member has fallen
    // behind.
    while slow.next() == Next::Wait {
        fast.send(&[&[b'x'; 500][..], b"\n"].concat());
        fast.pass(LONG);
        slow.settle();
    }
    assert!(matches!(slow.next(), Next::WakeAt(_)), "{:?}", slow.next());
    slow.pass(Duration::from_secs(11));
    assert_eq!(slow.next(), Next::Abort);
}

#[test]
fn a_member_that_has_left_blocks_nobody() {
    type Leave = fn(&mut Tcp<Server<'static>>);
    let ways: [Leave; 2] = [|m| m.send(b"q\n"), |m| m.reset()];
    for leave in ways {
        let room = room(1024);
        let (mut fast, mut gone, mut third) = (join(room, BIG), join(room, BIG), join(room, BIG));
        fast.send(&format!("{}\n", "x".repeat(400)).repeat(5).into_bytes());
        // The third member reads. The member `gone` does not read before it leaves.
        third.hears();
        fast.settle();
        third.hears();
        assert!(matches!(fast.next(), Next::WakeAt(_)), "{:?}", fast.next());
        leave(&mut gone);
        gone.pass(Duration::from_millis(10));
        fast.settle();
        third.hears();
        for _ in 0..5 {
            fast.settle();
            third.hears();
        }
        assert_eq!((fast.next(), fast.unread()), (Next::Wait, 0));
    }
}

#[test]
fn lines_typed_in_an_empty_room_are_discarded() {
    let keyboard: &Keyboard = Box::leak(Box::default());
    let operator = Box::leak(Box::new(Operator::new(false).with_keyboard(keyboard)));
    let room = room_at(1024, Some(operator));
    let options = Options { room: Some(room), operator: Some(operator), ..Options::default() };
    let chat = find("chat").unwrap();
    let console = Script { open: true, person: true, keyboard: Some(keyboard), ..Script::default() };
    let mut udp = Udp::new(chat.udp_server(&options).unwrap(), &[], console.clone());
    let mut types = |text: &[u8]| {
        udp.console.typed.push_back(text.to_vec());
        udp.settle();
        udp.printed()
    };
    const NOBODY: &[u8] = b"(nobody is here: what was typed is not sent)\n";
    assert_eq!(types(b"anybody?\n"), NOBODY);
    let mut member = Tcp::server_at(console, chat.server(&options).unwrap(), BIG);
    assert_eq!(types(b"for the room\n"), b"");
    member.send(b"q\n");
    assert_eq!(types(b"anybody?\n"), NOBODY);
}

#[test]
fn a_line_from_the_console_also_waits_for_readers() {
    let operator = Box::leak(Box::new(Operator::new(false)));
    let room = room_at(1024, Some(operator));
    let options = Options { room: Some(room), ..Options::default() };
    let console = Script { open: true, ..Script::default() };
    let session = || find("chat").unwrap().server(&options).unwrap();
    let mut near = Tcp::server_at(console.clone(), session(), BIG);
    let mut slow = Tcp::server_at(console, session(), BIG);
    near.hears();
    let line = |n: usize| format!("{n} {}\n", "x".repeat(400));
    near.console.typed.extend((0..4).map(|n| line(n).into_bytes()));
    let heard: String = (0..20).map(|_| near.hears()).collect();
    assert_eq!(heard, format!("console: {}console: {}", line(0), line(1)));
    assert_eq!(near.next(), Next::WakeAt(near.now + Duration::from_secs(2)));
    // The slow member reads, and the ring has room again.
    slow.hears();
    near.settle();
    let heard: String = (0..20).map(|_| near.hears()).collect();
    assert_eq!(heard, format!("console: {}console: {}", line(2), line(3)));
    assert_eq!(near.next(), Next::Wait);
    // The slow member does not read, and falls behind.
    near.console.typed.extend((4..7).map(|n| line(n).into_bytes()));
    near.pass(LONG);
    slow.settle();
    let heard: String = (0..20).map(|_| near.hears()).collect();
    assert!(heard.contains(&line(4)) && heard.ends_with(&line(6)), "{heard}");
    assert_eq!(slow.hears(), "you have read too slowly and missed lines: goodbye\n");
}

#[test]
fn the_ring_wraps_at_any_position() {
    for seed in 0..50 {
        let mut random = Random(seed);
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
    assert_eq!(listener.hears(), format!("S: {}\n", "x".repeat(55)));
}
