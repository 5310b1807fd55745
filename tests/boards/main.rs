//! The boards: the host's list of them, and their firmware in QEMU. Clients and servers of the kernel are on a TAP, and the test
//! sends frames of its own.
#![cfg(target_os = "linux")]

#[path = "../common/mod.rs"]
mod common;

mod board;
mod calls;
mod chat;
mod checks;
mod checksums;
mod clock;
mod connections;
mod count;
mod datagrams;
mod dhcp;
mod garbage;
mod golden;
mod list;
mod loss;
mod network;
mod police;
mod programs;
mod seed;
mod settings;
mod status;
mod wire;

// build.rs has these at its root, where the part of it that is tested here looks for them.
