//! Parses a response in pieces of any size: first the head, then the body.

use core::cell::RefCell;

use super::chunked::{Chunks, Piece};
use super::failure::{Failure, INTERIM};
use super::head::{Framing, Head, parse, unfold};
use crate::stack::End;

/// The beginning of every head.
const VERSION: &[u8] = b"HTTP/1.";

/// Receives the head and the body of a response.
pub trait Output {
    /// Called once with the head of the final response. Returns whether to receive the body as well.
    ///
    /// # Errors
    /// Returns [`OutputFailed`] if the output cannot be used. The request then fails.
    fn head(&mut self, head: &Head<'_>) -> Result<bool, OutputFailed>;

    /// Accepts decoded bytes of the body. Returns the number of bytes accepted.
    ///
    /// An output without space for all of `piece` accepts only the first bytes of `piece`, or none. Once the output has
    /// space again, the caller of the stack must call
    /// [`Stack::wake_programs`](crate::stack::Stack::wake_programs).
    ///
    /// # Errors
    /// Returns [`OutputFailed`] if the output cannot be used. The request then fails.
    fn body(&mut self, piece: &[u8]) -> Result<usize, OutputFailed>;
}

/// An output that the stack's caller can also read, between polls of the stack.
impl<O: Output> Output for &RefCell<O> {
    fn head(&mut self, head: &Head<'_>) -> Result<bool, OutputFailed> {
        self.try_borrow_mut().map_err(|_| OutputFailed)?.head(head)
    }

    fn body(&mut self, piece: &[u8]) -> Result<usize, OutputFailed> {
        self.try_borrow_mut().map_err(|_| OutputFailed)?.body(piece)
    }
}

/// The error of an output that cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutputFailed;

impl From<OutputFailed> for Failure {
    fn from(_: OutputFailed) -> Self {
        Failure::Output
    }
}

/// The state of a response with a head of up to `HEAD` bytes.
#[derive(Clone, Debug)]
pub struct Response<const HEAD: usize> {
    head: heapless::Vec<u8, HEAD>,
    /// Whether the line of the head that is being received is empty so far.
    line_empty: bool,
    /// The number of interim responses received so far.
    interim: u8,
    /// How the rest of the body is received, or `None` before the head of the final response.
    body: Option<Body>,
    /// Whether the server has announced that it keeps the connection open after the response.
    stays_open: bool,
    /// How many bytes of the body have been passed to the output.
    received: u64,
}

/// The progress of the body.
#[derive(Clone, Copy, Debug)]
enum Body {
    Chunked(Chunks),
    Length {
        left: u64,
    },
    UntilClose,
    /// The body is complete, or not wanted.
    Done,
}

impl<const HEAD: usize> Response<HEAD> {
    /// Creates the state before the first byte of a response.
    pub const fn new() -> Self {
        Response {
            head: heapless::Vec::new(),
            line_empty: false,
            interim: 0,
            body: None,
            stays_open: false,
            received: 0,
        }
    }

    /// Returns whether the head of the final response has arrived.
    pub fn has_head(&self) -> bool {
        self.body.is_some()
    }

    /// Returns whether the response is complete, or the output does not want the rest.
    pub fn is_done(&self) -> bool {
        matches!(self.body, Some(Body::Done))
    }

    /// Returns whether the server has announced that it keeps the connection open.
    pub(super) fn stays_open(&self) -> bool {
        self.stays_open
    }

    /// Handles the next bytes. Returns the number of bytes consumed.
    ///
    /// The number is less than the length of `bytes` if the response ends earlier, or if the output accepts no more
    /// data now.
    ///
    /// # Errors
    /// Returns [`Failure`] if the response is not valid or the output failed. Do not feed more data after an error.
    pub fn feed<O: Output + ?Sized>(&mut self, bytes: &[u8], output: &mut O) -> Result<usize, Failure> {
        let mut used = 0;
        while let Some(rest) = bytes.get(used..).filter(|rest| !rest.is_empty()) {
            let taken = match &mut self.body {
                None => self.feed_head(rest, output)?,
                Some(Body::Done) => break,
                Some(Body::UntilClose) => offer(output, rest, &mut self.received)?,
                Some(Body::Length { left }) => {
                    let wanted = usize::try_from(*left).unwrap_or(usize::MAX).min(rest.len());
                    let taken = offer(output, rest.get(..wanted).unwrap_or_default(), &mut self.received)?;
                    *left = left.saturating_sub(taken as u64);
                    if *left == 0 {
                        self.body = Some(Body::Done);
                    }
                    taken
                }
                Some(Body::Chunked(chunks)) => match chunks.next(rest)? {
                    Piece::Coding(len) => {
                        if chunks.is_done() {
                            self.body = Some(Body::Done);
                        }
                        len
                    }
                    Piece::Data(len) => {
                        let taken = offer(output, rest.get(..len).unwrap_or_default(), &mut self.received)?;
                        chunks.take(taken);
                        taken
                    }
                    Piece::Done => break,
                },
            };
            // The output accepts no more data now.
            if taken == 0 {
                break;
            }
            used += taken;
        }
        Ok(used)
    }

