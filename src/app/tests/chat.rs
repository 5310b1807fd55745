//! Tests chat over TCP with one partner: server, client, and splitting data into lines. Other files test rooms and UDP.

use smoltcp::time::Duration;

use super::rig::*;
use crate::app::{Client, ClientOptions, Failure, Operator, Options, Server, find};
use crate::stack::{End, Next};

const PARTNER: &str = "192.168.69.2:2000";

fn talk(operator: Option<&'static Operator>, buffers: Buffers) -> Tcp<Server<'static>> {
    let options = Options { operator, ..Options::default() };
    let mut tcp = Tcp::server(find("chat").unwrap().server(&options).unwrap(), buffers);
    assert_eq!(tcp.printed(), format!("talking with {PARTNER}: q ends the talk\n").as_bytes());
    tcp
}

/// Begins a conversation with a person who can type.
fn talk_with_a_person(once: bool) -> Tcp<Server<'static>> {
    let operator = Box::leak(Box::new(Operator::new(once)));
    let options = Options { operator: Some(operator), ..Options::default() };
    let console = Script { open: true, ..Script::default() };
    let mut tcp = Tcp::server_at(console, find("chat").unwrap().server(&options).unwrap(), BIG);
    tcp.printed();
    tcp
}

impl<S: crate::stack::Session> Tcp<S> {
    fn types(&mut self, text: &[u8]) {
        self.console.typed.push_back(text.to_vec());
        self.settle();
    }

    fn shows(&mut self) -> String {
        String::from_utf8(self.printed()).unwrap()
    }
}

#[test]
fn lines_go_both_ways_and_are_shown_escaped() {
    let mut tcp = talk_with_a_person(false);
    tcp.send(b"hello\r\n\nhal");
    assert_eq!(tcp.shows(), format!("{PARTNER} hello\n{PARTNER} \n"));
    tcp.send(b"f\x1b[2J\x00\xff\xc3\xa9\xc2\x9b\t\r\n");
    assert_eq!(tcp.shows(), format!("{PARTNER} half\\x1b[2J\\x00\\xffé\\xc2\\x9b\\t\n"));
    assert_eq!(tcp.console.prompts, 1);
    tcp.types(b"hi ");
    assert_eq!(tcp.take(), b"");
    tcp.types(b"there\r\nand more\nq");
    assert_eq!(tcp.take(), b"hi there\nand more\n");
    // A line with more than `q` does not end the conversation.
    tcp.types(b"?\n q\n");
    tcp.send(b"qq\nq \n");
    assert_eq!(tcp.take(), b"q?\n q\n");
    assert_eq!(tcp.shows(), format!("{PARTNER} qq\n{PARTNER} q \n"));
    assert_eq!(tcp.next(), Next::Wait);
}

#[test]
fn q_from_either_side_ends_the_conversation() {
    for (q, from_console) in [("q\n", false), ("Q\r\n", false), ("q\n", true), ("Q\r\n", true)] {
        let mut tcp = talk_with_a_person(false);
        if from_console {
            tcp.types(q.as_bytes())
        } else {
            tcp.send(q.as_bytes())
        }
        assert_eq!(tcp.next(), Next::Close, "{q:?}");
        assert_eq!(tcp.shows(), format!("the talk with {PARTNER} has ended\n"));
        assert_eq!(tcp.take(), b"the talk has ended\n");
        assert!(tcp.closed());
        tcp.close();
        tcp.pass(Duration::from_secs(1));
        assert_eq!((tcp.end, tcp.shows().as_str()), (Some(End::Closed), ""));
    }
}

#[test]
fn a_partner_that_closed_its_side_is_answered_once() {
    let mut tcp = talk_with_a_person(false);
    tcp.reply_and_close(b"are you there?");
    let all = format!("{PARTNER} are you there?\n{PARTNER} has closed its side: send one more line, or q\n");
    assert_eq!(tcp.shows(), all);
    assert_eq!(tcp.take(), b"(waiting for the last reply)\n");
    tcp.types(b"yes\nthis is for the next\n");
    assert_eq!(tcp.take(), b"yes\nthe talk has ended\n");
    assert_eq!(tcp.shows(), format!("the talk with {PARTNER} has ended\n"));
    assert!(tcp.closed());
}

#[test]
fn end_of_stream_ends_the_conversation_if_nobody_can_answer() {
    let operator = Box::leak(Box::new(Operator::new(false)));
    for operator in [None, Some(&*operator)] {
        for buffers in [BIG, SMALL] {
            let mut tcp = talk(operator, buffers);
            tcp.send(b"anybody?\n");
            assert_eq!((tcp.shows(), tcp.next()), (format!("{PARTNER} anybody?\n"), Next::Wait));
            tcp.close();
            assert_eq!(tcp.shows(), format!("the talk with {PARTNER} has ended\n"));
            // The partner receives the note only if the note fits into the send buffer.
            let told = if buffers.send < 19 { &b""[..] } else { b"the talk has ended\n" };
            assert_eq!(tcp.take(), told);
            assert!(tcp.closed());
        }
    }
}

#[test]
fn a_reset_ends_the_conversation() {
    let mut tcp = talk_with_a_person(false);
    tcp.reset();
    tcp.pass(Duration::from_millis(10));
    assert_eq!(tcp.shows(), format!("the talk with {PARTNER} has ended: connection reset by peer\n"));
}

#[test]
fn connections_after_the_only_conversation_are_reset() {
    let operator = Box::leak(Box::new(Operator::new(true)));
    let options = Options { operator: Some(operator), ..Options::default() };
    let session = find("chat").unwrap().server(&options).unwrap();
    let mut first = Tcp::server(session.clone(), BIG);
    assert!(!operator.is_over());
    first.send(b"q\n");
    assert!(operator.is_over());
    let mut second = Tcp::server(session, BIG);
    assert_eq!((second.next(), second.shows().as_str()), (Next::Abort, ""));
}

