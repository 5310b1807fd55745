//! What needs an operating system.

pub mod capture;
pub mod clock;
#[cfg(target_os = "linux")]
pub mod doctor;
mod memory;
#[cfg(target_os = "linux")]
pub mod netlink;
#[cfg(target_os = "linux")]
pub mod sandbox;

pub use memory::{HeapPool, Sizes};
