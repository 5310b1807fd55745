//! The stack in memory: addresses that come and go, hostile frames, and no heap.

mod claims;
#[path = "../common/mod.rs"]
mod common;
mod dhcp;
mod garbage;
mod leases;
mod log_lines;
mod no_heap;
mod routers;
mod slaac;
