//! Helpers for tests: a link in memory, and random numbers. The files in tests/ and benches/ also use the random
//! numbers.

pub(crate) mod link;
pub(crate) mod random;
