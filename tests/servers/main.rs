//! `smolstep serve` with clients on the kernel's TCP and UDP.
#![cfg(target_os = "linux")]

#[path = "../common/mod.rs"]
mod common;

mod backlog;
mod closing;
mod fragments;
mod handshakes;
mod kernel_clients;
mod mld_snooping;
mod path_mtu;
mod status_page;
