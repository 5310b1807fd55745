//! What a peer sends, whatever it is: a target for each protocol, which takes any bytes and checks what must hold.
//!
//! As a test each gets 100,000 mutated messages; SMOLSTEP_SEED=NUMBER takes others, and a failure says which brings it back.
//! `scripts/fuzz TARGET` hands the same target to libFuzzer, which looks for inputs that reach new code.
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
mod http_client;
mod http_server;
#[cfg(fuzzing)]
mod libfuzzer;
mod mutate;
mod pair;
#[path = "../../src/testing/random.rs"]
mod random;
mod records;
#[allow(dead_code, reason = "shared with tests of addresses, which use all of it")]
#[path = "../common/world/mod.rs"]
mod world;

use random::Random;

/// A protocol: what reads a peer's bytes, and what bytes a peer might send.
struct Target {
    name: &'static str,
    /// Gives these bytes to it.
    ///
    /// # Panics
    /// If something does not hold that must.
    run: fn(&[u8]),
    /// What honest peers send.
    honest: fn() -> Vec<Vec<u8>>,
    /// What a hostile one sends, and how many messages that is.
    hostile: fn(&mut Random) -> (Vec<u8>, usize),
}

const TARGETS: [&Target; 9] = [
    &advertisements::TARGET,
    &chat_datagrams::TARGET,
    &chat_messages::TARGET,
    &chat_room::TARGET,
    &chat_talk::TARGET,
    &dhcp::TARGET,
    &dns::TARGET,
    &http_client::TARGET,
    &http_server::TARGET,
];
