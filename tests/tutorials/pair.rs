//! Runs a Python server and a Python client, or smolstep in place of one of them.

use std::path::Path;
use std::process::Command;

use crate::common::link::{CALLER, KERNEL, Link, SERVER, at};
use crate::common::peer::{Finished, Peer};

/// A server and a client of a tutorial.
#[derive(Clone, Copy)]
pub struct Pair<'a> {
    pub port: u16,
    pub server: Program<'a>,
    pub client: Program<'a>,
    /// The complete standard input of the client.
    pub input: &'a str,
    /// The number of lines that the server prints for a client.
    pub lines: usize,
}

/// The name of a file in `peers`, without its extension, and the arguments.
pub type Program<'a> = (&'a str, &'a [&'a str]);

/// The standard output of both sides, after [`anonymous`].
#[derive(Debug, PartialEq, Eq)]
pub struct Printed {
    pub server: String,
    pub client: String,
}

/// The addresses for two Python programs: the loopback addresses of IPv4 and IPv6.
pub const LOOPBACK: [&str; 2] = ["127.0.0.1", "::1"];

impl Pair<'_> {
    /// Runs both Python programs on the loopback interface, and returns their outputs.
    pub fn in_python(&self, family: usize) -> Printed {
        let server = serve(self.server, LOOPBACK[family], self.port);
        let client = self.call(LOOPBACK[family]);
        Printed { server: lines(&server, self.lines), client }
    }

    /// Runs the Python client with a server at `address`, and returns its output.
    pub fn call(&self, address: &str) -> String {
        finished(start(self.client, address, self.port).finish_with(self.input.as_bytes()))
    }

    /// Runs the Python server and `smolstep call ARGUMENTS` with the same input. Returns both outputs.
    pub fn with_our_client(&self, link: Link, family: usize, arguments: &[&str]) -> Printed {
        let server = serve(self.server, KERNEL[family], self.port);
        let client = link.call(arguments, self.input.as_bytes());
        assert_eq!(client.code(), Some(0), "{arguments:?}: {client:?}");
        Printed { server: lines(&server, self.lines), client: anonymous(&client.out()) }
    }
}

/// Starts a Python program.
pub fn start((file, arguments): Program<'_>, address: &str, port: u16) -> Peer {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tutorials/peers").join(file).with_extension("py");
    let mut command = Command::new("python3");
    // These options set unbuffered output, no compiled files, and UTF-8 regardless of the locale.
    command.args(["-u", "-B", "-X", "utf8"]).arg(file).args([address, &port.to_string()]).args(arguments);
    Peer::start(&mut command)
}

/// Starts a Python server, and waits until it accepts clients.
pub fn serve(program: Program<'_>, address: &str, port: u16) -> Peer {
    let server = start(program, address, port);
    server.wait_for_log("ready", 1);
    server
}

/// Returns HOST:PORT as on smolstep's command line.
pub fn host(address: &str, port: u16) -> String {
    at(address, port).to_string()
}

/// Returns the output of a Python program. Asserts that it succeeded, or failed because its input ended.
pub fn finished(program: Finished) -> String {
    let well = program.code() == Some(0) || program.err().ends_with("EOFError: EOF when reading a line\n");
    assert!(well, "{program:?}");
    anonymous(&program.out())
}

/// Waits until a program has printed `count` lines, and returns its output.
pub fn lines(program: &Peer, count: usize) -> String {
    program.wait_for(&format!("{count} lines"), |out| out.matches('\n').count() >= count);
    anonymous(&program.out())
}

/// Waits until smolstep's server has printed `count` messages.
///
/// Returns the messages without their senders.
pub fn messages(server: &Peer, count: usize) -> Vec<String> {
    let of = |out: &str| -> Vec<String> {
        let shown = out.lines().filter(|line| !line.starts_with("listening "));
        shown.map(|line| line.split_once(' ').map_or(line, |(_, message)| message).to_owned()).collect()
    };
    // The final line ending shows that the final message is complete.
    server.wait_for(&format!("{count} messages"), |out| of(out).len() >= count && out.ends_with('\n'));
    of(&server.out())
}

/// Types a line on a program's standard input.
pub fn say(peer: &mut Peer, text: &str) {
    peer.type_in(format!("{text}\n").as_bytes());
}

/// Waits until a line of a program's output ends with `message`. The line can begin with a prompt.
pub fn wait_for_message(peer: &Peer, message: &str) {
    peer.wait_for(message, |out| out.contains(&format!("{message}\n")));
}

/// Returns the messages in the output of `serve chat`.
///
/// The partners' addresses and other lines are omitted.
pub fn shown(out: &str) -> Vec<String> {
    let out = anonymous(out);
    let messages = out.lines().filter_map(|line| {
        let message = line.strip_prefix("[ADDRESS]:PORT ").or_else(|| line.strip_prefix("ADDRESS:PORT "));
        message.map(str::to_owned)
    });
    messages.collect()
}

/// Replaces all addresses with ADDRESS, and all ports of five digits with PORT.
///
/// The kernel chooses ports of five digits.
pub fn anonymous(text: &str) -> String {
    let mut text = text.to_owned();
    // In this order, a longer address is replaced before an address that is part of the longer one.
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
