//! A buffer for one frame in whole words, for controllers that transfer frames through a FIFO.

use core::ops::Range;

use smoltcp::phy::{Checksum, DeviceCapabilities};

use super::checksums::{self, add};
use super::medium::ETHERNET;
use super::registers::{FRAME, SHORTEST};

/// A buffer of whole words with a frame at offset 2, so that the frame's IP header is aligned.
///
/// The buffer has space for the 4-byte Ethernet checksum after the frame.
#[derive(Debug)]
#[repr(align(4))]
pub(super) struct Words([u8; 1520]);

/// The result of [`Words::receive`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrived {
    /// A good frame.
    Frame,
    /// A frame with a wrong checksum, or a fragment, whose checksum cannot be verified.
    Wrong,
}

/// Returns the capabilities of a controller whose frames pass through [`Words`]. The stack leaves the checksums to
/// [`Words`].
pub(super) fn capabilities() -> DeviceCapabilities {
    let mut capabilities = DeviceCapabilities::default();
    capabilities.medium = ETHERNET;
    capabilities.max_transmission_unit = FRAME;
    capabilities.checksum.ipv4 = Checksum::None;
    capabilities.checksum.tcp = Checksum::None;
    capabilities.checksum.udp = Checksum::None;
    capabilities
}

impl Words {
    pub const EMPTY: Self = Words([0; 1520]);

    /// Returns the frame in the buffer, which is `len` bytes long.
    pub fn frame(&self, len: usize) -> &[u8] {
        self.0.get(2..2 + len).unwrap_or_default()
    }

    /// Returns the buffer as words. The first word begins with the 2 bytes before the frame.
    pub fn words(&mut self) -> &mut [[u8; 4]] {
        self.0.as_chunks_mut().0
    }

    /// Receives a frame of `len` bytes, and checks its checksums.
    ///
    /// `range` contains the words that are not in the buffer yet. `read` fills these words and returns their sum, so
    /// that the checksum can be verified without a second pass over the data.
    pub fn receive(&mut self, range: Range<usize>, len: usize, read: impl FnOnce(&mut [[u8; 4]]) -> u32) -> Arrived {
        let start = range.start;
        let words = self.words().get_mut(range).unwrap_or_default();
        // The sum of all these words.
        let all = read(words);
        // Subtract the bytes before and after the IP packet from the sum. `end` is the offset of the packet's end in
        // the buffer. The word `LENGTH` contains the length field of the IPv4 header.
        let [_, _, high, low] = words.get(LENGTH - start).copied().unwrap_or_default();
        let end = PACKET + usize::from(u16::from_be_bytes([high, low]));
        let sum = (HEADERS * 4..=2 + len).contains(&end).then(|| {
            let (packet, behind) = words.split_at((end / 4 - start).min(words.len()));
            // The packet can end inside the first word of `behind`. `last` is the part of that word that belongs to the
            // packet.
            let last = behind.first().map_or(0, |word| u32::from_le_bytes(*word) & !(u32::MAX << (end % 4 * 8)));
            let before = packet.get(..LENGTH - start).unwrap_or_default();
            let others = before.iter().chain(behind).fold(0, |sum, word| add(sum, u32::from_le_bytes(*word)));
            // Adding the complement of `others` subtracts it.
            add(add(all, !others), last)
        });
        if checksums::is_right(self.frame(len), sum) { Arrived::Frame } else { Arrived::Wrong }
    }

    /// Lets `write` fill in a frame of `len` bytes, then completes the frame for the controller.
    ///
    /// Pads the frame with zeros to the minimum length and to a whole word. Then fills in the checksums. `sum` adds up
    /// whole words. Returns the padded length, the words, and the result of `write`.
    ///
    /// # Panics
    /// Panics if `len` exceeds [`FRAME`].
    pub fn send<T>(
        &mut self,
        len: usize,
        write: impl FnOnce(&mut [u8]) -> T,
        sum: impl FnOnce(&[[u8; 4]]) -> u32,
    ) -> (usize, &mut [[u8; 4]], T) {
        assert!(len <= FRAME, "a frame of {len} bytes");
        // The frame begins at offset 2 of the buffer.
        let result = write(&mut self.0[2..2 + len]);
        let padded = len.max(SHORTEST);
        let words = (2 + padded).div_ceil(4);
        self.0[2 + len..words * 4].fill(0);
        // If an IPv4 packet fills the frame, only zeros follow the packet. The sum of whole words is then the sum of
        // the packet's payload. For any other frame, `fill` sums the bytes itself.
        let end = PACKET + usize::from(u16::from_be_bytes([self.0[PACKET + 2], self.0[PACKET + 3]]));
        let sum = (end == 2 + len).then(|| sum(&self.words()[HEADERS..words]));
        checksums::fill(&mut self.0[2..2 + len], sum);
        (padded, &mut self.words()[..words], result)
    }
}

/// The offset of the IP packet in the buffer, in bytes.
const PACKET: usize = 2 + 14;

/// The index of the word that contains an IPv4 packet's length.
const LENGTH: usize = PACKET / 4;

/// The length of the Ethernet and IPv4 headers and the 2 bytes before them, in words.
const HEADERS: usize = (PACKET + 20) / 4;

#[cfg(all(test, feature = "std"))]
mod tests;
