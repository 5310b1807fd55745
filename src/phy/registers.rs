//! A controller's registers: memory on a board, a fake in tests.

/// 32-bit registers, by their offset in bytes.
pub trait Registers {
    /// Reads one.
    fn read(&mut self, offset: usize) -> u32;

    /// Writes one.
    fn write(&mut self, offset: usize, value: u32);
}

/// How often a register is looked at before the hardware is given up.
const PATIENCE: usize = 100_000;

/// Looks at registers until `done` says so; whether it did in time.
pub(super) fn wait<R: Registers>(registers: &mut R, mut done: impl FnMut(&mut R) -> bool) -> bool {
    (0..PATIENCE).any(|_| done(registers))
}

/// The longest Ethernet frame without its checksum, in bytes: a header of 14 and a payload of 1,500.
pub(super) const FRAME: usize = 1514;

/// The shortest, to which others are filled up with zeros (IEEE 802.3 section 3.2.8).
pub(super) const SHORTEST: usize = 60;

/// A frame's memory in whole words, with up to 2 bytes in front and the 4-byte checksum behind.
#[derive(Debug)]
#[repr(align(4))]
pub(super) struct Words(pub [u8; 1520]);

impl Words {
    pub const EMPTY: Self = Words([0; 1520]);

    /// Fills bytes `start` to `end`, whole words, from a FIFO. Words that do not fit are read and dropped.
    pub fn fill<R: Registers>(&mut self, start: usize, end: usize, registers: &mut R, fifo: usize) {
        let fits = end.min(self.0.len());
        for word in self.0.get_mut(start..fits).unwrap_or_default().as_chunks_mut::<4>().0 {
            *word = registers.read(fifo).to_le_bytes();
        }
        for _ in 0..(end - fits) / 4 {
            registers.read(fifo);
        }
    }

    /// Writes the first `len` bytes to a FIFO, in whole words.
    pub fn drain<R: Registers>(&self, len: usize, registers: &mut R, fifo: usize) {
        for word in self.0[..len.next_multiple_of(4).min(self.0.len())].as_chunks::<4>().0 {
            registers.write(fifo, u32::from_le_bytes(*word));
        }
    }
}

/// What went wrong at a controller since it was set up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// Frames received with an error, or a length that cannot be.
    pub bad: u32,
    /// Frames that the controller lost for want of room.
    pub overruns: u32,
}

/// The controller does not answer as it should: the wrong address, or no such controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotThere;

impl core::fmt::Display for NotThere {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("the Ethernet controller does not answer")
    }
}

impl core::error::Error for NotThere {}
