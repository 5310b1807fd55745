//! The checksums of IPv4, TCP and UDP, for controllers that cannot compute them.
//!
//! RFC 791, RFC 9293 section 3.1 and RFC 768 define the checksums.
//!
//! A driver copies every word of a frame anyway. Summing the words during the copy costs much less than a second pass.
//! Words are summed as little-endian numbers on every machine, and only the final 16-bit sum is swapped (RFC 1071
//! section 2).

/// Returns whether the checksums in an Ethernet frame are right. The checksums are those of the IPv4 header and of the
/// TCP segment or UDP datagram.
///
/// `sum` is the sum of the bytes of an IPv4 packet, if the caller knows the sum. Returns false for a fragment of a
/// segment or datagram, because its checksum cannot be verified. The checksums of other protocols are ignored. Returns
/// true for a malformed frame, because the stack drops it, and for a frame with a VLAN tag.
pub(super) fn is_right(frame: &[u8], sum: Option<u32>) -> bool {
    let Some(packet) = ip_start(frame).and_then(|start| frame.get(start..)) else { return true };
    let Some(Transport { protocol, start, mut end, header, pseudo, fragment, version_6 }) = transport(packet) else {
        return true;
    };
    // Over a right IPv4 header, the sum is 0xffff. For IPv6, whose header has no checksum, `transport` sets 0xffff.
    if header != 0xffff {
        return false;
    }
    if !matches!(protocol, TCP | UDP) {
        return true;
    }
    // The checksum covers all fragments, so it cannot be verified for one of them.
    if fragment {
        return false;
    }
    // The sum of a correct IP header is 0xffff, which is zero in one's complement, so the sum of the packet is also the
    // sum of the packet without its header. An IPv6 header has no checksum, so the caller's sum is not used.
    let mut sum = sum.filter(|_| !version_6);
    if protocol == UDP {
        // The second half of the UDP header: the length field and the checksum field.
        let Some(&[_, _, _, _, high, low, a, b]) = packet.get(start..start + 8) else { return true };
        // If the checksum field is zero, there is no checksum, which only IPv4 allows.
        if (a, b) == (0, 0) {
            return !version_6;
        }
        // The IP packet can be longer than the datagram. The caller's sum then includes the bytes after the datagram.
        let len = usize::from(u16::from_be_bytes([high, low]));
        if start + len != end {
            sum = None;
            end = end.min(start + len);
        }
    }
    let sum = sum.unwrap_or_else(|| sum_of(packet.get(start..end).unwrap_or_default()));
    fold(add(add(sum, pseudo), protocol_and_length(protocol, end - start))) == 0xffff
}

/// Writes the checksums of the IPv4 header and of the TCP segment or UDP datagram in an Ethernet frame. Leaves a frame
/// without an IP packet, and a malformed packet, unchanged.
///
/// `sum` is the sum of the IP packet's bytes from offset 20 to the end, if the caller knows the sum. In a fragment,
/// only the IP header's checksum is written, because the checksum of the segment or datagram covers all fragments.
/// smoltcp has set that checksum to 0. In UDP, 0 means that there is no checksum.
pub(super) fn fill(frame: &mut [u8], sum: Option<u32>) {
    let Some(packet) = ip_start(frame).and_then(|start| frame.get_mut(start..)) else { return };
    let Some(Transport { protocol, start, end, header, pseudo, fragment, version_6 }) = transport(packet) else {
        return;
    };
    if !version_6 && let Some(field) = packet.get_mut(10..).and_then(|rest| rest.first_chunk_mut()) {
        *field = checksum_excluding(header.into(), *field).to_le_bytes();
    }
    if fragment || !matches!(protocol, TCP | UDP) {
        return;
    }
    let Some(segment) = packet.get_mut(start..end) else { return };
    // If the IP header is longer than 20 bytes, the caller's sum includes the rest of that header.
    let sum = sum.filter(|_| start == 20).unwrap_or_else(|| sum_of(segment));
    let sum = add(add(sum, pseudo), protocol_and_length(protocol, segment.len()));
    // The offset of the checksum field in a UDP header and in a TCP header.
    let at = if protocol == UDP { 6 } else { 16 };
    let Some(field) = segment.get_mut(at..).and_then(|rest| rest.first_chunk_mut::<2>()) else { return };
    let checksum = match checksum_excluding(sum, *field) {
        // In UDP, 0 would mean no checksum.
        0 if protocol == UDP => 0xffff,
        checksum => checksum,
    };
    *field = checksum.to_le_bytes();
}

/// Returns whether the checksum of an IPv4 header is right. A fuzzing build treats every checksum as right.
#[cfg(feature = "recovery")]
pub(crate) fn is_header_right(header: &[u8]) -> bool {
    // A header without options is 20 bytes long. Because the compiler knows this length, the sum takes only a few
    // instructions.
    let sum = header.as_array::<20>().map_or_else(|| sum_of(header), |header| sum_of(header));
    cfg!(fuzzing) || fold(sum) == 0xffff
}

/// Returns whether the checksum of a TCP segment is right. A fuzzing build treats every checksum as right. `ends`
/// contains the packet's source and destination addresses.
#[cfg(feature = "recovery")]
pub(crate) fn is_tcp_right(ends: &[u8], segment: &[u8]) -> bool {
    let ends = ends.as_array::<8>().map_or_else(|| sum_of(ends), |ends| sum_of(ends));
    let sum = add(add(sum_of(segment), ends), protocol_and_length(TCP, segment.len()));
    cfg!(fuzzing) || fold(sum) == 0xffff
}

