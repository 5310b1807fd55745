//! 3. The seed: 32 bytes that nobody on the network can guess.

use smolstep::stack::Seed;

/// Makes a seed from a hardware generator, one word at a time. `None` means a generator that has failed.
///
/// A repeated word means a stuck generator, for example one without a clock: then it gives no seed. A board without a seed
/// reports this and stays off the network. With a known seed, attackers can guess sequence numbers and ports, and forge
/// connections.
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
