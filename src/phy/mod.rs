//! Network devices: in memory, on Linux, and Ethernet controllers. conformance.rs can test each of them.

mod cable;
pub(crate) mod checksums;
pub mod conformance;
#[cfg(feature = "embassy")]
mod embassy;
pub mod lan9118;
#[cfg(all(feature = "std", target_os = "linux"))]
pub mod linux;
mod loopback;
mod medium;
mod queue;
mod registers;
pub mod stellaris;
mod wake;
mod words;

pub use cable::{Cable, CableEnd};
#[cfg(feature = "embassy")]
pub use embassy::{DriverError, Embassy};
pub use loopback::Loopback;
pub(crate) use medium::{ETHERNET, ETHERNET_HEADER, is_ethernet};
pub use medium::{EthernetAddress, HardwareAddress};
pub use queue::Queue;
#[doc(hidden)]
pub use queue::{FrameIn, FrameOut};
pub use registers::{Ethernet, Faults, NotThere, Registers};
pub use wake::WakingDevice;
