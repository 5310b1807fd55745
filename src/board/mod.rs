//! The supported boards, with one file for each board, and the code that the boards share.
//!
//! A board is a type that implements [`Board`]. [`serve`], [`call`] and [`selftest()`] each run a whole firmware on a
//! board. All work is done in one loop with interrupts masked. An interrupt only ends the sleep. No handler runs, so no
//! data is shared with a handler.
//!
//! The build sets the addresses and the seed: see `build.rs`. If SMOLSTEP_SEED is not set, seed.rs mixes entropy into
//! the seed at each start.

// The module of a board has the board's name, with `_` for `-`. Cargo.toml's list of boards, the board's feature,
// QEMU's machine and the folder of memory.x use the same name.
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
mod seed;
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

use crate::phy::{Ethernet, EthernetAddress, NotThere};

/// The parts that differ between boards.
pub trait Board: 'static {
    /// The board's network controller.
    type Ethernet: Ethernet;

    /// The board's name.
    const NAME: &'static str;

    /// The number of SysTick's ticks in a millisecond. It must be a multiple of 500.
    const TICKS_A_MILLISECOND: u32;

    /// The numbers of the interrupts that end a sleep: the network controller's and the console input's. Each is below
    /// 64.
    const INTERRUPTS: [u32; 2];

    /// Sets the console up. This method is called before all other methods.
    fn start();

    /// Sends a byte to the console. Waits a bounded time while the console is full, then drops the byte.
    fn put(byte: u8);

    /// Returns the next typed byte, if there is one, and clears the console's interrupt.
    fn take() -> Option<u8>;

    /// Sets the network controller up.
    ///
    /// # Errors
    /// Returns [`NotThere`] if the controller does not respond.
    fn ethernet(address: EthernetAddress) -> Result<Self::Ethernet, NotThere>;
}
