//! upper: one message comes back in upper case, then the server closes.

use core::str;

use smoltcp::socket::tcp::Socket;

use super::message::{self, Arrived};
use super::single;
use super::text::{Put, print_sender, split_line_end};
use crate::stack::{Context, Next, Session};

/// The longest message, in bytes, where the receive buffer holds as much.
const LONGEST: usize = 2048;

/// The server of one connection: prints the message and its sender, and replies.
///
/// The message may be longer than the scratch memory: it is taken in pieces.
#[derive(Clone, Debug, Default)]
pub struct Server {
    reply: Option<Reply>,
}

/// How much of the message is still in the receive buffer.
#[derive(Clone, Copy, Debug)]
struct Reply {
    left: usize,
    /// The first piece of it is printed.
    printed: bool,
    /// How much of the reply to this piece is queued.
    position: usize,
}

impl Reply {
    fn to(left: usize) -> Self {
        Reply { left, printed: false, position: 0 }
    }
}

impl Session for Server {
    fn poll(&mut self, socket: &mut Socket<'_>, cx: &mut Context<'_>) -> Next {
        let mut reply = match (self.reply, message::arrived(socket)) {
            (Some(reply), _) => reply,
            (None, Arrived::Nothing) => return Next::Wait,
            (None, Arrived::EndOfStream) => return Next::Close,
            (None, Arrived::Message(_)) => {
                print_sender(cx.console, socket.remote_endpoint());
                Reply::to(socket.recv_queue().min(LONGEST))
            }
        };
        while reply.left > 0 {
            let bytes = message::peek(socket, cx.scratch, reply.left);
            let is_last = bytes.len() == reply.left;
            let (text, line_end) = if is_last { split_line_end(bytes) } else { (first_piece(bytes), &b""[..]) };
            if !reply.printed {
                cx.console.print(text);
                if is_last {
                    cx.console.print(b"\n");
                }
                reply.printed = true;
            }
            let queued = message::stream(socket, &mut reply.position, |put| {
                uppercase(text, put);
                put(line_end);
            });
            if !queued {
                self.reply = Some(reply);
                return Next::Wait;
            }
            let taken = text.len() + line_end.len();
            message::consume(socket, taken);
            reply = Reply::to(reply.left - taken);
        }
        Next::Close
    }
}

/// The client of one connection.
pub fn client() -> single::Client {
    single::Client::new()
}

/// The front of a message that is treated by itself: it cuts neither a character nor a CR LF in two.
fn first_piece(bytes: &[u8]) -> &[u8] {
    let end = match bytes.utf8_chunks().last().map(|chunk| chunk.invalid()) {
        Some(cut) if str::from_utf8(cut).is_err_and(|error| error.error_len().is_none()) => cut.len(),
        _ => usize::from(bytes.ends_with(b"\r")),
    };
    bytes.get(..bytes.len() - end).filter(|piece| !piece.is_empty()).unwrap_or(bytes)
}

/// Puts `text` in upper case, as Unicode maps each character (`ß` becomes `SS`), and what is not UTF-8 as it is.
fn uppercase(text: &[u8], put: &mut Put<'_>) {
    for chunk in text.utf8_chunks() {
        for upper in chunk.valid().chars().flat_map(char::to_uppercase) {
            put(upper.encode_utf8(&mut [0; 4]).as_bytes());
        }
        put(chunk.invalid());
    }
}
