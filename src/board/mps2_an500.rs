//! Arm MPS2 with the AN500 image: a Cortex-M7 with a LAN9118 and a CMSDK UART.

use super::cmsdk::Cmsdk;
use super::{Board, CortexM, Mmio, entropy_at};
use crate::phy::lan9118::Lan9118;
use crate::phy::{EthernetAddress, NotThere};

/// The MPS2 board with the AN500 image.
#[derive(Debug)]
pub struct Mps2An500;

const ETHERNET: usize = 0xa000_0000;
const UART: Cmsdk = Cmsdk::new(0x4000_4000);

impl Board for Mps2An500 {
    type Machine = CortexM<Self>;
    type Ethernet = Lan9118<Mmio>;

    const NAME: &'static str = "mps2-an500";
    const TICKS_A_MILLISECOND: u32 = 25_000;
    const INTERRUPTS: [u32; 2] = [13, 0];

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
        entropy_at(0x2000_0000)
    }
}
