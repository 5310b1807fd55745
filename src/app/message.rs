//! Messages and replies over a TCP socket of any buffer size.
//!
//! A message is what one read returns, up to [`MESSAGE`] bytes. It stays in the receive buffer, whose ring may hold it in two
//! pieces, until the program has acted on it; what arrives meanwhile belongs to the next message.

use smoltcp::socket::tcp::{RecvError, Socket};

use super::text::Put;
use crate::stack::{Console, MESSAGE};

/// What stands in the receive buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrived {
    /// A message, with its length in bytes, 1 to [`MESSAGE`].
    Message(usize),
    /// Nothing yet, or nothing any more because the connection broke: the stack says so.
    Nothing,
    /// The peer has closed its side and everything it sent is consumed.
    EndOfStream,
}

/// Looks at the receive buffer.
pub fn arrived(socket: &mut Socket<'_>) -> Arrived {
    match socket.recv_queue() {
        0 if matches!(socket.peek(0), Err(RecvError::Finished)) => Arrived::EndOfStream,
        0 => Arrived::Nothing,
        queued => Arrived::Message(queued.min(MESSAGE)),
    }
}

/// Copies the first `len` bytes of the receive buffer to `scratch` and leaves them where they are.
pub fn peek<'s>(socket: &mut Socket<'_>, scratch: &'s mut [u8], len: usize) -> &'s [u8] {
    let len = len.min(scratch.len());
    let copied = socket.peek_slice(&mut scratch[..len]).unwrap_or(0);
    &scratch[..copied]
}

/// Shows `take` up to `limit` arrived bytes, piece by piece, consumes them, and says how many they were.
pub fn receive(socket: &mut Socket<'_>, limit: usize, mut take: impl FnMut(&[u8])) -> usize {
    let mut received = 0;
    while received < limit {
        // The closure sees what lies in one piece: at the ring's end it takes a second call.
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

/// Removes the first `len` bytes of the receive buffer.
pub fn consume(socket: &mut Socket<'_>, len: usize) {
    receive(socket, len, |_| ());
}

/// Prints the first `len` bytes of the receive buffer and a newline, and consumes them.
pub fn print(socket: &mut Socket<'_>, len: usize, console: &mut dyn Console) {
    receive(socket, len, |piece| console.print(piece));
    console.print(b"\n");
}

/// How many bytes can be queued to be sent now.
pub fn room(socket: &Socket<'_>) -> usize {
    if socket.may_send() { socket.send_capacity().saturating_sub(socket.send_queue()) } else { 0 }
}

/// Queues all of `reply`, or nothing where there is no room for all of it; true if it is queued.
pub fn send_whole(socket: &mut Socket<'_>, reply: &[u8]) -> bool {
    room(socket) >= reply.len() && socket.send_slice(reply).is_ok()
}

/// Queues what `compose` puts together, from byte `position` on and as far as there is room, and moves `position` along; true
/// once the end is queued.
pub fn stream(socket: &mut Socket<'_>, position: &mut usize, compose: impl FnOnce(&mut Put<'_>)) -> bool {
    let mut skip = *position;
    let mut full = false;
    compose(&mut |piece| {
        let rest = piece.get(skip..).unwrap_or_default();
        skip = skip.saturating_sub(piece.len());
        if !full && !rest.is_empty() {
            let queued = socket.send_slice(rest).unwrap_or(0);
            *position += queued;
            full = queued < rest.len();
        }
    });
    !full
}
