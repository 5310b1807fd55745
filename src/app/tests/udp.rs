//! Tests UDP servers and clients, and the datagrams that must not be answered.

use smoltcp::socket::udp::UdpMetadata;
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{IpAddress, IpEndpoint};

use super::rig::*;
use crate::app::{ClientOptions, Failure, Options, Template, UdpClient, UdpServer, find};
use crate::stack::{Context, IcmpError, Next, NullConsole, Refusal, UdpSession};

const PEER: u16 = 3000;

fn serve(name: &str, options: &Options<'static>) -> Udp<UdpServer<'static>> {
    Udp::new(find(name).unwrap().udp_server(options).unwrap(), &[PEER, PEER + 1, 7], Script::default())
}

fn ask<'a>(name: &str, options: &ClientOptions<'a>, console: Script) -> Udp<UdpClient<'a>> {
    let client = find(name).unwrap().udp_client(options, IpEndpoint::new(v4(2), PEER)).unwrap();
    let mut udp = Udp::new(client, &[PEER, PEER + 1], console);
    udp.settle();
    udp
}

#[test]
fn servers_answer_over_both_versions() {
    let long = [b'x'; 1000];
    for (name, data, reply) in [
        ("greeting", &b"Li"[..], Some(&b"hello Li!"[..])),
        ("greeting", b"Li\r\n", Some(b"hello Li!\r\n")),
        ("greeting", b"exit", Some(b"hello exit!")),
        ("greeting", b"\xff\n", Some(b"hello \xff!\n")),
        ("greeting", &[b'x'; 1024], None),
        ("echo", b"a\n", Some(b"a\n")),
        ("echo", &long, Some(&long)),
        ("discard", b"a", None),
        ("thanks", b"a\n", Some(b"thank you !")),
        ("inbox", b"a", None),
    ] {
        for (address, number) in [(v4 as fn(u8) -> IpAddress, 4), (v6, 6)] {
            let mut udp = serve(name, &Options::default());
            // A datagram without a reply does not affect the next datagram.
            for _ in 0..3 {
                udp.send(0, address, data);
                let from = IpEndpoint::new(address(1), SERVER);
                assert_eq!(udp.take(0), reply.map(|reply| (reply.to_vec(), from)), "{name} over IPv{number}");
            }
            udp.send(1, address, b"b");
            assert_eq!(udp.take(0), None);
        }
    }
}

#[test]
fn greeting_follows_its_template() {
    let template = Some(Template::new(b"{}, {}?").unwrap());
    let mut udp = serve("greeting", &Options { template, ..Options::default() });
    udp.send(0, v4, b"Li\n");
    assert_eq!(udp.take(0).unwrap().0, b"Li, Li?\n");
}

#[test]
fn inbox_and_thanks_print() {
    for name in ["inbox", "thanks"] {
        let mut udp = serve(name, &Options::default());
        udp.send(0, v4, b"a\tb\x1b\n");
        udp.send(1, v6, b"");
        assert_eq!(udp.printed(), b"192.168.69.2:3000 a\tb\x1b\n[fdaa::2]:3001 \n");
    }
}

#[test]
fn inbox_and_thanks_print_the_longest_datagram_that_fits_into_a_frame() {
    for (name, address, from, len) in [
        ("inbox", v4 as fn(u8) -> IpAddress, "192.168.69.2", 1472),
        ("thanks", v4, "192.168.69.2", 1472),
        ("inbox", v6, "[fdaa::2]", 1452),
        ("thanks", v6, "[fdaa::2]", 1452),
    ] {
        let mut udp = serve(name, &Options::default());
        // The fourth datagram wraps around the end of the ring of 2,048 bytes.
        for letter in "abcd".chars() {
            let text = letter.to_string().repeat(len);
            udp.send(0, address, text.as_bytes());
            assert_eq!(String::from_utf8(udp.printed()).unwrap(), format!("{from}:3000 {text}\n"));
        }
    }
}

#[test]
fn inbox_answers_and_stops_as_its_options_say() {
    let reply = Some(&b"got it"[..]);
    for (once, reply) in [(false, None), (false, reply), (true, None), (true, reply)] {
        let mut udp = serve("inbox", &Options { once, reply, ..Options::default() });
        udp.send(0, v4, b"one");
        assert_eq!(udp.take(0).map(|(data, _)| data), reply.map(<[u8]>::to_vec));
        udp.settle();
        assert_eq!(udp.next, if once { Next::Close } else { Next::Wait });
        udp.send(0, v4, b"two");
        let printed = udp.printed();
        assert_eq!(printed.split_inclusive(|&b| b == b'\n').count(), if once { 1 } else { 2 });
    }
}

