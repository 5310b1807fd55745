//! Tests chat over UDP: a person with several partners, and the client.

use smoltcp::time::Duration;

use super::rig::*;
use crate::app::{ClientOptions, Failure, Keyboard, Operator, Options, UdpServer, find};
use crate::stack::{Next, UdpSession};

fn serve(peers: &[u16]) -> Udp<UdpServer<'static>> {
    let keyboard: &Keyboard = Box::leak(Box::default());
    let operator = Box::leak(Box::new(Operator::new(false).with_keyboard(keyboard)));
    let options = Options { operator: Some(operator), ..Options::default() };
    let console = Script { open: true, keyboard: Some(keyboard), ..Script::default() };
    Udp::new(find("chat").unwrap().udp_server(&options).unwrap(), peers, console)
}

impl<S: UdpSession> Udp<S> {
    fn types(&mut self, text: &[u8]) {
        self.console.typed.push_back(text.to_vec());
        self.settle();
    }

    fn hears(&mut self, peer: usize) -> Vec<u8> {
        self.take(peer).map(|(data, _)| data).unwrap_or_default()
    }

    fn shows(&mut self) -> String {
        String::from_utf8(self.printed()).unwrap()
    }
}

#[test]
fn lines_go_to_the_most_recent_sender_or_by_number() {
    let mut udp = serve(&[3001, 3002, 3003]);
    // No partner has written yet: the line waits for the first partner.
    udp.types(b"welcome\n");
    udp.send(0, v4, b"one\n");
    assert_eq!(udp.shows(), "@1 192.168.69.2:3001 one\n");
    assert_eq!(udp.hears(0), b"welcome\n");
    udp.send(1, v6, b"t\x1bw\xffo");
    udp.send(2, v4, b"three\r\n");
    assert_eq!(udp.shows(), "@2 [fdaa::2]:3002 t\\x1bw\\xffo\n@3 192.168.69.2:3003 three\n");
    udp.types(b"to the last\n@1 to the first\n@2 to the second\n");
    assert_eq!(
        (udp.hears(0), udp.hears(1), udp.hears(2)),
        (b"to the first\n".into(), b"to the second".into(), b"to the last\n".into())
    );
    // A partner keeps its number.
    udp.send(0, v4, b"again");
    assert_eq!(udp.shows(), "@1 192.168.69.2:3001 again\n");
    udp.types(b"you are the last\n");
    assert_eq!(udp.hears(0), b"you are the last");
}

#[test]
fn lines_typed_without_a_partner_are_discarded() {
    let mut udp = serve(&[3001, 3002]);
    udp.console.person = true;
    udp.types(b"a secret\n");
    assert_eq!(udp.shows(), "(nobody is here: what was typed is not sent)\n");
    udp.send(0, v4, b"hi\n");
    udp.types(b"hello\n");
    assert_eq!((udp.shows().as_str(), udp.hears(0)), ("@1 192.168.69.2:3001 hi\n", b"hello\n".into()));
    udp.send(0, v4, b"q");
    udp.shows();
    // Lines typed for the partner who has left arrive together with a new partner's datagram.
    udp.console.typed.extend([b"q\n".to_vec(), b"and more\n".to_vec()]);
    udp.send_unseen(1, v4, b"hi");
    assert_eq!(udp.shows(), "(what was typed before is not sent)\n@2 192.168.69.2:3002 hi\n");
    assert_eq!((udp.hears(0), udp.hears(1)), (b"".into(), b"".into()));
    // A second partner does not discard typed lines.
    udp.console.typed.push_back(b"@2 to you\n".to_vec());
    udp.send(0, v4, b"again");
    assert_eq!(udp.hears(1), b"to you");
}

#[test]
fn lines_that_cannot_be_sent_are_reported() {
    let mut udp = serve(&[3001]);
    udp.send(0, v4, b"one");
    udp.shows();
    for (typed, why) in [
        ("@2 hi\n", "no partner has this number"),
        ("@ hi\n", "after @, write a partner's number"),
        ("@x hi\n", "after @, write a partner's number"),
        ("@1\n", "after @, write a partner's number"),
        ("@99999999999 hi\n", "after @, write a partner's number"),
    ] {
        udp.types(typed.as_bytes());
        let shown = udp.shows();
        assert!(shown.starts_with("not sent: ") && shown.contains(why), "{typed}: {shown}");
        assert_eq!(udp.hears(0), b"");
    }
}

#[test]
fn q_from_either_side_ends_a_conversation() {
    let mut udp = serve(&[3001, 3002]);
    udp.send(0, v4, b"one");
    udp.send(1, v4, b"two");
    udp.shows();
    udp.send(0, v4, b"q\n");
    // Another partner wrote most recently, so lines are still sent to that other partner.
    assert_eq!(udp.shows(), "the talk with @1 192.168.69.2:3001 has ended\n");
    udp.types(b"q\n");
    assert_eq!(udp.shows(), "the talk with @2 192.168.69.2:3002 has ended\n");
    assert_eq!((udp.hears(0), udp.hears(1)), (b"".into(), b"q".into()));
    // A partner who comes back receives a new number.
    udp.send(0, v4, b"one");
    assert_eq!(udp.shows(), "@3 192.168.69.2:3001 one\n");
}

