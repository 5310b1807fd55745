//! chargen: characters without end (RFC 864), and what takes them in.

use smoltcp::socket::tcp::Socket;

use super::client::{ClientProgram, Failure, Run};
use super::message::{self, Arrived};
use crate::stack::{Context, Next, Session};

/// The server of one connection: sends the pattern as fast as it is taken, throws away what comes, closes after the peer.
#[derive(Clone, Debug, Default)]
pub struct Server {
    pattern: Pattern,
}

impl Session for Server {
    fn poll(&mut self, socket: &mut Socket<'_>, _cx: &mut Context<'_>) -> Next {
        message::receive(socket, usize::MAX, |_| ());
        if message::arrived(socket) == Arrived::EndOfStream {
            return Next::Close;
        }
        // At the end of the send buffer's ring it takes a second call.
        while message::room(socket) > 0 {
            let sent = socket.send(|buffer| {
                self.pattern.fill(buffer);
                (buffer.len(), buffer.len())
            });
            if !matches!(sent, Ok(1..)) {
                break;
            }
        }
        Next::Wait
    }
}

/// Prints a number of bytes and resets the connection, or prints what comes until the server closes. It sends nothing.
#[derive(Clone, Debug)]
#[doc(hidden)]
pub struct Client {
    /// Bytes still wanted.
    left: Option<u64>,
}

impl Client {
    /// A client that wants `bytes` bytes; all there are if 0.
    pub fn new(bytes: u64) -> Self {
        Client { left: (bytes > 0).then_some(bytes) }
    }
}

impl ClientProgram for Client {
    fn poll(&mut self, run: &mut Run<'_>, socket: &mut Socket<'_>, cx: &mut Context<'_>) -> Next {
        run.deadline.arm(cx.now);
        let limit = self.left.map_or(usize::MAX, |left| usize::try_from(left).unwrap_or(usize::MAX));
        let received = message::receive(socket, limit, |piece| cx.console.print(piece));
        if let Some(left) = &mut self.left {
            *left = left.saturating_sub(received as u64);
        }
        if received > 0 {
            run.deadline.restart(cx.now);
        }
        match (self.left, message::arrived(socket)) {
            (Some(0) | None, Arrived::EndOfStream) => run.complete_without_sending(),
            (Some(0), _) => {
                run.complete_without_sending();
                // Not a close: a server that reads nothing would go on for ever, and only RST tells it that nobody does.
                Next::Abort
            }
            (Some(_), Arrived::EndOfStream) => run.fail(Failure::TooEarly),
            _ => run.wait(cx.now),
        }
    }
}

/// RFC 864's pattern: lines of 72 of the 95 printing characters of ASCII and CR LF, each line one character further round.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pattern {
    /// 0 to 94: the character the line starts with.
    line: usize,
    /// 0 to 73: the place in the line.
    column: usize,
}

const COLUMNS: usize = 72;
const CHARACTERS: usize = (b'~' - b' ' + 1) as usize;
const END: &[u8] = b"\r\n";

/// The characters and as many again as the last line goes round: every line stands in it in one piece.
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
    /// Fills `buffer` with the bytes that come next: line by line, since this is what a stack that sends fast waits for.
    pub fn fill(&mut self, buffer: &mut [u8]) {
        let mut rest = buffer;
        while !rest.is_empty() {
            let piece = match self.column.checked_sub(COLUMNS) {
                None => &ROUND[self.line + self.column..self.line + COLUMNS],
                Some(at) => &END[at..],
            };
            let (to, behind) = rest.split_at_mut(piece.len().min(rest.len()));
            to.copy_from_slice(&piece[..to.len()]);
            self.column += to.len();
            if self.column == COLUMNS + END.len() {
                *self = Pattern { line: (self.line + 1) % CHARACTERS, column: 0 };
            }
            rest = behind;
        }
    }
}
