//! QEMU's RISC-V machine `virt` with 32 bits: virtio devices, a 16550 UART, a CLINT and a PLIC.

use super::virtio::{Net, entropy};
use super::{Board, Mmio, RiscV, RiscVMap};
use crate::phy::{EthernetAddress, NotThere};

/// QEMU's RISC-V machine `virt`.
#[derive(Debug)]
pub struct VirtRv32;

// The first two of the eight addresses for virtio devices. scripts/firmware attaches the devices there.
const NET: usize = 0x1000_1000;
const RANDOM: usize = 0x1000_2000;
const UART: usize = 0x1000_0000;

// Registers of the 16550, which are bytes (National Semiconductor PC16550D data sheet, section 8).
const DATA: usize = 0;
const INTERRUPT_ENABLE: usize = 1;
const FIFO_CONTROL: usize = 2;
const LINE_CONTROL: usize = 3;
const LINE_STATUS: usize = 5;

/// The bit of the line status that reports a received byte.
const RECEIVED: u8 = 1;
/// The bit of the line status that reports room to send a byte.
const ROOM: u8 = 1 << 5;

/// The number of times that a full UART is checked before a byte is dropped.
const MAX_CHECKS: usize = 10_000;

impl Board for VirtRv32 {
    type Machine = RiscV<Self>;
    type Ethernet = Net;

    const NAME: &'static str = "virt-rv32";
    const TICKS_A_MILLISECOND: u32 = 10_000;
    const INTERRUPTS: [u32; 2] = [1, 10];

    /// Sets up the UART.
    fn start() {
        let mut uart = Mmio::new(UART);
        // Sets 8 data bits. QEMU ignores the baud rate.
        uart.write_byte(LINE_CONTROL, 0b11);
        // Turns on both FIFOs, and empties them.
        uart.write_byte(FIFO_CONTROL, 0b111);
        // Turns on the interrupt for received bytes, which ends a sleep.
        uart.write_byte(INTERRUPT_ENABLE, 1);
    }

    /// Sends a byte through the UART.
    fn put(byte: u8) {
        let mut uart = Mmio::new(UART);
        // A UART that stays full loses the byte, so that it cannot block the board.
        if (0..MAX_CHECKS).any(|_| uart.read_byte(LINE_STATUS) & ROOM != 0) {
            uart.write_byte(DATA, byte);
        }
    }

    fn take() -> Option<u8> {
        let mut uart = Mmio::new(UART);
        (uart.read_byte(LINE_STATUS) & RECEIVED != 0).then(|| uart.read_byte(DATA))
    }

    /// Sets up the network device. It needs no address, because it receives frames to all addresses.
    fn ethernet(_address: EthernetAddress) -> Result<Net, NotThere> {
        Net::new(NET)
    }

    fn entropy() -> [u32; 2] {
        entropy(RANDOM)
    }
}

impl RiscVMap for VirtRv32 {
    const CLINT: usize = 0x0200_0000;
    const PLIC: usize = 0x0c00_0000;
}
