//! What tests share: random numbers, also for the tests in tests/ and for benches/, and a link in memory.

pub(crate) mod link;
pub(crate) mod random;
