//! thanks: prints a message and says thank you. On TCP it then closes.

use smoltcp::socket::udp::UdpMetadata;

use super::single;
use super::text::{compose_into, print_received};
use crate::stack::{Answer, Console};

/// What it answers.
pub const REPLY: &[u8] = b"thank you !";

/// The TCP server of one connection.
pub fn server() -> single::Server {
    single::Server::new(REPLY)
}

/// The TCP client of one connection.
pub fn client() -> single::Client {
    single::Client::new()
}

/// The UDP server: answers one datagram.
pub fn datagram(from: UdpMetadata, data: &[u8], reply: &mut [u8], console: &mut dyn Console) -> Answer {
    print_received(console, Some(from.endpoint), data);
    compose_into(reply, |put| put(REPLY)).map_or(Answer::Silence, Answer::Reply)
}
