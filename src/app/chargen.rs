//! chargen: a server that sends endless text (RFC 864), and a client that prints it.

use smoltcp::socket::tcp::Socket;

use super::client::{ClientProgram, Failure, Run};
use super::message::{self, Arrived};
use crate::stack::{Context, Next, Session};

/// The server of one connection: sends the pattern as fast as the peer reads.
///
/// The server discards received data, and closes once the peer has closed.
#[derive(Clone, Debug, Default)]
pub struct Server {
    pattern: Pattern,
}

impl Session for Server {
    /// Discards received data, and fills the send buffer with the pattern until the peer closes.
    fn poll(&mut self, socket: &mut Socket<'_>, _cx: &mut Context<'_>) -> Next {
        message::consume(socket, usize::MAX);
        if message::arrived(socket) == Arrived::EndOfStream {
            return Next::Close;
        }
        // The send buffer is a ring, so filling its free space can need a second call.
        while message::room(socket) > 0 {
            let sent = socket.send(|buffer| {
                self.pattern.fill(buffer);
                (buffer.len(), buffer.len())
            });
            // Nothing was queued, so a further call would not queue anything either.
            if !matches!(sent, Ok(1..)) {
                break;
            }
        }
        Next::Wait
    }
}

/// Prints the requested number of bytes, then resets the connection. Sends nothing.
///
/// Without a limit, the client prints all received data until the server closes.
#[derive(Clone, Debug)]
#[doc(hidden)]
pub struct Client {
    /// The number of bytes still to print, or `None` if there is no limit.
    left: Option<u64>,
}

impl Client {
    /// Creates a client that prints `bytes` bytes, or all received bytes if `bytes` is 0.
    pub fn new(bytes: u64) -> Self {
        Client { left: (bytes > 0).then_some(bytes) }
    }
}

impl ClientProgram for Client {
    /// Prints received data until the limit is reached or the server closes. Resets the connection at the limit. `left`
    /// is the number of bytes still to print, or `None` without a limit.
    ///
    /// The client fails if the server closes before the limit, or if no data arrives before the deadline. Each arrival
    /// of data restarts the deadline.
    fn poll(&mut self, run: &mut Run<'_>, socket: &mut Socket<'_>, cx: &mut Context<'_>) -> Next {
        run.deadline.arm(cx.now);
        // `left` can exceed `usize` on a 32-bit processor. One poll receives far fewer bytes in any case.
        let limit = self.left.map_or(usize::MAX, |left| usize::try_from(left).unwrap_or(usize::MAX));
        let received = message::receive(socket, limit, |piece| cx.console.print(piece));
        if let Some(left) = &mut self.left {
            *left = left.saturating_sub(received as u64);
        }
        if received > 0 {
            run.deadline.restart(cx.now);
        }
        match (self.left, message::arrived(socket)) {
            // The server has closed, and the limit is reached or there is no limit.
            (Some(0) | None, Arrived::EndOfStream) => run.complete_without_sending(),
            (Some(0), _) => {
                run.complete_without_sending();
                // A FIN is not enough: a server that only writes would ignore it and never stop sending. An RST stops
                // every server.
                Next::Abort
            }
            // The server has closed before the limit.
            (Some(_), Arrived::EndOfStream) => run.fail(Failure::TooEarly),
            _ => run.wait(cx.now),
        }
    }
}

/// The pattern of RFC 864: lines of 72 printable ASCII characters and CR LF.
///
/// The lines are cut from a repeated list of 95 characters. Each line begins one character later in the list than the
/// previous line.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pattern {
    /// The index in the list of the line's first character, 0 to 94.
    line: usize,
    /// The position in the line, 0 to 73.
    column: usize,
}

const COLUMNS: usize = 72;
const CHARACTERS: usize = (b'~' - b' ' + 1) as usize;
const END: &[u8] = b"\r\n";

/// The 95 characters, then the first 71 again, so that every line is one contiguous slice.
const ROUND: [u8; CHARACTERS + COLUMNS - 1] = {
    let mut round = [0; CHARACTERS + COLUMNS - 1];
    let mut at = 0;
    while at < round.len() {
        round[at] = b' ' + (at % CHARACTERS) as u8;
        at += 1;
    }
    round
};

impl Pattern {
    /// Fills `buffer` with the next bytes of the pattern. Copies whole lines at a time, for speed.
    pub fn fill(&mut self, buffer: &mut [u8]) {
        let mut rest = buffer;
        while !rest.is_empty() {
            // `ROUND` holds the text of every line, and `END` is CR LF. The piece is the rest of the line's text or,
            // once all of the text is written, the rest of CR LF.
            let piece = match self.column.checked_sub(COLUMNS) {
                None => &ROUND[self.line + self.column..self.line + COLUMNS],
                Some(at) => &END[at..],
            };
            let (to, behind) = rest.split_at_mut(piece.len().min(rest.len()));
            to.copy_from_slice(&piece[..to.len()]);
            self.column += to.len();
            // The line is complete, so the next line begins one character later in the list.
            if self.column == COLUMNS + END.len() {
                *self = Pattern { line: (self.line + 1) % CHARACTERS, column: 0 };
            }
            rest = behind;
        }
    }
}
