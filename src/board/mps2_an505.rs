//! Arm MPS2 with the AN505 image: a Cortex-M33 with a LAN9118 and a CMSDK UART. The firmware runs in the secure state.

use super::mps::{Image, Mps};

/// The MPS2 board with the AN505 image.
pub type Mps2An505 = Mps<An505>;

/// The AN505 image.
#[derive(Debug)]
pub struct An505;

impl Image for An505 {
    const NAME: &'static str = "mps2-an505";
    const TICKS_A_MILLISECOND: u32 = 20_000;
    const INTERRUPTS: [u32; 2] = [48, 42];
    const ETHERNET: usize = 0x5200_0000;
    const UART: usize = 0x5020_0000;
    // 115,200 baud from a clock of 20 MHz.
    const DIVIDER: u32 = 174;
    const ENTROPY: usize = 0x3800_0000;
}
