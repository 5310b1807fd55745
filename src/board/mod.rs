//! Boards: a file each for its memory map, console and network controller; here, what they share.
//!
//! A board is a type that implements [`Board`]. [`serve`], [`call`] and [`selftest()`] are whole firmwares on one. All work
//! is done in one loop with interrupts masked: an interrupt only ends the sleep, so there are no handlers and nothing is shared with
//! one.
//!
//! Addresses and seed are those of the build: see `build.rs`.

// With - for _ a module's name is the board's: in Cargo.toml's list of boards and as a feature, as a machine of QEMU, and as the
// folder of its memory map.
pub mod lm3s6965evb;
pub mod mps2_an385;

mod call;
mod clock;
mod console;
mod copy;
mod divide;
mod echo;
mod fault;
mod mmio;
mod network;
mod run;
mod selftest;
mod semihosting;
mod settings;
mod vectors;

pub use call::call;
pub use console::{Terminal, Uart};
pub use echo::echo;
pub use mmio::Mmio;
pub use run::{UDP_PAYLOAD, serve, serve_all};
pub use selftest::selftest;

use smoltcp::wire::EthernetAddress;

use crate::phy::{Ethernet, NotThere};

/// What differs between boards.
pub trait Board: 'static {
    /// Its network controller.
    type Ethernet: Ethernet;

    /// What it is called.
    const NAME: &'static str;

    /// How often SysTick counts in a millisecond: a multiple of 500.
    const TICKS_A_MILLISECOND: u32;

    /// The numbers of the interrupts that end a sleep, below 64: the network controller's, and that of the console's input.
    const INTERRUPTS: [u32; 2];

    /// Sets the console up, before anything else.
    fn start();

    /// Sends a byte to the console, or drops it where that does not take it in a bounded time.
    fn put(byte: u8);

    /// Takes a byte that was typed, and clears the interrupt that told of it.
    fn take() -> Option<u8>;

    /// Sets the network controller up.
    ///
    /// # Errors
    /// It does not answer.
    fn ethernet(address: EthernetAddress) -> Result<Self::Ethernet, NotThere>;
}
