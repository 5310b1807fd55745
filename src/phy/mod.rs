//! Devices.

mod cable;
pub mod conformance;
#[cfg(all(feature = "std", target_os = "linux"))]
pub mod linux;
mod loopback;
mod queue;

pub use cable::{Cable, CableEnd};
pub use loopback::Loopback;
pub use queue::{FrameIn, FrameOut, Queue};
