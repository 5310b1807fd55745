//! The virtio-net header before each frame.
//!
//! The header says whether the kernel or this program completes checksums and cuts segments. The header is a `struct
//! virtio_net_hdr` (virtio 1.2 section 5.1.6), in the machine's byte order.

#[cfg(test)]
mod tests;

use smoltcp::phy::{Medium, PacketMeta};
use smoltcp::wire::{EthernetFrame, IpAddress, IpProtocol, Ipv4Packet, Ipv6Packet, TcpPacket};

/// The length of the header, in bytes.
pub(super) const HEADER: usize = 10;

/// The length of the longest super-segment, including its IP header, in bytes: the limit of IPv4's length field.
pub(super) const LONGEST: usize = 65_535;

const NEEDS_CSUM: u8 = 1;
const DATA_VALID: u8 = 2;
const GSO_NONE: u8 = 0;
const GSO_TCPV4: u8 = 1;
const GSO_TCPV6: u8 = 4;
const GSO_ECN: u8 = 0x80;

/// The offset of the checksum in a TCP header (RFC 9293 section 3.1).
const TCP_SUM: usize = 16;
/// The offset of the checksum in a UDP header (RFC 768).
const UDP_SUM: usize = 6;

/// The reason for discarding a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bad {
    /// The header contradicts the frame.
    Header,
    /// The frame's TCP checksum is wrong.
    Checksum,
}

/// Checks a frame from the kernel and its virtio-net header. Completes a checksum that is incomplete, except in TCP.
///
/// A TCP checksum is verified here, because the stack does not verify it. If the header says that the kernel has
/// verified the segment, or that the checksum is incomplete, the TCP checksum is ignored.
///
/// # Errors
/// Returns the reason if the frame must be discarded.
pub(super) fn accept(header: &[u8; HEADER], frame: &mut [u8], medium: Medium) -> Result<(), Bad> {
    // The fields `flags`, `gso_type`, `hdr_len` (not used), `gso_size`, `csum_start` and `csum_offset`.
    let [flags, kind, _, _, size0, size1, start0, start1, offset0, offset1] = *header;
    let half = |a, b| usize::from(u16::from_ne_bytes([a, b]));
    let kind = kind & !GSO_ECN;
    let tcp = tcp_of(frame, medium);
    // A super-segment must have the kind that matches its IP version, and a segment size.
    if kind != GSO_NONE {
        let expected = tcp.as_ref().map(|tcp| if tcp.v6 { GSO_TCPV6 } else { GSO_TCPV4 });
        if expected != Some(kind) || half(size0, size1) == 0 {
            return Err(Bad::Header);
        }
    }
    // The checksum is complete. A TCP checksum is verified here, unless the kernel has verified it.
    if flags & NEEDS_CSUM == 0 {
        return match tcp {
            Some(tcp) if flags & DATA_VALID == 0 && !tcp.has_right_checksum(frame) => Err(Bad::Checksum),
            _ => Ok(()),
        };
    }
    let (start, offset) = (half(start0, start1), half(offset0, offset1));
    if let Some(tcp) = tcp {
        // The header must name the offset of the TCP checksum. A checksum at any other offset would overwrite bytes of
        // a segment that nobody has verified.
        return if tcp.start == start && offset == TCP_SUM { Ok(()) } else { Err(Bad::Header) };
    }
    let ip = ip_of(frame, medium).ok_or(Bad::Header)?;
    let fits = match ip.protocol {
        // The frame contains a malformed segment or a fragment. A completed checksum would make it look valid, so the
        // checksum stays incomplete.
        IpProtocol::Tcp => return Ok(()),
        // A checksum at any other offset would overwrite two bytes of the data.
        IpProtocol::Udp => !ip.fragment && start == ip.start && offset == UDP_SUM,
        // The protocol comes after IPv6 extension headers, or is neither TCP nor UDP, so the right offset of its
        // checksum is unknown here. It is enough that the checksum cannot overwrite the IP header.
        _ => start >= ip.start,
    };
    if !fits {
        return Err(Bad::Header);
    }
    // The checksum field already contains the sum of the pseudo-header. So the sum of `part` covers everything that the
    // checksum covers.
    let part = frame.get_mut(start..).ok_or(Bad::Header)?;
    if part.get(offset..offset + 2).is_none() {
        return Err(Bad::Header);
    }
    let sum = match !sum(0, part) {
        // RFC 768: a zero would mean no checksum.
        0 if offset == UDP_SUM => 0xFFFF,
        sum => sum,
    };
    put(part, offset, sum);
    Ok(())
}

