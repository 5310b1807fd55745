//! Tests that TCP clients send the right bytes.

use super::rig::*;
use crate::app::{Client, ClientOptions, Failure, find};
use crate::stack::Next;

fn call<'a>(name: &str, texts: &'a [&'a [u8]], buffers: Buffers, console: Script) -> Tcp<Client<'a>> {
    let options = ClientOptions { texts, ..ClientOptions::default() };
    Tcp::client(find(name).unwrap().client(&options).unwrap(), buffers, console)
}

/// Checks that the client sent `want`, and sends `answer`.
fn exchange(tcp: &mut Tcp<Client<'_>>, want: &[u8], answer: &[u8]) {
    assert_eq!(tcp.take(), want);
    tcp.send(answer);
}

/// Checks that the client has closed and succeeded.
fn assert_done(tcp: &mut Tcp<Client<'_>>) {
    assert_eq!(tcp.take(), b"");
    assert!(tcp.closed());
    assert_eq!(tcp.session.result(), Some(Ok(())));
}

#[test]
fn greeting_sends_each_text_after_the_reply() {
    for buffers in [BIG, SMALL] {
        let mut tcp = call("greeting", &[b"Li", b"", b"Cheng", b"victor"], buffers, Script::default());
        exchange(&mut tcp, b"", b"Welcome!");
        assert_eq!(tcp.printed(), b"Welcome!\n");
        exchange(&mut tcp, b"Li", b"Hello,Li!");
        exchange(&mut tcp, b"Cheng", b"Hello,Cheng!\n");
        exchange(&mut tcp, b"victor", b"Hello,\xff!");
        assert_eq!(tcp.printed(), b"Hello,Li!\nHello,Cheng!\n\nHello,\xff!\n");
        exchange(&mut tcp, b"exit", b"Bye");
        assert_eq!(tcp.session.result(), None);
        tcp.close();
        assert_eq!(tcp.printed(), b"Bye\n");
        assert_done(&mut tcp);
    }
}

#[test]
fn greeting_reads_lines() {
    let console = Script { open: true, ..Script::typing(&[b"L", b"i\n\nCheng\r\n"]) };
    let mut tcp = call("greeting", &[], SMALL, console);
    exchange(&mut tcp, b"", b"Welcome!");
    assert_eq!(tcp.console.prompts, 1);
    tcp.settle();
    exchange(&mut tcp, b"Li", b"Hello,Li!");
    exchange(&mut tcp, b"Cheng", b"Hello,Cheng!");
    assert_eq!(tcp.take(), b"");
    tcp.console.typed.push_back(b"exit\nmore\n".to_vec());
    tcp.settle();
    exchange(&mut tcp, b"exit", b"");
    tcp.close();
    assert_eq!(tcp.printed(), b"Welcome!\nHello,Li!\nHello,Cheng!\n");
    assert_done(&mut tcp);
}

#[test]
fn greeting_does_not_send_exit_after_the_server_has_closed() {
    let mut tcp = call("greeting", &[b"Li"], BIG, Script::default());
    exchange(&mut tcp, b"", b"Welcome!");
    assert_eq!(tcp.take(), b"Li");
    tcp.reply_and_close(b"Hello,Li!");
    assert_eq!(tcp.printed(), b"Welcome!\nHello,Li!\n");
    assert_done(&mut tcp);
}

#[test]
fn clients_print_all_of_a_long_reply() {
    for name in ["ack", "thanks", "upper"] {
        for buffers in [BIG, SMALL] {
            let text = [b'x'; 200];
            let texts: [&[u8]; 3] = [b"", &text, b"unused"];
            let mut tcp = call(name, &texts, buffers, Script::default());
            let reply = [b'y'; 200];
            exchange(&mut tcp, &text, &reply);
            tcp.send(b"z\n");
            assert_eq!(tcp.session.result(), None);
            tcp.close();
            assert_eq!(tcp.printed(), [&reply[..], b"z\n\n"].concat());
            assert_done(&mut tcp);
        }
    }
}

#[test]
fn clients_of_one_message_send_one_line() {
    let typed = [b"\n", &[b'x'; 1500][..], b"\nnext\n"].concat();
    let mut tcp = call("ack", &[], SMALL, Script::typing(&[&typed]));
    exchange(&mut tcp, &[b'x'; 1024], b"ACK");
    tcp.close();
    assert_eq!(tcp.printed(), b"ACK\n");
    assert_done(&mut tcp);
}

#[test]
fn echo_sends_each_text_after_the_previous_echo() {
    for buffers in [BIG, SMALL] {
        let mut tcp = call("echo", &[b"one", b"", b"two"], buffers, Script::default());
        exchange(&mut tcp, b"one", b"on");
        exchange(&mut tcp, b"", b"e");
        assert_eq!(tcp.printed(), b"one\n\n");
        exchange(&mut tcp, b"two", b"two");
        assert_eq!(tcp.printed(), b"two\n");
        assert!(tcp.closed());
        tcp.close();
        assert_done(&mut tcp);
    }
}

#[test]
fn echo_streams_the_console() {
    let bytes: Vec<u8> = (0..5000u32).map(|i| (i % 253) as u8).collect();
    for buffers in [BIG, SMALL] {
        let mut tcp = call("echo", &[], buffers, Script::typing(&[&bytes]));
        let mut back = 0;
        while back < bytes.len() {
            let sent = tcp.take_some(100);
            back += sent.len();
            tcp.send(&sent);
        }
        assert_eq!(tcp.printed(), bytes);
        tcp.settle();
        assert!(tcp.closed());
        tcp.close();
        assert_done(&mut tcp);
    }
}

#[test]
fn discard_sends_lines_among_texts() {
    for buffers in [BIG, SMALL] {
        let options = ClientOptions { texts: &[b"a", b"-", b"b"], dash: true, ..ClientOptions::default() };
        let client = find("discard").unwrap().client(&options).unwrap();
        let mut tcp = Tcp::client(client, buffers, Script::typing(&[b"on", b"e\n-\ntwo"]));
        tcp.settle();
        tcp.settle();
        assert_eq!(tcp.take(), b"aone-twob");
        assert!(tcp.closed());
        tcp.close();
        assert_done(&mut tcp);
    }
}

#[test]
fn echo_waits_for_lines_among_texts() {
    let options = ClientOptions { texts: &[b"a", b"-"], dash: true, ..ClientOptions::default() };
    let client = find("echo").unwrap().client(&options).unwrap();
    let mut tcp = Tcp::client(client, SMALL, Script { open: true, ..Script::default() });
    exchange(&mut tcp, b"a", b"a");
    assert_eq!((tcp.next(), tcp.console.prompts), (Next::Wait, 1));
    tcp.console.typed.push_back(b"b\n".to_vec());
    tcp.settle();
    exchange(&mut tcp, b"b", b"b");
    assert_eq!(tcp.printed(), b"a\nb\n");
    // The server closes while the client waits for input.
    tcp.close();
    assert_eq!(tcp.take(), b"");
    assert!(tcp.closed());
    assert_eq!(tcp.session.result(), Some(Err(Failure::TooEarly)));
}

#[test]
fn echo_prompts_after_the_whole_echo() {
    let mut tcp = call("echo", &[], BIG, Script { open: true, ..Script::default() });
    assert_eq!(tcp.console.prompts, 1);
    tcp.console.typed.push_back(b"a\n".to_vec());
    tcp.settle();
    assert_eq!(tcp.console.prompts, 1);
    exchange(&mut tcp, b"a\n", b"a\n");
    assert_eq!((tcp.printed(), tcp.console.prompts), (b"a\n".to_vec(), 2));
}

#[test]
fn discard_sends_texts_bytes_or_the_console() {
    let pattern: Vec<u8> = (b' '..b' ' + 72).chain(*b"\r\n").chain(b'!'..=b'%').collect();
    for buffers in [BIG, SMALL] {
        for (options, typed, want) in [
            (ClientOptions { texts: &[b"one", b"", b"two"], ..ClientOptions::default() }, &[][..], &b"onetwo"[..]),
            (ClientOptions { bytes: 79, ..ClientOptions::default() }, &[], &pattern),
            (ClientOptions::default(), &[&b"a\n"[..], b"b"], b"a\nb"),
        ] {
            let client = find("discard").unwrap().client(&options).unwrap();
            let mut tcp = Tcp::client(client, buffers, Script::typing(typed));
            tcp.settle();
            assert_eq!(tcp.take(), want);
            assert!(tcp.closed());
            assert_eq!(tcp.session.result(), None);
            tcp.close();
            assert_done(&mut tcp);
        }
    }
}

#[test]
fn chargen_prints_the_given_number_of_bytes() {
    for buffers in [BIG, SMALL] {
        let options = ClientOptions { bytes: 100, ..ClientOptions::default() };
        let client = find("chargen").unwrap().client(&options).unwrap();
        let mut tcp = Tcp::client(client, buffers, Script::default());
        tcp.send(&[b'x'; 99]);
        assert!(!tcp.closed());
        tcp.send(&[b'x'; 200]);
        assert_eq!(tcp.printed(), [b'x'; 100]);
        // The client resets the connection, because FIN does not stop a server that does not read.
        assert_eq!(tcp.next(), Next::Abort);
        assert_eq!(tcp.session.result(), Some(Ok(())));
    }
}

#[test]
fn chargen_without_a_limit_prints_all_bytes() {
    let mut tcp = call("chargen", &[], SMALL, Script::default());
    tcp.send(&[b'x'; 999]);
    tcp.close();
    assert_eq!(tcp.printed(), [b'x'; 999]);
    assert_done(&mut tcp);
}
