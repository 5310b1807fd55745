//! Tests chat with partners who send no line endings, as the programs of socket tutorials do.

use smoltcp::time::Duration;

use super::rig::*;
use crate::app::{Client, ClientOptions, Operator, Options, Room, Server, find};
use crate::stack::{Next, Session};

const PARTNER: &str = "192.168.69.2:2000";

fn talk(buffers: Buffers) -> Tcp<Server<'static>> {
    let operator = Box::leak(Box::new(Operator::new(false)));
    let options = Options { operator: Some(operator), ..Options::default() };
    let console = Script { open: true, ..Script::default() };
    let mut tcp = Tcp::server_at(console, find("chat").unwrap().server(&options).unwrap(), buffers);
    tcp.printed();
    tcp
}

fn client(typed: Script) -> Tcp<Client<'static>> {
    let options = ClientOptions { timeout: Some(Duration::from_secs(10)), ..ClientOptions::default() };
    Tcp::client(find("chat").unwrap().client(&options).unwrap(), BIG, typed)
}

fn open() -> Script {
    Script { open: true, ..Script::default() }
}

fn says<S: Session>(tcp: &mut Tcp<S>, text: &[u8]) {
    tcp.console.typed.push_back(text.to_vec());
    tcp.settle();
}

fn shows<S: Session>(tcp: &mut Tcp<S>) -> String {
    String::from_utf8(tcp.printed()).unwrap()
}

fn pass<S: Session>(tcp: &mut Tcp<S>, millis: u64) {
    tcp.pass(Duration::from_millis(millis));
}

#[test]
fn text_without_a_line_ending_is_a_message_after_200_ms_of_silence() {
    let mut tcp = talk(BIG);
    tcp.send(b"hi");
    pass(&mut tcp, 190);
    tcp.send(b" there");
    pass(&mut tcp, 190);
    assert_eq!(shows(&mut tcp), "");
    pass(&mut tcp, 10);
    assert_eq!(shows(&mut tcp), format!("{PARTNER} hi there\n"));
    // The answer has no line ending either. The session then sets no deadline until data arrives.
    says(&mut tcp, b"hello\n");
    assert_eq!(tcp.take(), b"hello");
    pass(&mut tcp, 1000);
    assert_eq!(tcp.next(), Next::Wait);
    tcp.send(b"second");
    pass(&mut tcp, 200);
    assert_eq!(shows(&mut tcp), format!("{PARTNER} second\n"));
}

#[test]
fn after_the_first_line_ending_only_a_line_ending_ends_a_message() {
    for before in [&b"hello\n"[..], b"a message"] {
        let mut tcp = talk(BIG);
        tcp.send(before);
        pass(&mut tcp, 200);
        tcp.send(b"first\nsec");
        shows(&mut tcp);
        pass(&mut tcp, 5000);
        assert_eq!((shows(&mut tcp).as_str(), tcp.next()), ("", Next::Wait));
        says(&mut tcp, b"a line\n");
        assert_eq!(tcp.take(), b"a line\n");
        tcp.send(b"ond\nq\n");
        assert_eq!(shows(&mut tcp), format!("{PARTNER} second\nthe talk with {PARTNER} has ended\n"));
        assert_eq!(tcp.take(), b"the talk has ended\n");
    }
}

#[test]
fn a_message_is_cut_at_its_maximum_length_or_at_a_full_buffer() {
    let mut tcp = talk(BIG);
    tcp.send(&[b'x'; 600]);
    assert_eq!(shows(&mut tcp), format!("{PARTNER} {}\n", "x".repeat(512)));
    pass(&mut tcp, 200);
    assert_eq!(shows(&mut tcp), format!("{PARTNER} {}\n", "x".repeat(88)));
    tcp.send(&[b'y'; 513]);
    pass(&mut tcp, 200);
    assert_eq!(shows(&mut tcp), format!("{PARTNER} {}\n{PARTNER} y\n", "y".repeat(512)));
    // A message that exactly fills the buffer is complete: the next data is a new message.
    let mut tcp = talk(SMALL);
    tcp.send(&[b'z'; 64]);
    assert_eq!(shows(&mut tcp), format!("{PARTNER} {}\n", "z".repeat(64)));
    pass(&mut tcp, 200);
    tcp.send(b"q");
    pass(&mut tcp, 200);
    assert_eq!((shows(&mut tcp), tcp.next()), (format!("the talk with {PARTNER} has ended\n"), Next::Close));
}

#[test]
fn pauses_separate_messages_to_a_partner() {
    let mut tcp = talk(BIG);
    tcp.send(b"hi");
    pass(&mut tcp, 200);
    says(&mut tcp, b"one\ntwo\nq\n");
    assert_eq!(tcp.take(), b"one");
    pass(&mut tcp, 290);
    assert_eq!(tcp.take(), b"");
    pass(&mut tcp, 10);
    assert_eq!(tcp.take(), b"two");
    pass(&mut tcp, 300);
    assert_eq!((tcp.take(), tcp.next()), (b"q".to_vec(), Next::Close));
    assert!(tcp.closed());
}

#[test]
fn q_from_either_side_ends_the_conversation_and_is_the_final_message() {
    for (q, from_console) in [("q", false), ("Q", false), ("q\n", true)] {
        for greeting in ["hi", ""] {
            let mut tcp = talk(BIG);
            tcp.send(greeting.as_bytes());
            pass(&mut tcp, 200);
            shows(&mut tcp);
            if from_console {
                says(&mut tcp, q.as_bytes())
            } else {
                tcp.send(q.as_bytes())
            }
            pass(&mut tcp, 200);
            assert_eq!((shows(&mut tcp), tcp.next()), (format!("the talk with {PARTNER} has ended\n"), Next::Close));
            // A partner who has sent nothing might use line endings.
            let told = if from_console && greeting.is_empty() { &b"the talk has ended\n"[..] } else { b"q" };
            assert_eq!(tcp.take(), told, "{q:?} after {greeting:?}");
            assert!(tcp.closed());
        }
    }
}

