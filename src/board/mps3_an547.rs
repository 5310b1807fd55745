//! Arm MPS3 with the AN547 image: a Cortex-M55 with a LAN9118 and a CMSDK UART. The firmware runs in the secure state.

use super::mps::{Image, Mps};

/// The MPS3 board with the AN547 image.
pub type Mps3An547 = Mps<An547>;

/// The AN547 image.
#[derive(Debug)]
pub struct An547;

impl Image for An547 {
    const NAME: &'static str = "mps3-an547";
    const TICKS_A_MILLISECOND: u32 = 32_000;
    const INTERRUPTS: [u32; 2] = [49, 43];
    const ETHERNET: usize = 0x5140_0000;
    const UART: usize = 0x5930_3000;
    // 115,200 baud from a clock of 25 MHz.
    const DIVIDER: u32 = 217;
    const ENTROPY: usize = 0x3000_0000;
}
