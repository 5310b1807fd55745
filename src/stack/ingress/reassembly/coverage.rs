//! The bytes of a datagram that have arrived and the offsets at which fragments begin.

use core::ops::Range;

/// The unit of fragment offsets, in bytes: every fragment begins at a multiple of 8 bytes.
const UNIT: usize = 8;
/// The number of 32-bit words with one bit for each unit of the longest datagram.
const WORDS: usize = 65_536 / UNIT / 32;

/// Records which 8-byte units of a datagram have arrived.
#[derive(Clone)]
pub(super) struct Coverage {
    /// One bit for each unit that has arrived.
    there: [u32; WORDS],
    /// One bit for each unit at which a fragment begins.
    begins: [u32; WORDS],
    /// The number of bytes that have arrived.
    bytes: usize,
    /// The end of the fragment with the highest offset.
    end: usize,
}

/// The relation of a new fragment to the fragments that have arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Added {
    /// The fragment has the same offset and length as another fragment.
    Again,
    New,
    Overlaps,
}

impl Default for Coverage {
    fn default() -> Self {
        Coverage { there: [0; WORDS], begins: [0; WORDS], bytes: 0, end: 0 }
    }
}

impl Coverage {
    /// Returns the number of bytes that have arrived.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns the end of the fragment with the highest offset.
    pub(super) fn end(&self) -> usize {
        self.end
    }

    /// Adds a fragment if it overlaps no other fragment. The range must not be empty and must begin at a multiple of 8
    /// below 65,536. A fragment that ends beyond the longest datagram counts as overlapping.
    pub(super) fn add(&mut self, bytes: Range<usize>) -> Added {
        let units = bytes.start / UNIT..bytes.end.div_ceil(UNIT);
        let taken = units.clone().filter(|&unit| is_set(&self.there, unit)).count();
        if taken == 0 && units.end <= WORDS * 32 {
            units.clone().for_each(|unit| set(&mut self.there, unit));
            set(&mut self.begins, units.start);
            self.bytes += bytes.len();
            self.end = self.end.max(bytes.end);
            return Added::New;
        }
        // The range repeats a fragment if that fragment alone begins in the range and has the same start and end.
        let begins = units.clone().filter(|&unit| is_set(&self.begins, unit)).count();
        // Whether no earlier fragment continues beyond the end of the range.
        let ends = !is_set(&self.there, units.end) || is_set(&self.begins, units.end);
        match taken == units.len() && begins == 1 && is_set(&self.begins, units.start) && ends {
            true => Added::Again,
            false => Added::Overlaps,
        }
    }
}

fn is_set(bits: &[u32; WORDS], unit: usize) -> bool {
    bits.get(unit / 32).is_some_and(|word| word >> (unit % 32) & 1 != 0)
}

fn set(bits: &mut [u32; WORDS], unit: usize) {
    if let Some(word) = bits.get_mut(unit / 32) {
        *word |= 1 << (unit % 32);
    }
}
