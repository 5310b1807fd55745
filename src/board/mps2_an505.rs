//! Arm MPS2 with the AN505 image: a Cortex-M33 with a LAN9118 and a CMSDK UART. The firmware runs in the secure state.

use super::cmsdk::Cmsdk;
use super::{Board, CortexM, Mmio, entropy_at};
use crate::phy::lan9118::Lan9118;
use crate::phy::{EthernetAddress, NotThere};

/// The MPS2 board with the AN505 image.
#[derive(Debug)]
pub struct Mps2An505;

const ETHERNET: usize = 0x5200_0000;
const UART: Cmsdk = Cmsdk::new(0x5020_0000);

impl Board for Mps2An505 {
    type Machine = CortexM<Self>;
    type Ethernet = Lan9118<Mmio>;

    const NAME: &'static str = "mps2-an505";
    const TICKS_A_MILLISECOND: u32 = 20_000;
    const INTERRUPTS: [u32; 2] = [48, 42];

    fn start() {
        // 115,200 baud from 20 MHz.
        UART.start(174);
    }

    fn put(byte: u8) {
        UART.put(byte);
    }

    fn take() -> Option<u8> {
        UART.take()
    }

    fn ethernet(address: EthernetAddress) -> Result<Lan9118<Mmio>, NotThere> {
        Lan9118::new(Mmio::new(ETHERNET), address)
    }

    fn entropy() -> [u32; 2] {
        entropy_at(0x3800_0000)
    }
}
