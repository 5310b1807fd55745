//! inbox: prints each datagram and its sender.

use smoltcp::socket::udp::UdpMetadata;

use super::Options;
use super::message::copy_into;
use super::text::print_received;
use crate::stack::{Answer, Context, Responder};

/// The UDP server of one port: prints each datagram and its sender. If the options contain a reply, each
/// datagram is answered with it.
#[derive(Clone, Debug)]
pub struct Server<'a> {
    once: bool,
    reply: Option<&'a [u8]>,
}

impl<'a> Server<'a> {
    /// Creates a server with these options.
    pub fn new(options: &Options<'a>) -> Self {
        Server { once: options.once, reply: options.reply }
    }
}

impl Responder for Server<'_> {
    /// Prints the datagram. Sends the reply if there is one and it fits. With `once`, the server then ends.
    fn datagram(&mut self, from: UdpMetadata, data: &[u8], reply: &mut [u8], cx: &mut Context<'_>) -> Answer {
        print_received(cx.console, Some(from.endpoint), data);
        let len = self.reply.and_then(|text| copy_into(reply, text));
        match (len, self.once) {
            (Some(len), false) => Answer::Reply(len),
            (Some(len), true) => Answer::ReplyAndEnd(len),
            (None, false) => Answer::Silence,
            (None, true) => Answer::End,
        }
    }
}
