//! Boards: a file each for its memory map, console and network controller; here, what they share.
//!
//! A board is a type that implements [`Board`]. [`serve`] and [`call`] are whole firmwares on one. All work is done in one loop with
//! interrupts masked: an interrupt only ends the sleep, so there are no handlers and nothing is shared with one.
//!
//! Addresses and seed are those of the build: see `build.rs`.

mod clock;
mod console;
mod ethernet;
mod fault;
#[cfg(feature = "lm3s6965evb")]
pub mod lm3s6965evb;
mod mmio;
#[cfg(feature = "mps2-an385")]
pub mod mps2_an385;
mod run;
mod settings;

pub use console::Uart;
pub use ethernet::Ethernet;
pub use mmio::Mmio;
pub use run::{call, serve};

use smoltcp::wire::EthernetAddress;

use crate::phy::NotThere;

/// What differs between boards.
pub trait Board: 'static {
    /// Its network controller.
    type Ethernet: Ethernet;

    /// What it is called.
    const NAME: &'static str;

    /// How often SysTick counts in a millisecond.
    const TICKS_A_MILLISECOND: u32;

    /// The number of the network controller's interrupt.
    const INTERRUPT: u32;

    /// Sets the console up, before anything else.
    fn start();

    /// Sends a byte to the console, or drops it where that does not take it in a bounded time.
    fn put(byte: u8);

    /// Sets the network controller up.
    ///
    /// # Errors
    /// It does not answer.
    fn ethernet(address: EthernetAddress) -> Result<Self::Ethernet, NotThere>;
}
