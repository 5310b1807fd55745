//! inbox: prints each datagram and its sender.

use smoltcp::socket::udp::UdpMetadata;

use super::Options;
use super::text::{compose_into, print_received};
use crate::stack::{Answer, Console};

/// The UDP server.
#[derive(Clone, Debug)]
pub struct Server<'a> {
    once: bool,
    reply: Option<&'a [u8]>,
}

impl<'a> Server<'a> {
    /// A server that does as `options` say.
    pub fn new(options: &Options<'a>) -> Self {
        Server { once: options.once, reply: options.reply }
    }

    /// Takes in one datagram.
    pub fn datagram(&self, from: UdpMetadata, data: &[u8], reply: &mut [u8], console: &mut dyn Console) -> Answer {
        print_received(console, Some(from.endpoint), data);
        let len = self.reply.and_then(|text| compose_into(reply, |put| put(text)));
        match (len, self.once) {
            (Some(len), false) => Answer::Reply(len),
            (Some(len), true) => Answer::ReplyAndEnd(len),
            (None, false) => Answer::Silence,
            (None, true) => Answer::End,
        }
    }
}
