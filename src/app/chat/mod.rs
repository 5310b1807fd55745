//! chat: people exchange text, as lines or as messages without line ends.
//!
//! A partner who ends messages with LF, as `nc` does, sends lines. Any other partner sends messages, as the programs of
//! socket tutorials do. Data from such a partner becomes a message after 200 ms of silence, and text to such a partner
//! is sent without a line end.
//!
//! Over TCP one partner at a time talks with the operator at the console, or all partners talk in a [`Room`]. Over UDP
//! the operator answers each sender. A line from a peer has at most 512 bytes, and at most the size of the receive
//! buffer. The rest of a longer line counts as another line. Control characters and bytes that are not UTF-8 are shown
//! escaped.

use lines::Framing;
use smoltcp::socket::tcp::Socket;
use smoltcp::time::Duration;

use super::Options;
use super::message::{self, Arrived};
use crate::stack::Next;

mod client;
mod datagrams;
mod lines;
mod member;
mod operator;
mod partners;
mod room;
mod talk;
mod udp_client;

pub use client::Client;
pub use datagrams::Server as UdpServer;
#[doc(hidden)]
pub use member::Member;
pub use operator::Operator;
pub use room::Room;
pub use udp_client::Client as UdpClient;

/// The prompt for a line.
const PROMPT: &str = ">>> ";

/// The last line that the server sends in a talk. At the end of a talk, the client prints the same line.
const END: &[u8] = b"the talk has ended\n";

crate::sessions! {
    /// The server of one TCP connection.
    #[derive(Clone, Debug)]
    pub enum Server<'a> {
        /// A member of a room.
        Member(member::Member<'a>),
        /// A talk with the operator at the console.
        Talk(talk::Talk<'a>),
    }
}

impl<'a> Server<'a> {
    /// Makes a member of the room if the options have a room, otherwise a talk with the operator.
    pub fn new(options: &Options<'a>) -> Self {
        match options.room {
            Some(room) => Server::Member(member::Member::new(room)),
            None => Server::Talk(talk::Talk::new(options.operator)),
        }
    }
}

/// The pause after a message without a line end. For the receiver, this silence ends the message.
const PAUSE: Duration = Duration::from_millis(300);

/// The message that ends a talk.
const GOODBYE: &[u8] = b"q";

/// Returns whether a line ends the talk.
fn is_goodbye(text: &[u8]) -> bool {
    matches!(text, b"q" | b"Q")
}

/// Ends a talk with a goodbye, if the send buffer has room. If a line is partly sent (`begun`), LF is sent first. A
/// partner that does not read gets only FIN, and does not delay other partners.
///
/// A partner who sends messages gets `q` instead, unless a message is partly sent or the partner has closed its side.
fn say_goodbye(socket: &mut Socket<'_>, begun: bool, framing: Framing) -> Next {
    if framing == Framing::Messages {
        if !begun && message::arrived(socket) != Arrived::EndOfStream {
            message::send_whole(socket, GOODBYE);
        }
    } else if !begun || (message::room(socket) > END.len() && message::send_whole(socket, b"\n")) {
        message::send_whole(socket, END);
    }
    Next::Close
}
