//! Arm MPS3 with the AN547 image: a Cortex-M55 with a LAN9118 and a CMSDK UART. The firmware runs in the secure state.

use super::cmsdk::Cmsdk;
use super::{Board, CortexM, Mmio, entropy_at};
use crate::phy::lan9118::Lan9118;
use crate::phy::{EthernetAddress, NotThere};

/// The MPS3 board with the AN547 image.
#[derive(Debug)]
pub struct Mps3An547;

const ETHERNET: usize = 0x5140_0000;
const UART: Cmsdk = Cmsdk::new(0x5930_3000);

impl Board for Mps3An547 {
    type Machine = CortexM<Self>;
    type Ethernet = Lan9118<Mmio>;

    const NAME: &'static str = "mps3-an547";
    const TICKS_A_MILLISECOND: u32 = 32_000;
    const INTERRUPTS: [u32; 2] = [49, 43];

    fn start() {
        // 115,200 baud from 25 MHz.
        UART.start(217);
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
        entropy_at(0x3000_0000)
    }
}
