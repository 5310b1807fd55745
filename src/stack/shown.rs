//! How an end of a connection is written.

use core::fmt;

use smoltcp::wire::{IpAddress, IpEndpoint};

/// Shows an endpoint as `192.168.69.1:7` or `[fdaa::1]:7` (RFC 5952 section 6).
///
/// The standard library's socket address does the same, and brings 2.5 KB of code for IPv6 and for padding to a board.
#[derive(Clone, Copy, Debug)]
pub struct Shown(pub IpEndpoint);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let port = self.0.port;
        match self.0.addr {
            IpAddress::Ipv4(address) => {
                let [a, b, c, d] = address.octets();
                write!(f, "{a}.{b}.{c}.{d}:{port}")
            }
            #[cfg(feature = "ipv6")]
            IpAddress::Ipv6(address) => write!(f, "[{address}]:{port}"),
        }
    }
}
