//! What needs an operating system.

mod memory;

pub use memory::{HeapPool, Sizes};
