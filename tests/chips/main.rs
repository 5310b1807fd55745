//! Drivers published by others, on models of their chips, under smolstep's async loop.

mod bench;
mod clock;
#[path = "../common/mod.rs"]
mod common;
mod enc28j60;
mod model;
mod scenario;
mod w5500;
mod wire;
