//! Shared by the tests: a link in memory, and random numbers, also for tests/ and benches/.

pub(crate) mod link;
pub(crate) mod random;
