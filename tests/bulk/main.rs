//! Long transfers and many connections with the kernel's TCP.
//!
//! Every byte must arrive in order, with and without offload.
#![cfg(target_os = "linux")]

#[path = "../common/mod.rs"]
mod common;

mod datagrams;
mod loss;
mod many_clients;
mod matrix;
mod rig;
mod streams;
mod ten_thousand;
