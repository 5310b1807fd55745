//! The supported boards, with one file for each board, and the code that the boards share.
//!
//! A board is a type that implements [`Board`]. [`serve`], [`call`] and [`selftest()`] each run one kind of firmware on
//! a board. All work is done in one loop with interrupts masked. An interrupt only ends the sleep. No handler runs, so
//! no data is shared with a handler.
//!
//! The build sets the addresses and the seed: see `build.rs`. If SMOLSTEP_SEED is not set, seed.rs mixes the board's
//! entropy into the seed at each start.

// The module of a board has the board's name, with `_` for `-`. Cargo.toml's list of boards, the board's feature and
// the folder of memory.x use the same name.
#[cfg(target_arch = "arm")]
pub mod lm3s6965evb;
#[cfg(target_arch = "arm")]
pub mod mps2_an385;
#[cfg(target_arch = "arm")]
pub mod mps2_an500;
#[cfg(target_arch = "arm")]
pub mod mps2_an505;
#[cfg(target_arch = "arm")]
pub mod mps3_an547;
#[cfg(all(feature = "virtio", target_arch = "riscv32"))]
pub mod virt_rv32;

mod call;
#[cfg(target_arch = "arm")]
mod cmsdk;
mod console;
#[cfg(target_arch = "arm")]
mod cortex_m;
mod echo;
// The log stores the path of each module that logs. The short path `board::fault` saves flash.
#[cfg(all(feature = "firmware", target_arch = "arm"))]
#[path = "cortex_m/fault.rs"]
mod fault;
#[cfg(all(feature = "firmware", target_arch = "riscv32"))]
#[path = "riscv/fault.rs"]
mod fault;
mod machine;
mod mmio;
#[cfg(target_arch = "arm")]
pub mod mps;
mod network;
#[cfg(feature = "firmware")]
mod panic;
#[cfg(target_arch = "riscv32")]
mod riscv;
mod run;
mod seed;
mod selftest;
mod settings;
#[cfg(all(feature = "virtio", target_arch = "riscv32"))]
mod virtio;

pub use call::call;
pub use console::{Terminal, Uart, put};
#[cfg(target_arch = "arm")]
pub use cortex_m::CortexM;
#[cfg(target_arch = "arm")]
use cortex_m::entropy_at;
pub use echo::echo;
pub use machine::Machine;
pub use mmio::Mmio;
pub use network::{announce, config};
#[cfg(target_arch = "riscv32")]
pub use riscv::{RiscV, RiscVMap};
pub use run::{UDP_PAYLOAD, serve, serve_all};
pub use selftest::selftest;
pub use settings::HARDWARE;

use crate::phy::{Ethernet, EthernetAddress, NotThere};

/// The parts that differ between boards.
///
/// Another crate can implement this trait for its own board: `docs/porting.md` shows how.
pub trait Board: 'static {
    /// The board's processor.
    type Machine: Machine;

    /// The board's network controller.
    type Ethernet: Ethernet;

    /// The board's name.
    const NAME: &'static str;

    /// The number of timer ticks in a millisecond. On a Cortex-M, the timer is SysTick, and the number must be a
    /// multiple of 500. On RISC-V, the timer is in the CLINT, and the number must be a multiple of 1,000.
    const TICKS_A_MILLISECOND: u32;

    /// The numbers of the interrupts that end a sleep. One belongs to the network controller, and one to the console
    /// input. Each number is below 64.
    const INTERRUPTS: [u32; 2];

    /// Sets up the console. This method is called before all other methods.
    fn start();

    /// Sends a byte to the console. Waits a bounded time while the console is full, then drops the byte.
    fn put(byte: u8);

    /// Returns the next typed byte, if there is one, and clears the console's interrupt.
    fn take() -> Option<u8>;

    /// Sets up the network controller.
    ///
    /// # Errors
    /// Returns [`NotThere`] if the controller does not respond.
    fn ethernet(address: EthernetAddress) -> Result<Self::Ethernet, NotThere>;

    /// Returns two words that are different at each start and that nobody on the network can guess.
    ///
    /// This method is called after [`ethernet`](Self::ethernet), unless the build set SMOLSTEP_SEED. If the board has
    /// no source of entropy, the words can be constant. The seed then depends on the build alone.
    fn entropy() -> [u32; 2];
}
