//! Implements your own program: its server replies with the length of a message, then closes.

mod common;

use std::error::Error;
use std::io::{self, Write as _};

use smolstep::app::message::{self, Arrived};
use smolstep::app::{ClientOptions, Program};
use smolstep::stack::{Context, Next, Session};
use smoltcp::socket::tcp::Socket;

/// The server's side of a connection. Each connection has its own clone. This program needs no state.
#[derive(Clone)]
struct Length;

impl Session for Length {
    /// The stack calls `poll` whenever the connection might have changed. `poll` must not block.
    fn poll(&mut self, socket: &mut Socket<'_>, _cx: &mut Context<'_>) -> Next {
        let len = match message::arrived(socket) {
            Arrived::Message(len) => len,
            Arrived::Nothing => return Next::Wait,
            Arrived::EndOfStream => return Next::Close,
        };
        // The message stays in the receive buffer until the reply fits.
        if !message::send_whole(socket, format!("{len} bytes").as_bytes()) {
            return Next::Wait;
        }
        message::consume(socket, len);
        Next::Close
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    // The client of the program `thanks` sends one message and prints the reply, which is all this example needs.
    let options = ClientOptions::sending(&[b"How long is this?"]);
    let client = Program::Thanks.app().client(&options).ok_or("no client")?;
    Ok(io::stdout().write_all(&common::call(Length, client)?)?)
}
