//! Long transfers and many connections with the kernel's TCP.
//!
//! With and without offload, every byte arrives in order.
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
