//! Arm MPS2 with the AN385 image: a Cortex-M3 with a LAN9118 and a CMSDK UART.

use super::mps::{Image, Mps};

/// The MPS2 board with the AN385 image.
pub type Mps2An385 = Mps<An385>;

/// The AN385 image.
#[derive(Debug)]
pub struct An385;

impl Image for An385 {
    const NAME: &'static str = "mps2-an385";
    const TICKS_A_MILLISECOND: u32 = 25_000;
    const INTERRUPTS: [u32; 2] = [13, 0];
    const ETHERNET: usize = 0x4020_0000;
    const UART: usize = 0x4000_4000;
    // 115,200 baud from a clock of 25 MHz.
    const DIVIDER: u32 = 217;
    const ENTROPY: usize = 0x2000_0000;
}
