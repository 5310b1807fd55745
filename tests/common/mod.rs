//! Helpers that several test binaries share.
#![allow(dead_code, reason = "each test binary uses some of it")]

#[cfg(target_os = "linux")]
pub mod dnsmasq;
pub mod document;
#[cfg(target_os = "linux")]
pub mod events;
#[cfg(target_os = "linux")]
pub mod firmware;
pub mod guide;
pub mod hostile;
#[cfg(target_os = "linux")]
pub mod link;
#[cfg(target_os = "linux")]
pub mod netns;
#[cfg(target_os = "linux")]
pub mod peer;
pub mod require;
pub mod scratch;
pub mod talk;
#[cfg(target_os = "linux")]
pub mod terminal;
pub mod world;
