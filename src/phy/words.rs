//! A frame's memory in whole words, as controllers with a FIFO transfer it.

use core::ops::Range;

use super::checksums::{self, add};
use super::registers::{FRAME, SHORTEST};

/// A buffer of whole words with a frame at offset 2, so that its IP header is aligned. The 4-byte Ethernet checksum may follow.
#[derive(Debug)]
#[repr(align(4))]
pub(super) struct Words([u8; 1520]);

/// The result of receiving.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrived {
    /// A frame.
    Frame,
    /// A frame with a wrong checksum.
    Wrong,
}

impl Words {
    pub const EMPTY: Self = Words([0; 1520]);

    /// The frame of `len` bytes.
    pub fn frame(&self, len: usize) -> &[u8] {
        self.0.get(2..2 + len).unwrap_or_default()
    }

    /// The words. The first begins with the 2 bytes before the frame.
    pub fn words(&mut self) -> &mut [[u8; 4]] {
        self.0.as_chunks_mut().0
    }

    /// Receives a frame of `len` bytes: `read` fills a range of words and returns their sum.
    pub fn receive(&mut self, range: Range<usize>, len: usize, read: impl FnOnce(&mut [[u8; 4]]) -> u32) -> Arrived {
        let start = range.start;
        let words = self.words().get_mut(range).unwrap_or_default();
        let all = read(words);
        // Subtract the bytes before and after the segment or datagram from the sum.
        let [_, _, high, low] = words.get(LENGTH - start).copied().unwrap_or_default();
        let end = PACKET + usize::from(u16::from_be_bytes([high, low]));
        let sum = (HEADERS * 4..=2 + len).contains(&end).then(|| {
            let (packet, behind) = words.split_at((end / 4 - start).min(words.len()));
            let last = behind.first().map_or(0, |word| u32::from_le_bytes(*word) & !(u32::MAX << (end % 4 * 8)));
            let headers = packet.get(..HEADERS - start).unwrap_or_default();
            let others = headers.iter().chain(behind).fold(0, |sum, word| add(sum, u32::from_le_bytes(*word)));
            add(add(all, !others), last)
        });
        if checksums::holds(self.frame(len), sum) { Arrived::Frame } else { Arrived::Wrong }
    }

    /// Lets `write` make a frame of `len` bytes. Then adds the checksums, computed with `sum`, and zeros up to the length of
    /// the shortest frame and to the end of a word. Returns the frame's length, its words, and the result of `write`.
    ///
    /// # Panics
    /// If `len` exceeds the longest frame.
    pub fn send<T>(
        &mut self,
        len: usize,
        write: impl FnOnce(&mut [u8]) -> T,
        sum: impl FnOnce(&[[u8; 4]]) -> u32,
    ) -> (usize, &mut [[u8; 4]], T) {
        assert!(len <= FRAME, "a frame of {len} bytes");
        let result = write(&mut self.0[2..2 + len]);
        let padded = len.max(SHORTEST);
        let words = (2 + padded).div_ceil(4);
        self.0[2 + len..words * 4].fill(0);
        // The sum of whole words is the segment's only if an IPv4 packet fills the frame, so that only the zeros follow. Otherwise,
        // and for IPv6, `fill` sums the bytes itself.
        let end = PACKET + usize::from(u16::from_be_bytes([self.0[PACKET + 2], self.0[PACKET + 3]]));
        let sum = (end == 2 + len).then(|| sum(&self.words()[HEADERS..words]));
        checksums::fill(&mut self.0[2..2 + len], sum);
        (padded, &mut self.words()[..words], result)
    }
}

/// The start of the IP packet, in bytes.
const PACKET: usize = 2 + 14;

/// The word with an IPv4 packet's length.
const LENGTH: usize = PACKET / 4;

/// The headers of Ethernet and IPv4, in words.
const HEADERS: usize = (PACKET + 20) / 4;

#[cfg(all(test, feature = "std"))]
mod tests;
