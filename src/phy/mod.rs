//! Devices.

mod cable;
pub mod lan9118;
#[cfg(all(feature = "std", target_os = "linux"))]
pub mod linux;
mod loopback;
mod queue;
mod registers;
pub mod stellaris;

pub use cable::{Cable, CableEnd};
pub use loopback::Loopback;
pub use queue::{FrameIn, FrameOut, Queue};
pub use registers::{Faults, NotThere, Registers};