#[test]
fn a_partner_that_sends_q_and_closes_receives_nothing() {
    let mut tcp = talk(BIG);
    tcp.send(b"hi");
    pass(&mut tcp, 200);
    tcp.reply_and_close(b"q");
    assert!(shows(&mut tcp).ends_with(" has ended\n"));
    assert_eq!(tcp.take(), b"");
    assert!(tcp.closed());
}

#[test]
fn the_final_reply_is_a_separate_message() {
    let mut tcp = talk(BIG);
    tcp.send(b"hi");
    pass(&mut tcp, 200);
    says(&mut tcp, b"yes\n");
    tcp.close();
    assert_eq!(tcp.take(), b"yes(waiting for the last reply)");
    pass(&mut tcp, 300);
    says(&mut tcp, b"bye\n");
    assert_eq!(tcp.take(), b"bye");
    assert!(tcp.closed());
}

#[test]
fn the_goodbye_at_shutdown_uses_the_partners_framing() {
    for (said, told) in [(&b"hi"[..], &b"q"[..]), (b"hi\n", b"the talk has ended\n"), (b"", b"the talk has ended\n")] {
        let mut tcp = talk(BIG);
        tcp.send(said);
        pass(&mut tcp, 200);
        tcp.shut_down();
        assert_eq!(tcp.take(), told);
    }
}

#[test]
fn a_room_passes_messages_on() {
    let names = vec![core::cell::Cell::new(Room::NO_NAME); 8].leak();
    let room = Box::leak(Box::new(Room::new(vec![core::cell::Cell::new(0); 4096].leak(), names, None)));
    let [mut ann, mut bob] = [(); 2].map(|()| {
        let options = Options { room: Some(room), ..Options::default() };
        Tcp::server(find("chat").unwrap().server(&options).unwrap(), BIG)
    });
    ann.settle();
    ann.take();
    bob.send(b"hello");
    pass(&mut bob, 200);
    ann.settle();
    assert_eq!(ann.take(), format!("{PARTNER}: hello\n").as_bytes());
    bob.take();
    bob.send(b"q");
    pass(&mut bob, 200);
    assert_eq!((bob.take(), bob.next()), (b"q".to_vec(), Next::Close));
}

#[test]
fn the_client_holds_back_a_line_ending_until_the_servers_first_message() {
    // The line ending is sent before the next line, and before FIN.
    let mut tcp = client(open());
    says(&mut tcp, b"one\n");
    assert_eq!(tcp.take(), b"one");
    says(&mut tcp, b"two\n");
    assert_eq!(tcp.take(), b"\ntwo");
    // The line ending is sent once the server's first message has a line ending.
    tcp.send(b"hello\n");
    assert_eq!((shows(&mut tcp).as_str(), tcp.take()), ("hello\n", b"\n".to_vec()));
    says(&mut tcp, b"three\n");
    assert_eq!(tcp.take(), b"three\n");
    says(&mut tcp, b"q\n");
    assert_eq!(tcp.take(), b"q");
    assert!(tcp.closed());

    let mut tcp = client(Script::typing(&[b"one\ntwo"]));
    assert_eq!(tcp.take(), b"one\ntwo\n");
    assert!(tcp.closed());
}

#[test]
fn the_client_drops_a_line_ending_if_the_server_uses_none() {
    let mut tcp = client(open());
    says(&mut tcp, b"one\n");
    tcp.send(b"hello");
    assert_eq!(shows(&mut tcp), "");
    pass(&mut tcp, 200);
    assert_eq!((shows(&mut tcp).as_str(), tcp.take()), ("hello\n", b"one".to_vec()));
    says(&mut tcp, b"two\nthree\n");
    assert_eq!(tcp.take(), b"two");
    pass(&mut tcp, 300);
    assert_eq!(tcp.take(), b"three");
    tcp.send(b"q");
    pass(&mut tcp, 200);
    assert_eq!((shows(&mut tcp).as_str(), tcp.next()), ("the talk has ended\n", Next::Close));
    assert!(tcp.closed());
    // The server can begin to use line endings later.
    let mut tcp = client(open());
    says(&mut tcp, b"one\n");
    tcp.send(b"hello");
    pass(&mut tcp, 200);
    tcp.send(b"again\n");
    says(&mut tcp, b"two\n");
    assert_eq!(tcp.take(), b"onetwo\n");
}

#[test]
fn a_long_line_from_the_client_has_no_line_ending_inside() {
    let long = [&[b'x'; 1500][..], b"\n"].concat();
    let mut tcp = client(open());
    says(&mut tcp, &long);
    assert_eq!(tcp.take(), [b'x'; 1500]);
    says(&mut tcp, b"next\n");
    assert_eq!(tcp.take(), b"\nnext");
}

#[test]
fn after_sending_q_the_client_waits_a_second_for_the_server_to_close() {
    let mut tcp = client(open());
    says(&mut tcp, b"q\n");
    assert_eq!(tcp.take(), b"q");
    // A simple server can keep the connection open until its next client connects.
    pass(&mut tcp, 999);
    assert!(tcp.session.result().is_none());
    pass(&mut tcp, 1);
    assert_eq!(shows(&mut tcp), "the talk has ended\n");
    assert_eq!((tcp.session.result(), tcp.next()), (Some(Ok(())), Next::Wait));
}
