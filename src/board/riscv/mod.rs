//! RISC-V processors with 32 bits, machine mode, a CLINT and a PLIC.

mod clock;
mod csr;
#[cfg(feature = "firmware")]
mod fault;
mod semihosting;
#[cfg(feature = "firmware")]
mod start;

pub use clock::{RiscV, RiscVMap};
pub(super) use start::restart as reset;