/// Prepares a frame so that the kernel completes its TCP checksum. Returns the virtio-net header for the frame.
///
/// If the stack requests segmentation, the header tells the kernel to cut the frame into segments.
pub(super) fn prepare(meta: PacketMeta, frame: &mut [u8], medium: Medium) -> [u8; HEADER] {
    let mut header = [0; HEADER];
    // For a frame without a whole TCP segment, the header is zero: the kernel does nothing.
    let Some(tcp) = tcp_of(frame, medium) else { return header };
    // The kernel adds the sum of the segment, so the field must contain the sum of the pseudo-header.
    put(frame, tcp.start + TCP_SUM, tcp.pseudo);
    let mut set = |at: usize, value: usize| {
        if let (Some(to), Ok(value)) = (header.get_mut(at..at + 2), u16::try_from(value)) {
            to.copy_from_slice(&value.to_ne_bytes());
        }
    };
    // The fields `csum_start` and `csum_offset`.
    set(6, tcp.start);
    set(8, TCP_SUM);
    let size = meta.segmentation_offload_size.map_or(0, |size| usize::from(size.get()));
    // The kernel has nothing to cut if the payload fits one segment.
    let cut = size > 0 && tcp.end - tcp.payload > size;
    if cut {
        // The fields `hdr_len` and `gso_size`.
        set(2, tcp.payload);
        set(4, size);
    }
    header[0] = NEEDS_CSUM;
    header[1] = match (cut, tcp.v6) {
        (false, _) => GSO_NONE,
        (true, false) => GSO_TCPV4,
        (true, true) => GSO_TCPV6,
    };
    header
}

/// Completes a TCP checksum that is absent, or that covers only the pseudo-header, for a capture of the frame.
///
/// With offload, smoltcp sends frames with the checksum 0, and the kernel sends frames with the pseudo-header's sum.
pub fn complete(frame: &mut [u8], medium: Medium) {
    let Some(tcp) = tcp_of(frame, medium) else { return };
    let Some(&[a, b]) = frame.get(tcp.start + TCP_SUM..tcp.start + TCP_SUM + 2) else { return };
    let present = u16::from_be_bytes([a, b]);
    // The checksum is complete already.
    if present != 0 && present != tcp.pseudo {
        return;
    }
    // With the pseudo-header's sum in the field, the sum of the segment covers the pseudo-header, too.
    put(frame, tcp.start + TCP_SUM, tcp.pseudo);
    let sum = !sum(0, frame.get(tcp.start..tcp.end).unwrap_or_default());
    put(frame, tcp.start + TCP_SUM, sum);
}

/// A whole TCP segment in a frame. Offsets are measured from the frame's start, in bytes.
pub(super) struct Tcp {
    pub(super) v6: bool,
    pub(super) start: usize,
    pub(super) payload: usize,
    pub(super) end: usize,
    /// The checksum's sum over the pseudo-header.
    pseudo: u16,
}

impl Tcp {
    /// Returns whether the segment's checksum in `frame` is right.
    fn has_right_checksum(&self, frame: &[u8]) -> bool {
        // The sum includes the checksum field, so the result is all ones if the checksum is right.
        sum(self.pseudo.into(), frame.get(self.start..self.end).unwrap_or_default()) == 0xFFFF
    }
}

