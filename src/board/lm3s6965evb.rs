//! Stellaris LM3S6965 evaluation board: a Cortex-M3 with a built-in Ethernet controller. The board has 256 KiB of
//! flash, 64 KiB of memory and a PL011 UART.

use super::{Board, CortexM, Mmio, entropy_at, put};
use crate::phy::stellaris::Stellaris;
use crate::phy::{EthernetAddress, NotThere, Registers};

/// The LM3S6965 evaluation board.
#[derive(Debug)]
pub struct Lm3s6965evb;

const ETHERNET: usize = 0x4004_8000;
const SYSTEM: usize = 0x400f_e000;
const UART: usize = 0x4000_c000;

// Clock gates of the system control (LM3S6965 data sheet, section 5.5), for the UART and the Ethernet controller.
const GATES_1: usize = 0x104;
const GATES_2: usize = 0x108;
const UART0: u32 = 1;
const ETHERNET0: u32 = 0x5000_0000;

// Registers of the UART (section 12.5).
const DATA: usize = 0x00;
const FLAGS: usize = 0x18;
const DIVIDER: usize = 0x24;
const FRACTION: usize = 0x28;
const LINE: usize = 0x2c;
const CONTROL: usize = 0x30;
const INTERRUPT_MASK: usize = 0x38;
const INTERRUPT_CLEAR: usize = 0x44;
/// The UART's two receive interrupts. One reports that the FIFO has reached its trigger level, and the other reports
/// that unread bytes have waited in the FIFO for some time.
const RECEIVED: u32 = 0b101_0000;

impl Board for Lm3s6965evb {
    type Machine = CortexM<Self>;
    type Ethernet = Stellaris<Mmio>;

    const NAME: &'static str = "lm3s6965evb";
    const TICKS_A_MILLISECOND: u32 = 12_500;
    const INTERRUPTS: [u32; 2] = [42, 5];

    /// Turns on the clocks of the UART and the Ethernet controller, and sets up the UART.
    fn start() {
        let mut system = Mmio::new(SYSTEM);
        let gates = system.read(GATES_1);
        system.write(GATES_1, gates | UART0);
        let gates = system.read(GATES_2);
        system.write(GATES_2, gates | ETHERNET0);
        let mut uart = Mmio::new(UART);
        // The divider is 6 + 50/64: 12.5 MHz / (16 × 115,200 baud).
        uart.write(DIVIDER, 6);
        uart.write(FRACTION, 50);
        // Sets 8 data bits, and turns on the FIFOs.
        uart.write(LINE, 0x70);
        // Enables the UART, its transmitter and its receiver, and then its receive interrupts.
        uart.write(CONTROL, 0x301);
        uart.write(INTERRUPT_MASK, RECEIVED);
    }

    fn put(byte: u8) {
        // Bit 5 of the flags: the transmit FIFO is full.
        put(&mut Mmio::new(UART), |uart| uart.read(FLAGS) & (1 << 5) != 0, DATA, byte);
    }

    /// Returns the next typed byte, if there is one. Clears both receive interrupts first, so that a later byte raises
    /// them again.
    fn take() -> Option<u8> {
        let mut uart = Mmio::new(UART);
        uart.write(INTERRUPT_CLEAR, RECEIVED);
        // Bit 4 of the flags: the receive FIFO is empty.
        (uart.read(FLAGS) & (1 << 4) == 0).then(|| uart.read(DATA) as u8)
    }

    fn ethernet(address: EthernetAddress) -> Result<Stellaris<Mmio>, NotThere> {
        Ok(Stellaris::new(Mmio::new(ETHERNET), address))
    }

    fn entropy() -> [u32; 2] {
        entropy_at(0x2000_0000)
    }
}
