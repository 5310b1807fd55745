//! Devices.

mod cable;
pub mod conformance;
#[cfg(feature = "embassy")]
mod embassy;
#[cfg(all(feature = "std", target_os = "linux"))]
pub mod linux;
mod loopback;
mod queue;

pub use cable::{Cable, CableEnd};
#[cfg(feature = "embassy")]
pub use embassy::{Embassy, UnsupportedMedium};
pub use loopback::Loopback;
pub use queue::{FrameIn, FrameOut, Queue};
