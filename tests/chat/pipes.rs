//! The program chat without a terminal.
//!
//! The tests cover pipes, partners that wait for their turn, rooms, and several partners on UDP.

use std::io::{ErrorKind, Read};
use std::net::{Shutdown, TcpListener, TcpStream};

use crate::common::link::{KERNEL, SERVER, at, connect, expect, expect_last, on_tap, on_tap_and_tun, send, udp};
use crate::common::peer::python;

const WELCOME: &str = "this is a chat room: '/name NAME' as the first line gives you a name, q leaves\n";

#[test]
fn partners_are_served_in_order_and_their_early_text_is_kept() {
    on_tap_and_tun("partners_are_served_in_order_and_their_early_text_is_kept", |link| {
        let mut server = link.serve(&["chat"], 4);
        let mut partners: Vec<TcpStream> = SERVER.iter().cycle().take(4).map(|host| connect(host, 9000)).collect();
        for (n, partner) in partners.iter_mut().enumerate() {
            send(partner, format!("I am {n}\n"));
        }
        for (n, partner) in partners.iter_mut().enumerate() {
            server.wait_for("its turn", |out| out.ends_with(&format!(" I am {n}\n")));
            server.type_in(format!("hello {n}\n").as_bytes());
            expect(partner, format!("hello {n}\n"));
            if n % 2 == 0 {
                server.type_in(b"q\n")
            } else {
                send(partner, "q\n")
            }
            expect_last(partner, "the talk has ended\n");
            server.wait_for("the end", |out| out.matches(" has ended\n").count() == n + 1);
        }
        server.stop();
    });
}

#[test]
fn once_serves_one_partner_and_resets_waiting_partners() {
    on_tap("once_serves_one_partner_and_resets_waiting_partners", |link| {
        let mut server = link.serve(&["chat", "--once"], 4);
        let mut first = connect(SERVER[0], 9000);
        send(&mut first, "hi\n");
        server.wait_for("the first", |out| out.ends_with(" hi\n"));
        let mut waiting = [connect(SERVER[0], 9000), connect(SERVER[1], 9000)];
        waiting.iter_mut().for_each(|stream| send(stream, "me too\n"));
        server.type_in(b"bye\nq\n");
        expect_last(&mut first, "bye\nthe talk has ended\n");
        for stream in &mut waiting {
            let read = stream.read(&mut [0; 16]);
            assert!(matches!(&read, Err(e) if e.kind() == ErrorKind::ConnectionReset), "{read:?}");
        }
        drop(first);
        let server = server.finish();
        assert_eq!(server.code(), Some(0), "{server:?}");
        assert!(!server.out().contains("me too") && server.out().ends_with(" has ended\n"), "{server:?}");
    });
}

#[test]
fn once_also_ends_after_a_udp_conversation() {
    on_tap("once_also_ends_after_a_udp_conversation", |link| {
        for from_console in [false, true] {
            let mut server = link.serve(&["chat", "--once"], 4);
            let partner = udp(at(KERNEL[0], 0), at(SERVER[0], 9000));
            partner.send(b"hi\n").unwrap();
            server.wait_for("it", |out| out.ends_with(" hi\n"));
            // `q` from a host without a conversation does not stop the server.
            udp(at(KERNEL[0], 0), at(SERVER[0], 9000)).send(b"q\n").unwrap();
            server.wait_for("a talk that never was", |out| out.ends_with(" has ended\n"));
            if from_console {
                server.type_in(b"q\n");
                let mut bytes = [0; 64];
                let len = partner.recv(&mut bytes).unwrap();
                assert_eq!(&bytes[..len], b"q");
            } else {
                partner.send(b"q\n").unwrap();
            }
            let server = server.finish();
            assert!(server.code() == Some(0) && server.out().matches(" has ended\n").count() == 2, "{server:?}");
        }
        // The end of a UDP conversation does not end a TCP conversation.
        let mut server = link.serve(&["chat", "--once"], 4);
        let partner = udp(at(KERNEL[0], 0), at(SERVER[0], 9000));
        let mut talk = connect(SERVER[0], 9000);
        server.wait_for("the talk", |out| out.contains("talking with"));
        partner.send(b"hi\n").unwrap();
        partner.send(b"q\n").unwrap();
        server.wait_for("its end", |out| out.ends_with(" has ended\n"));
        server.type_in(b"still here\n");
        expect(&mut talk, "still here\n");
        send(&mut talk, "q\n");
        let server = server.finish();
        assert_eq!(server.code(), Some(0), "{server:?}");
    });
}

#[test]
fn stopping_the_server_ends_its_conversations() {
    on_tap("stopping_the_server_ends_its_conversations", |link| {
        for (room, welcome, ends) in [(&[][..], "", " has ended\n"), (&["--room"], WELCOME, " has left\n")] {
            let server = link.serve(&[&["chat"], room].concat(), 4);
            let mut partner = connect(SERVER[0], 9000);
            send(&mut partner, "hi\n");
            server.wait_for("the talk", |out| out.ends_with(" hi\n"));
            server.interrupt();
            expect_last(&mut partner, format!("{welcome}the talk has ended\n"));
            drop(partner);
            let server = server.finish();
            assert!(server.code() == Some(0) && server.out().ends_with(ends), "{server:?}");
        }
    });
}

