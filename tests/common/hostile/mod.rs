//! Hostile frames to a server at 192.168.69.1, from a client at 192.168.69.2 and other hosts.

pub mod craft;
pub mod frame;
pub mod mutate;
#[path = "../../../src/testing/random.rs"]
pub mod random;
