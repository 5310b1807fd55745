//! The payload: bytes that both ends know, produced and checked at the speed of memory.

use std::sync::LazyLock;

/// How many bytes come before they repeat: a prime, so that no buffer's size, nor a power of two, hides a loss.
const PERIOD: usize = 65_521;

static BYTES: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut state = 1u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    (0..PERIOD).map(|_| next()).collect()
});

/// A place in the payload.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pattern {
    at: usize,
}

impl Pattern {
    /// Fills `buffer` with the bytes that come next.
    pub fn fill(&mut self, mut buffer: &mut [u8]) {
        while !buffer.is_empty() {
            let piece = self.piece(buffer.len());
            let (now, later) = buffer.split_at_mut(piece.len());
            now.copy_from_slice(piece);
            self.pass(piece.len());
            buffer = later;
        }
    }

    /// Whether `bytes` are those that come next; moves past them.
    pub fn matches(&mut self, mut bytes: &[u8]) -> bool {
        while !bytes.is_empty() {
            let piece = self.piece(bytes.len());
            let (now, later) = bytes.split_at(piece.len());
            if now != piece {
                return false;
            }
            self.pass(piece.len());
            bytes = later;
        }
        true
    }

    /// What comes next, in one piece: a byte at least and `limit` at most.
    fn piece(&self, limit: usize) -> &'static [u8] {
        let rest = BYTES.get(self.at..).unwrap_or_default();
        rest.get(..limit).unwrap_or(rest)
    }

    fn pass(&mut self, len: usize) {
        self.at = (self.at + len) % PERIOD;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_filled_in_pieces_matches_and_a_changed_lost_or_doubled_byte_does_not() {
        let mut bytes = vec![0; 3 * PERIOD];
        let mut pattern = Pattern::default();
        for piece in bytes.chunks_mut(1000) {
            pattern.fill(piece);
        }
        let matches = |bytes: &[u8]| {
            let mut pattern = Pattern::default();
            bytes.chunks(777).all(|piece| pattern.matches(piece))
        };
        assert!(matches(&bytes));
        for at in [0, 776, 777, PERIOD - 1, PERIOD, 2 * PERIOD + 5] {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert!(!matches(&changed), "changed at {at}");
        }
        for power in [1, 256, 4096, 65_536] {
            assert!(!matches(&[&bytes[..1000], &bytes[1000 + power..]].concat()), "{power} bytes lost");
            assert!(!matches(&[&bytes[..1000 + power], &bytes[1000..]].concat()), "{power} bytes twice");
        }
    }
}
