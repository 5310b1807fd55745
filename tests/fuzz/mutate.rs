//! Changes to what an honest peer sends.

use super::random::Random;

/// Flips, sets, inserts, removes, doubles and cuts, once to four times and mostly behind the first `fixed` bytes; `words` are
/// what breaks this protocol.
pub fn mutate(random: &mut Random, bytes: &mut Vec<u8>, fixed: usize, words: &[&[u8]]) {
    for _ in 0..1 + random.below(4) {
        let len = bytes.len().max(1);
        let at = if random.one_in(4) { random.below(len) } else { (fixed + random.below(len)).min(len - 1) };
        let at = at.min(bytes.len());
        let end = (at + random.below(20)).min(bytes.len());
        match random.below(9) {
            0 => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1 << random.below(8)),
            1 => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte = random.pick(&[0, 1, 3, 4, 63, 0xc0, 0xff])),
            2 => {
                let number = random.u16().to_be_bytes();
                bytes.iter_mut().skip(at).zip(number).for_each(|(place, byte)| *place = byte);
            }
            3 => bytes.truncate(at),
            4 => drop(bytes.drain(at..end)),
            5 => {
                let most = random.pick(&[2, 2, 2, 60]);
                let copy = bytes[at..end].repeat(1 + random.below(most));
                drop(bytes.splice(at..at, copy));
            }
            6 => {
                let noise = random.bytes_below(40);
                drop(bytes.splice(at..end, noise));
            }
            _ if words.is_empty() => bytes.extend(random.bytes_below(40)),
            7 => drop(bytes.splice(at..at, random.pick(words).iter().copied())),
            _ => drop(bytes.splice(at..end, random.pick(words).iter().copied())),
        }
    }
}
