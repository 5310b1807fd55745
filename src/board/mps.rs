//! Arm's MPS2 and MPS3 boards. An FPGA image gives the board a processor, a LAN9118 and CMSDK UARTs. The addresses of
//! these parts differ from image to image.

use core::marker::PhantomData;

use super::cmsdk::Cmsdk;
use super::{Board, CortexM, Mmio, entropy_at};
use crate::phy::lan9118::Lan9118;
use crate::phy::{EthernetAddress, NotThere};

/// An FPGA image: its name, its clocks, and the addresses of its peripherals.
pub trait Image: 'static {
    /// See [`Board::NAME`].
    const NAME: &'static str;

    /// See [`Board::TICKS_A_MILLISECOND`].
    const TICKS_A_MILLISECOND: u32;

    /// See [`Board::INTERRUPTS`].
    const INTERRUPTS: [u32; 2];

    /// The address of the LAN9118.
    const ETHERNET: usize;

    /// The address of the console's UART.
    const UART: usize;

    /// The number of the UART's clock ticks in a bit, at 115,200 baud.
    const DIVIDER: u32;

    /// The address of the two words of memory that memory.x reserves for entropy.
    const ENTROPY: usize;
}

/// A board with the image `I`.
#[derive(Debug)]
pub struct Mps<I>(PhantomData<I>);

impl<I: Image> Mps<I> {
    const CONSOLE: Cmsdk = Cmsdk::new(I::UART);
}

impl<I: Image> Board for Mps<I> {
    type Machine = CortexM<Self>;
    type Ethernet = Lan9118<Mmio>;

    const NAME: &'static str = I::NAME;
    const TICKS_A_MILLISECOND: u32 = I::TICKS_A_MILLISECOND;
    const INTERRUPTS: [u32; 2] = I::INTERRUPTS;

    fn start() {
        Self::CONSOLE.start(I::DIVIDER);
    }

    fn put(byte: u8) {
        Self::CONSOLE.put(byte);
    }

    fn take() -> Option<u8> {
        Self::CONSOLE.take()
    }

    fn ethernet(address: EthernetAddress) -> Result<Lan9118<Mmio>, NotThere> {
        Lan9118::new(Mmio::new(I::ETHERNET), address)
    }

    fn entropy() -> [u32; 2] {
        entropy_at(I::ENTROPY)
    }
}
