//! A server and a client in Python, either of which smolstep can replace.

use std::path::Path;
use std::process::Command;

use crate::common::link::{CALLER, KERNEL, Link, SERVER, at};
use crate::common::peer::{Finished, Peer};

/// A tutorial's two programs.
#[derive(Clone, Copy)]
pub struct Pair<'a> {
    pub port: u16,
    pub server: Program<'a>,
    pub client: Program<'a>,
    /// What a person types at the client, to the end of input.
    pub input: &'a str,
    /// How many lines the server prints for one such client.
    pub lines: usize,
}

/// A file in `peers`, without its extension, and its arguments.
pub type Program<'a> = (&'a str, &'a [&'a str]);

/// What both sides have printed on standard output; see [`anonymous`].
#[derive(Debug, PartialEq, Eq)]
pub struct Printed {
    pub server: String,
    pub client: String,
}

/// Where two programs in Python meet, with IPv4 and with IPv6.
pub const LOOPBACK: [&str; 2] = ["127.0.0.1", "::1"];

impl Pair<'_> {
    /// What the two programs in Python print, on the loopback interface.
    pub fn in_python(&self, family: usize) -> Printed {
        let server = serve(self.server, LOOPBACK[family], self.port);
        let client = self.call(LOOPBACK[family]);
        Printed { server: lines(&server, self.lines), client }
    }

    /// Runs the client in Python against a server at `address`, and returns what it prints.
    pub fn call(&self, address: &str) -> String {
        finished(start(self.client, address, self.port).finish_with(self.input.as_bytes()))
    }

    /// What the server in Python and `smolstep call ARGUMENTS`, with the same input, print.
    pub fn with_our_client(&self, link: Link, family: usize, arguments: &[&str]) -> Printed {
        let server = serve(self.server, KERNEL[family], self.port);
        let client = link.call(arguments, self.input.as_bytes());
        assert_eq!(client.code(), Some(0), "{arguments:?}: {client:?}");
        Printed { server: lines(&server, self.lines), client: anonymous(&client.out()) }
    }
}

/// Starts a program in Python.
pub fn start((file, arguments): Program<'_>, address: &str, port: u16) -> Peer {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tutorials/peers").join(file).with_extension("py");
    let mut command = Command::new("python3");
    // Neither a buffer for what it prints, nor compiled files beside it, nor the encoding of some locale.
    command.args(["-u", "-B", "-X", "utf8"]).arg(file).args([address, &port.to_string()]).args(arguments);
    Peer::start(&mut command)
}

/// Starts a server in Python and waits until clients may come.
pub fn serve(program: Program<'_>, address: &str, port: u16) -> Peer {
    let server = start(program, address, port);
    server.wait_for_log("ready", 1);
    server
}

/// HOST:PORT of smolstep's command line.
pub fn host(address: &str, port: u16) -> String {
    at(address, port).to_string()
}

/// What a program in Python has printed in all. It ends well, or because nobody types any more.
pub fn finished(program: Finished) -> String {
    let well = program.code() == Some(0) || program.err().ends_with("EOFError: EOF when reading a line\n");
    assert!(well, "{program:?}");
    anonymous(&program.out())
}

/// What a program has printed once that is so many lines.
pub fn lines(program: &Peer, count: usize) -> String {
    program.wait_for(&format!("{count} lines"), |out| out.matches('\n').count() >= count);
    anonymous(&program.out())
}

/// The messages that a server of smolstep's has printed, each after its sender, once they are so many.
pub fn messages(server: &Peer, count: usize) -> Vec<String> {
    let of = |out: &str| -> Vec<String> {
        let shown = out.lines().filter(|line| !line.starts_with("listening "));
        shown.map(|line| line.split_once(' ').map_or(line, |(_, message)| message).to_owned()).collect()
    };
    // The last one is there to its end.
    server.wait_for(&format!("{count} messages"), |out| of(out).len() >= count && out.ends_with('\n'));
    of(&server.out())
}

/// Types a line.
pub fn say(peer: &mut Peer, text: &str) {
    peer.type_in(format!("{text}\n").as_bytes());
}

/// Waits until a line of what a program shows ends with this message; another's prompt may stand before it.
pub fn wait_for_message(peer: &Peer, message: &str) {
    peer.wait_for(message, |out| out.contains(&format!("{message}\n")));
}

/// The messages that `serve chat` shows, each after its partner's address; not what it says of the talks.
pub fn shown(out: &str) -> Vec<String> {
    let out = anonymous(out);
    let messages = out.lines().filter_map(|line| {
        let message = line.strip_prefix("[ADDRESS]:PORT ").or_else(|| line.strip_prefix("ADDRESS:PORT "));
        message.map(str::to_owned)
    });
    messages.collect()
}

/// `text` with the same words for all addresses, and for ports that the system has chosen: those of five digits.
pub fn anonymous(text: &str) -> String {
    let mut text = text.to_owned();
    // No address is a part of one that comes after it.
    for address in [KERNEL, SERVER, CALLER, LOOPBACK].concat() {
        let mut pieces = text.split(address);
        let mut plain = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces {
            let rest = piece.trim_start_matches([':', '\'', ',', ' ', ']']);
            let (between, digits) = (&piece[..piece.len() - rest.len()], rest.len());
            let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit());
            let port = if digits - rest.len() == 5 { "PORT" } else { &piece[between.len()..piece.len() - rest.len()] };
            plain += &["ADDRESS", between, port, rest].concat();
        }
        text = plain;
    }
    text
}
