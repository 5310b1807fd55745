//! Entropy of the operating system.

use std::io;

use crate::stack::Seed;

/// Returns a seed for a stack: 32 bytes of the operating system's entropy.
///
/// # Errors
/// The system has no entropy.
pub fn seed() -> io::Result<Seed> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)?;
    Ok(Seed(bytes))
}
