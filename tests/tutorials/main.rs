//! The socket tutorials' programs in pairs: both in Python, then smolstep in place of either. The output of both sides stays the
//! same. CONTRIBUTING.md has the table.
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
