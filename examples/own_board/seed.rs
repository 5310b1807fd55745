//! 3. The seed: 32 bytes that nobody on the network can guess.

use smolstep::stack::Seed;

/// Creates a seed from `word`, a closure that reads a word from a hardware random generator. Returns `None` if the
/// generator has failed.
///
/// A repeated word means that the generator has failed, for example because its clock is off. A board without a seed
/// reports the failure and stays off the network. An attacker who knows the seed can predict sequence numbers and
/// ports, and forge connections.
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
