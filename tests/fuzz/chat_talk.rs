//! Fuzzes lines for a chat conversation.
//!
//! The server must show the client's lines, and the client must show the server's lines.

use smolstep::app::{Client, ClientOptions, Options, Server, find};
use smoltcp::time::Duration;

use super::Target;
use super::chat_lines::{MOST, check, honest, hostile, model};
use super::pair::{CLIENT, Ground, Pair, Peer};

/// The first byte of the input selects how the stream is cut into pieces. The other bytes are a stream of lines.
pub const TARGET: Target = Target { name: "chat_talk", run, honest, hostile };

fn run(input: &[u8]) {
    let Some((&cut, stream)) = input.split_first() else { return };
    let stream = &stream[..stream.len().min(MOST)];
    let want = model(stream);
    at_the_server(cut, stream, &want);
    at_the_client(cut, stream, &want);
}

/// Sends the stream to a chat server, and asserts that the server shows the lines `want`.
fn at_the_server(cut: u8, stream: &[u8], want: &[String]) {
    let server = find("chat").and_then(|app| app.server(&Options::default())).expect("chat has a server");
    let mut ground = Ground::<Server<'_>, Peer>::new();
    let mut pair = Pair::new(&mut ground, server, ());
    let id = pair.connect(Peer::speaker(stream, cut));
    pair.end(id);
    let begin = format!("talking with {CLIENT}: q ends the talk\n");
    let lines: String = want.iter().map(|line| format!("{CLIENT} {line}\n")).collect();
    check(&pair.server_io.console.take(), &format!("{begin}{lines}the talk with {CLIENT} has ended\n"));
}

/// Sends the stream to a chat client, and asserts that the client shows the lines `want`.
fn at_the_client(cut: u8, stream: &[u8], want: &[String]) {
    let mut options = ClientOptions::default();
    options.timeout = Some(Duration::from_secs(10));
    let client = find("chat").and_then(|app| app.client(&options)).expect("chat has a client");
    let mut ground = Ground::<Peer, Client<'_>>::new();
    let mut pair = Pair::new(&mut ground, Peer::speaker(stream, cut), ());
    let id = pair.connect(client);
    let (client, _) = pair.end(id);
    assert_eq!(client.result(), Some(Ok(())));
    let mut lines: String = want.iter().map(|line| format!("{line}\n")).collect();
    // chat does not repeat this line if the final line of the stream is the same.
    if want.last().is_none_or(|line| line != "the talk has ended") {
        lines += "the talk has ended\n";
    }
    check(&pair.client_io.console.take(), &lines);
}
