//! RISC-V processors with 32 bits, machine mode, a CLINT and a PLIC.

mod clock;
mod csr;
mod semihosting;
mod start;

pub use clock::{RiscV, RiscVMap};
pub(super) use start::reset;
