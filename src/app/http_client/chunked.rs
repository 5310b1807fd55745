//! Decodes the chunked transfer coding (RFC 9112 section 7.1), without a buffer. TCP segments can split the coding
//! anywhere.

use core::fmt;

/// The maximum length in bytes of the line with a chunk's size and extensions.
pub const LINE: u16 = 1024;
/// The maximum length in bytes of the trailer section. The fields in a trailer section are ignored.
pub const TRAILER: u16 = 8192;

/// The progress of a chunked body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chunks {
    part: Part,
    /// How many bytes of the line with the size, or of the trailer section, have been read.
    counted: u16,
}

/// The part of the chunked coding to which the next byte belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// The size. `value` is the value of the digits read so far. `begun` says whether any digit has been read.
    Size { value: u64, begun: bool },
    /// The rest of the line after the size.
    Extension { value: u64 },
    /// The data. The field is the number of bytes that remain.
    Data(u64),
    /// The line ending after the data. `cr` says whether its CR has been read.
    DataEnd { cr: bool },
    /// The trailer section. `empty` says whether the section's current line is empty so far.
    Trailer { empty: bool },
    /// The body is complete.
    Done,
}

/// How to treat the next bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece {
    /// The next bytes belong to the body. The field is their number, at least 1. Call [`Chunks::take`] to report how
    /// many of them have been used.
    Data(usize),
    /// The next bytes belong to the coding, and have been consumed. The field is their number.
    Coding(usize),
    /// The body is complete.
    Done,
}

/// An error in the chunked coding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChunkError {
    /// The size of a chunk is not a hexadecimal number.
    BadSize,
    /// The line with a chunk's size and extensions is longer than 1,024 bytes.
    LineTooLong,
    /// The data of a chunk does not end with CR LF after the announced number of bytes.
    MissingEnd,
    /// The size of a chunk does not fit in 64 bits.
    SizeTooLarge,
    /// The trailer section is longer than 8,192 bytes.
    TrailerTooLong,
}

impl Chunks {
    /// Creates the state before the first byte of a body.
    pub const fn new() -> Self {
        Chunks { part: Part::Size { value: 0, begun: false }, counted: 0 }
    }

    /// Returns whether the body is complete.
    pub fn is_done(&self) -> bool {
        self.part == Part::Done
    }

    /// Examines the next bytes, at least one. Returns whether the first of them are data or coding, and how many. Bytes
    /// of the coding are consumed.
    ///
    /// # Errors
    /// Returns [`ChunkError`] if the bytes are not valid at this position.
    pub fn next(&mut self, bytes: &[u8]) -> Result<Piece, ChunkError> {
        // The number of bytes of the coding at the front of `bytes`.
        let mut consumed = 0;
        for &byte in bytes {
            match self.part {
                Part::Done if consumed == 0 => return Ok(Piece::Done),
                Part::Data(left) if consumed == 0 => {
                    return Ok(Piece::Data(usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len())));
                }
                // First report the bytes of the coding. The next call handles the rest.
                Part::Done | Part::Data(_) => break,
                _ => self.process_coding(byte)?,
            }
            consumed += 1;
        }
        Ok(Piece::Coding(consumed))
    }

    /// Records that the caller has used `bytes` bytes of data.
    pub fn take(&mut self, bytes: usize) {
        if let Part::Data(left) = self.part {
            let left = left.saturating_sub(bytes as u64);
            self.part = if left == 0 { Part::DataEnd { cr: false } } else { Part::Data(left) };
        }
    }

    /// Handles one byte that is not data. A line may end with LF alone, as in the head. The data of a chunk must end
    /// with CR LF, which detects a size that is wrong by one byte.
    fn process_coding(&mut self, byte: u8) -> Result<(), ChunkError> {
        // Counts the bytes of the line with a size, or of the trailer section. The count starts from 0 for each.
        self.counted = self.counted.saturating_add(1);
        self.part = match (self.part, byte) {
            (Part::Size { .. } | Part::Extension { .. }, _) if self.counted > LINE => {
                return Err(ChunkError::LineTooLong);
            }
            (Part::Size { value, begun: true } | Part::Extension { value }, b'\n') => self.begin(value),
            (Part::Size { value, begun: true }, b'\r' | b';' | b' ' | b'\t') => Part::Extension { value },
            (Part::Size { value, .. }, byte) => {
                let digit = (byte as char).to_digit(16).ok_or(ChunkError::BadSize)?;
                // The lowest four bits of `larger` are 0, so `|` adds the digit.
                let larger = value.checked_mul(16).ok_or(ChunkError::SizeTooLarge)?;
                Part::Size { value: larger | u64::from(digit), begun: true }
            }
            (Part::Extension { value }, _) => Part::Extension { value },
            (Part::DataEnd { cr: false }, b'\r') => Part::DataEnd { cr: true },
            (Part::DataEnd { cr: true }, b'\n') => {
                self.counted = 0;
                Part::Size { value: 0, begun: false }
            }
            (Part::DataEnd { .. }, _) => return Err(ChunkError::MissingEnd),
            (Part::Trailer { .. }, _) if self.counted > TRAILER => return Err(ChunkError::TrailerTooLong),
            (Part::Trailer { empty: true }, b'\n') => Part::Done,
            (Part::Trailer { .. }, b'\n') => Part::Trailer { empty: true },
            (Part::Trailer { empty }, byte) => Part::Trailer { empty: empty && byte == b'\r' },
            // `next` handles these parts itself.
            (part @ (Part::Data(_) | Part::Done), _) => part,
        };
        Ok(())
    }

    /// Returns the part that follows a line with this `size`. A chunk of size 0 ends the data.
    fn begin(&mut self, size: u64) -> Part {
        self.counted = 0;
        if size == 0 { Part::Trailer { empty: true } } else { Part::Data(size) }
    }
}

