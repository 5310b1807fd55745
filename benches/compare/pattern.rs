//! The payload of streams. The bytes repeat a fixed pattern, so both sides can produce or check the payload at memory
//! speed.

use std::sync::LazyLock;

use super::random::Random;

/// The period of the pattern in bytes. It is prime, so that the loss of a whole buffer, or of 2^n bytes, is detected.
pub const PERIOD: usize = 65_521;

static BYTES: LazyLock<Vec<u8>> = LazyLock::new(|| Random(1).bytes(PERIOD));

/// A position in the payload.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pattern {
    at: usize,
}

impl Pattern {
    /// Fills `buffer` with the next bytes of the payload, and moves the position past them.
    pub fn fill(&mut self, mut buffer: &mut [u8]) {
        while !buffer.is_empty() {
            let piece = self.piece(buffer.len());
            let (now, later) = buffer.split_at_mut(piece.len());
            now.copy_from_slice(piece);
            self.advance(piece.len());
            buffer = later;
        }
    }

    /// Returns whether `bytes` are the next bytes of the payload. If they are, moves the position past them.
    pub fn matches(&mut self, mut bytes: &[u8]) -> bool {
        while !bytes.is_empty() {
            let piece = self.piece(bytes.len());
            let (now, later) = bytes.split_at(piece.len());
            if now != piece {
                return false;
            }
            self.advance(piece.len());
            bytes = later;
        }
        true
    }

    /// Returns the next bytes that are contiguous: at least one and at most `limit` bytes.
    fn piece(&self, limit: usize) -> &'static [u8] {
        let rest = BYTES.get(self.at..).unwrap_or_default();
        rest.get(..limit).unwrap_or(rest)
    }

    /// Moves the position forward by `len` bytes.
    fn advance(&mut self, len: usize) {
        self.at = (self.at + len) % PERIOD;
    }
}
