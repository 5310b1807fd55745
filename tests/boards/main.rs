//! The boards: what the host knows of them, and the firmware of each in QEMU, with clients and servers of the kernel's on a
//! TAP, and with frames of the test's own.
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
mod programs;
mod settings;
mod status;
mod wire;

// build.rs has these at its root, where the part of it that is tested here looks for them.
