//! The settings of the build, which `build.rs` writes.

#[allow(unused_imports, reason = "a build without addresses does not use the import")]
use smoltcp::wire;
use smoltcp::wire::{IpAddress, IpCidr};

use crate::phy::EthernetAddress;

/// The server that a client calls.
#[allow(dead_code, reason = "each build uses one variant")]
#[derive(Clone, Copy, Debug)]
pub enum Host {
    /// A server with this address.
    Address(IpAddress),
    /// A server with this name, which a DNS server resolves.
    Name(&'static str),
}

include!(concat!(env!("OUT_DIR"), "/settings.rs"));
