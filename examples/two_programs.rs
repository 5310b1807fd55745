//! Runs two TCP programs on one stack: greeting, and your own program that counts bytes.

mod common;

use std::error::Error;
use std::io::{self, Write as _};

use smolstep::app::message::{self, Arrived};
use smolstep::app::{ClientOptions, Options, Program, greeting};
use smolstep::sessions;
use smolstep::stack::{Context, Next, Session};
use smoltcp::socket::tcp::Socket;

sessions! {
    /// The programs of this stack. Each connection runs one of them.
    #[derive(Clone)]
    enum Programs {
        Greeting(greeting::Server<'static>),
        Count(Count),
    }
}

/// Replies to the first message with its number of bytes, then closes.
#[derive(Clone)]
struct Count;

impl Session for Count {
    fn poll(&mut self, socket: &mut Socket<'_>, _cx: &mut Context<'_>) -> Next {
        match message::arrived(socket) {
            // The reply fits, because nothing was sent before. If it did not fit, the session would wait for space in
            // the send buffer.
            Arrived::Message(len) if message::send_whole(socket, format!("{len} bytes").as_bytes()) => {
                message::consume(socket, len);
                Next::Close
            }
            Arrived::Message(_) | Arrived::Nothing => Next::Wait,
            Arrived::EndOfStream => Next::Close,
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let greeting = Programs::Greeting(greeting::Server::new(&Options::default()));
    let options = ClientOptions::sending(&[b"Li"]);
    let client = |program: Program| program.app().client(&options).ok_or("no client");
    let calls = [(9999, client(Program::Greeting)?), (1000, client(Program::Thanks)?)];
    Ok(io::stdout().write_all(&common::call_all((), [(9999, greeting), (1000, Programs::Count(Count))], calls)?)?)
}
