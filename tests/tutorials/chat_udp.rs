//! chat over UDP with the tutorial's programs and with nc. Only nc sends line endings.

use std::process::Command;

use crate::common::link::{KERNEL, SERVER, on_tap_and_tun};
use crate::common::peer::Peer;
use crate::pair::{LOOPBACK, Program, finished, say, serve, start, wait_for_message};

const PORT: u16 = 9000;
const SERVER_IN_PYTHON: Program<'static> = ("chat_udp_server", &[]);
const CLIENT: Program<'static> = ("chat_udp_client", &[]);

/// The messages that the user types at the client, and the answers that the user types at the server.
const TALK: [(&str, &str); 3] = [("hi", "hello"), ("second", "你好"), ("a b c", "ok")];

/// Runs a conversation between a server and a client.
fn talk(server: &mut Peer, client: &mut Peer) {
    for (said, answer) in TALK {
        say(client, said);
        wait_for_message(server, said);
        say(server, answer);
        wait_for_message(client, answer);
    }
}

/// Runs a conversation between two Python programs. Returns the outputs of both. The programs run until their input
/// ends.
fn python_with_python(family: usize) -> (String, String) {
    let mut server = serve(SERVER_IN_PYTHON, LOOPBACK[family], PORT);
    let mut client = start(CLIENT, LOOPBACK[family], PORT);
    talk(&mut server, &mut client);
    (prompted(&server), finished(client.finish()))
}

/// Returns the output of a program up to its most recent prompt.
fn prompted(program: &Peer) -> String {
    program.wait_for("a prompt", |out| out.ends_with(">>>"));
    program.out()
}

#[test]
fn the_tutorials_client_talks_with_serve_chat() {
    on_tap_and_tun("chat_udp::the_tutorials_client_talks_with_serve_chat", |link| {
        for family in [0, 1] {
            let (_, python) = python_with_python(family);
            assert_eq!(python, ">>>hello\n>>>你好\n>>>ok\n>>>");
            let mut server = link.serve(&["chat"], 4);
            let mut client = start(CLIENT, SERVER[family], PORT);
            talk(&mut server, &mut client);
            assert_eq!(finished(client.finish()), python);
            server.stop();
        }
    });
}

#[test]
fn call_chat_talks_with_the_tutorials_server() {
    on_tap_and_tun("chat_udp::call_chat_talks_with_the_tutorials_server", |link| {
        for family in [0, 1] {
            let (python, _) = python_with_python(family);
            let mut server = serve(SERVER_IN_PYTHON, KERNEL[family], PORT);
            let mut client = link.start_call(&["chat", KERNEL[family], "--udp"]);
            talk(&mut server, &mut client);
            assert_eq!(prompted(&server), python);
            let client = client.finish();
            let answers = "hello\n你好\nok\nthe talk has ended\n";
            assert_eq!((client.code(), client.out().as_str()), (Some(0), answers), "{client:?}");
        }
    });
}

#[test]
fn several_clients_talk_with_serve_chat() {
    on_tap_and_tun("chat_udp::several_clients_talk_with_serve_chat", |link| {
        for family in [0, 1] {
            let python = several(serve(SERVER_IN_PYTHON, LOOPBACK[family], PORT), LOOPBACK[family]);
            let ours = several(link.serve(&["chat"], 4), SERVER[family]);
            assert_eq!(ours, python);
        }
    });
}

/// Runs two clients. The server answers each message before the next one is sent. Returns the clients' outputs.
fn several(mut server: Peer, address: &str) -> [String; 2] {
    let mut clients = [(); 2].map(|()| start(CLIENT, address, PORT));
    for round in 0..2 {
        for (n, client) in clients.iter_mut().enumerate() {
            say(client, &format!("client {n}, {round}"));
            wait_for_message(&server, &format!("client {n}, {round}"));
            say(&mut server, &format!("to client {n}, {round}"));
            wait_for_message(client, &format!("to client {n}, {round}"));
        }
    }
    clients.map(|client| finished(client.finish()))
}

#[test]
fn nc_receives_lines() {
    on_tap_and_tun("chat_udp::nc_receives_lines", |link| {
        for family in [0, 1] {
            let mut server = link.serve(&["chat"], 4);
            let mut nc = Peer::start(Command::new("nc").args(["-u", SERVER[family], "9000"]));
            say(&mut nc, "hi");
            wait_for_message(&server, "hi");
            say(&mut server, "hello");
            nc.wait_for("a line", |out| out == "hello\n");
            nc.kill();
            server.stop();

            let mut nc = Peer::start(Command::new("nc").args(["-n", "-v", "-u", "-l", KERNEL[family], "9000"]));
            nc.wait_for_log("Bound", 1);
            let mut client = link.start_call(&["chat", KERNEL[family], "--udp"]);
            say(&mut client, "hi");
            // nc has not sent a line yet, so the message has no line ending.
            nc.wait_for("hi", |out| out == "hi");
            say(&mut nc, "hello");
            wait_for_message(&client, "hello");
            say(&mut client, "second");
            nc.wait_for("a line", |out| out == "hisecond\n");
            nc.kill();
        }
    });
}
