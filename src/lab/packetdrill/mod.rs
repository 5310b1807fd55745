//! Segments and scripts as packetdrill writes them. `docs/lab-pkt.md` lists what is understood.

mod frame;
mod scan;
#[doc(hidden)]
pub mod segment;
#[cfg(all(test, feature = "std"))]
mod tests;

pub use frame::Ends;
pub use scan::Error;