#[test]
fn small_buffers_carry_long_lines() {
    let operator = Box::leak(Box::new(Operator::new(false)));
    let options = Options { operator: Some(operator), ..Options::default() };
    let console = Script { open: true, ..Script::default() };
    let mut tcp = Tcp::server_at(console, find("chat").unwrap().server(&options).unwrap(), SMALL);
    tcp.printed();
    let long = [&[b'x'; 1500][..], b"\n"].concat();
    tcp.types(&long);
    assert_eq!(tcp.take(), long);
    // The receive buffer has room for only 64 bytes of a line.
    tcp.send(&[b'y'; 100]);
    tcp.send(b"\n");
    assert_eq!(tcp.shows(), format!("{PARTNER} {}\n{PARTNER} {}\n", "y".repeat(64), "y".repeat(36)));
}

#[test]
fn a_long_line_is_split_between_characters() {
    for (sent, shown) in [
        (["x".repeat(512), "\n".into()].concat(), vec!["x".repeat(512)]),
        (["x".repeat(512), "\r\n".into()].concat(), vec!["x".repeat(512)]),
        // `q` as the rest of a longer line does not end the conversation.
        (["x".repeat(512), "q\n".into()].concat(), vec!["x".repeat(512), "q".into()]),
        (["x".repeat(511), "日本\n".into()].concat(), vec!["x".repeat(511), "日本".into()]),
    ] {
        let mut tcp = talk(None, BIG);
        tcp.send(sent.as_bytes());
        let want: String = shown.iter().map(|line| format!("{PARTNER} {line}\n")).collect();
        assert_eq!((tcp.shows(), tcp.next()), (want, Next::Wait));
    }
}

fn client(options: &ClientOptions<'static>, console: Script) -> Tcp<Client<'static>> {
    Tcp::client(find("chat").unwrap().client(options).unwrap(), BIG, console)
}

const PATIENT: ClientOptions<'static> = ClientOptions {
    texts: &[],
    fallback: &[],
    timeout: Some(Duration::from_secs(10)),
    bytes: 0,
    no_wait: false,
    dash: false,
};

#[test]
fn the_client_sends_and_prints_at_the_same_time() {
    let mut tcp = client(&PATIENT, Script { open: true, ..Script::default() });
    tcp.send(b"who are \x07you?\nhal");
    assert_eq!(tcp.shows(), "who are \\x07you?\n");
    tcp.types(b"Ann\n");
    assert_eq!(tcp.take(), b"Ann\n");
    tcp.pass(Duration::from_secs(100));
    tcp.types(b"q\n");
    assert_eq!(tcp.take(), b"q");
    assert!(tcp.closed());
    tcp.reply_and_close(b"f a line");
    assert_eq!(tcp.shows(), "half a line\nthe talk has ended\n");
    tcp.pass(Duration::from_secs(1));
    assert_eq!(tcp.session.result(), Some(Ok(())));
}

#[test]
fn after_the_end_of_input_the_client_waits_for_the_server_to_close() {
    let mut tcp = client(&PATIENT, Script::typing(&[b"hi\n", b"last"]));
    assert_eq!(tcp.take(), b"hi\nlast\n");
    assert!(tcp.closed());
    tcp.pass(Duration::from_secs(9));
    tcp.send(b"a reply\n");
    tcp.pass(Duration::from_secs(9));
    assert_eq!((tcp.shows().as_str(), tcp.session.result()), ("a reply\n", None));
    tcp.reply_and_close(b"another\nthe talk has ended\n");
    // The server has already sent the note, so the client does not print it again.
    assert_eq!(tcp.shows(), "another\nthe talk has ended\n");
    tcp.pass(Duration::from_secs(1));
    assert_eq!(tcp.session.result(), Some(Ok(())));
}

#[test]
fn the_client_closes_after_its_server() {
    for goodbye in [&b"q\n"[..], b"Q\r\n", b""] {
        let mut tcp = client(&PATIENT, Script { open: true, ..Script::default() });
        tcp.reply_and_close(goodbye);
        assert_eq!(tcp.shows(), "the talk has ended\n");
        assert!(tcp.closed());
        tcp.pass(Duration::from_secs(1));
        assert_eq!(tcp.session.result(), Some(Ok(())));
    }
    let mut tcp = client(&PATIENT, Script { open: true, ..Script::default() });
    tcp.reset();
    tcp.pass(Duration::from_millis(10));
    assert_eq!(tcp.shows(), "the talk has ended\n");
    assert_eq!(tcp.session.result(), Some(Err(Failure::Ended(End::Reset))));
}

#[test]
fn a_reset_after_the_servers_goodbye_is_a_success() {
    let mut tcp = client(&PATIENT, Script { open: true, ..Script::default() });
    tcp.types(b"not read any more\n");
    tcp.send(b"q\n");
    assert_eq!((tcp.shows().as_str(), tcp.next()), ("the talk has ended\n", Next::Close));
    tcp.reset();
    tcp.pass(Duration::from_millis(10));
    assert_eq!((tcp.end, tcp.session.result()), (Some(End::Reset), Some(Ok(()))));
    assert_eq!(tcp.shows(), "");
}

#[test]
fn a_silent_server_times_out() {
    let mut tcp = client(&ClientOptions { texts: &[b"one", b"two"], ..PATIENT }, Script::default());
    assert_eq!(tcp.take(), b"one\ntwo\n");
    tcp.pass(Duration::from_secs(11));
    assert_eq!(tcp.session.result(), Some(Err(Failure::TimedOut)));
}
