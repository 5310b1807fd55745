//! Tests the program chat with the kernel's TCP and UDP, through pipes and at terminals.
#![cfg(target_os = "linux")]

#[path = "../common/mod.rs"]
mod common;

mod pipes;
mod terminals;