/// Returns the checksum of bytes whose sum is `sum`. The sum includes `field`, the present value of the checksum field.
fn checksum_excluding(sum: u32, field: [u8; 2]) -> u16 {
    // Adding the complement of `field` removes the field's value from the sum.
    !fold(add(sum, u32::from(!u16::from_le_bytes(field))))
}

/// Adds with end-around carry.
pub(super) fn add(a: u32, b: u32) -> u32 {
    let (sum, carry) = a.overflowing_add(b);
    sum + u32::from(carry)
}

/// Returns the end-around-carry sum of `bytes`, which must start at an even offset in the packet.
// The words are as long as the machine's registers. If they have eight bytes, one word of four bytes can remain.
fn sum_of(bytes: &[u8]) -> u32 {
    let (words, rest) = bytes.as_chunks::<{ size_of::<usize>() }>();
    let (half, rest) = rest.as_chunks::<4>();
    // The final bytes, fewer than four, as one little-endian number.
    let last = rest.iter().rev().fold(0, |word, &byte| word << 8 | usize::from(byte));
    let last = half.iter().fold(last, |sum, half| sum + u32::from_le_bytes(*half) as usize);
    let sum = words.iter().fold(last, |sum: usize, word| {
        let (sum, carry) = sum.overflowing_add(usize::from_le_bytes(*word));
        sum + usize::from(carry)
    });
    #[cfg(target_pointer_width = "64")]
    let sum = add(sum as u32, (sum >> 32) as u32);
    #[cfg(not(target_pointer_width = "64"))]
    let sum = sum as u32;
    sum
}

/// Returns the offset of the IP packet in a frame, if the frame contains one (EtherTypes 0x0800 and 0x86dd).
fn ip_start(frame: &[u8]) -> Option<usize> {
    matches!(u16::from_be_bytes(*frame.get(12..)?.first_chunk()?), 0x0800 | 0x86dd).then_some(14)
}

const TCP: u8 = 6;
const UDP: u8 = 17;

/// The TCP segment, UDP datagram or other payload of an IP packet, from offset `start` to `end` of the packet.
struct Transport {
    protocol: u8,
    start: usize,
    end: usize,
    /// The sum of an IPv4 packet's header. For an IPv6 packet, whose header has no checksum, the value is 0xffff.
    header: u16,
    /// The sum of the source and destination addresses, which is the first part of the pseudo-header's sum.
    pseudo: u32,
    fragment: bool,
    /// Whether the packet is an IPv6 packet. A UDP checksum of 0 is then wrong (RFC 8200 section 8.1).
    version_6: bool,
}

/// Parses the headers of an IP packet. Returns `None` if the packet is malformed, or if it is an IPv6 packet that
/// contains neither TCP nor UDP.
fn transport(packet: &[u8]) -> Option<Transport> {
    let first = *packet.first()?;
    match first >> 4 {
        4 => {
            let start = usize::from(first & 15) * 4;
            let header: &[u8; 20] = packet.first_chunk()?;
            let end = usize::from(u16::from_be_bytes([header[2], header[3]]));
            if start < 20 || start > end || end > packet.len() {
                return None;
            }
            // The source address and the destination address.
            let pseudo = add(word(header, 12), word(header, 16));
            let mut sum = add(add(add(word(header, 0), word(header, 4)), word(header, 8)), pseudo);
            if start > 20 {
                sum = add(sum, sum_of(packet.get(20..start)?));
            }
            Some(Transport {
                protocol: header[9],
                start,
                end,
                header: fold(sum),
                pseudo,
                // The flag "more fragments", or an offset other than 0.
                fragment: u16::from_be_bytes([header[6], header[7]]) & 0x3fff != 0,
                version_6: false,
            })
        }
        #[cfg(feature = "ipv6")]
        6 => version_6(packet),
        _ => None,
    }
}

/// Parses the headers of an IPv6 packet. Returns `None` if the packet is malformed or contains neither TCP nor UDP.
#[cfg(feature = "ipv6")]
fn version_6(packet: &[u8]) -> Option<Transport> {
    let header: &[u8; 40] = packet.first_chunk()?;
    let end = 40 + usize::from(u16::from_be_bytes([header[4], header[5]]));
    let (mut protocol, mut start, mut fragment) = (header[6], 40, false);
    // Skips the extension headers: hop-by-hop options, routing, fragment and destination options. Each extension header
    // names the next header (RFC 8200 section 4).
    while let 0 | 43 | 44 | 60 = protocol {
        let &[next, length] = packet.get(start..end)?.first_chunk()?;
        fragment |= protocol == 44;
        start += if protocol == 44 { 8 } else { 8 * (usize::from(length) + 1) };
        protocol = next;
    }
    let well_formed = start <= end && end <= packet.len();
    (matches!(protocol, TCP | UDP) && well_formed).then(|| Transport {
        protocol,
        start,
        end,
        // An IPv6 header has no checksum, so it counts as right.
        header: 0xffff,
        // The source address and the destination address.
        pseudo: sum_of(&header[8..]),
        fragment,
        version_6: true,
    })
}

/// Returns the 32-bit word at offset `at` of a header.
fn word(header: &[u8; 20], at: usize) -> u32 {
    u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
}

/// Returns the sum of the pseudo-header's protocol and length fields.
fn protocol_and_length(protocol: u8, len: usize) -> u32 {
    u32::from(u16::from_le_bytes([0, protocol])) + u32::from((len as u16).swap_bytes())
}

/// Reduces a sum to 16 bits, with end-around carry.
fn fold(sum: u32) -> u16 {
    let sum = (sum & 0xffff) + (sum >> 16);
    ((sum & 0xffff) + (sum >> 16)) as u16
}

#[cfg(all(test, feature = "std"))]
mod tests;
