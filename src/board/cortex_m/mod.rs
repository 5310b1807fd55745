//! Cortex-M processors with ARMv7-M or ARMv8-M Mainline: SysTick, the NVIC, faults and semihosting.

mod clock;
#[cfg(feature = "firmware")]
mod copy;
#[cfg(feature = "firmware")]
mod divide;
mod fifo;
mod semihosting;
#[cfg(feature = "firmware")]
mod vectors;

pub use clock::CortexM;
pub(super) use fifo::{block_counts, read_words, sum_words, write_words};

use super::Mmio;
use crate::phy::Registers;

/// Restarts the board.
pub(super) fn reset() -> ! {
    // Writes the key and the reset request to the application interrupt and reset control register (ARMv7-M, B3.2.6).
    Mmio::new(0xe000_ed0c).write(0, 0x05fa_0004);
    // The reset can take effect a little later, so this loop waits for it.
    loop {
        cortex_m::asm::nop();
    }
}

/// Returns the entropy that QEMU puts into the two words at `address` before the start.
///
/// `scripts/firmware run` gives QEMU 64 bits of the host's entropy for each run. `address` is the bottom of memory,
/// which memory.x reserves. This source has limits:
/// - After a reset, QEMU puts the same bits into memory again. So a board that restarts after a fault has the same seed
///   as at its first start.
/// - Without QEMU, the bits are whatever the memory contains after power-on. If these bits are the same at each
///   start, the seed is also the same.
pub(super) fn entropy_at(address: usize) -> [u32; 2] {
    let mut given = Mmio::new(address);
    [given.read(0), given.read(4)]
}
