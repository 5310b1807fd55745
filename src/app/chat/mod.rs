//! chat: people exchange text, as lines or as messages without line endings.
//!
//! A partner who ends messages with LF, as `nc` does, sends lines. Any other partner sends messages, as the programs of
//! socket tutorials do. Data from a partner who sends messages becomes a message after 200 ms of silence. Text to that
//! partner is sent without a line ending.
//!
//! Over TCP one partner at a time talks with the operator at the console, or all partners talk in a [`Room`]. Over UDP
//! the operator answers each sender. A line from a peer is at most 512 bytes long, and at most as long as the receive
//! buffer. The rest of a longer line is treated as another line. Control characters and bytes that are not UTF-8 are
//! shown escaped.

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

/// The prompt printed before a line is typed.
const PROMPT: &str = ">>> ";

/// The final line that the server sends in a conversation. The client prints the same line when the conversation ends.
const END: &[u8] = b"the talk has ended\n";

crate::sessions! {
    /// The server side of one TCP connection.
    #[derive(Clone, Debug)]
    pub enum Server<'a> {
        /// A member of a room.
        Member(member::Member<'a>),
        /// A conversation with the operator at the console.
        Talk(talk::Talk<'a>),
    }
}

impl<'a> Server<'a> {
    /// Creates a member of the room if `options` has a room, otherwise a conversation with the operator.
    pub fn new(options: &Options<'a>) -> Self {
        match options.room {
            Some(room) => Server::Member(member::Member::new(room)),
            None => Server::Talk(talk::Talk::new(options.operator)),
        }
    }
}

/// The pause after a message without a line ending. For the receiver, this silence ends the message.
const PAUSE: Duration = Duration::from_millis(300);

/// The message that ends a conversation.
const GOODBYE: &[u8] = b"q";

/// Returns whether a line ends the conversation.
fn is_goodbye(text: &[u8]) -> bool {
    matches!(text, b"q" | b"Q")
}

/// Ends a conversation: sends the line [`END`] if it fits into the send buffer, and closes. If a line is partly sent
/// (`begun`), LF is sent first. A partner that does not read receives only FIN, and does not delay other partners.
///
/// A partner who sends messages receives `q` and not [`END`]. If a message is partly sent, or if that partner has
/// closed its side, only FIN follows.
fn say_goodbye(socket: &mut Socket<'_>, begun: bool, framing: Framing) -> Next {
    if framing == Framing::Messages {
        if !begun && message::arrived(socket) != Arrived::EndOfStream {
            message::send_whole(socket, GOODBYE);
        }
    } else if !begun || (message::room(socket) > END.len() && message::send_whole(socket, b"\n")) {
        // The condition has also sent the LF that ends a partly sent line, but only if `END` fits after it.
        message::send_whole(socket, END);
    }
    Next::Close
}
