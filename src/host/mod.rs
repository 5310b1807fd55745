//! The host.

pub mod clock;
#[cfg(target_os = "linux")]
pub mod netlink;