#[test]
fn the_next_partner_is_served_when_one_disconnects() {
    on_tap("the_next_partner_is_served_when_one_disconnects", |link| {
        let server = link.serve(&["chat"], 4);
        let first = connect(SERVER[0], 9000);
        server.wait_for("the first", |out| out.contains("talking with"));
        let mut second = connect(SERVER[0], 9000);
        send(&mut second, "next\n");
        drop(first);
        server.wait_for("the second", |out| out.contains(" has ended") && out.ends_with(" next\n"));
        server.stop();
    });
}

#[test]
fn pipes_work_at_both_ends() {
    on_tap_and_tun("pipes_work_at_both_ends", |link| {
        for address in KERNEL {
            // This server on the kernel's TCP replies only at the end of the stream.
            let _server = python::server("reply_at_end", address.parse().unwrap(), 9000);
            for arguments in [&["chat", address][..], &["chat", address, "hi"]] {
                let call = link.call(arguments, b"hi\n");
                assert_eq!(
                    (call.code(), call.out().as_str()),
                    (Some(0), "you said hi\nthe talk has ended\n"),
                    "{call:?}"
                );
            }
        }
        let mut server = link.serve(&["chat"], 4);
        let mut partner = connect(SERVER[0], 9000);
        send(&mut partner, "no line ending");
        partner.shutdown(Shutdown::Write).unwrap();
        expect(&mut partner, "(waiting for the last reply)\n");
        server.type_in(b"here it is\n");
        expect_last(&mut partner, "here it is\nthe talk has ended\n");
        server.stop();
    });
}

#[test]
fn a_room_connects_all_members_and_drops_a_slow_reader() {
    on_tap("a_room_connects_all_members_and_drops_a_slow_reader", |link| {
        let mut server = link.serve(&["chat", "--room"], 4);
        let join = |name: &str| {
            let mut stream = connect(SERVER[0], 9000);
            expect(&mut stream, WELCOME);
            send(&mut stream, format!("/name {name}\n"));
            server.wait_for(name, |out| out.ends_with(&format!(" is now {name}\n")));
            stream
        };
        let (mut ann, mut bob, mut slow) = (join("Ann"), join("Bob"), join("Slow"));
        send(&mut bob, "hello\n");
        let slow_from = slow.local_addr().unwrap();
        let bob_from = bob.local_addr().unwrap();
        let joined =
            format!("{bob_from} has joined\n{bob_from} is now Bob\n{slow_from} has joined\n{slow_from} is now Slow\n");
        expect(&mut ann, format!("{joined}Bob: hello\n"));
        server.type_in(b"hello from here\n");
        expect(&mut ann, "console: hello from here\n");
        expect(&mut bob, format!("{slow_from} has joined\n{slow_from} is now Slow\nconsole: hello from here\n"));

        // Bob reads all lines from Ann, and the member Slow reads nothing.
        let line = format!("{}\n", "x".repeat(500));
        let mut dropped = false;
        for _ in 0..20_000 {
            send(&mut ann, &line);
            // Every line from Ann begins with `Ann: `. Any other line is read to its end below.
            let mut begin = [0; 5];
            bob.read_exact(&mut begin).unwrap();
            dropped = begin == *b"Slow ";
            if dropped {
                break;
            }
            assert_eq!(begin, *b"Ann: ");
            expect(&mut bob, &line);
        }
        assert!(dropped, "the slow reader is still there after 10 MB");
        let mut heard = Vec::new();
        slow.read_to_end(&mut heard).unwrap();
        let end = &heard[heard.len().saturating_sub(200)..];
        assert!(end.ends_with(b"\nyou have read too slowly and missed lines: goodbye\n"), "{}", end.escape_ascii());
        send(&mut bob, "q\n");
        let mut heard = String::new();
        bob.read_to_string(&mut heard).unwrap();
        assert!(
            heard.starts_with("has read too slowly and is dropped\n") && heard.ends_with("the talk has ended\n"),
            "{heard}"
        );
        server.stop();
    });
}

#[test]
fn a_member_whose_name_is_taken_can_choose_another() {
    on_tap("a_member_whose_name_is_taken_can_choose_another", |link| {
        let server = link.serve(&["chat", "--room"], 4);
        let mut ann = connect(SERVER[0], 9000);
        send(&mut ann, "/name Ann\n");
        server.wait_for("Ann", |out| out.ends_with(" is now Ann\n"));
        let mut bob = connect(SERVER[1], 9000);
        send(&mut bob, "/name ann\n");
        expect(&mut bob, format!("{WELCOME}this name is taken: '/name NAME' as the next line gives you another\n"));
        send(&mut bob, "/name Bob\nhello\n");
        let address = bob.local_addr().unwrap();
        expect(&mut ann, format!("{WELCOME}{address} has joined\n{address} is now Bob\nBob: hello\n"));
        server.stop();
    });
}

