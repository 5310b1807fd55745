//! chat over TCP with the tutorial's programs, which send in turn. Each call to send() is a message without a line
//! ending.

use crate::common::link::{KERNEL, SERVER, on_tap, on_tap_and_tun};
use crate::common::peer::Peer;
use crate::common::terminal::{self, screen};
use crate::pair::{LOOPBACK, Program, finished, say, serve, shown, start, wait_for_message};

const PORT: u16 = 9000;
const CLIENT: Program<'static> = ("chat_client", &[]);
const ONE: Program<'static> = ("chat_server", &[]);
const SEVERAL: Program<'static> = ("chat_server", &["several"]);
const FAREWELL: &str = "通讯已结束\n";
const END: &str = "the talk has ended\n";

/// The messages that the user types at the client, and the answers that the user types at the server.
const TALK: [(&str, &str); 3] = [("hi", "hello"), ("second", "你好"), ("a b c", "ok")];

/// The side that ends the conversation, and the text that this side sends to end it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quits {
    Client(&'static str),
    Server(&'static str),
}

const QUITS: [Quits; 4] = [Quits::Client("q"), Quits::Client("Q"), Quits::Server("q"), Quits::Server("Q")];

/// Runs a conversation between a server and a client. Each side sends only after it has received the other side's
/// message.
fn talk(server: &mut Peer, client: &mut Peer, quits: Quits) {
    for (said, answer) in TALK {
        say(client, said);
        wait_for_message(server, said);
        say(server, answer);
        wait_for_message(client, answer);
    }
    match quits {
        Quits::Client(q) => say(client, q),
        Quits::Server(q) => {
            say(client, "last");
            wait_for_message(server, "last");
            say(server, q);
        }
    }
}

/// Runs a conversation between two Python programs. Returns the outputs of the server and of the client.
fn python_with_python(family: usize, quits: Quits) -> (String, String) {
    let mut server = serve(ONE, LOOPBACK[family], PORT);
    let mut client = start(CLIENT, LOOPBACK[family], PORT);
    talk(&mut server, &mut client, quits);
    (finished(server.finish()), finished(client.finish()))
}

/// Returns the messages of the client.
fn said(quits: Quits) -> Vec<&'static str> {
    let last = matches!(quits, Quits::Server(_)).then_some("last");
    TALK.iter().map(|(said, _)| *said).chain(last).collect()
}

fn answers() -> String {
    TALK.iter().map(|(_, answer)| format!("{answer}\n")).collect()
}

#[test]
fn the_tutorials_client_talks_with_serve_chat() {
    on_tap_and_tun("chat::the_tutorials_client_talks_with_serve_chat", |link| {
        for (family, quits) in [0, 1].into_iter().flat_map(|family| QUITS.map(|quits| (family, quits))) {
            let (_, python) = python_with_python(family, quits);
            assert!(python.ends_with(FAREWELL), "{quits:?}: {python}");

            let mut server = link.serve(&["chat", "--once"], 4);
            let mut client = start(CLIENT, SERVER[family], PORT);
            talk(&mut server, &mut client, quits);
            assert_eq!(finished(client.finish()), python, "{quits:?}");
            let server = server.finish();
            assert_eq!(server.code(), Some(0), "{quits:?}: {server:?}");
            assert_eq!(shown(&server.out()), said(quits), "{quits:?}: {server:?}");
        }
    });
}

#[test]
fn several_clients_talk_with_serve_chat_in_turn() {
    on_tap_and_tun("chat::several_clients_talk_with_serve_chat_in_turn", |link| {
        for family in [0, 1] {
            let python = several(serve(SEVERAL, LOOPBACK[family], PORT), LOOPBACK[family]);
            let ours = several(link.serve(&["chat"], 4), SERVER[family]);
            assert_eq!(ours, python);
        }
    });
}

/// Runs three simultaneous clients, which the server serves in turn. Returns the clients' outputs.
fn several(mut server: Peer, address: &str) -> [String; 3] {
    let [mut first, mut second, mut third] = [(); 3].map(|()| {
        let client = start(CLIENT, address, PORT);
        // The prompt shows that this client is connected, so the order of the clients is certain.
        client.wait_for("a prompt", |out| out == ">>>");
        client
    });
    say(&mut first, "I am first");
    wait_for_message(&server, "I am first");
    say(&mut second, "I am second");
    say(&mut server, "welcome");
    wait_for_message(&first, "welcome");
    assert!(!server.out().contains("I am second"), "{}", server.out());
    say(&mut first, "q");
    wait_for_message(&server, "I am second");
    say(&mut server, "your turn");
    wait_for_message(&second, "your turn");
    say(&mut second, "fine");
    wait_for_message(&server, "fine");
    say(&mut server, "q");
    say(&mut third, "I am third");
    wait_for_message(&server, "I am third");
    say(&mut server, "Q");
    [first, second, third].map(|client| finished(client.finish()))
}

