//! Segments and scripts as packetdrill writes them. `docs/lab-pkt.md` lists what is understood.
#![doc(hidden)]

mod frame;
mod scan;
pub mod segment;
#[cfg(all(test, feature = "std"))]
mod tests;

pub use frame::Ends;
pub use scan::Error;