#[test]
fn a_flood_reaches_all_readers() {
    on_tap("a_flood_reaches_all_readers", |link| {
        let server = link.serve(&["chat", "--room"], 4);
        let mut readers = [0, 1].map(|v| connect(SERVER[v], 9000));
        readers.iter_mut().for_each(|reader| expect(reader, WELCOME));
        // Both readers have joined.
        server.wait_for("both", |out| out.matches(" has joined\n").count() == 2);
        let mut speaker = connect(SERVER[0], 9000);
        let line = format!("{}\n", "x".repeat(60));
        // This text is much longer than the capacity of the room and all buffers.
        let flood = format!("/name F\n{}q\n", line.repeat(20_000));
        std::thread::scope(|scope| {
            for mut reader in readers {
                let line = &line;
                scope.spawn(move || {
                    let mut heard = vec![];
                    // The final line can also report that the other reader has left.
                    while !heard.ends_with(b" has left\n") {
                        let mut piece = [0; 4096];
                        let len = reader.read(&mut piece).unwrap();
                        assert!(len > 0, "dropped after {} bytes", heard.len());
                        heard.extend(&piece[..len]);
                    }
                    let heard = String::from_utf8(heard).unwrap();
                    assert_eq!(heard.matches(&format!("F: {line}")).count(), 20_000);
                    assert!(heard.contains("F has left\n"));
                });
            }
            send(&mut speaker, &flood);
            expect(&mut speaker, WELCOME);
        });
        server.stop();
    });
}

#[test]
fn partners_on_udp_are_answered_by_number() {
    on_tap_and_tun("partners_on_udp_are_answered_by_number", |link| {
        let mut server = link.serve(&["chat"], 4);
        let partners = [0, 1, 0].map(|v| udp(at(KERNEL[v], 0), at(SERVER[v], 9000)));
        for (n, partner) in partners.iter().enumerate() {
            partner.send(format!("I am {n}\n").as_bytes()).unwrap();
            server.wait_for("it", |out| out.ends_with(&format!(" I am {n}\n")));
        }
        server.type_in(b"to the last\n@1 to the first\n@2 to the second\n");
        for (partner, text) in partners.iter().zip(["to the first\n", "to the second\n", "to the last\n"]) {
            let mut bytes = [0; 64];
            let len = partner.recv(&mut bytes).unwrap();
            assert_eq!(&bytes[..len], text.as_bytes());
        }
        // During a TCP conversation, lines without `@N` go to the TCP client. A line with `@N` still goes to UDP
        // partner N.
        let mut talk = connect(SERVER[0], 9000);
        server.wait_for("the talk", |out| out.contains("talking with"));
        server.type_in(b"to TCP\n@3 to UDP\n");
        expect(&mut talk, "to TCP\n");
        let mut bytes = [0; 64];
        let len = partners[2].recv(&mut bytes).unwrap();
        assert_eq!(&bytes[..len], b"to UDP\n");
        // After the TCP conversation, lines without `@N` go to the UDP partner that wrote most recently. The server
        // prints the address of this partner.
        send(&mut talk, "q\n");
        let next = format!(" has ended\n(the next line goes to @3 {})\n", partners[2].local_addr().unwrap());
        server.wait_for("its end", |out| out.ends_with(&next));
        server.type_in(b"to UDP again\n");
        let len = partners[2].recv(&mut bytes).unwrap();
        assert_eq!(&bytes[..len], b"to UDP again\n");
        server.stop();
    });
}

#[test]
fn the_text_of_a_client_that_has_exited_still_arrives() {
    on_tap("the_text_of_a_client_that_has_exited_still_arrives", |link| {
        for address in KERNEL {
            let listener = TcpListener::bind(at(address, 9000)).unwrap();
            let call = link.call(&["chat", address], b"hi\nq\n");
            assert_eq!((call.code(), call.out().as_str()), (Some(0), "the talk has ended\n"), "{call:?}");
            // The listener accepts only after the client has exited, but it still receives the text.
            let mut heard = String::new();
            listener.accept().unwrap().0.read_to_string(&mut heard).unwrap();
            assert_eq!(heard, "hi\nq");
        }
    });
}

#[test]
fn the_udp_client_talks_with_the_kernel() {
    on_tap("the_udp_client_talks_with_the_kernel", |link| {
        for address in KERNEL {
            let _server = python::server("echo_udp", address.parse().unwrap(), 9000);
            let call = link.call(&["chat", address, "--udp"], b"hi\n");
            assert_eq!((call.code(), call.out().as_str()), (Some(0), "hi\nthe talk has ended\n"), "{call:?}");
        }
    });
}
