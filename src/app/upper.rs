//! upper: one message comes back in upper case, then the server closes.

use smoltcp::socket::tcp::Socket;

use super::message::{self, Arrived};
use super::single;
use super::text::{Put, print_received, split_line_end};
use crate::stack::{Context, Next, Session};

/// The server of one connection: prints the message and its sender, and replies.
#[derive(Clone, Debug, Default)]
pub struct Server {
    reply: Option<Reply>,
}

/// The message's length, and how much of the reply is queued.
#[derive(Clone, Copy, Debug)]
struct Reply {
    message: usize,
    position: usize,
}

impl Session for Server {
    fn poll(&mut self, socket: &mut Socket<'_>, cx: &mut Context<'_>) -> Next {
        let mut reply = match (self.reply, message::arrived(socket)) {
            (Some(reply), _) => reply,
            (None, Arrived::Nothing) => return Next::Wait,
            (None, Arrived::EndOfStream) => return Next::Close,
            (None, Arrived::Message(len)) => {
                let text = message::peek(socket, cx.scratch, len);
                print_received(cx.console, socket.remote_endpoint(), text);
                Reply { message: len, position: 0 }
            }
        };
        let text = message::peek(socket, cx.scratch, reply.message);
        let done = message::stream(socket, &mut reply.position, |put| uppercase(text, put));
        self.reply = Some(reply);
        if !done {
            return Next::Wait;
        }
        message::consume(socket, reply.message);
        Next::Close
    }
}

/// The client of one connection.
pub fn client() -> single::Client {
    single::Client::new()
}

/// Puts `message` in upper case, as Unicode maps each character (`ß` becomes `SS`), its line end and what is not UTF-8 as is.
fn uppercase(message: &[u8], put: &mut Put<'_>) {
    let (text, line_end) = split_line_end(message);
    for chunk in text.utf8_chunks() {
        for upper in chunk.valid().chars().flat_map(char::to_uppercase) {
            put(upper.encode_utf8(&mut [0; 4]).as_bytes());
        }
        put(chunk.invalid());
    }
    put(line_end);
}
