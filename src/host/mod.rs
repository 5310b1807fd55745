//! Support for an operating system: heap memory, a clock, a seed, and the poll loop.

mod clock;
#[cfg(target_os = "linux")]
mod drive;

pub use clock::Clock;
#[cfg(target_os = "linux")]
pub use drive::{DriveError, Ended, HostConsole, Interrupt, Verdict, drive};

use crate::stack::Seed;
pub use crate::stack::{HeapPool, Sizes};

/// Returns a seed for a stack: 32 bytes from the operating system's random generator.
///
/// # Errors
/// Returns an error if the operating system cannot provide random bytes.
pub fn seed() -> std::io::Result<Seed> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)?;
    Ok(Seed(bytes))
}
