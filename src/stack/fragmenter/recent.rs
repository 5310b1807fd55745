//! The recently sent long datagrams. An ICMP error that reports a datagram as too long must quote one of these
//! datagrams.

use smoltcp::wire::{IpAddress, IpProtocol, Ipv4Packet, Ipv6Packet};

use crate::stack::icmp_errors::Quote;

/// The number of datagrams that are remembered. A small number is enough, because routers limit the rate of their ICMP
/// errors.
const COUNT: usize = 16;

/// A datagram of at most this length, in bytes, fits every path MTU that the stack accepts (see paths.rs), so no valid
/// ICMP error reports it as too long.
const SHORT: usize = 552;

/// The values by which the quote of a datagram is recognised.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Datagram {
    destination: IpAddress,
    protocol: IpProtocol,
    /// The first eight payload bytes, without the checksum, which address translators (NAT) can change. For UDP, these
    /// bytes are the ports and the length. For ICMP, they are the type, the code, the identifier and the sequence
    /// number.
    start: [u8; 6],
    /// The length of the whole packet.
    len: usize,
}

/// A ring of the long datagrams that were sent most recently.
#[derive(Default)]
pub(super) struct Recent {
    datagrams: [Option<Datagram>; COUNT],
    next: usize,
}

impl Recent {
    /// Remembers a sent packet, if the packet is a long datagram. If the ring is full, the oldest datagram is
    /// forgotten.
    pub(super) fn note(&mut self, packet: &[u8]) {
        if packet.len() <= SHORT {
            return;
        }
        if let Some(datagram) = read(packet) {
            self.datagrams[self.next] = Some(datagram);
            self.next = (self.next + 1) % COUNT;
        }
    }

    /// Returns whether an ICMP error quotes one of the remembered datagrams or its first fragment. Any other error
    /// might be forged.
    pub(super) fn has(&self, quote: &Quote) -> bool {
        let start = start(quote.protocol, quote.start);
        self.datagrams.iter().flatten().any(|datagram| {
            datagram.destination == quote.destination
                && datagram.protocol == quote.protocol
                && Some(datagram.start) == start
                // The first fragment is shorter than its datagram.
                && quote.len <= datagram.len
        })
    }
}

/// Reads the values by which a quote of this packet is recognised. `None` if the packet is not a UDP or ICMP datagram.
fn read(packet: &[u8]) -> Option<Datagram> {
    let (destination, protocol, payload): (IpAddress, _, _) = match packet.first()? >> 4 {
        4 => {
            let ip = Ipv4Packet::new_checked(packet).ok()?;
            (ip.dst_addr().into(), ip.next_header(), ip.payload())
        }
        // The stack sends only IPv4 and IPv6, so this is IPv6.
        _ => {
            let ip = Ipv6Packet::new_checked(packet).ok()?;
            (ip.dst_addr().into(), ip.next_header(), ip.payload())
        }
    };
    Some(Datagram { destination, protocol, start: start(protocol, *payload.first_chunk()?)?, len: packet.len() })
}

/// Returns the value of [`Datagram::start`] for the first eight payload bytes. `None` if they are neither UDP nor ICMP.
fn start(protocol: IpProtocol, [a, b, c, d, e, f, g, h]: [u8; 8]) -> Option<[u8; 6]> {
    // The checksum is in bytes 6 and 7 of UDP, and in bytes 2 and 3 of ICMP.
    match protocol {
        IpProtocol::Udp => Some([a, b, c, d, e, f]),
        IpProtocol::Icmp | IpProtocol::Icmpv6 => Some([a, b, e, f, g, h]),
        _ => None,
    }
}
