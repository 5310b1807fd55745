//! TCP and UDP servers and clients on smoltcp.
#![cfg_attr(not(feature = "std"), no_std)]

pub mod app;
pub mod phy;
pub mod stack;
pub mod trace;

#[cfg(feature = "std")]
pub mod host;
