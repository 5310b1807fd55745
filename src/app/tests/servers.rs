//! Tests that TCP servers send and print the right bytes.

use smoltcp::time::Duration;

use super::rig::*;
use crate::app::{App, Options, Server, Template, TemplateError, find};
use crate::stack::{End, Next};

fn app(name: &str) -> App {
    find(name).unwrap()
}

fn serve(name: &str, buffers: Buffers) -> Tcp<Server<'static>> {
    Tcp::server(app(name).server(&Options::default()).unwrap(), buffers)
}

fn greet(options: &Options<'static>, buffers: Buffers) -> Tcp<Server<'static>> {
    let mut tcp = Tcp::server(app("greeting").server(options).unwrap(), buffers);
    assert_eq!(tcp.take(), b"Welcome!");
    tcp
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

#[test]
fn greeting_replies_to_each_message() {
    for buffers in [BIG, SMALL] {
        let mut tcp = greet(&Options::default(), buffers);
        for (message, reply) in [
            (&b"Li"[..], &b"Hello,Li!"[..]),
            (b"Li\n", b"Hello,Li!\n"),
            (b"Cheng\r\n", b"Hello,Cheng!\r\n"),
            (b"\n", b"Hello,!\n"),
            (b"\r", b"Hello,\r!"),
            (b"a\nb\n", b"Hello,a\nb!\n"),
            (b"{}", b"Hello,{}!"),
            (b"exit!", b"Hello,exit!!"),
            (b"\xff\x80\0", b"Hello,\xff\x80\0!"),
            (&[b'x'; 60], &[b"Hello,", &[b'x'; 60][..], b"!"].concat()),
        ] {
            tcp.send(message);
            assert_eq!(tcp.take(), reply, "{buffers:?}");
        }
        assert!(!tcp.closed());
        tcp.close();
        assert!(tcp.closed());
        assert_eq!(tcp.end, Some(End::Closed));
    }
}

#[test]
fn greeting_closes_on_exit() {
    for exit in [&b"exit"[..], b"exit\n", b"exit\r\n"] {
        let mut tcp = greet(&Options::default(), SMALL);
        tcp.send(exit);
        assert_eq!(tcp.take(), b"");
        assert!(tcp.closed());
    }
}

#[test]
fn greeting_answers_messages_before_the_end_of_stream() {
    let mut tcp = greet(&Options { delay: Duration::from_secs(1), ..Options::default() }, SMALL);
    tcp.send(b"Li");
    tcp.send(b"Cheng");
    tcp.close();
    assert!(!tcp.closed());
    tcp.pass(Duration::from_secs(3));
    assert_eq!(tcp.take(), b"Hello,Li!Hello,Cheng!");
    assert!(tcp.closed());
}

#[test]
fn greeting_delays_each_reply() {
    let mut tcp = greet(&Options { delay: Duration::from_secs(1), ..Options::default() }, BIG);
    for message in [&b"Li"[..], b"Cheng"] {
        tcp.send(message);
        assert_eq!(tcp.next(), Next::WakeAt(tcp.now + Duration::from_secs(1)));
        tcp.pass(Duration::from_millis(990));
        assert_eq!(tcp.take(), b"");
        tcp.pass(Duration::from_millis(10));
        assert_eq!(tcp.take(), [b"Hello,", message, b"!"].concat());
    }
}

#[test]
fn greeting_accepts_any_delay() {
    let mut tcp = greet(&Options { delay: Duration::MAX, ..Options::default() }, BIG);
    tcp.send(b"Li");
    assert!(matches!(tcp.next(), Next::WakeAt(_)));
}

#[test]
fn greeting_follows_its_template() {
    assert_eq!(Template::new(b"Hello, {!"), Err(TemplateError::NoPlace));
    let long = [b'-'; 300];
    let long = [&long[..], b"{}", &long].concat().leak();
    for (template, reply) in [
        (&b"Hello, {}!"[..], &b"Hello, Li!\n"[..]),
        (b"{}", b"Li\n"),
        (b"{}{} {", b"LiLi {\n"),
        (long, &[&[b'-'; 300][..], b"Li", &[b'-'; 300], b"\n"].concat()),
    ] {
        let template = Some(Template::new(template).unwrap());
        let mut tcp = greet(&Options { template, ..Options::default() }, SMALL);
        tcp.send(b"Li\n");
        assert_eq!(tcp.take(), reply);
    }
}

#[test]
fn a_message_is_at_most_1024_bytes() {
    let mut tcp = greet(&Options::default(), BIG);
    tcp.send(&[b'x'; 1500]);
    // The peer's MSS splits the message.
    let reply = text(tcp.take());
    let names: Vec<_> = reply.split_inclusive('!').map(|r| r.len() - "Hello,!".len()).collect();
    assert_eq!(names.iter().sum::<usize>(), 1500);
    assert_eq!(names[0], 1024);
}

/// Receive buffer sizes in bytes. The smallest size is used on a board. The largest buffer can store several messages.
const RINGS: [usize; 3] = [1072, 1460, 4096];

#[test]
fn greeting_replies_to_the_longest_message_at_any_position_in_the_ring() {
    for receive in RINGS {
        let mut tcp = greet(&Options::default(), Buffers { receive, send: 300 });
        for (len, letter) in [1024, 700, 1024, 1, 1024, 1023, 1024].into_iter().zip(b'a'..) {
            let message = vec![letter; len];
            tcp.send(&message);
            assert_eq!(text(tcp.take()), text([b"Hello,", &message[..], b"!"].concat()), "{receive}");
        }
    }
}

#[test]
fn the_longest_message_is_printed_whole() {
    let message = [&b"<"[..], "ß".repeat(511).as_bytes(), b">"].concat();
    for (name, reply) in [("ack", &b"ACK"[..]), ("thanks", b"thank you !")] {
        for receive in RINGS {
            let mut tcp = serve(name, Buffers { receive, send: 16 });
            tcp.send(&message);
            assert_eq!(tcp.take(), reply);
            assert_eq!(text(tcp.printed()), format!("192.168.69.2:2000 {}\n", text(message.clone())), "{receive}");
        }
    }
}

#[test]
fn upper_accepts_2048_bytes_or_a_full_receive_buffer() {
    // Characters and line endings of several lengths, shifted byte by byte across the end of the scratch memory.
    let letters = ["é", "ᲀ", "𐐨", "\r\n", "\r", "\u{390}"];
    for (receive, send) in [(1072, 1460), (1460, 1460), (2048, 16), (4096, 4096)] {
        let longest = receive.min(2048);
        for letter in letters {
            for before in 1018..=1026 {
                let start = format!("{}{letter}", "x".repeat(before));
                let message = format!("{start}{}\n", "y".repeat(longest - 1 - start.len()));
                let mut tcp = serve("upper", Buffers { receive, send });
                tcp.send(message.as_bytes());
                assert!(text(tcp.take()) == message.to_uppercase(), "{letter:?} after {before} bytes in {receive}");
                assert!(text(tcp.printed()) == format!("192.168.69.2:2000 {message}"), "{letter:?} {before} {receive}");
                assert!(tcp.closed());
            }
        }
    }
}

#[test]
fn upper_finds_a_line_ending_at_the_end_of_the_scratch_memory() {
    for (len, end) in
        [(1023, "\n"), (1024, "\n"), (1023, "\r\n"), (1022, "\r\n"), (1024, "\r\n"), (2046, "\r\n"), (2048, "")]
    {
        let mut tcp = serve("upper", BIG);
        tcp.send(format!("{}{end}", "x".repeat(len)).as_bytes());
        assert_eq!(text(tcp.take()), format!("{}{end}", "X".repeat(len)));
        assert_eq!(text(tcp.printed()), format!("192.168.69.2:2000 {}\n", "x".repeat(len)));
    }
}

#[test]
fn a_message_of_upper_is_at_most_2048_bytes() {
    let mut tcp = serve("upper", BIG);
    tcp.send(&[b'x'; 2049]);
    assert_eq!(tcp.take(), [b'X'; 2048]);
}

#[test]
fn later_data_is_the_next_message() {
    let mut tcp = greet(&Options { delay: Duration::from_secs(1), ..Options::default() }, SMALL);
    for message in ["Li", "Ch", "eng"] {
        tcp.send(message.as_bytes());
    }
    assert_eq!(tcp.unread(), 7);
    tcp.pass(Duration::from_secs(2));
    assert_eq!(text(tcp.take()), "Hello,Li!Hello,Cheng!");
}

#[test]
fn ack_and_thanks_print_and_reply_once() {
    for (name, reply) in [("ack", &b"ACK"[..]), ("thanks", b"thank you !")] {
        for (message, printed) in [
            (&b"hi"[..], &b"192.168.69.2:2000 hi\n"[..]),
            (b"hi\r\n", b"192.168.69.2:2000 hi\n"),
            // The server prints control characters unchanged, because the console escapes them for a terminal.
            (b"a\nb\r\tc\x07\x7f\xc2\x85\x1b[2J\n", b"192.168.69.2:2000 a\nb\r\tc\x07\x7f\xc2\x85\x1b[2J\n"),
            ("grüß\u{a0}日本".as_bytes(), "192.168.69.2:2000 grüß\u{a0}日本\n".as_bytes()),
            (b"\xff\xc2\n", b"192.168.69.2:2000 \xff\xc2\n"),
            (b"\n", b"192.168.69.2:2000 \n"),
        ] {
            let mut tcp = serve(name, SMALL);
            tcp.send(message);
            assert_eq!(tcp.take(), reply);
            assert_eq!(tcp.printed(), printed);
            assert!(tcp.closed());
            tcp.close();
            assert_eq!(tcp.end, Some(End::Closed));
        }
    }
}

#[test]
fn addresses_print_in_brackets_over_ipv6() {
    let mut tcp = Tcp::server_over(v6, app("ack").server(&Options::default()).unwrap(), BIG);
    tcp.send(b"hi\n");
    assert_eq!(text(tcp.printed()), "[fdaa::2]:2000 hi\n");
}

#[test]
fn single_message_servers_close_if_no_message_arrives() {
    for name in ["ack", "thanks", "upper"] {
        let mut tcp = serve(name, SMALL);
        tcp.close();
        assert_eq!((tcp.take(), tcp.printed(), tcp.closed()), (Vec::new(), Vec::new(), true), "{name}");
    }
}

#[test]
fn upper_maps_all_of_unicode() {
    for buffers in [BIG, SMALL] {
        for (message, reply) in [
            (&b"hello\n"[..], &b"HELLO\n"[..]),
            (b"Hi\r\n", b"HI\r\n"),
            ("straße ŉ ﬃ éπя\n".as_bytes(), "STRASSE ʼN FFI ÉΠЯ\n".as_bytes()),
            (b"a\xffb\xc3", b"A\xffB\xc3"),
            ("\u{390}".repeat(30).as_bytes(), "\u{399}\u{308}\u{301}".repeat(30).as_bytes()),
        ] {
            let mut tcp = serve("upper", buffers);
            tcp.send(message);
            assert_eq!(tcp.take(), reply, "{buffers:?}");
            assert!(tcp.closed());
            assert_eq!(tcp.printed().iter().filter(|&&b| b == b'\n').count(), 1);
        }
    }
}

#[test]
fn discard_reads_all_data_and_sends_nothing() {
    let mut tcp = serve("discard", SMALL);
    for _ in 0..100 {
        tcp.send(&[b'x'; 50]);
    }
    assert_eq!((tcp.take(), tcp.unread(), tcp.closed()), (Vec::new(), 0, false));
    tcp.close();
    assert!(tcp.closed());
}

#[test]
fn chargen_rotates_its_lines() {
    let mut tcp = serve("chargen", Buffers { receive: 64, send: 100 });
    tcp.send(b"no effect");
    let mut received = Vec::new();
    while received.len() < 96 * 74 {
        received.extend(tcp.take_some(1000));
    }
    let all: Vec<u8> = (b' '..=b'~').collect();
    for (number, line) in received.chunks_exact(74).take(96).enumerate() {
        let want: Vec<u8> = all.iter().cycle().skip(number % 95).take(72).chain(b"\r\n").copied().collect();
        assert_eq!(line, want, "line {number}");
    }
    assert_eq!(tcp.unread(), 0);
    tcp.close();
    tcp.take();
    // The peer announces its open window only in reply to a window probe.
    tcp.pass(Duration::from_secs(1));
    tcp.take();
    assert!(tcp.closed());
}

#[test]
fn echo_keeps_back_pressure() {
    let mut tcp = serve("echo", SMALL);
    let sent: Vec<u8> = (0..200_000u32).map(|i| (i % 251) as u8).collect();
    // The peer reads only when it can send no more, after its own buffers and the server's buffers are full.
    let mut rest = &sent[..];
    let mut received = Vec::new();
    while !rest.is_empty() || received.len() < sent.len() {
        let accepted = tcp.offer(rest);
        rest = &rest[accepted..];
        if accepted == 0 {
            received.extend(tcp.take_some(50_000));
        }
    }
    assert_eq!(received, sent);
    tcp.close();
    assert!(tcp.closed());
}