#[test]
fn call_chat_talks_with_the_tutorials_server() {
    on_tap_and_tun("chat::call_chat_talks_with_the_tutorials_server", |link| {
        for (family, quits) in [0, 1].into_iter().flat_map(|family| QUITS.map(|quits| (family, quits))) {
            let (python, _) = python_with_python(family, quits);
            assert!(python.ends_with(FAREWELL), "{quits:?}: {python}");

            let mut server = serve(ONE, KERNEL[family], PORT);
            let mut client = link.start_call(&["chat", KERNEL[family]]);
            talk(&mut server, &mut client, quits);
            assert_eq!(finished(server.finish()), python, "{quits:?}");
            let client = client.finish();
            assert_eq!((client.code(), client.out()), (Some(0), answers() + END), "{quits:?}: {client:?}");
        }
    });
}

#[test]
fn call_chat_waits_for_its_turn_at_the_tutorials_server() {
    on_tap_and_tun("chat::call_chat_waits_for_its_turn_at_the_tutorials_server", |link| {
        for family in [0, 1] {
            let mut server = serve(SEVERAL, KERNEL[family], PORT);
            let mut first = start(CLIENT, KERNEL[family], PORT);
            say(&mut first, "I am first");
            wait_for_message(&server, "I am first");
            let mut ours = link.start_call(&["chat", KERNEL[family]]);
            say(&mut ours, "I am second");
            say(&mut server, "welcome");
            wait_for_message(&first, "welcome");
            say(&mut first, "q");
            wait_for_message(&server, "I am second");
            say(&mut server, "your turn");
            wait_for_message(&ours, "your turn");
            say(&mut ours, "q");
            let ours = ours.finish();
            assert_eq!((ours.code(), ours.out()), (Some(0), format!("your turn\n{END}")), "{ours:?}");
            assert!(finished(first.finish()).ends_with(FAREWELL));
            // The server continues with the next client.
            let mut next = start(CLIENT, KERNEL[family], PORT);
            say(&mut next, "I am third");
            wait_for_message(&server, "I am third");
            server.kill();
        }
    });
}

#[test]
fn the_tutorials_server_shows_a_text_of_the_command_line() {
    on_tap_and_tun("chat::the_tutorials_server_shows_a_text_of_the_command_line", |link| {
        for address in KERNEL {
            let mut server = serve(ONE, address, PORT);
            let client = link.start_call(&["chat", address, "hi"]);
            wait_for_message(&server, "hi");
            say(&mut server, "bye");
            wait_for_message(&client, "bye");
            say(&mut server, "q");
            let client = client.finish();
            assert_eq!((client.code(), client.out()), (Some(0), format!("bye\n{END}")), "{client:?}");
        }
    });
}

#[test]
fn people_at_terminals_talk_with_the_tutorials_programs() {
    on_tap("chat::people_at_terminals_talk_with_the_tutorials_programs", |link| {
        let [tap, name] = link.arguments();
        let smolstep = env!("CARGO_BIN_EXE_smolstep");
        let sees = |terminal: &Peer, message: &str| {
            terminal.wait_for(message, |out| screen(out).iter().any(|line| line.ends_with(message)));
        };
        for (family, python) in [0, 1].map(|family| (family, python_with_python(family, QUITS[0]))) {
            let mut server = terminal::start(&[smolstep, "serve", "chat", "--once", tap, name]).listening(4);
            let mut client = start(CLIENT, SERVER[family], PORT);
            for (said, answer) in TALK {
                say(&mut client, said);
                sees(&server, said);
                server.type_in(format!("{answer}\r").as_bytes());
                wait_for_message(&client, answer);
            }
            say(&mut client, "q");
            assert_eq!(finished(client.finish()), python.1);
            terminal::left_well(&server.finish());

            let mut server = serve(ONE, KERNEL[family], PORT);
            let mut client = terminal::start(&[smolstep, "call", "chat", KERNEL[family], tap, name]);
            for (said, answer) in TALK {
                client.type_in(format!("{said}\r").as_bytes());
                wait_for_message(&server, said);
                say(&mut server, answer);
                sees(&client, answer);
            }
            client.type_in(b"q\r");
            assert_eq!(finished(server.finish()), python.0);
            terminal::left_well(&client.finish());
        }
    });
}
