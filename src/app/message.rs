//! Functions for a [`Session`](crate::stack::Session) or a [`Responder`](crate::stack::Responder) of your own.
//!
//! The functions read one message at a time, and send replies through buffers of any size.
//!
//! A message is the data that one read returns, up to [`MESSAGE`] bytes. A message stays in the receive buffer until
//! the program consumes it. The receive buffer is a ring, so a message can be stored in two pieces. Data that arrives
//! later belongs to the next message. A program can keep a message in the buffer until the reply is queued. This slows
//! down a peer that does not read the replies.
//!
//! This server sends each message back twice, with a send buffer of any size:
//!
//! ```
//! use smolstep::app::message::{self, Arrived};
//! use smolstep::smoltcp::socket::tcp::Socket;
//! use smolstep::stack::{Context, Next, Session};
//!
//! #[derive(Clone, Default)]
//! struct Twice {
//!     /// The length of the message that is being answered. More data can follow it.
//!     len: Option<usize>,
//!     /// How many bytes of the reply are queued.
//!     position: usize,
//! }
//!
//! impl Session for Twice {
//!     fn poll(&mut self, socket: &mut Socket<'_>, cx: &mut Context<'_>) -> Next {
//!         loop {
//!             let len = match (self.len, message::arrived(socket)) {
//!                 (Some(len), _) | (None, Arrived::Message(len)) => len,
//!                 (None, Arrived::Nothing) => return Next::Wait,
//!                 (None, Arrived::EndOfStream) => return Next::Close,
//!             };
//!             let text = message::peek(socket, cx.scratch, len);
//!             let queued = message::stream(socket, &mut self.position, |write| {
//!                 write(text);
//!                 write(text);
//!             });
//!             if !queued {
//!                 self.len = Some(len);
//!                 return Next::Wait;
//!             }
//!             message::consume(socket, len);
//!             *self = Twice::default();
//!         }
//!     }
//! }
//! ```

use smoltcp::socket::tcp::{RecvError, Socket};

use crate::stack::{Console, MESSAGE};

/// Receives the pieces of a reply, in order.
pub type Write<'p> = dyn FnMut(&[u8]) + 'p;

/// The state of the receive buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrived {
    /// A message of this length in bytes, 1 to [`MESSAGE`].
    Message(usize),
    /// Nothing has arrived yet, or the connection was lost. After a loss, the stack ends the session.
    Nothing,
    /// The peer has closed its side, and the program has consumed all received data.
    EndOfStream,
}

/// Returns the state of the receive buffer.
///
/// ```
/// use smolstep::app::message::{self, Arrived};
/// use smolstep::smoltcp::socket::tcp::{Socket, SocketBuffer};
///
/// let (mut receive, mut send) = ([0; 64], [0; 64]);
/// let mut socket = Socket::new(SocketBuffer::new(&mut receive[..]), SocketBuffer::new(&mut send[..]));
/// assert_eq!(message::arrived(&mut socket), Arrived::Nothing);
/// ```
pub fn arrived(socket: &mut Socket<'_>) -> Arrived {
    match socket.recv_queue() {
        // `Finished` means that a FIN has arrived, and not that the connection was lost.
        0 if !socket.may_recv() && matches!(socket.peek(0), Err(RecvError::Finished)) => Arrived::EndOfStream,
        0 => Arrived::Nothing,
        queued => Arrived::Message(queued.min(MESSAGE)),
    }
}

/// Copies the first `len` bytes of the receive buffer to `scratch`. The bytes also stay in the receive buffer.
///
/// Returns fewer than `len` bytes if fewer bytes have arrived or `scratch` is shorter. See the example in the [module
/// documentation](self).
pub fn peek<'s>(socket: &mut Socket<'_>, scratch: &'s mut [u8], len: usize) -> &'s [u8] {
    let len = len.min(scratch.len());
    let copied = socket.peek_slice(&mut scratch[..len]).unwrap_or(0);
    &scratch[..copied]
}

/// Passes up to `limit` received bytes to `take` in pieces, and consumes these bytes. Returns the number of bytes.
///
/// ```
/// use smolstep::app::message;
/// # fn example(socket: &mut smolstep::smoltcp::socket::tcp::Socket<'_>) -> u64 {
/// let mut sum = 0;
/// message::receive(socket, usize::MAX, |piece| sum += piece.iter().map(|&byte| u64::from(byte)).sum::<u64>());
/// # sum
/// # }
/// ```
pub fn receive(socket: &mut Socket<'_>, limit: usize, mut take: impl FnMut(&[u8])) -> usize {
    let mut received = 0;
    while received < limit {
        // The closure receives a contiguous piece. Data that wraps around the ring needs a second call.
        let piece = socket.recv(|bytes| {
            let len = bytes.len().min(limit - received);
            take(&bytes[..len]);
            (len, len)
        });
        match piece {
            Ok(len) if len > 0 => received += len,
            _ => break,
        }
    }
    received
}

