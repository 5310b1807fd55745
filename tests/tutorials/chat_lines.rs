//! chat with nc, which sends lines. At the end of a conversation, chat sends a message to nc.

use std::process::Command;

use crate::common::link::{KERNEL, SERVER, on_tap_and_tun};
use crate::common::peer::Peer;
use crate::pair::{say, shown, wait_for_message};

#[test]
fn nc_talks_with_serve_chat() {
    on_tap_and_tun("chat_lines::nc_talks_with_serve_chat", |link| {
        for (family, server_quits) in [(0, false), (0, true), (1, false), (1, true)] {
            let mut server = link.serve(&["chat", "--once"], 4);
            let mut nc = Peer::start(Command::new("nc").args([SERVER[family], "9000"]));
            say(&mut nc, "hello");
            wait_for_message(&server, "hello");
            say(&mut server, "yes");
            wait_for_message(&nc, "yes");
            // After the first line ending, chat ends messages only at line endings.
            nc.type_in(b"in ");
            say(&mut nc, "two parts");
            wait_for_message(&server, "in two parts");
            say(if server_quits { &mut server } else { &mut nc }, "q");
            let nc = nc.finish();
            assert_eq!(nc.out(), "yes\nthe talk has ended\n", "{nc:?}");
            let server = server.finish();
            assert_eq!(server.code(), Some(0), "{server:?}");
            assert_eq!(shown(&server.out()), ["hello", "in two parts"], "{server:?}");
        }
    });
}

#[test]
fn call_chat_talks_with_nc() {
    on_tap_and_tun("chat_lines::call_chat_talks_with_nc", |link| {
        for address in KERNEL {
            let mut nc = Peer::start(Command::new("nc").args(["-n", "-v", "-N", "-l", address, "9000"]));
            nc.wait_for_log("Listening", 1);
            let mut ours = link.start_call(&["chat", address]);
            say(&mut ours, "hi");
            // chat delays the line ending until it knows whether the partner sends line endings.
            nc.wait_for("hi", |out| out == "hi");
            say(&mut nc, "hello");
            wait_for_message(&ours, "hello");
            nc.wait_for("the line ending", |out| out == "hi\n");
            say(&mut ours, "second");
            nc.wait_for("a line", |out| out == "hi\nsecond\n");
            say(&mut ours, "q");
            // nc must print everything before its input ends, because at the end of its input nc can discard received
            // data.
            nc.wait_for("q", |out| out == "hi\nsecond\nq");
            nc.finish();
            let ours = ours.finish();
            assert_eq!((ours.code(), ours.out().as_str()), (Some(0), "hello\nthe talk has ended\n"), "{ours:?}");
        }
    });
}

#[test]
fn a_second_line_ends_the_first_line() {
    on_tap_and_tun("chat_lines::a_second_line_ends_the_first_line", |link| {
        for address in KERNEL {
            let nc = Peer::start(Command::new("nc").args(["-n", "-v", "-N", "-l", address, "9000"]));
            nc.wait_for_log("Listening", 1);
            let mut ours = link.start_call(&["chat", address]);
            say(&mut ours, "one");
            nc.wait_for("one", |out| out == "one");
            say(&mut ours, "two");
            nc.wait_for("two", |out| out.starts_with("one\ntwo"));
            let nc = nc.finish();
            // The end of nc's stream ends the conversation. chat's FIN ends the final line.
            assert!(ours.finish().code() == Some(0) && nc.out().starts_with("one\ntwo"), "{nc:?}");
        }
    });
}
