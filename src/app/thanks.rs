//! thanks: prints each message and replies `thank you !`. The TCP server then closes the connection.

use smoltcp::socket::udp::UdpMetadata;

use super::message::copy_into;
use super::text::print_received;
use crate::stack::{Answer, Context, Responder};

pub use super::single::{Client, Server};

/// The answer to each message.
pub(super) const REPLY: &[u8] = b"thank you !";

/// Creates the TCP server of one connection.
pub fn server() -> Server {
    Server::new(REPLY)
}

/// The UDP server of one port: prints each datagram and replies.
#[derive(Clone, Debug, Default)]
pub struct Datagrams;

impl Responder for Datagrams {
    fn datagram(&mut self, from: UdpMetadata, data: &[u8], reply: &mut [u8], cx: &mut Context<'_>) -> Answer {
        print_received(cx.console, Some(from.endpoint), data);
        copy_into(reply, REPLY).map_or(Answer::Silence, Answer::Reply)
    }
}
