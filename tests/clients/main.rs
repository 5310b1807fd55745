//! `smolstep call`, `get` and `ping`, with and without servers on the kernel's TCP and UDP.
#![cfg(target_os = "linux")]

#[path = "../common/mod.rs"]
mod common;

mod failures;
mod get;
mod icmp_errors;
mod kernel_servers;
mod long_pings;
mod no_host;
mod ping_errors;
