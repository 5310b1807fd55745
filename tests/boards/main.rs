//! Tests of the list of boards and of their firmware in QEMU. The peers of the boards are kernel clients and servers on
//! a TAP, or tests that send their own frames.
#![cfg(target_os = "linux")]

#[path = "../common/mod.rs"]
mod common;

mod acceptance;
mod board;
mod calls;
mod chat;
mod checks;
mod checksums;
mod clock;
mod connections;
mod count;
mod garbage;
mod golden;
mod link;
mod list;
mod loss;
mod network;
mod new_board;
mod programs;
mod seed;
mod settings;
mod status;
mod template;
mod wire;
