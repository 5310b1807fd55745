//! Implements your own UDP program: its server replies with the length of each datagram.

mod common;

use std::error::Error;
use std::io::{self, Write as _};

use smolstep::app::{ClientOptions, Program, message};
use smolstep::stack::{Answer, Context, Respond, Responder};
use smoltcp::socket::udp::UdpMetadata;

struct Length;

impl Responder for Length {
    /// The stack calls this method for each datagram, once the previous reply has been sent. If a peer sends faster,
    /// some of its datagrams are lost.
    fn datagram(&mut self, _from: UdpMetadata, data: &[u8], reply: &mut [u8], cx: &mut Context<'_>) -> Answer {
        let text = format!("{} bytes at {}", data.len(), cx.now);
        // A reply that does not fit is not sent. UDP clients must cope with a missing reply.
        message::compose_into(reply, |write| write(text.as_bytes())).map_or(Answer::Silence, Answer::Reply)
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    // The client of the program `thanks` sends each text as a datagram and prints the replies, which is all this
    // example needs.
    let options = ClientOptions::sending(&[b"How long is this?", b"And this?"]);
    let client = Program::Thanks.app().udp_client(&options, common::REMOTE).ok_or("no client")?;
    Ok(io::stdout().write_all(&common::ask(Respond::new(Length), client)?)?)
}
