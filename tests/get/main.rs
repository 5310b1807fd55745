//! `smolstep get` against servers on the kernel's TCP: what they send, whatever they send, and where it goes.
#![cfg(target_os = "linux")]

#[path = "../common/mod.rs"]
mod common;

mod bad_input;
mod files;
mod names;
mod redirects;
mod rig;
mod servers;
