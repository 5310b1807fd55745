//! Arm MPS2 with the AN385 image: a Cortex-M3 with a LAN9118 and a CMSDK UART.

use super::{Board, Mmio, console::put};
use crate::phy::lan9118::Lan9118;
use crate::phy::{EthernetAddress, NotThere, Registers};

/// The MPS2 board with the AN385 image.
#[derive(Debug)]
pub struct Mps2An385;

const ETHERNET: usize = 0x4020_0000;
const UART: usize = 0x4000_4000;

// Registers of the UART (Cortex-M System Design Kit, section 4.4).
const DATA: usize = 0x00;
const STATE: usize = 0x04;
const CONTROL: usize = 0x08;
const INTERRUPT: usize = 0x0c;
const DIVIDER: usize = 0x10;

impl Board for Mps2An385 {
    type Ethernet = Lan9118<Mmio>;

    const NAME: &'static str = "mps2-an385";
    const TICKS_A_MILLISECOND: u32 = 25_000;
    const INTERRUPTS: [u32; 2] = [13, 0];

    fn start() {
        let mut uart = Mmio::new(UART);
        // Sets 115,200 baud from 25 MHz. Enables the transmitter, the receiver and the receive interrupt.
        uart.write(DIVIDER, 217);
        uart.write(CONTROL, 0b1011);
    }

    fn put(byte: u8) {
        put(&mut Mmio::new(UART), |uart| uart.read(STATE) & 1 != 0, DATA, byte);
    }

    fn take() -> Option<u8> {
        let mut uart = Mmio::new(UART);
        uart.write(INTERRUPT, 0b10);
        (uart.read(STATE) & 0b10 != 0).then(|| uart.read(DATA) as u8)
    }

    fn ethernet(address: EthernetAddress) -> Result<Lan9118<Mmio>, NotThere> {
        Lan9118::new(Mmio::new(ETHERNET), address)
    }
}
