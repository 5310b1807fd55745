//! The router on the wire. It answers packets that are too long, and it is the gateway to addresses outside the
//! network.

use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{
    ArpOperation, ArpPacket, ArpRepr, EthernetAddress, EthernetFrame, EthernetProtocol, EthernetRepr, Icmpv4Message,
    Icmpv4Packet, IpProtocol, Ipv4Address, Ipv4Packet, Ipv4Repr,
};

/// The router's address on the hosts' network.
pub(super) const ADDRESS: Ipv4Address = Ipv4Address::new(192, 168, 69, 254);

/// The router's hardware address.
pub(super) const HARDWARE: EthernetAddress = EthernetAddress([2, 0, 0, 0, 0, 254]);

/// The length of an Ethernet header, in bytes.
const ETHERNET: usize = 14;
/// The length of an IPv4 header without options, in bytes.
const IP: usize = 20;
/// The length of an ICMP header, in bytes.
const ICMP: usize = 8;

/// The number of bytes of a packet that an ICMP error quotes: the IP header and 8 bytes of the payload (RFC 792).
const QUOTED: usize = IP + 8;

/// The length of a frame that contains an ICMP error, in bytes.
const ERROR: usize = ETHERNET + IP + ICMP + QUOTED;
/// The length of a frame that contains an ARP message, in bytes.
const ARP: usize = ETHERNET + 28;

/// Returns whether a frame is for the router.
pub(super) fn is_for_router(frame: &[u8]) -> bool {
    // A frame begins with its destination address.
    frame.starts_with(HARDWARE.as_bytes())
}

/// Returns whether a frame contains an IPv4 packet that is longer than `mtu` bytes and must not be fragmented.
pub(super) fn is_too_long(frame: &[u8], mtu: usize) -> bool {
    packet(frame).is_some_and(|packet| usize::from(packet.total_len()) > mtu && packet.dont_frag())
}

/// Returns the IPv4 packet in a frame, if the frame contains one.
fn packet(frame: &[u8]) -> Option<Ipv4Packet<&[u8]>> {
    let frame = EthernetFrame::new_checked(frame).ok()?;
    match frame.ethertype() {
        EthernetProtocol::Ipv4 => Ipv4Packet::new_checked(frame.payload()).ok(),
        _ => None,
    }
}

/// Returns the ICMP error about a frame that is too long: "fragmentation needed", with the MTU (RFC 1191 section 4).
/// Returns `None` if the frame contains no IPv4 packet.
pub(super) fn too_long_error(frame: &[u8], mtu: usize) -> Option<[u8; ERROR]> {
    let sender = EthernetFrame::new_checked(frame).ok()?.src_addr();
    let to = packet(frame)?.src_addr();
    let quoted = frame.get(ETHERNET..ETHERNET + QUOTED)?;
    let mut answer = [0; ERROR];
    let mut ethernet = EthernetFrame::new_unchecked(&mut answer[..]);
    EthernetRepr { src_addr: HARDWARE, dst_addr: sender, ethertype: EthernetProtocol::Ipv4 }.emit(&mut ethernet);
    let mut ip = Ipv4Packet::new_unchecked(ethernet.payload_mut());
    let payload_len = ICMP + QUOTED;
    let repr = Ipv4Repr { src_addr: ADDRESS, dst_addr: to, next_header: IpProtocol::Icmp, payload_len, hop_limit: 64 };
    repr.emit(&mut ip, &ChecksumCapabilities::default());
    let message = ip.payload_mut();
    // The MTU of the next link (RFC 1191 section 4).
    message[6..ICMP].copy_from_slice(&u16::try_from(mtu).unwrap_or(u16::MAX).to_be_bytes());
    message[ICMP..].copy_from_slice(quoted);
    let mut icmp = Icmpv4Packet::new_unchecked(message);
    icmp.set_msg_type(Icmpv4Message::DstUnreachable);
    // Code 4: fragmentation is needed, but DF is set (RFC 792).
    icmp.set_msg_code(4);
    icmp.fill_checksum();
    Some(answer)
}

/// Returns the reply to a frame that asks for the router's hardware address, or `None` for other frames.
pub(super) fn arp_reply(frame: &[u8]) -> Option<[u8; ARP]> {
    arp_reply_from(frame, HARDWARE, ADDRESS)
}

/// Returns the reply to an ARP request for the hardware address of `address`, which is `hardware`. Returns `None` if
/// the frame is no such request.
pub(super) fn arp_reply_from(frame: &[u8], hardware: EthernetAddress, address: Ipv4Address) -> Option<[u8; ARP]> {
    let frame = EthernetFrame::new_checked(frame).ok()?;
    if frame.ethertype() != EthernetProtocol::Arp {
        return None;
    }
    let ArpRepr::EthernetIpv4 {
        operation: ArpOperation::Request,
        source_hardware_addr: asker,
        source_protocol_addr,
        target_protocol_addr,
        ..
    } = ArpPacket::new_checked(frame.payload()).and_then(|packet| ArpRepr::parse(&packet)).ok()?
    else {
        return None;
    };
    if target_protocol_addr != address {
        return None;
    }
    let mut answer = [0; ARP];
    let mut ethernet = EthernetFrame::new_unchecked(&mut answer[..]);
    EthernetRepr { src_addr: hardware, dst_addr: asker, ethertype: EthernetProtocol::Arp }.emit(&mut ethernet);
    let reply = ArpRepr::EthernetIpv4 {
        operation: ArpOperation::Reply,
        source_hardware_addr: hardware,
        source_protocol_addr: address,
        target_hardware_addr: asker,
        target_protocol_addr: source_protocol_addr,
    };
    reply.emit(&mut ArpPacket::new_unchecked(ethernet.payload_mut()));
    Some(answer)
}
