//! The library on an operating system: heap memory, clock, seed, and the loop that waits.

mod clock;
#[cfg(target_os = "linux")]
mod console;
#[cfg(target_os = "linux")]
mod drive;
#[cfg(target_os = "linux")]
mod error;
mod memory;
mod seed;

pub use clock::Clock;
#[cfg(target_os = "linux")]
pub use console::HostConsole;
#[cfg(target_os = "linux")]
pub use drive::{Ended, Interrupt, Verdict, drive};
#[cfg(target_os = "linux")]
pub use error::DriveError;
pub use memory::{HeapPool, Sizes};
pub use seed::seed;
