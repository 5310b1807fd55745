//! Fuzz targets for messages from peers. The target of a protocol accepts arbitrary bytes and checks invariants.
//!
//! As a test, each target gets 100,000 mutated messages. SMOLSTEP_SEED=NUMBER selects other messages. A failure prints
//! the seed that reproduces it.
//!
//! `scripts/fuzz TARGET` runs the same target under libFuzzer, which searches for inputs that reach new code.
#![cfg_attr(fuzzing, no_main)]
#![cfg_attr(fuzzing, allow(unsafe_code, dead_code, reason = "libFuzzer calls its target by a name in C"))]

mod advertisements;
#[cfg(not(fuzzing))]
mod bulk;
mod chat_datagrams;
mod chat_lines;
mod chat_messages;
mod chat_room;
mod chat_talk;
mod dhcp;
mod dns;
#[allow(dead_code, reason = "shared with the tests of hostile frames, which use all of it")]
#[path = "../common/hostile/frame.rs"]
mod frame;
mod http_client;
mod http_server;
mod lab_files;
mod lab_session;
#[cfg(fuzzing)]
mod libfuzzer;
mod packetdrill;
mod pair;
#[path = "../../src/testing/random.rs"]
mod random;
mod records;
mod segments;
#[allow(dead_code, reason = "shared with tests of addresses, which use all of it")]
#[path = "../common/world/mod.rs"]
mod world;

use random::Random;

/// A fuzz target: a function that processes an input, and functions that produce inputs.
struct Target {
    name: &'static str,
    /// Processes an input.
    ///
    /// # Panics
    /// Panics if an invariant is broken.
    run: fn(&[u8]),
    /// Returns inputs that honest peers could send.
    honest: fn() -> Vec<Vec<u8>>,
    /// Returns an input that a hostile peer could send and the number of its messages.
    hostile: fn(&mut Random) -> (Vec<u8>, usize),
}

const TARGETS: [&Target; 13] = [
    &advertisements::TARGET,
    &chat_datagrams::TARGET,
    &chat_messages::TARGET,
    &chat_room::TARGET,
    &chat_talk::TARGET,
    &dhcp::TARGET,
    &dns::TARGET,
    &http_client::TARGET,
    &http_server::TARGET,
    &lab_files::TARGET,
    &lab_session::TARGET,
    &packetdrill::TARGET,
    &segments::TARGET,
];

/// Changes `bytes` in one to four random ways, mostly after the first `fixed` bytes.
///
/// A change flips, sets, inserts, removes, repeats or truncates bytes. `words` are byte strings that could break the
/// protocol.
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