impl fmt::Display for ChunkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ChunkError::BadSize => f.write_str("the server sent a chunk whose size is not a number"),
            ChunkError::LineTooLong => write!(f, "the server sent more than {LINE} bytes for the size of a chunk"),
            ChunkError::MissingEnd => f.write_str("the server sent a chunk that does not end where its size says"),
            ChunkError::SizeTooLarge => f.write_str("the server sent a chunk whose size does not fit in 64 bits"),
            ChunkError::TrailerTooLong => write!(f, "the server sent more than {TRAILER} bytes after the last chunk"),
        }
    }
}

impl core::error::Error for ChunkError {}

#[cfg(all(test, feature = "std"))]
mod tests {
    use super::*;

    /// Decodes `bytes`, passed in pieces of `cut` bytes. Returns the body, whether the body is complete, and the number
    /// of bytes after the body.
    fn decode(bytes: &[u8], cut: usize) -> Result<(Vec<u8>, bool, usize), ChunkError> {
        let (mut chunks, mut body, mut left) = (Chunks::new(), Vec::new(), 0);
        for mut piece in bytes.chunks(cut) {
            while !piece.is_empty() {
                let used = match chunks.next(piece)? {
                    // Use only half of the data, to test partial use.
                    Piece::Data(len) => {
                        let taken = len.div_ceil(2);
                        body.extend_from_slice(&piece[..taken]);
                        chunks.take(taken);
                        taken
                    }
                    Piece::Coding(len) => len,
                    Piece::Done => {
                        left += piece.len();
                        break;
                    }
                };
                assert!(used > 0);
                piece = &piece[used..];
            }
        }
        Ok((body, chunks.is_done(), left))
    }

    #[test]
    fn chunks_are_decoded_from_pieces_of_any_size() {
        for (bytes, body, done, left) in [
            (&b"0\r\n\r\n"[..], &b""[..], true, 0),
            (b"3\r\nabc\r\n0\r\n\r\n", b"abc", true, 0),
            (b"3\r\nabc\r\n00a\r\n0123456789\r\n0\r\n\r\n", b"abc0123456789", true, 0),
            (b"3;name=value\r\n\r\n0\r\n0 \t;x\r\n\r\n", b"\r\n0", true, 0),
            (b"3\nabc\r\n0\n\n", b"abc", true, 0),
            (b"1\r\na\r\n0\r\nName: value\r\nOther: 1\r\n\r\nmore", b"a", true, 4),
            (b"1\r\na\r\n0\r\n\r\n3\r\nabc\r\n", b"a", true, 8),
            (b"A\r\nabc", b"abc", false, 0),
            (b"3\r\nabc\r\n0\r\n", b"abc", false, 0),
            (b"ffffffffffffffff\r\nabc", b"abc", false, 0),
            (b"00000000000000000001\r\na\r\n0\r\n\r\n", b"a", true, 0),
            (b"", b"", false, 0),
        ] {
            for cut in 1..=bytes.len().max(1) {
                let name = bytes.escape_ascii();
                assert_eq!(decode(bytes, cut), Ok((body.to_vec(), done, left)), "{name} in pieces of {cut}");
            }
        }
    }

    #[test]
    fn invalid_chunks_are_rejected() {
        let long = |count: usize, byte: u8| vec![byte; count];
        for (bytes, error) in [
            (b"\r\nabc".to_vec(), ChunkError::BadSize),
            (b"x\r\n".to_vec(), ChunkError::BadSize),
            (b"-1\r\n".to_vec(), ChunkError::BadSize),
            (b"0x3\r\nabc".to_vec(), ChunkError::BadSize),
            (b" 3\r\nabc".to_vec(), ChunkError::BadSize),
            (b"\xff\r\n".to_vec(), ChunkError::BadSize),
            (b"10000000000000000\r\n".to_vec(), ChunkError::SizeTooLarge),
            (long(300, b'f'), ChunkError::SizeTooLarge),
            (long(2000, b'0'), ChunkError::LineTooLong),
            ([b"1;".to_vec(), long(2000, b'x')].concat(), ChunkError::LineTooLong),
            (b"3\r\nabcd\r\n".to_vec(), ChunkError::MissingEnd),
            (b"3\r\nabc\r3".to_vec(), ChunkError::MissingEnd),
            (b"4\r\nabc\r\n0\r\n\r\n".to_vec(), ChunkError::MissingEnd),
            ([b"0\r\n".to_vec(), b"x: y\r\n".repeat(2000)].concat(), ChunkError::TrailerTooLong),
            ([b"0\r\n".to_vec(), long(9000, b'x')].concat(), ChunkError::TrailerTooLong),
        ] {
            for cut in [1, 2, 7, bytes.len()] {
                let start = bytes[..bytes.len().min(20)].escape_ascii();
                assert_eq!(decode(&bytes, cut), Err(error), "{start} in pieces of {cut}");
            }
        }
    }
}
