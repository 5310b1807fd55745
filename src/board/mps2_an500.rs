//! Arm MPS2 with the AN500 image: a Cortex-M7 with a LAN9118 and a CMSDK UART.

use super::mps::{Image, Mps};

/// The MPS2 board with the AN500 image.
pub type Mps2An500 = Mps<An500>;

/// The AN500 image.
#[derive(Debug)]
pub struct An500;

impl Image for An500 {
    const NAME: &'static str = "mps2-an500";
    const TICKS_A_MILLISECOND: u32 = 25_000;
    const INTERRUPTS: [u32; 2] = [13, 0];
    const ETHERNET: usize = 0xa000_0000;
    const UART: usize = 0x4000_4000;
    // 115,200 baud from a clock of 25 MHz.
    const DIVIDER: u32 = 217;
    const ENTROPY: usize = 0x2000_0000;
}
