//! Stores the addresses of one name. dialler.rs decides which address to connect to, and when.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The maximum number of addresses kept per family. The first ones are kept, because the server chose their order.
const KEPT: usize = 8;

/// The addresses of one name, at most 8 of each family.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Addresses {
    v6: heapless::Vec<Ipv6Addr, KEPT>,
    v4: heapless::Vec<Ipv4Addr, KEPT>,
}

impl Addresses {
    /// Adds an address. Ignores an address that is already known or cannot belong to a host. Also ignores all addresses
    /// after the first 8 of a family.
    pub fn add(&mut self, address: IpAddr) {
        // `push` fails if the list is full. The address is then ignored.
        match address {
            IpAddr::V6(a) if !self.v6.contains(&a) && !a.is_unspecified() && !a.is_multicast() => {
                let _ = self.v6.push(a);
            }
            IpAddr::V4(a) if !self.v4.contains(&a) && !a.is_unspecified() && !a.is_multicast() && !a.is_broadcast() => {
                let _ = self.v4.push(a);
            }
            _ => {}
        }
    }

    /// Returns all addresses in the order of RFC 8305 section 4: the families alternate, IPv6 first. Within a family,
    /// addresses stay in the order of the server's answer.
    pub fn in_order(&self) -> impl Iterator<Item = IpAddr> {
        (0..KEPT).flat_map(|at| {
            let (v6, v4) = (self.v6.get(at).copied(), self.v4.get(at).copied());
            v6.map(IpAddr::V6).into_iter().chain(v4.map(IpAddr::V4))
        })
    }

    /// Returns whether there are no addresses.
    pub fn is_empty(&self) -> bool {
        self.v6.is_empty() && self.v4.is_empty()
    }
}
