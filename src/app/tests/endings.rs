//! Tests the failures of TCP clients.

use smoltcp::time::Duration;

use super::rig::*;
use crate::app::{Client, ClientOptions, Failure, find};
use crate::stack::{Console, Context, End, Session};

const TIMEOUT: Duration = Duration::from_secs(10);

fn call(name: &str, console: Script) -> Tcp<Client<'static>> {
    let texts: &[&[u8]] = if console.typed.is_empty() && !console.open { &[b"hi"] } else { &[] };
    let options = ClientOptions { texts, timeout: Some(TIMEOUT), ..ClientOptions::default() };
    Tcp::client(find(name).unwrap().client(&options).unwrap(), SMALL, console)
}

fn assert_failed(tcp: &Tcp<Client<'_>>, name: &str, failure: Failure) {
    assert_eq!(tcp.session.result(), Some(Err(failure)), "{name}");
}

const ALL: [&str; 7] = ["ack", "chargen", "discard", "echo", "greeting", "thanks", "upper"];

#[test]
fn a_silent_server_times_out() {
    for name in ALL {
        let mut tcp = call(name, Script::default());
        tcp.pass(TIMEOUT - Duration::from_millis(10));
        assert_eq!(tcp.session.result(), None, "{name}");
        tcp.pass(Duration::from_millis(10));
        assert_failed(&tcp, name, Failure::TimedOut);
    }
}

#[test]
fn each_reply_has_its_own_timeout() {
    let texts: &[&[u8]] = &[b"one", b"two"];
    for name in ["greeting", "echo"] {
        let options =
            ClientOptions { texts, timeout: Some(TIMEOUT), bytes: 0, no_wait: false, dash: false, fallback: &[] };
        let mut tcp = Tcp::client(find(name).unwrap().client(&options).unwrap(), BIG, Script::default());
        if name == "greeting" {
            tcp.pass(Duration::from_secs(9));
            tcp.send(b"Welcome!");
        }
        for text in texts {
            tcp.pass(Duration::from_secs(9));
            assert_eq!(tcp.take(), *text, "{name}");
            tcp.send(text);
        }
        let welcome = if name == "greeting" { "Welcome!\n" } else { "" };
        assert_eq!(tcp.printed(), format!("{welcome}one\ntwo\n").as_bytes(), "{name}");
        tcp.pass(Duration::from_secs(9));
        tcp.close();
        assert_eq!(tcp.session.result(), Some(Ok(())), "{name}");
    }
}

#[test]
fn a_person_may_take_any_time_to_type() {
    for name in ["ack", "discard", "echo", "greeting", "upper"] {
        let mut tcp = call(name, Script { open: true, ..Script::default() });
        if name == "greeting" {
            tcp.send(b"Welcome!");
        }
        tcp.pass(TIMEOUT + TIMEOUT);
        tcp.console.typed.push_back(b"hi\n".to_vec());
        tcp.settle();
        assert!(tcp.take().starts_with(b"hi"), "{name}");
        assert_eq!(tcp.session.result(), None, "{name}");
    }
}

#[test]
fn a_server_that_closes_immediately_is_a_failure() {
    for (name, failure) in [
        ("ack", Failure::NotReplied),
        ("echo", Failure::TooEarly),
        ("greeting", Failure::NotReplied),
        ("thanks", Failure::NotReplied),
        ("upper", Failure::NotReplied),
    ] {
        for console in [Script::default(), Script { open: true, ..Script::default() }] {
            let mut tcp = call(name, console);
            tcp.close();
            tcp.settle();
            assert_failed(&tcp, name, failure);
        }
    }
    let mut tcp = call("discard", Script { open: true, ..Script::default() });
    tcp.close();
    tcp.settle();
    assert_failed(&tcp, "discard", Failure::TooEarly);
}

#[test]
fn chargen_fails_if_bytes_are_missing() {
    let options = ClientOptions { bytes: 100, ..ClientOptions::default() };
    let mut tcp = Tcp::client(find("chargen").unwrap().client(&options).unwrap(), SMALL, Script::default());
    tcp.send(&[b'x'; 99]);
    tcp.close();
    tcp.settle();
    assert_failed(&tcp, "chargen", Failure::TooEarly);
}

#[test]
fn echo_fails_if_bytes_are_missing() {
    for console in [Script::default(), Script::typing(&[b"hi"])] {
        let mut tcp = call("echo", console);
        tcp.settle();
        assert_eq!(tcp.take(), b"hi");
        tcp.send(b"h");
        tcp.close();
        tcp.settle();
        assert_failed(&tcp, "echo", Failure::TooEarly);
    }
}

#[test]
fn a_reset_is_a_failure() {
    for name in ALL {
        let mut tcp = call(name, Script::default());
        tcp.reset();
        assert_failed(&tcp, name, Failure::Ended(End::Reset));
    }
}

#[test]
fn nothing_to_send_is_a_failure() {
    for name in ["ack", "thanks", "upper"] {
        let mut tcp = call(name, Script::typing(&[b"\n\n"]));
        tcp.settle();
        tcp.close();
        assert_failed(&tcp, name, Failure::NoText);
    }
}

#[test]
fn success_requires_that_all_data_is_acknowledged() {
    for end in [End::TimedOut, End::Recycled, End::Reset, End::AddressGone] {
        // The exchange of data is complete, but the connection has not ended yet.
        let mut tcp = call("ack", Script::default());
        tcp.reply_and_close(b"ACK");
        let mut console = Script::default();
        let mut scratch = [];
        let console: &mut dyn Console = &mut console;
        let mut cx = Context {
            now: tcp.now,
            console,
            scratch: &mut scratch,
            udp_ports: &[],
            addresses: &[],
            held_back: false,
            wake: false,
        };
        assert_eq!(tcp.session.result(), Some(Ok(())));
        tcp.session.ended(end, &mut cx);
        assert_eq!(tcp.session.result(), Some(Err(Failure::Ended(end))));
    }
}

#[test]
fn a_refused_connection_is_a_failure() {
    let (mut console, mut scratch) = (Script::default(), []);
    let mut cx = Context {
        now: smoltcp::time::Instant::ZERO,
        console: &mut console,
        scratch: &mut scratch,
        udp_ports: &[],
        addresses: &[],
        held_back: false,
        wake: false,
    };
    let mut client = find("chargen").unwrap().client(&ClientOptions::default()).unwrap();
    client.ended(End::Refused, &mut cx);
    assert_eq!(client.result(), Some(Err(Failure::Ended(End::Refused))));
    assert_eq!(Failure::Ended(End::Refused).to_string(), "connection refused");
    assert_eq!(Failure::Ended(End::Reset).to_string(), "connection reset by peer");
}
