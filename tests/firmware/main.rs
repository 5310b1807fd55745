//! The firmware of each board in QEMU, with clients and servers of the kernel's on a TAP, and with frames of the test's own.
#![cfg(target_os = "linux")]

#[path = "../common/mod.rs"]
mod common;

mod board;
mod calls;
mod chat;
mod checksums;
mod clock;
mod connections;
mod count;
mod datagrams;
mod dhcp;
mod garbage;
mod golden;
mod loss;
mod network;
mod programs;
mod status;
mod wire;
