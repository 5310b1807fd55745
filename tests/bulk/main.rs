//! Long transfers with one of the kernel's TCPs, with and without offload: every byte is the one that belongs at its place.
#![cfg(target_os = "linux")]

#[path = "../common/mod.rs"]
mod common;

mod datagrams;
mod loss;
mod matrix;
mod rig;
