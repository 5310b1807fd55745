//! The addresses of the hosts on the wire.

use smoltcp::wire::{IpAddress, Ipv4Address};

use crate::phy::EthernetAddress;

/// Returns the address of a host: 192.168.69.2 for the client, 192.168.69.1 for the server.
pub fn address(host: usize) -> IpAddress {
    ipv4(host).into()
}

/// Returns the address of a host, as an IPv4 address.
pub(crate) fn ipv4(host: usize) -> Ipv4Address {
    Ipv4Address::new(192, 168, 69, last_byte(host))
}

/// Returns the hardware address of a host, which ends in the same byte as the host's IPv4 address.
pub(crate) fn hardware(host: usize) -> EthernetAddress {
    EthernetAddress([2, 0, 0, 0, 0, last_byte(host)])
}

/// Returns the last byte of a host's addresses.
///
/// The byte is 2 for the client (host 0), 1 for the server (host 1), 3 for host 2, and 4 for host 3.
fn last_byte(host: usize) -> u8 {
    match host {
        0 => 2,
        1 => 1,
        // A wire has at most four hosts, so the cast is lossless.
        host => host as u8 + 1,
    }
}
