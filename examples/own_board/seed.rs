//! 3. The seed: 32 bytes that nobody on the network can guess.

use smolstep::stack::Seed;

/// A seed from a hardware generator, asked a word at a time; `None` is a generator that has failed.
///
/// A word that comes twice in a row means a generator that hangs, as one without a clock does: no seed then. A board that
/// has no seed says so and does not go on the network: with a known seed, sequence numbers and ports can be guessed, and
/// connections be forged.
pub fn seed(mut word: impl FnMut() -> Option<u32>) -> Option<Seed> {
    let mut bytes = [0; 32];
    let mut last = word()?;
    for chunk in bytes.chunks_exact_mut(4) {
        let next = word().filter(|&next| next != last)?;
        chunk.copy_from_slice(&next.to_le_bytes());
        last = next;
    }
    Some(Seed(bytes))
}