/// Returns the TCP segment in a frame. Returns `None` if the frame contains no TCP segment, or only a fragment of one.
pub(super) fn tcp_of(frame: &[u8], medium: Medium) -> Option<Tcp> {
    let Ip { source, destination, protocol, fragment, start, end } = ip_of(frame, medium)?;
    if protocol != IpProtocol::Tcp || fragment {
        return None;
    }
    let header = TcpPacket::new_checked(frame.get(start..end)?).ok()?.header_len();
    // The sum of the pseudo-header: both addresses, the length and the protocol.
    let (v6, mut pseudo) = match (source, destination) {
        (IpAddress::Ipv4(a), IpAddress::Ipv4(b)) => (false, sum(sum(0, &a.octets()).into(), &b.octets())),
        (IpAddress::Ipv6(a), IpAddress::Ipv6(b)) => (true, sum(sum(0, &a.octets()).into(), &b.octets())),
        _ => return None,
    };
    // A segment is at most 65,535 bytes long, so its length is one 16-bit word of the pseudo-header.
    pseudo = sum(pseudo.into(), &u16::try_from(end - start).ok()?.to_be_bytes());
    pseudo = sum(pseudo.into(), &[0, u8::from(IpProtocol::Tcp)]);
    Some(Tcp { v6, start, payload: start + usize::from(header), end, pseudo })
}

/// An IP packet in a frame. The payload's start and end are offsets from the frame's start, in bytes.
struct Ip {
    source: IpAddress,
    destination: IpAddress,
    /// The protocol of the payload. With IPv6, the payload can begin with an extension header.
    protocol: IpProtocol,
    /// Whether the packet is a fragment. Always false with IPv6, because the `protocol` of an IPv6 fragment is the
    /// Fragment header.
    fragment: bool,
    start: usize,
    end: usize,
}

/// Returns the addresses, the protocol and the payload's position of the IP packet in a frame. Returns `None` if the
/// frame contains no well-formed IP packet.
fn ip_of(frame: &[u8], medium: Medium) -> Option<Ip> {
    let link = if medium == Medium::Ethernet { EthernetFrame::<&[u8]>::header_len() } else { 0 };
    let packet = frame.get(link..)?;
    let (source, destination, protocol, fragment, header, payload): (IpAddress, IpAddress, _, _, usize, _) =
        match packet.first()? >> 4 {
            4 => {
                let ip = Ipv4Packet::new_checked(packet).ok()?;
                let fragment = ip.more_frags() || ip.frag_offset() != 0;
                let header = ip.header_len().into();
                (ip.src_addr().into(), ip.dst_addr().into(), ip.next_header(), fragment, header, ip.payload().len())
            }
            6 => {
                let ip = Ipv6Packet::new_checked(packet).ok()?;
                let header = ip.header_len();
                (ip.src_addr().into(), ip.dst_addr().into(), ip.next_header(), false, header, ip.payload().len())
            }
            _ => return None,
        };
    let start = link + header;
    Some(Ip { source, destination, protocol, fragment, start, end: start + payload })
}

/// Adds `bytes` to the sum `before` of an Internet checksum (RFC 1071). The result is not inverted.
fn sum(before: u64, bytes: &[u8]) -> u16 {
    // Adding 32-bit words takes half as many steps as 16-bit words. Folding the carries gives the same sum.
    let (words, rest) = bytes.as_chunks::<4>();
    let mut total = words.iter().fold(before, |total, &word| total + u64::from(u32::from_be_bytes(word)));
    // The last one to three bytes, padded with zeros.
    let mut last = [0; 4];
    for (to, from) in last.iter_mut().zip(rest) {
        *to = *from;
    }
    total += u64::from(u32::from_be_bytes(last));
    // Add the carries to the low 16 bits.
    while total > 0xFFFF {
        total = (total & 0xFFFF) + (total >> 16);
    }
    total as u16
}

/// Writes `value` at offset `at`, in network byte order. Does nothing if `bytes` is too short.
fn put(bytes: &mut [u8], at: usize, value: u16) {
    if let Some(to) = bytes.get_mut(at..at + 2) {
        to.copy_from_slice(&value.to_be_bytes());
    }
}
