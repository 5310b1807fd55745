//! A program of one's own: a server that replies to a message with its length, and closes.

mod common;

use std::error::Error;
use std::fmt::Write as _;
use std::io::{self, Write as _};

use smolstep::app::{self, ClientOptions};
use smolstep::stack::{Context, Next, Session};
use smoltcp::socket::tcp::Socket;

/// Each connection has a clone of its own. This one has nothing to remember.
#[derive(Clone)]
struct Length;

impl Session for Length {
    /// Called whenever something may have changed; never waits.
    fn poll(&mut self, socket: &mut Socket<'_>, _cx: &mut Context<'_>) -> Next {
        // The first number is how many bytes are consumed, the second is what the call returns.
        match socket.recv(|bytes| (bytes.len(), bytes.len())) {
            Ok(0) => Next::Wait,
            Ok(len) => {
                // The send buffer is empty still: there is room.
                let _ = write!(socket, "{len} bytes");
                Next::Close
            }
            // The client has closed its side silently.
            Err(_) => Next::Close,
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    // The client of thanks sends one message and prints the reply: it will do.
    let thanks = app::find("thanks").ok_or("no such program")?;
    let client = thanks.client(&ClientOptions::sending(&[b"How long is this?"]));
    Ok(io::stdout().write_all(&common::call(Length, client.ok_or("no client")?)?)?)
}
