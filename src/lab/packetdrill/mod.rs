//! Segments and scripts as packetdrill writes them. `docs/lab-pkt.md` lists what is supported.
#![doc(hidden)]

mod calls;
mod compare;
mod frame;
mod program;
mod run;
mod scan;
mod script;
pub mod segment;
#[cfg(all(test, feature = "std"))]
mod tests;
mod time;

pub use frame::Ends;
pub use program::Program;
pub use run::{Failed, Limits, run};
pub use scan::Error;
pub use script::Script;
