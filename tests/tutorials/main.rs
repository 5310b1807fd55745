//! Replaces a program of the socket tutorials with smolstep.
//!
//! The output of the other program must stay the same.
//!
//! CONTRIBUTING.md contains a table of the programs.
#![cfg(target_os = "linux")]

#[path = "../common/mod.rs"]
mod common;

mod chat;
mod chat_lines;
mod chat_udp;
mod greeting;
mod http;
mod inbox;
mod pair;
mod single;
