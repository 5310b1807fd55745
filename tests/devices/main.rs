//! Tests of the TAP and TUN devices with the kernel as the peer and of captures of their frames.
#![cfg(target_os = "linux")]

#[path = "../common/mod.rs"]
mod common;

mod capture;
mod echo;
mod link_down;
mod offload_refused;
mod own_mac;
mod pcapng;
mod tuntap;
