//! What the build was told: see `build.rs`.

#[allow(unused_imports, reason = "the build may give no address")]
use smoltcp::wire;
use smoltcp::wire::{EthernetAddress, IpAddress, IpCidr};

/// Whom a client calls.
#[allow(dead_code, reason = "the build says which it is")]
#[derive(Clone, Copy, Debug)]
pub enum Host {
    /// This address.
    Address(IpAddress),
    /// Whoever has this name, which a DNS server knows.
    Name(&'static str),
}

include!(concat!(env!("OUT_DIR"), "/settings.rs"));
