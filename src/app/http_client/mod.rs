//! An HTTP/1.1 client (RFC 9112): one GET for each connection.
//!
//! The request has `Connection: close`, so the server closes the connection after its response. The body can have a
//! known length, be chunked, or end with the connection. TCP segments can split head and body anywhere. Only the head
//! is stored, in a buffer whose size is a const parameter. The body is passed to an [`Output`], as fast as the output
//! accepts data.
//!
//! The client works with a send buffer of any size.
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
//! // A `Get` calls `head` once, then `body` with the data of each segment.
//! # Ok::<(), smolstep::app::http_client::Failure>(())
//! ```

mod chunked;
mod failure;
mod head;
mod response;

#[cfg(all(test, feature = "std"))]
mod tests;

pub use chunked::ChunkError;
pub use failure::Failure;
pub use head::Head;
pub use response::{Output, OutputFailed, Response};

use smoltcp::socket::tcp::Socket;
use smoltcp::time::Duration;

use super::message::Write;
use super::message::{self, Arrived};
use super::timing::Deadline;
use crate::stack::{Context, End, Next, Session};

/// The longest time that the server may take to close the connection after its response. After this time, the client
/// resets the connection.
const GRACE: Duration = Duration::from_secs(1);

/// A GET on one TCP connection. Passes the response to `output`. The response's head may be up to `HEAD` bytes long.
#[derive(Clone, Debug)]
pub struct Get<T, O, const HEAD: usize> {
    request: Request<T>,
    /// How many bytes of the request are queued so far.
    position: usize,
    response: Response<HEAD>,
    output: O,
    deadline: Deadline,
    /// The time by which the server must close the connection after its response.
    farewell: Deadline,
    result: Option<Result<(), Failure>>,
}

impl<T: AsRef<str>, O: Output, const HEAD: usize> Get<T, O, HEAD> {
    /// Creates a GET that fails if the head takes longer than `timeout`. The GET also fails if no data of the body
    /// arrives for `timeout`.
    ///
    /// Time in which the output accepts no data does not count towards `timeout`.
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

    /// Returns the result, or `None` if it is not known yet. The connection can still be open after the result is
    /// known.
    pub fn result(&self) -> Option<Result<(), Failure>> {
        self.result
    }

    /// Moves received data to the output, until none remains or the output accepts no more.
    fn receive(&mut self, socket: &mut Socket<'_>) -> Result<Moved, Failure> {
        let mut moved = Moved::Nothing;
        while !self.response.is_done() {
            let fed = socket.recv(|bytes| match self.response.feed(bytes, &mut self.output) {
                Ok(0) => (0, Ok(if bytes.is_empty() { Moved::Nothing } else { Moved::Stalled })),
                Ok(used) => (used, Ok(Moved::Some)),
                Err(failure) => (0, Err(failure)),
            });
            // The outer result is the socket's, which fails if no data can follow. The inner result is the response's.
            match fed {
                Ok(Ok(Moved::Some)) => moved = Moved::Some,
                Ok(Ok(Moved::Stalled)) => return Ok(Moved::Stalled),
                Ok(Ok(Moved::Nothing)) | Err(_) => break,
                Ok(Err(failure)) => return Err(failure),
            }
        }
        Ok(moved)
    }

    /// Sends as much of the request, and receives as much of the response, as is possible now.
    fn run(&mut self, socket: &mut Socket<'_>, cx: &mut Context<'_>) -> Result<Next, Failure> {
        let request = &self.request;
        // The server can answer before it has received all of a long request.
        message::stream(socket, &mut self.position, |write| request.compose(write));
        match self.receive(socket)? {
            // There is no deadline while the output accepts no data: see [`Output::body`].
            Moved::Stalled => return Ok(Next::Wait),
            // Only data of the body restarts the deadline: a head that arrives byte by byte must still be complete in
            // time.
            Moved::Some if self.response.has_head() => self.deadline.restart(cx.now),
            Moved::Some | Moved::Nothing => self.deadline.arm(cx.now),
        }
        if !self.response.is_done() && message::arrived(socket) == Arrived::EndOfStream {
            self.response.end()?;
        }
        if self.response.is_done() {
            self.result = Some(Ok(()));
            return Ok(self.close(socket, cx));
        }
        match self.deadline.at() {
            Some(at) if cx.now >= at => Err(Failure::TimedOut),
            Some(at) => Ok(Next::WakeAt(at)),
            None => Ok(Next::Wait),
        }
    }

    /// Closes the connection after the response, and discards further data. The request asks the server to close first,
    /// so the client waits for the server's FIN. If the server has announced that it keeps the connection open, the
    /// client sends its own FIN immediately. In both cases, the client resets the connection if the server has not
    /// closed within [`GRACE`].
    fn close(&mut self, socket: &mut Socket<'_>, cx: &mut Context<'_>) -> Next {
        self.farewell.arm(cx.now);
        if self.response.stays_open() {
            socket.close();
        }
        message::consume(socket, usize::MAX);
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
            Some(Ok(())) => self.close(socket, cx),
            Some(Err(_)) => Next::Abort,
            None => self.run(socket, cx).unwrap_or_else(|failure| {
                self.result = Some(Err(failure));
                Next::Abort
            }),
        }
    }

    fn ended(&mut self, end: End, _cx: &mut Context<'_>) {
        self.result.get_or_insert(Err(self.response.failure_after(end)));
    }
}

/// How much data was moved from the socket to the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moved {
    /// No data had arrived.
    Nothing,
    /// Some data was moved, and no received data remains.
    Some,
    /// The output accepts no more data now.
    Stalled,
}

/// A GET request: the host and the target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request<T> {
    host: T,
    target: T,
}

impl<T: AsRef<str>> Request<T> {
    /// Creates a request for `target`, such as `/index.html?a=b`, to `host`.
    ///
    /// `host` includes its port unless the port is 80. Write IPv6 addresses in brackets. Returns `None` if `host` is
    /// empty or `target` does not begin with a slash. Also returns `None` if `host` or `target` contains a character
    /// that is not printable ASCII, such as a space (RFC 9112 section 3.2).
    pub fn new(host: T, target: T) -> Option<Self> {
        let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
        let good = plain(host.as_ref()) && plain(target.as_ref());
        (good && !host.as_ref().is_empty() && target.as_ref().starts_with('/')).then_some(Request { host, target })
    }

    /// Writes the request.
    fn compose(&self, write: &mut Write<'_>) {
        write(b"GET ");
        write(self.target.as_ref().as_bytes());
        write(b" HTTP/1.1\r\nHost: ");
        write(self.host.as_ref().as_bytes());
        write(concat!("\r\nUser-Agent: smolstep/", env!("CARGO_PKG_VERSION"), "\r\n").as_bytes());
        write(b"Accept: */*\r\nConnection: close\r\n\r\n");
    }
}
