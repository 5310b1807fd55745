//! Why there is no response, and the limits of one.

use core::fmt;

use super::chunked::ChunkError;
use crate::stack::End;

/// The most fields that a head may have.
pub const FIELDS: usize = 100;

/// The most interim responses (status 1xx) that may come before the final one.
pub const INTERIM: u8 = 16;

/// Why there is no response. None of the texts holds anything that the server said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// A field whose name or value cannot be.
    BadField,
    /// A Content-Length that is not a number, or does not fit in 64 bits.
    BadLength,
    /// The connection ended in this way after `received` bytes of a body.
    Broken {
        /// How it ended.
        end: End,
        /// Bytes that came.
        received: u64,
        /// Bytes that were announced, if they were.
        length: Option<u64>,
    },
    /// The coding of the body is broken.
    Chunk(ChunkError),
    /// The connection ended in this way before the response did.
    Ended(End),
    /// The connection was closed within the head.
    HeadCut,
    /// The head is longer than this many bytes.
    HeadTooLong(usize),
    /// The server announced two lengths.
    LengthsDiffer,
    /// The connection was closed after this number of bytes of the body, before its end.
    NoEnd(u64),
    /// What came is not HTTP/1.
    NotHttp,
    /// The connection was closed without an answer.
    NoAnswer,
    /// The output does not take it: it knows why.
    Output,
    /// The connection was closed after `received` bytes of a body of `length`.
    Short {
        /// Bytes that came.
        received: u64,
        /// Bytes that were announced.
        length: u64,
    },
    /// The server switched to another protocol, which it was not asked to (status 101).
    Switched,
    /// Nothing came in time.
    TimedOut,
    /// More than 100 fields in the head.
    TooManyFields,
    /// More than 16 responses that are not final.
    TooManyInterim,
    /// A transfer coding other than chunked.
    UnknownCoding,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::BadField => f.write_str("the server sent a header line that cannot be understood"),
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
            Failure::LengthsDiffer => f.write_str("the server sent several Content-Lengths that differ"),
            Failure::NoEnd(received) => {
                write!(f, "the server closed the connection after {received} bytes, before the last chunk")
            }
            Failure::NotHttp => f.write_str("the server does not speak HTTP/1: its answer has no such status line"),
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
