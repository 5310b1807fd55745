//! `smolstep call`, `get` and `ping` against servers on the kernel's TCP and UDP, and against nobody.
#![cfg(target_os = "linux")]

#[path = "../common/mod.rs"]
mod common;

mod failures;
mod get;
mod kernel_servers;
mod long_pings;
mod no_host;
mod ping_errors;
