//! chat: people talk by lines, or by messages.
//!
//! A partner who ends its messages with LF speaks in lines, as `nc` does. One who does not speaks in messages, as the programs of
//! socket tutorials do: what it sends is a message once nothing more has come for 200 ms, and what it is sent has no line end.
//!
//! Over TCP one partner at a time talks with the person at the console, or all talk with each other in a [`Room`]. Over UDP the
//! person answers each sender. A line of a peer's has at most 512 bytes, and no more than the receive buffer holds: a longer
//! one goes on as another line. Its control characters, and its bytes that are not UTF-8, are shown escaped.

use lines::Framing;
use smoltcp::socket::tcp::Socket;
use smoltcp::time::Duration;

use super::Options;
use super::message::{self, Arrived};
use crate::stack::Next;

mod client;
mod datagrams;
mod desk;
mod lines;
mod member;
mod partners;
mod room;
mod talk;
mod udp_client;

pub use client::Client;
pub use datagrams::Server as UdpServer;
pub use desk::Desk;
#[doc(hidden)]
pub use member::Member;
pub use room::Room;
pub use udp_client::Client as UdpClient;

/// What a person sees where a line is waited for.
const PROMPT: &str = ">>> ";

/// The last line that a talk's server sends, and what its client prints at the end.
const END: &[u8] = b"the talk has ended\n";

crate::sessions! {
    /// The server of one TCP connection.
    #[derive(Clone, Debug)]
    pub enum Server<'a> {
        /// Of a room.
        Member(member::Member<'a>),
        /// With the person at the console.
        Talk(talk::Talk<'a>),
    }
}

impl<'a> Server<'a> {
    /// A member of the room, if the options have one; else a talk with the person at the desk.
    pub fn new(options: &Options<'a>) -> Self {
        match options.room {
            Some(room) => Server::Member(member::Member::new(room)),
            None => Server::Talk(talk::Talk::new(options.desk)),
        }
    }
}

/// How long a message without a line end stands alone before the next is sent: whoever receives it knows its end by the silence.
const PAUSE: Duration = Duration::from_millis(300);

/// What ends the talk.
const GOODBYE: &[u8] = b"q";

/// Whether a line ends the talk.
fn is_goodbye(text: &[u8]) -> bool {
    matches!(text, b"q" | b"Q")
}

/// Ends a talk politely where there is room for that, after the line that was begun, if one was. Whoever does not read learns it
/// from FIN alone, and holds nobody up.
///
/// A partner who speaks in messages is told `q`, unless a message was begun or the partner has closed its side.
fn say_goodbye(socket: &mut Socket<'_>, begun: bool, framing: Framing) -> Next {
    if framing == Framing::Messages {
        if !begun && message::arrived(socket) != Arrived::EndOfStream {
            message::send_whole(socket, GOODBYE);
        }
    } else if !begun || message::room(socket) > END.len() && message::send_whole(socket, b"\n") {
        message::send_whole(socket, END);
    }
    Next::Close
}