    /// Handles the end of the stream.
    ///
    /// # Errors
    /// Returns [`Failure`] if the response is not complete.
    pub fn end(&mut self) -> Result<(), Failure> {
        match self.body {
            None if self.head.is_empty() => Err(Failure::NoAnswer),
            None => Err(Failure::HeadCut),
            Some(Body::Chunked(_)) => Err(Failure::NoEnd(self.received)),
            Some(Body::Length { left }) => {
                Err(Failure::Short { received: self.received, length: self.received.saturating_add(left) })
            }
            Some(Body::UntilClose | Body::Done) => {
                self.body = Some(Body::Done);
                Ok(())
            }
        }
    }

    /// Returns the failure for a connection that ended without the server's FIN. If the connection ended in the middle
    /// of the body, the failure says how many bytes of the body were received.
    pub(super) fn failure_after(&self, end: End) -> Failure {
        let received = self.received;
        match self.body {
            None | Some(Body::Done) => Failure::Ended(end),
            Some(Body::Length { left }) => {
                Failure::Broken { end, received, length: Some(received.saturating_add(left)) }
            }
            Some(Body::Chunked(_) | Body::UntilClose) => Failure::Broken { end, received, length: None },
        }
    }

    /// Stores the bytes that belong to the head, and returns the number of these bytes. Once the head of the final
    /// response is complete, passes that head to `output` and sets `body`. Heads of interim responses are discarded.
    ///
    /// # Errors
    /// Returns [`Failure`] if the head is not valid or too long, if there are too many interim responses, or if the
    /// output failed.
    fn feed_head<O: Output + ?Sized>(&mut self, bytes: &[u8], output: &mut O) -> Result<usize, Failure> {
        let mut complete = false;
        let mut used = 0;
        for &byte in bytes {
            // Compare the first bytes with `HTTP/1.` as they arrive. Fail immediately: a server of another protocol
            // might be waiting for the client to send more.
            if VERSION.get(self.head.len()).is_some_and(|expected| *expected != byte) {
                return Err(Failure::NotHttp);
            }
            self.head.push(byte).map_err(|_| Failure::HeadTooLong(HEAD))?;
            used += 1;
            // An empty line, which can contain a CR, ends the head.
            complete = byte == b'\n' && self.line_empty;
            self.line_empty = byte == b'\n' || (byte == b'\r' && self.line_empty);
            if complete {
                break;
            }
        }
        if !complete {
            return Ok(used);
        }
        unfold(&mut self.head);
        let parsed = parse(&self.head)?;
        match parsed.head.status {
            101 => return Err(Failure::Switched),
            100..=199 if self.interim == INTERIM => return Err(Failure::TooManyInterim),
            // After an interim response, another head follows.
            100..=199 => {
                self.interim += 1;
                self.head.clear();
                self.line_empty = false;
            }
            _ => {
                if parsed.skipped > 0 {
                    log::warn!("skipped header lines that cannot be understood: {}", parsed.skipped);
                }
                self.stays_open = parsed.stays_open;
                let wanted = output.head(&parsed.head)?;
                self.body = Some(match parsed.framing {
                    _ if !wanted => Body::Done,
                    Framing::Chunked => Body::Chunked(Chunks::new()),
                    Framing::Length(0) => Body::Done,
                    Framing::Length(left) => Body::Length { left },
                    Framing::UntilClose => Body::UntilClose,
                });
            }
        }
        Ok(used)
    }
}

impl<const HEAD: usize> Default for Response<HEAD> {
    fn default() -> Self {
        Self::new()
    }
}

/// Offers `piece` to the output. Returns how many bytes the output accepted, and adds this number to `received`.
fn offer<O: Output + ?Sized>(output: &mut O, piece: &[u8], received: &mut u64) -> Result<usize, Failure> {
    let taken = output.body(piece)?.min(piece.len());
    *received = received.saturating_add(taken as u64);
    Ok(taken)
}
