//! Access to the registers of peripherals. No other file reads or writes registers directly.
#![allow(unsafe_code)]

#[cfg(target_arch = "arm")]
use super::cortex_m::{block_counts, read_words, sum_words, write_words};
use crate::phy::Registers;

/// A peripheral's registers, at a fixed address.
#[derive(Debug)]
pub struct Mmio {
    base: usize,
}

impl Mmio {
    /// Returns the peripheral at address `base`. Only code in `src/board` can call this, because that code knows the
    /// memory map. Other crates use [`at`](Self::at).
    pub(super) const fn new(base: usize) -> Self {
        Mmio { base }
    }

    /// Returns the peripheral at address `base`.
    ///
    /// # Safety
    /// The peripheral has a register at each offset that a driver will use. Each register is 32 bits wide, or 8 bits
    /// for [`read_byte`](Self::read_byte) and [`write_byte`](Self::write_byte). No Rust object lies at these addresses.
    /// The peripheral writes to no memory: it has no DMA, or its DMA stays off. On a Cortex-M, no interrupt handler
    /// runs while a driver reads a FIFO.
    pub const unsafe fn at(base: usize) -> Self {
        Mmio { base }
    }

    /// Reads a register of 8 bits.
    pub fn read_byte(&mut self, offset: usize) -> u8 {
        // SAFETY: the register is valid for the reasons given in `read`.
        unsafe { ((self.base + offset) as *const u8).read_volatile() }
    }

    /// Writes a register of 8 bits.
    pub fn write_byte(&mut self, offset: usize, value: u8) {
        // SAFETY: the register is valid for the reasons given in `read` and `write`.
        unsafe { ((self.base + offset) as *mut u8).write_volatile(value) }
    }
}

impl Registers for Mmio {
    /// Reads a register of 32 bits.
    fn read(&mut self, offset: usize) -> u32 {
        // SAFETY: this module's siblings and the callers of `at` create an `Mmio` only with an address that the data
        // sheet assigns to a peripheral, or that memory.x reserves (`entropy_at`). Drivers add the offsets of the
        // peripheral's registers. No Rust object lies at these addresses, so nothing is aliased. Reading a register has
        // no effect on memory.
        unsafe { ((self.base + offset) as *const u32).read_volatile() }
    }

    /// Writes a register of 32 bits.
    fn write(&mut self, offset: usize, value: u32) {
        // SAFETY: the register is valid for the reasons given in `read`. None of these peripherals writes to memory:
        // they have no DMA, or their DMA stays off.
        unsafe { ((self.base + offset) as *mut u32).write_volatile(value) }
    }

    /// Returns the end-around-carry sum of `words`.
    #[cfg(target_arch = "arm")]
    fn sum(words: &[[u8; 4]]) -> u32 {
        let (eights, rest) = block_counts(words);
        // SAFETY: `words` has `8 * eights + rest` words.
        unsafe { sum_words(words.as_ptr(), eights, rest) }
    }

    /// Reads all words from one register, and returns their sum.
    #[cfg(target_arch = "arm")]
    fn read_fifo(&mut self, offset: usize, words: &mut [[u8; 4]]) -> u32 {
        // SAFETY: the register is valid for the reasons given in `read`. The number of words is `words.len()`.
        unsafe { read_words((self.base + offset) as *const u32, words.as_mut_ptr(), 0, words.len()) }
    }

    /// Writes all words to one register.
    #[cfg(target_arch = "arm")]
    fn write_fifo(&mut self, offset: usize, words: &[[u8; 4]]) {
        // SAFETY: the register is valid for the reasons given in `read` and `write`. The number of words is
        // `words.len()`.
        unsafe { write_words((self.base + offset) as *mut u32, words.as_ptr(), 0, words.len()) }
    }

    /// Reads blocks of eight words from eight consecutive registers, and the words after the blocks from the first of
    /// these registers. Returns the sum of all words.
    #[cfg(target_arch = "arm")]
    fn read_wide_fifo(&mut self, offset: usize, words: &mut [[u8; 4]]) -> u32 {
        let (eights, rest) = block_counts(words);
        // SAFETY: each of the eight registers is valid for the reasons given in `read`. `words` has `8 * eights + rest`
        // words.
        unsafe { read_words((self.base + offset) as *const u32, words.as_mut_ptr(), eights, rest) }
    }

    /// Writes blocks of eight words to eight consecutive registers, and the words after the blocks to the first of
    /// these registers.
    #[cfg(target_arch = "arm")]
    fn write_wide_fifo(&mut self, offset: usize, words: &[[u8; 4]]) {
        let (eights, rest) = block_counts(words);
        // SAFETY: each register is valid for the reasons given in `read` and `write`. `words` has `8 * eights + rest`
        // words.
        unsafe { write_words((self.base + offset) as *mut u32, words.as_ptr(), eights, rest) }
    }
}
