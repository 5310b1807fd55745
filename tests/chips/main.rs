//! Drivers published by others, on models of their chips, under smolstep's async loop.

mod bench;
mod clock;
#[path = "../common/mod.rs"]
mod common;
mod model;
mod w5500;
mod wire;
