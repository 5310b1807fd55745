//! The seed of one start of the firmware: the build's seed, mixed with the board's entropy.

use super::settings;
use crate::stack::{Seed, half_sip};

/// Returns the seed of this start. If the build set SMOLSTEP_SEED, that seed is used unchanged, so that runs can be
/// compared. Otherwise the board's entropy is mixed into the build's seed.
pub(super) fn seed(entropy: fn() -> [u32; 2]) -> Seed {
    let mut seed = settings::SEED;
    if !settings::SEED_IS_SET {
        let [first, second] = entropy();
        let [a, b, c, d, e, f, g, h, ..] = seed;
        let key = u64::from_le_bytes([a, b, c, d, e, f, g, h]);
        // Each word of the seed is mixed with a hash of the entropy and of the word's number. The hash is
        // HalfSipHash-2-4, whose key is the first 8 bytes of the build's seed.
        for (word, number) in seed.as_chunks_mut::<4>().0.iter_mut().zip(0..) {
            let mixed = u32::from_le_bytes(*word) ^ half_sip::<2, 4>(key, &[first, second, number]);
            *word = mixed.to_le_bytes();
        }
    }
    Seed(seed)
}
