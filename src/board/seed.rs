//! The seed of a start: the build's seed, mixed with the entropy that QEMU provides at the start.
//!
//! Neither board has a source of entropy. `scripts/firmware run` has QEMU put 64 bits of the host's entropy at the
//! bottom of memory before each start, so each run has a different seed. This method has limits:
//! - After a reset, QEMU puts the same bits into memory again. So a board that restarts after a fault has the same seed
//!   as at its first start.
//! - Without QEMU, the bits are whatever the memory holds after power-on. If these bits are the same at each start, so is the
//!   seed.

use super::mmio::Mmio;
use super::settings;
use crate::phy::Registers;
use crate::stack::{Seed, half_sip};

/// The address of the entropy: the bottom of memory, which memory.x reserves. `scripts/firmware` uses the same address.
const GIVEN: usize = 0x2000_0000;

/// Returns the seed of this start. If the build set SMOLSTEP_SEED, that seed is used unchanged, so that runs can be
/// compared.
pub(super) fn seed() -> Seed {
    let mut seed = settings::SEED;
    if !settings::SEED_IS_SET {
        let mut given = Mmio::new(GIVEN);
        let (first, second) = (given.read(0), given.read(4));
        let [a, b, c, d, e, f, g, h, ..] = seed;
        let key = u64::from_le_bytes([a, b, c, d, e, f, g, h]);
        for (word, number) in seed.as_chunks_mut::<4>().0.iter_mut().zip(0..) {
            let mixed = u32::from_le_bytes(*word) ^ half_sip::<2, 4>(key, &[first, second, number]);
            *word = mixed.to_le_bytes();
        }
    }
    Seed(seed)
}