#[test]
fn after_a_conversation_the_next_addressee_is_printed() {
    for from_console in [false, true] {
        let mut udp = serve(&[3001, 3002, 3003]);
        udp.console.person = true;
        (0..3).for_each(|peer| udp.send(peer, v4, b"hi"));
        udp.shows();
        if from_console {
            udp.types(b"q\n");
            assert_eq!(udp.hears(2), b"q");
        } else {
            // A line typed for a partner who has left is not sent to another partner.
            udp.console.typed.push_back(b"a secret\n".to_vec());
            udp.send_unseen(2, v4, b"q");
        }
        let forgotten = if from_console { "" } else { "(what was typed before is not sent)\n" };
        let ended = "the talk with @3 192.168.69.2:3003 has ended\n";
        let next = "(the next line goes to @2 192.168.69.2:3002)\n";
        assert_eq!(udp.shows(), format!("{ended}{forgotten}{next}"));
        udp.types(b"hello\n@1 q\n");
        assert_eq!((udp.hears(0), udp.hears(1)), (b"q".into(), b"hello".into()));
        assert_eq!(udp.shows(), "the talk with @1 192.168.69.2:3001 has ended\n");
        udp.types(b"q\n");
        assert_eq!(udp.shows(), "the talk with @2 192.168.69.2:3002 has ended\n");
    }
}

#[test]
fn the_partner_silent_for_longest_makes_way_for_a_seventeenth() {
    let ports: Vec<u16> = (3001..=3017).collect();
    let mut udp = serve(&ports);
    for peer in 0..16 {
        udp.send(peer, v4, b"hi");
    }
    udp.send(0, v4, b"still here");
    udp.shows();
    udp.send(16, v4, b"hi");
    let forgotten = "@2 192.168.69.2:3002 is forgotten: 16 others wrote since\n";
    assert_eq!(udp.shows(), format!("{forgotten}@17 192.168.69.2:3017 hi\n"));
    udp.types(b"@2 gone\n@1 here\n");
    assert_eq!((udp.hears(1), udp.hears(0)), (b"".into(), b"here".into()));
}

#[test]
fn a_port_that_may_not_be_answered_has_no_number() {
    let mut udp = serve(&[7]);
    udp.send(0, v4, b"loop");
    assert_eq!(udp.shows(), "@- 192.168.69.2:7 loop\n");
    udp.types(b"answer\n");
    assert_eq!(udp.hears(0), b"");
}

#[test]
fn a_datagram_to_an_unreachable_partner_is_reported() {
    let mut udp = serve(&[3001]);
    udp.send(0, v4, b"one");
    udp.shows();
    udp.session.unreachable();
    udp.settle();
    assert!(udp.shows().starts_with("the last datagram is lost"));
}

const PATIENT: ClientOptions<'static> = ClientOptions {
    texts: &[],
    fallback: &[],
    timeout: Some(Duration::from_secs(10)),
    bytes: 0,
    no_wait: false,
    dash: false,
};

fn client(console: Script) -> Udp<crate::app::UdpClient<'static>> {
    let remote = (v4(2), 3001).into();
    Udp::new(find("chat").unwrap().udp_client(&PATIENT, remote).unwrap(), &[3001, 3002], console)
}

#[test]
fn the_client_sends_and_prints_at_the_same_time() {
    let mut udp = client(Script { open: true, ..Script::default() });
    udp.types(b"hi\nand\n");
    assert_eq!((udp.hears(0), udp.hears(0)), (b"hi".into(), b"and".into()));
    udp.send(0, v4, b"y\x07es\n");
    udp.send(1, v4, b"not the partner\n");
    udp.send(0, v4, b"no");
    assert_eq!(udp.shows(), "y\\x07es\nno\n");
    udp.types(b"q\n");
    assert_eq!(udp.hears(0), b"q");
    assert_eq!((udp.shows().as_str(), udp.session.result()), ("the talk has ended\n", Some(Ok(()))));
}

#[test]
fn the_clients_end_of_input_waits_for_a_reply() {
    for (reply, result) in [(Some(&b"a reply"[..]), Ok(())), (Some(b"q"), Ok(())), (None, Err(Failure::TimedOut))] {
        let mut udp = client(Script::typing(&[b"hi"]));
        // The client reads once for each piece of input, and once for the end of input.
        udp.settle();
        udp.settle();
        assert_eq!((udp.hears(0), udp.session.result()), (b"hi".into(), None));
        match reply {
            Some(reply) => udp.send(0, v4, reply),
            None => {
                udp.now += Duration::from_secs(11);
                udp.settle();
            }
        }
        assert_eq!((udp.next, udp.session.result()), (Next::Close, Some(result)));
        assert!(udp.shows().ends_with("the talk has ended\n"));
    }
    let mut udp = client(Script::default());
    udp.settle();
    assert_eq!(udp.session.result(), Some(Err(Failure::NoText)));
}
