//! The UART of Arm's MPS boards (Cortex-M System Design Kit, section 4.4).

use super::{Mmio, console::put};
use crate::phy::Registers;

/// A UART at a fixed address.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cmsdk {
    base: usize,
}

// Registers.
const DATA: usize = 0x00;
const STATE: usize = 0x04;
const CONTROL: usize = 0x08;
const INTERRUPT: usize = 0x0c;
const DIVIDER: usize = 0x10;

impl Cmsdk {
    /// Returns the UART at address `base`.
    pub const fn new(base: usize) -> Self {
        Cmsdk { base }
    }

    /// Sets the baud rate, and enables the transmitter, the receiver and the receive interrupt.
    ///
    /// `divider` is the number of the UART's clock ticks in a bit.
    pub fn start(self, divider: u32) {
        let mut uart = Mmio::new(self.base);
        uart.write(DIVIDER, divider);
        // Bits 0, 1 and 3: the transmitter, the receiver and the receive interrupt.
        uart.write(CONTROL, 0b1011);
    }

    /// Sends a byte: see [`Board::put`](super::Board::put).
    pub fn put(self, byte: u8) {
        // Bit 0 of the state: the transmit buffer is full.
        put(&mut Mmio::new(self.base), |uart| uart.read(STATE) & 1 != 0, DATA, byte);
    }

    /// Returns the next typed byte, and clears the interrupt.
    pub fn take(self) -> Option<u8> {
        let mut uart = Mmio::new(self.base);
        // Clears the receive interrupt before the byte is read, so that a later byte raises it again.
        uart.write(INTERRUPT, 0b10);
        // Bit 1 of the state: the receive buffer is full.
        (uart.read(STATE) & 0b10 != 0).then(|| uart.read(DATA) as u8)
    }
}
