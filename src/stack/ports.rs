//! Ephemeral ports (RFC 6056).
//!
//! The double-hash algorithm of section 3.3.4 chooses the local port of a connection. Connections to one destination
//! get consecutive ports, so that a port is reused as late as possible. Each destination has a secret offset, so that
//! no destination can predict another destination's ports. For a UDP port, the search starts at a random port (section
//! 3.3.1), because the destinations are not known yet.

use super::event::Tuple;
use super::half_sip::half_sip_of;

/// The ephemeral ports (RFC 6335 section 6).
const EPHEMERAL: core::ops::RangeInclusive<u16> = 49152..=65535;

/// The number of counters, among which the destinations are divided by a hash. A destination can count the connections
/// to the other destinations that share its counter. On average, one in 16 of the other destinations shares it (RFC
/// 6056 section 3.3.4).
const COUNTERS: usize = 16;

/// Chooses the local ports of connections that this side starts.
pub(super) struct Ports {
    key: u64,
    counters: [u16; COUNTERS],
}

impl Ports {
    pub(super) fn new(key: u64) -> Self {
        Ports { key, counters: [0; COUNTERS] }
    }

    /// Chooses a free local port for a connection. The local port in `tuple` must be 0, so that all connections to one
    /// destination have the same hash. `None` if no port is free.
    pub(super) fn choose(&mut self, tuple: &Tuple, is_free: impl Fn(u16) -> bool) -> Option<u16> {
        // The two halves of a keyed hash are independent, so they can serve as two hashes.
        let hash = half_sip_of::<2, 4>(self.key, tuple);
        let counter = &mut self.counters[(hash >> 16) as usize % COUNTERS];
        ephemeral_ports((hash as u16).wrapping_add(*counter)).find(|&port| {
            // The next search starts after the last port that was tried.
            *counter = counter.wrapping_add(1);
            is_free(port)
        })
    }
}

/// Returns all ephemeral ports in order, starting at the port that `first` selects.
pub(super) fn ephemeral_ports(first: u16) -> impl Iterator<Item = u16> {
    let count = EPHEMERAL.end() - EPHEMERAL.start() + 1;
    (0..count).map(move |next| EPHEMERAL.start() + first.wrapping_add(next) % count)
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use std::vec::Vec;

    use smoltcp::wire::{IpAddress, IpEndpoint};

    use super::*;

    fn to(last: u8) -> Tuple {
        let address = |last| IpAddress::v4(10, 0, 0, last);
        Tuple { local: IpEndpoint::new(address(1), 0), remote: IpEndpoint::new(address(last), 80) }
    }

    #[test]
    fn a_destination_gets_every_port_in_turn() {
        let mut ports = Ports::new(7);
        let chosen: Vec<u16> = (0..1 << 14).map(|_| ports.choose(&to(2), |_| true).unwrap()).collect();
        let mut sorted = chosen.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, EPHEMERAL.collect::<Vec<_>>());
        assert_eq!(ports.choose(&to(2), |_| true), chosen.first().copied());
    }

    #[test]
    fn a_port_in_use_is_skipped() {
        let first = Ports::new(7).choose(&to(2), |_| true).unwrap();
        let second = Ports::new(7).choose(&to(2), |port| port != first).unwrap();
        assert_ne!(first, second);
        assert_eq!(Ports::new(7).choose(&to(2), |_| false), None);
    }

    /// One destination's ports reveal nothing about another destination's ports. The first port and the number of
    /// connections stay secret.
    #[test]
    fn destinations_have_offsets_of_their_own() {
        let first: Vec<u16> = (2..=255).map(|last| Ports::new(7).choose(&to(last), |_| true).unwrap()).collect();
        let mut distances: Vec<u16> = first.windows(2).map(|pair| pair[1].wrapping_sub(pair[0])).collect();
        distances.sort_unstable();
        distances.dedup();
        assert!(distances.len() > 240, "{} distances", distances.len());
        let follows = |last| {
            let mut ports = Ports::new(7);
            let before = ports.choose(&to(2), |_| true);
            for _ in 0..10 {
                ports.choose(&to(last), |_| true);
            }
            ports.choose(&to(2), |_| true) == ephemeral_ports(before.unwrap()).nth(1)
        };
        let moved = (3..=255).filter(|&last| !follows(last));
        // On average, one in 16 of the other destinations shares the counter of `to(2)`.
        let moved = moved.count();
        assert!((4..=40).contains(&moved), "{moved} of 253");
    }
}