#[test]
fn servers_never_start_a_loop_of_replies() {
    // These datagrams come from port 7, and from a port that this stack serves.
    for name in ["echo", "greeting", "thanks"] {
        let mut udp = serve(name, &Options::default());
        udp.ports.push(PEER + 1);
        for peer in [1, 2] {
            udp.send(peer, v4, b"hi");
            assert_eq!(udp.take(peer), None, "{name}");
        }
        udp.send(0, v4, b"hi");
        assert!(udp.take(0).is_some(), "{name}");
    }
}

#[test]
fn reserved_ports_and_non_host_addresses_may_not_be_answered() {
    let mut quiet = NullConsole;
    let cx = Context {
        now: Instant::ZERO,
        console: &mut quiet,
        scratch: &mut [],
        udp_ports: &[9999],
        addresses: &[],
        held_back: false,
        wake: false,
    };
    let may = |address: IpAddress, port| cx.may_answer(&UdpMetadata::from(IpEndpoint::new(address, port)));
    for port in [0, 7, 9, 13, 17, 19, 37, 9999] {
        assert!(!may(v4(2), port) && !may(v6(2), port), "port {port}");
    }
    for port in [1, 8, 1024, 9998, 65_535] {
        assert!(may(v4(2), port) && may(v6(2), port), "port {port}");
    }
    for address in ["255.255.255.255", "224.0.0.1", "239.1.2.3", "0.0.0.0", "ff02::1", "::"] {
        assert!(!may(address.parse().unwrap(), 5000), "{address}");
    }
}

#[test]
fn a_client_waits_for_each_reply() {
    for name in ["greeting", "echo", "thanks", "inbox"] {
        let mut udp =
            ask(name, &ClientOptions { texts: &[b"one", b"", b"two"], ..ClientOptions::default() }, Script::default());
        for text in [&b"one"[..], b"", b"two"] {
            assert_eq!(udp.take(0), Some((text.to_vec(), IpEndpoint::new(v4(1), SERVER))));
            assert_eq!(udp.take(0), None);
            // A datagram from another port is not a reply.
            udp.send(1, v4, b"no");
            assert_eq!(udp.session.result(), None);
            udp.send(0, v4, &[b"re:", text].concat());
        }
        assert_eq!(udp.printed(), b"re:one\nre:\nre:two\n");
        assert_eq!(udp.session.result(), Some(Ok(())));
    }
}

#[test]
fn a_second_reply_does_not_answer_the_next_text() {
    let mut udp = ask("echo", &ClientOptions::default(), Script { open: true, ..Script::typing(&[b"one\n"]) });
    udp.send(0, v4, b"1");
    udp.send(0, v4, b"1 again");
    udp.console.typed.push_back(b"two\n".to_vec());
    udp.settle();
    assert_eq!(udp.printed(), b"1\n");
    udp.send(0, v4, b"2");
    assert_eq!(udp.printed(), b"2\n");
}

#[test]
fn a_client_sends_lines() {
    let mut udp = ask("inbox", &ClientOptions::default(), Script::typing(&[b"one\r\ntw", b"o"]));
    let mut sent = Vec::new();
    for _ in 0..3 {
        udp.settle();
        if let Some((data, _)) = udp.take(0) {
            sent.push(data);
            udp.send(0, v4, b"ok");
        }
    }
    udp.settle();
    assert_eq!(sent, [b"one", b"two"]);
    assert_eq!(udp.session.result(), Some(Ok(())));
}

#[test]
fn no_wait_sends_all_texts_without_waiting_for_replies() {
    let texts: &[&[u8]] = &[&[1; 900], &[2; 900], &[3; 900], &[4; 900], &[5; 900], &[6; 900]];
    for (name, no_wait) in [("inbox", true), ("discard", false)] {
        let mut udp =
            ask(name, &ClientOptions { texts: &texts[..2], no_wait, ..Default::default() }, Script::default());
        assert_eq!(udp.session.result(), Some(Ok(())), "{name}");
        let sent: Vec<_> = core::iter::from_fn(|| udp.take(0)).map(|(data, _)| data).collect();
        assert_eq!(sent, texts[..2], "{name}");
    }
    let udp = ask("inbox", &ClientOptions { texts: &[b""], no_wait: true, ..Default::default() }, Script::default());
    assert_eq!(udp.session.result(), Some(Err(Failure::NoText)));
    // The send buffer cannot store all messages at the same time.
    let udp = ask("inbox", &ClientOptions { texts, no_wait: true, ..Default::default() }, Script::default());
    assert_eq!(udp.session.result(), Some(Ok(())));
}

