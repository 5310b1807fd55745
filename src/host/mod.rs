//! The library on an operating system: memory on the heap, the clock, the loop that waits.

mod clock;
mod drive;
mod memory;

pub use clock::Clock;
pub use drive::{Ended, Interrupt, Verdict, drive};
pub use memory::{HeapPool, Sizes};
