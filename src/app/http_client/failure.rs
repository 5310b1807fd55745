//! The errors of the HTTP client and the limits of a response.

use core::fmt;

use super::chunked::ChunkError;
use crate::stack::End;

/// The maximum number of fields in a head.
pub const FIELDS: usize = 100;

/// The maximum number of interim responses (status 1xx) before the final response.
pub const INTERIM: u8 = 16;

/// Why a request failed. No error message contains text from the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// A Content-Length or Transfer-Encoding field contains invalid characters. Other fields with invalid characters
    /// are skipped.
    BadField,
    /// A Content-Length is not a number, or does not fit in 64 bits.
    BadLength,
    /// The connection ended without the server's FIN, after `received` bytes of a body.
    Broken {
        /// How the connection ended.
        end: End,
        /// The bytes received.
        received: u64,
        /// The length in bytes that the server announced, if any.
        length: Option<u64>,
    },
    /// The chunked coding of the body is not valid.
    Chunk(ChunkError),
    /// The connection ended in the given way before the end of the response.
    Ended(End),
    /// The server closed the connection in the middle of the head.
    HeadCut,
    /// The head is too long. The field is the limit in bytes.
    HeadTooLong(usize),
    /// The server announced two different lengths.
    LengthsDiffer,
    /// The server closed the connection before the end of a chunked body. The field is the number of bytes received.
    NoEnd(u64),
    /// The response is not HTTP/1.
    NotHttp,
    /// The server closed the connection without an answer.
    NoAnswer,
    /// The output failed. Only the output knows the reason.
    Output,
    /// The server closed the connection after `received` of `length` bytes of a body.
    Short {
        /// The bytes received.
        received: u64,
        /// The bytes announced.
        length: u64,
    },
    /// The server switched to another protocol without being asked to (status 101).
    Switched,
    /// No data arrived in time.
    TimedOut,
    /// The head has more than 100 fields.
    TooManyFields,
    /// The server sent more than 16 interim responses (status 1xx).
    TooManyInterim,
    /// The body has a transfer coding other than chunked.
    UnknownCoding,
}

impl fmt::Display for Failure {
    /// Writes the message for the user, which contains numbers but no text from the server.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::BadField => {
                f.write_str("the server sent a Content-Length or Transfer-Encoding that cannot be understood")
            }
            Failure::BadLength => f.write_str("the server sent a Content-Length that is not a number of bytes"),
            Failure::Broken { end, received, length } => {
                Failure::Ended(*end).fmt(f)?;
                match length {
                    Some(length) => write!(f, ", after {received} of {length} bytes"),
                    None => write!(f, ", after {received} bytes"),
                }
            }
            Failure::Chunk(error) => error.fmt(f),
            Failure::Ended(End::TimedOut) => f.write_str("timed out: the server does not answer"),
            Failure::Ended(end) => end.fmt(f),
            Failure::HeadCut => f.write_str("the server closed the connection in the middle of the header"),
            Failure::HeadTooLong(limit) => write!(f, "the server sent a header of more than {limit} bytes"),
            Failure::LengthsDiffer => f.write_str("the server sent two different Content-Lengths"),
            Failure::NoEnd(received) => {
                write!(f, "the server closed the connection after {received} bytes, before the last chunk")
            }
            Failure::NotHttp => {
                f.write_str("the server does not speak HTTP/1: its answer does not begin with an HTTP/1 status line")
            }
            Failure::NoAnswer => f.write_str("the server closed the connection without an answer"),
            Failure::Output => f.write_str("the output cannot be written"),
            Failure::Short { received, length } => {
                write!(f, "the server closed the connection after {received} of {length} bytes")
            }
            Failure::Switched => f.write_str("the server switched to another protocol without being asked to"),
            Failure::TimedOut => f.write_str("timed out waiting for the server"),
            Failure::TooManyFields => write!(f, "the server sent more than {FIELDS} header lines"),
            Failure::TooManyInterim => write!(f, "the server sent more than {INTERIM} answers that are not final"),
            Failure::UnknownCoding => f.write_str("the server sent a transfer coding other than chunked"),
        }
    }
}

impl core::error::Error for Failure {}

impl From<ChunkError> for Failure {
    fn from(error: ChunkError) -> Self {
        Failure::Chunk(error)
    }
}
