//! The client of HTTP/1.1 (RFC 9112): one GET a connection.
//!
//! The request asks the server to close the connection after its response. The body may be of a known length, chunked, or end with
//! the connection; head and body may be cut by the segments anywhere. What is kept is the head alone, in a buffer of a size
//! that is in the type: the body goes on to an [`Output`], as fast as that takes it.
//!
//! It works with a send buffer of any size.
//!
//! ```
//! use smolstep::app::http_client::{Head, Output, OutputFailed, Response};
//!
//! /// Counts the bytes of the body.
//! struct Counter(usize);
//!
//! impl Output for Counter {
//!     fn head(&mut self, head: &Head<'_>) -> Result<bool, OutputFailed> {
//!         Ok(head.status == 200)
//!     }
//!
//!     fn body(&mut self, piece: &[u8]) -> Result<usize, OutputFailed> {
//!         self.0 += piece.len();
//!         Ok(piece.len())
//!     }
//! }
//!
//! // What a `Get` does with each segment:
//! let (mut counter, mut response) = (Counter(0), Response::<512>::new());
//! response.feed(b"HTTP/1.1 200 OK\r\nContent-Le", &mut counter)?;
//! response.feed(b"ngth: 5\r\n\r\nhello", &mut counter)?;
//! assert!(response.is_done() && counter.0 == 5);
//! # Ok::<(), smolstep::app::http_client::Failure>(())
//! ```

mod chunked;
mod failure;
mod head;
mod request;
mod response;

#[cfg(all(test, feature = "std"))]
mod tests;

pub use chunked::ChunkError;
pub use failure::Failure;
pub use head::Head;
pub use request::Request;
pub use response::{Output, OutputFailed, Response};

use smoltcp::socket::tcp::Socket;
use smoltcp::time::Duration;

use super::message::{self, Arrived};
use super::timing::Deadline;
use crate::stack::{Context, End, Next, Session};

/// How long a server may take to close the connection after its response, before it is reset.
const GRACE: Duration = Duration::from_secs(1);

/// A GET on one TCP connection. Its response goes to `output`; its head may have `HEAD` bytes.
#[derive(Clone, Debug)]
pub struct Get<T, O, const HEAD: usize> {
    request: Request<T>,
    /// How much of the request is queued.
    position: usize,
    response: Response<HEAD>,
    output: O,
    deadline: Deadline,
    farewell: Deadline,
    result: Option<Result<(), Failure>>,
}

impl<T: AsRef<str>, O: Output, const HEAD: usize> Get<T, O, HEAD> {
    /// A GET that fails when for `timeout` no whole head comes, or nothing more of the body. The time in which the output has no
    /// room does not count.
    pub fn new(request: Request<T>, output: O, timeout: Duration) -> Self {
        Get {
            request,
            position: 0,
            response: Response::new(),
            output,
            deadline: Deadline::new(Some(timeout)),
            farewell: Deadline::new(Some(GRACE)),
            result: None,
        }
    }

    /// How it went, as soon as that is known: the connection may not be closed yet.
    pub fn result(&self) -> Option<Result<(), Failure>> {
        self.result
    }

    /// Moves what has arrived to the output, and says how that went.
    fn receive(&mut self, socket: &mut Socket<'_>) -> Result<Moved, Failure> {
        let mut moved = Moved::Nothing;
        while !self.response.is_done() {
            let fed = socket.recv(|bytes| match self.response.feed(bytes, &mut self.output) {
                Ok(0) => (0, Ok(if bytes.is_empty() { Moved::Nothing } else { Moved::Stalled })),
                Ok(used) => (used, Ok(Moved::Some)),
                Err(failure) => (0, Err(failure)),
            });
            match fed {
                Ok(Ok(Moved::Some)) => moved = Moved::Some,
                Ok(Ok(Moved::Stalled)) => return Ok(Moved::Stalled),
                Ok(Ok(Moved::Nothing)) | Err(_) => break,
                Ok(Err(failure)) => return Err(failure),
            }
        }
        Ok(moved)
    }

    fn run(&mut self, socket: &mut Socket<'_>, cx: &mut Context<'_>) -> Result<Next, Failure> {
        let request = &self.request;
        // A server may answer before it has all of a long request.
        message::stream(socket, &mut self.position, |write| request.compose(write));
        match self.receive(socket)? {
            Moved::Stalled => return Ok(Next::Wait),
            // A head that comes byte by byte must still be whole in time.
            Moved::Some if self.response.has_head() => self.deadline.restart(cx.now),
            Moved::Some | Moved::Nothing => self.deadline.arm(cx.now),
        }
        if !self.response.is_done() && message::arrived(socket) == Arrived::EndOfStream {
            self.response.end()?;
        }
        if self.response.is_done() {
            self.result = Some(Ok(()));
            return Ok(self.part(socket, cx));
        }
        match self.deadline.at() {
            Some(at) if cx.now >= at => Err(Failure::TimedOut),
            Some(at) => Ok(Next::WakeAt(at)),
            None => Ok(Next::Wait),
        }
    }

    /// Lets the server close first, as it was asked to; reads what it should not have sent.
    fn part(&mut self, socket: &mut Socket<'_>, cx: &mut Context<'_>) -> Next {
        self.farewell.arm(cx.now);
        message::receive(socket, usize::MAX, |_| ());
        match (message::arrived(socket), self.farewell.at()) {
            (Arrived::EndOfStream, _) => Next::Close,
            (_, Some(at)) if cx.now < at => Next::WakeAt(at),
            _ => Next::Abort,
        }
    }
}

impl<T: AsRef<str>, O: Output, const HEAD: usize> Session for Get<T, O, HEAD> {
    fn poll(&mut self, socket: &mut Socket<'_>, cx: &mut Context<'_>) -> Next {
        match self.result {
            Some(Ok(())) => self.part(socket, cx),
            Some(Err(_)) => Next::Abort,
            None => self.run(socket, cx).unwrap_or_else(|failure| {
                self.result = Some(Err(failure));
                Next::Abort
            }),
        }
    }

    fn ended(&mut self, end: End, _cx: &mut Context<'_>) {
        self.result.get_or_insert(Err(self.response.broken(end)));
    }
}

/// What came of moving bytes from the socket to the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moved {
    /// Nothing had arrived.
    Nothing,
    /// Some were moved, and none are left.
    Some,
    /// The output has no room.
    Stalled,
}
