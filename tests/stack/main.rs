//! Tests of the stack in memory.
//!
//! The tests cover addresses, DHCP, router advertisements, hostile frames, log lines, the status page, and the heap.

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
mod status_page;
