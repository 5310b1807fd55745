//! The board. Change this file for your board. The register addresses belong to the mps2-an385, so that QEMU can run
//! the template.
#![no_std]

use core::panic::PanicInfo;

use smolstep::board::{Board, CortexM, Machine, Mmio, put};
use smolstep::phy::lan9118::Lan9118;
use smolstep::phy::{EthernetAddress, NotThere, Registers};

/// My board.
pub struct MyBoard;

/// Returns the UART's registers.
fn uart() -> Mmio {
    // SAFETY: the UART's registers are at this address (Application Note AN385, section 3.3), and it has no DMA.
    unsafe { Mmio::at(0x4000_4000) }
}

impl Board for MyBoard {
    type Machine = CortexM<Self>;
    type Ethernet = Lan9118<Mmio>;

    const NAME: &'static str = "my-board";
    const TICKS_A_MILLISECOND: u32 = 25_000;
    const INTERRUPTS: [u32; 2] = [13, 0];

    fn start() {
        // 115,200 baud. Enables the transmitter, the receiver and the receive interrupt.
        uart().write(0x10, 217);
        uart().write(0x08, 0b1011);
    }

    fn put(byte: u8) {
        // The transmitter is full while bit 0 of the state register is set.
        put(&mut uart(), |uart| uart.read(0x04) & 1 != 0, 0x00, byte);
    }

    fn take() -> Option<u8> {
        // Clears the receive interrupt first, so that a byte that arrives now raises the interrupt again.
        uart().write(0x0c, 0b10);
        (uart().read(0x04) & 0b10 != 0).then(|| uart().read(0x00) as u8)
    }

    fn ethernet(address: EthernetAddress) -> Result<Lan9118<Mmio>, NotThere> {
        // SAFETY: the controller's registers are at this address, and it has no DMA.
        Lan9118::new(unsafe { Mmio::at(0x4020_0000) }, address)
    }

    fn entropy() -> [u32; 2] {
        // This board has no source of entropy, so the seed depends on the build alone. Read your chip's random
        // generator here.
        [0; 2]
    }
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    log::error!("{info}");
    <MyBoard as Board>::Machine::reset()
}
