//! The interface between a network controller and its board, and access to the controller's registers.

use smoltcp::phy::Device;

use super::checksums::add;

/// An Ethernet device whose interrupt wakes the board from sleep.
pub trait Ethernet: Device {
    /// Clears the interrupt. Frames that have already arrived do not raise the interrupt again, so poll after this
    /// call.
    fn acknowledge(&mut self);

    /// Returns the counts of errors since the device was set up.
    fn faults(&mut self) -> Faults;

    /// Returns whether the link is up.
    ///
    /// If the link has failed since the previous call, this call returns false even if the link is up again. A device
    /// that does not know the state of its link returns true.
    fn link_is_up(&mut self) -> bool {
        true
    }
}

/// Access to 32-bit registers by their offset in bytes: real registers on a board, fake ones in tests.
pub trait Registers {
    /// Reads a register.
    fn read(&mut self, offset: usize) -> u32;

    /// Writes a register.
    fn write(&mut self, offset: usize, value: u32);

    /// Returns the end-around-carry sum of `words`, least significant byte first.
    ///
    /// A board can replace this method with a faster one for its processor.
    fn sum(words: &[[u8; 4]]) -> u32 {
        words.iter().fold(0, |sum, word| add(sum, u32::from_le_bytes(*word)))
    }

    /// Reads a FIFO into `words`, least significant byte first, and returns their end-around-carry sum. With this sum,
    /// a checksum can be verified without a second pass over the words.
    fn read_fifo(&mut self, offset: usize, words: &mut [[u8; 4]]) -> u32 {
        words.iter_mut().fold(0, |sum, word| {
            let value = self.read(offset);
            *word = value.to_le_bytes();
            add(sum, value)
        })
    }

    /// Writes `words` to a FIFO.
    fn write_fifo(&mut self, offset: usize, words: &[[u8; 4]]) {
        for word in words {
            self.write(offset, u32::from_le_bytes(*word));
        }
    }

    /// Like [`read_fifo`](Self::read_fifo), for a FIFO that can be read at eight consecutive registers.
    fn read_wide_fifo(&mut self, offset: usize, words: &mut [[u8; 4]]) -> u32 {
        self.read_fifo(offset, words)
    }

    /// Like [`write_fifo`](Self::write_fifo), for a FIFO that can be written at eight consecutive registers.
    fn write_wide_fifo(&mut self, offset: usize, words: &[[u8; 4]]) {
        self.write_fifo(offset, words);
    }
}

/// The number of times that [`wait`] reads the hardware before it gives up.
const MAX_ATTEMPTS: usize = 100_000;

/// Calls `done`, which reads registers, until it returns true. Returns false if `done` still returns false after
/// [`MAX_ATTEMPTS`] calls.
pub(super) fn wait<R: Registers>(registers: &mut R, mut done: impl FnMut(&mut R) -> bool) -> bool {
    (0..MAX_ATTEMPTS).any(|_| done(registers))
}

/// The length of the longest Ethernet frame, excluding its checksum, in bytes. The header has 14 bytes, and the payload
/// up to 1,500.
pub(super) const FRAME: usize = 1514;

/// The length of the shortest frame, in bytes. Shorter frames are padded with zeros (IEEE 802.3 section 3.2.8).
pub(super) const SHORTEST: usize = 60;

/// The status register of a PHY (IEEE 802.3 section 22.2.4.2).
pub(super) const PHY_STATUS: u32 = 1;

/// Returns whether a PHY's status says that the link is up.
///
/// The PHY clears the link bit when the link fails, and sets the bit again only after the status was read.
pub(super) fn shows_link(status: u32) -> bool {
    // The same register lists the abilities of the PHY, so the value 0 means that there is no PHY.
    status == 0 || status & (1 << 2) != 0
}

/// The counts of a controller's errors since it was set up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Faults {
    /// Frames received with an error, or with an invalid length.
    pub bad: u32,
    /// Frames with a wrong IPv4, TCP or UDP checksum. Fragments of segments and datagrams also count, because the
    /// driver cannot verify their checksums.
    pub checksums: u32,
    /// Frames that were lost because the controller's memory was full.
    pub overruns: u32,
}

/// The controller does not respond correctly: its address is wrong, or the board has no such controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct NotThere;

impl core::fmt::Display for NotThere {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("the Ethernet controller does not answer")
    }
}

impl core::error::Error for NotThere {}