#[test]
fn discard_generates_datagrams() {
    let mut udp = ask("discard", &ClientOptions { bytes: 1500, ..Default::default() }, Script::default());
    assert_eq!(udp.session.result(), Some(Ok(())));
    let lengths: Vec<_> = core::iter::from_fn(|| udp.take(0)).map(|(data, _)| data.len()).collect();
    assert_eq!(lengths, [1024, 476]);
}

#[test]
fn a_lost_reply_times_out() {
    let timeout = Some(Duration::from_secs(5));
    let mut udp = ask("echo", &ClientOptions { texts: &[b"hi"], timeout, ..Default::default() }, Script::default());
    assert_eq!(udp.next, Next::WakeAt(Instant::from_secs(5)));
    udp.now = Instant::from_micros(4_999_999);
    udp.settle();
    assert_eq!(udp.session.result(), None);
    udp.now = Instant::from_secs(5);
    udp.settle();
    assert_eq!(udp.session.result(), Some(Err(Failure::TimedOut)));
    assert_eq!(udp.next, Next::Close);
}

/// A client fails immediately after an ICMP error about a closed port. Any other ICMP error is only reported at the
/// client's timeout.
#[test]
fn an_icmp_error_explains_a_lost_reply() {
    let remote = IpEndpoint::new(v4(2), PEER);
    let error = |why| IcmpError { from: v4(9), why };
    let (closed, passing) = (error(Refusal::Closed("port")), error(Refusal::Unreachable(Some("host"))));
    let timeout = Some(Duration::from_secs(5));
    for name in ["echo", "chat"] {
        let start = || ask(name, &ClientOptions { texts: &[b"hi"], timeout, ..Default::default() }, Script::default());
        let mut udp = start();
        assert!(!udp.session.undelivered(IpEndpoint::new(v4(2), PEER + 1), &closed));
        assert!(udp.session.undelivered(remote, &closed));
        assert!(!udp.session.undelivered(remote, &passing));
        udp.settle();
        assert_eq!((udp.next, udp.session.result()), (Next::Close, Some(Err(Failure::Refused))), "{name}");
        let mut udp = start();
        assert!(udp.session.undelivered(remote, &passing));
        udp.settle();
        assert_eq!(udp.session.result(), None);
        udp.now = Instant::from_secs(5);
        udp.settle();
        let Some(Err(failure)) = udp.session.result() else { panic!("{name}: {:?}", udp.session.result()) };
        assert_eq!(failure.to_string(), "timed out: destination unreachable (host), says 192.168.69.9");
        // A reply arrives after the ICMP error.
        let mut udp = start();
        assert!(udp.session.undelivered(remote, &passing));
        udp.send(0, v4, b"hi");
        assert_eq!(udp.session.result(), Some(Ok(())));
        assert!(!udp.session.undelivered(remote, &closed));
    }
    // The client has not sent a datagram yet.
    let mut udp = ask("echo", &ClientOptions::default(), Script { open: true, ..Script::default() });
    assert!(!udp.session.undelivered(remote, &closed));
}

#[test]
fn a_text_that_cannot_be_sent_is_a_failure() {
    let long: [&[u8]; 1] = [&[b'x'; 3000]];
    let udp = ask("echo", &ClientOptions { texts: &long, ..Default::default() }, Script::default());
    assert_eq!(udp.session.result(), Some(Err(Failure::TooLong)));
    let udp = ask("echo", &ClientOptions::default(), Script::default());
    assert_eq!(udp.session.result(), Some(Err(Failure::NoText)));
    let nowhere = IpEndpoint::new(v4(2), 0);
    let options = ClientOptions { texts: &[b"hi"], ..Default::default() };
    let mut udp = Udp::new(find("echo").unwrap().udp_client(&options, nowhere).unwrap(), &[], Script::default());
    udp.settle();
    assert_eq!(udp.session.result(), Some(Err(Failure::Unaddressable)));
}
