//! An IPv6 router whose messages the test controls.

use smoltcp::wire::{
    EthernetAddress, EthernetFrame, EthernetProtocol, Icmpv6Message, Icmpv6Packet, IpProtocol, Ipv6Address, Ipv6Packet,
    Ipv6Repr,
};

use super::framed;

pub const ROUTER: Ipv6Address = Ipv6Address::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);
pub const ALL_NODES: Ipv6Address = Ipv6Address::new(0xff02, 0, 0, 0, 0, 0, 0, 1);

/// Returns the ICMPv6 message type of a frame, or `None` for other frames.
pub fn kind(frame: &[u8]) -> Option<Icmpv6Message> {
    let frame = EthernetFrame::new_checked(frame).ok()?;
    let packet =
        Ipv6Packet::new_checked(frame.payload()).ok().filter(|_| frame.ethertype() == EthernetProtocol::Ipv6)?;
    let message =
        Icmpv6Packet::new_checked(packet.payload()).ok().filter(|_| packet.next_header() == IpProtocol::Icmpv6)?;
    assert!(message.verify_checksum(&packet.src_addr(), &packet.dst_addr()) && packet.hop_limit() == 255);
    Some(message.msg_type())
}

/// Builds a router advertisement. `lifetime` is the router lifetime in seconds.
pub fn advertisement(lifetime: u16, options: &[Vec<u8>]) -> Vec<u8> {
    let mut message = vec![134, 0, 0, 0, 64, 0];
    message.extend(lifetime.to_be_bytes());
    message.extend([0; 8]);
    message.extend(options.concat());
    icmpv6(ROUTER, ALL_NODES, message)
}

/// Builds a frame with an ICMPv6 message, and fills in the message's checksum.
pub fn icmpv6(from: Ipv6Address, to: Ipv6Address, mut message: Vec<u8>) -> Vec<u8> {
    Icmpv6Packet::new_unchecked(&mut message[..]).fill_checksum(&from, &to);
    let ip = Ipv6Repr {
        src_addr: from,
        dst_addr: to,
        next_header: IpProtocol::Icmpv6,
        payload_len: message.len(),
        hop_limit: 255,
    };
    framed(EthernetAddress([0x33, 0x33, 0, 0, 0, 1]), EthernetProtocol::Ipv6, 40 + message.len(), |payload| {
        let mut packet = Ipv6Packet::new_unchecked(payload);
        ip.emit(&mut packet);
        packet.payload_mut().copy_from_slice(&message);
    })
}

/// Builds a prefix information option for fd00:0:0:5::, with the two lifetimes in seconds.
pub fn prefix(len: u8, flags: u8, valid: u32, preferred: u32) -> Vec<u8> {
    let network = Ipv6Address::new(0xfd00, 0, 0, 5, 0, 0, 0, 0);
    [&[3, 4, len, flags][..], &valid.to_be_bytes(), &preferred.to_be_bytes(), &[0; 4], &network.octets()].concat()
}

/// Builds a DNS server option (RDNSS), with its lifetime in seconds.
pub fn servers(lifetime: u32) -> Vec<u8> {
    let server = Ipv6Address::new(0xfd00, 0, 0, 0, 0, 0, 0, 0x53);
    [&[25, 3, 0, 0][..], &lifetime.to_be_bytes(), &server.octets()].concat()
}
