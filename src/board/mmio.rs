//! Peripherals in memory: the only place that touches them.
#![allow(unsafe_code)]

use crate::phy::Registers;

/// A peripheral's registers, at a fixed address.
#[derive(Debug)]
pub struct Mmio {
    base: usize,
}

impl Mmio {
    /// The peripheral at `base`. For the files of the boards only: they know what is where.
    pub(super) const fn new(base: usize) -> Self {
        Mmio { base }
    }
}

impl Registers for Mmio {
    fn read(&mut self, offset: usize) -> u32 {
        // SAFETY: only this module's siblings make an `Mmio`, of addresses that the board's data sheet gives to a peripheral,
        // and drivers add the offsets of its 32-bit registers. No Rust object lies there, so nothing is aliased; reading a
        // register has no effect on memory.
        unsafe { ((self.base + offset) as *const u32).read_volatile() }
    }

    fn write(&mut self, offset: usize, value: u32) {
        // SAFETY: as above. None of these peripherals is told to write to memory: they have no DMA, or it stays off.
        unsafe { ((self.base + offset) as *mut u32).write_volatile(value) }
    }
}