/// Removes the first `len` received bytes, or all of them if fewer have arrived. Call this when the program no longer
/// needs these bytes.
///
/// See the example in the [module documentation](self).
pub fn consume(socket: &mut Socket<'_>, len: usize) {
    receive(socket, len, |_| ());
}

/// Prints the first `len` bytes of the receive buffer and a newline, and consumes these bytes.
pub(super) fn print(socket: &mut Socket<'_>, len: usize, console: &mut dyn Console) {
    receive(socket, len, |piece| console.print(piece));
    console.print(b"\n");
}

/// Returns the number of bytes that can be queued now: 0 once this side is closed.
///
/// ```
/// use smolstep::app::message;
/// # fn example(socket: &mut smolstep::smoltcp::socket::tcp::Socket<'_>, scratch: &mut [u8]) {
/// // An echo server reads no more than it can send.
/// let len = message::room(socket).min(scratch.len());
/// let len = message::peek(socket, scratch, len).len();
/// if message::send_whole(socket, &scratch[..len]) {
///     message::consume(socket, len);
/// }
/// # }
/// ```
pub fn room(socket: &Socket<'_>) -> usize {
    if socket.may_send() { socket.send_capacity().saturating_sub(socket.send_queue()) } else { 0 }
}

/// Queues all of `reply` if it fits into the send buffer, otherwise nothing. Returns whether the reply is queued.
///
/// A reply longer than the send buffer never fits: use [`stream`] for it.
///
/// ```
/// use smolstep::app::message;
/// use smolstep::stack::Next;
/// # fn example(socket: &mut smolstep::smoltcp::socket::tcp::Socket<'_>) -> Next {
/// if message::send_whole(socket, b"Welcome!") { Next::Close } else { Next::Wait }
/// # }
/// ```
pub fn send_whole(socket: &mut Socket<'_>, reply: &[u8]) -> bool {
    room(socket) >= reply.len() && socket.send_slice(reply).is_ok()
}

/// Queues as much of a reply as fits into the send buffer. Returns whether all of the reply is queued.
///
/// The reply can have any length. `compose` must write the whole reply, and the same bytes at each call. `position`
/// counts the bytes queued so far. Begin with 0, and pass the same counter again until all bytes are queued. See the
/// example in the [module documentation](self).
pub fn stream(socket: &mut Socket<'_>, position: &mut usize, compose: impl FnOnce(&mut Write<'_>)) -> bool {
    let mut stream = Stream { skip: *position, socket, position, full: false };
    compose(&mut |piece| stream.append(piece));
    !stream.full
}

/// Queues the pieces of a reply. This type has no type parameter, so that all replies share the same machine code.
struct Stream<'q, 's> {
    socket: &'q mut Socket<'s>,
    position: &'q mut usize,
    /// How many of the next bytes to skip, because earlier calls to [`stream`] have queued them.
    skip: usize,
    /// Whether the send buffer has no room for more.
    full: bool,
}

impl Stream<'_, '_> {
    /// Queues the part of `piece` that earlier calls to [`stream`] have not queued.
    fn append(&mut self, piece: &[u8]) {
        // The next `skip` bytes of the reply are queued already.
        let rest = piece.get(self.skip..).unwrap_or_default();
        self.skip = self.skip.saturating_sub(piece.len());
        if !self.full && !rest.is_empty() {
            let queued = self.socket.send_slice(rest).unwrap_or(0);
            *self.position += queued;
            self.full = queued < rest.len();
        }
    }
}

/// Copies `text` to the front of `buffer`. Returns the length of `text`, or `None` if `text` does not fit.
pub(super) fn copy_into(buffer: &mut [u8], text: &[u8]) -> Option<usize> {
    buffer.get_mut(..text.len())?.copy_from_slice(text);
    Some(text.len())
}

/// Writes the output of `compose` to the front of `buffer`. Returns the output's length, or `None` if the output does
/// not fit.
///
/// A [`Responder`](crate::stack::Responder) can write its reply with this function:
///
/// ```
/// use smolstep::app::message;
///
/// let mut reply = [0; 8];
/// let len = message::compose_into(&mut reply, |write| {
///     write(b"hi ");
///     write(b"Li");
/// });
/// assert_eq!(&reply[..len.unwrap_or(0)], b"hi Li");
/// assert_eq!(message::compose_into(&mut reply, |write| write(b"too long a reply")), None);
/// ```
pub fn compose_into(buffer: &mut [u8], compose: impl FnOnce(&mut Write<'_>)) -> Option<usize> {
    let mut len = Some(0);
    compose(&mut |piece| {
        // Once a piece does not fit, `len` stays `None`.
        len = len.and_then(|start| {
            let end = start + piece.len();
            buffer.get_mut(start..end)?.copy_from_slice(piece);
            Some(end)
        });
    });
    len
}
