//! upper: sends one message back in upper case, then closes.

use smoltcp::socket::tcp::Socket;

use super::message::{self, Arrived, Write};
use super::text::{Characters, print_sender, split_line_end};
use crate::stack::{Context, Next, Session};

pub use super::single::Client;

/// The longest message in bytes. A smaller receive buffer lowers the limit.
const LONGEST: usize = 2048;

/// The server of one connection: prints a message and its sender, and replies.
///
/// The message can be longer than the scratch memory, so the server handles it in pieces.
#[derive(Clone, Debug, Default)]
pub struct Server {
    reply: Option<Reply>,
}

/// How much of a message has been answered.
#[derive(Clone, Copy, Debug)]
struct Reply {
    /// How many bytes of the message are not consumed yet.
    left: usize,
    /// How many bytes of the reply to the current piece are queued.
    position: usize,
}

impl Session for Server {
    /// Replies to the message piece by piece. Prints each piece once its reply is queued. The message is the data in
    /// the receive buffer at the first poll that finds any.
    fn poll(&mut self, socket: &mut Socket<'_>, cx: &mut Context<'_>) -> Next {
        let mut reply = match (self.reply, message::arrived(socket)) {
            (Some(reply), _) => reply,
            (None, Arrived::Nothing) => return Next::Wait,
            (None, Arrived::EndOfStream) => return Next::Close,
            (None, Arrived::Message(_)) => {
                print_sender(cx.console, socket.remote_endpoint());
                Reply { left: socket.recv_queue().min(LONGEST), position: 0 }
            }
        };
        loop {
            let bytes = message::peek(socket, cx.scratch, reply.left);
            let is_last = bytes.len() == reply.left;
            let (text, line_end) = if is_last { split_line_end(bytes) } else { (first_piece(bytes), &b""[..]) };
            let queued = message::stream(socket, &mut reply.position, |write| {
                uppercase(text, write);
                write(line_end);
            });
            if !queued {
                self.reply = Some(reply);
                return Next::Wait;
            }
            cx.console.print(text);
            // If `text` is empty before the end of the message, no more of the message can be read.
            if is_last || text.is_empty() {
                cx.console.print(b"\n");
                message::consume(socket, bytes.len());
                return Next::Close;
            }
            message::consume(socket, text.len());
            reply = Reply { left: reply.left - text.len(), position: 0 };
        }
    }
}

/// Returns `bytes` without the final character, which can be incomplete or can be the CR of a CR LF.
fn first_piece(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|&byte| byte & 0xc0 != 0x80);
    // A single character is returned whole, so that the server makes progress.
    bytes.get(..end.unwrap_or(0)).filter(|piece| !piece.is_empty()).unwrap_or(bytes)
}

/// Writes `text` in upper case, by Unicode's rules: `ß` becomes `SS`. Bytes that are not UTF-8 stay unchanged.
fn uppercase(text: &[u8], write: &mut Write<'_>) {
    for (character, bytes) in Characters(text) {
        match character {
            Some(character) => {
                character.to_uppercase().for_each(|upper| write(upper.encode_utf8(&mut [0; 4]).as_bytes()));
            }
            None => write(bytes),
        }
    }
}
