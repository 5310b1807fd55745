//! IPv6 extension headers (RFC 8200 section 4): finds the upper-layer header after them and removes them from a packet.

#[cfg(test)]
mod tests;

use smoltcp::wire::IpProtocol;

/// The length of an IPv6 header, in bytes.
pub(super) const HEADER: usize = 40;
/// The length of a Fragment header, in bytes.
pub(super) const FRAGMENT: usize = 8;
/// The offset of the Next Header field in an IPv6 header, in bytes.
const NEXT_HEADER: usize = 6;

const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const FRAGMENTED: u8 = 44;
const NO_NEXT: u8 = 59;
const DESTINATION: u8 = 60;

/// The data that follows an IPv6 header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chain {
    /// A fragment of a datagram.
    Fragment(Fragment),
    /// A header that this host does not accept. The packet is dropped, and its sender gets an ICMPv6 parameter problem.
    Problem(Problem),
    /// The header of TCP, UDP or ICMPv6, at the offset `at` of the packet. `fragment` says whether a Fragment header
    /// precedes it.
    Upper { protocol: u8, at: usize, fragment: bool },
    /// The packet is malformed or has no upper-layer header. The packet is dropped silently.
    Silent,
}

/// The Fragment header of a packet (RFC 8200 section 4.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fragment {
    /// The offset of the Fragment header in the packet, in bytes.
    pub(super) at: usize,
    /// The offset of the Next Header field that announces the Fragment header, in bytes.
    pub(super) announced_at: usize,
    /// The protocol of the header that begins the datagram's data.
    pub(super) next: u8,
    /// The offset of the packet's data in the datagram, in bytes.
    pub(super) offset: usize,
    pub(super) more: bool,
    pub(super) id: u32,
}

/// The contents of an ICMPv6 parameter problem (RFC 4443 section 3.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) code: u8,
    pub(super) pointer: u32,
    /// Whether the error is sent even if the packet was addressed to a multicast group.
    pub(super) to_group: bool,
}

impl Problem {
    /// Returns the problem for a field with an invalid value.
    pub(super) fn field(pointer: usize) -> Problem {
        Problem { code: 0, pointer: pointer as u32, to_group: false }
    }

    /// Returns the problem for a Next Header value that is not recognised.
    fn next_header(pointer: usize) -> Problem {
        Problem { code: 1, pointer: pointer as u32, to_group: false }
    }

    /// The first fragment does not contain all headers (RFC 7112 section 5).
    pub(super) const INCOMPLETE_HEADERS: Problem = Problem { code: 3, pointer: 0, to_group: false };
}

/// Parses the headers of an IPv6 packet. `packet` ends with the payload.
pub(super) fn read(packet: &[u8]) -> Chain {
    match packet.get(NEXT_HEADER) {
        Some(&next) if packet.len() >= HEADER => walk(packet, next, NEXT_HEADER, HEADER),
        _ => Chain::Silent,
    }
}

/// Returns whether the first fragment of a datagram contains all headers, including the upper layer's. A first fragment
/// that lacks headers is rejected (RFC 7112 section 5).
///
/// `next` is the protocol of the first header in `data`.
pub(super) fn all_headers_are_in(data: &[u8], next: u8) -> bool {
    let (mut next, mut at) = (next, 0);
    while let HOP_BY_HOP | ROUTING | DESTINATION = next {
        let Some(header) = header(data, at) else { return false };
        // The first byte of an extension header is the type of the next header.
        (next, at) = (header[0], at + header.len());
    }
    // The length of the upper layer's fixed header, in bytes.
    let least = match IpProtocol::from(next) {
        IpProtocol::Tcp => 20,
        IpProtocol::Udp | IpProtocol::Icmpv6 => 8,
        // The headers of other protocols are not checked.
        _ => 0,
    };
    data.len() >= at + least
}

/// Copies a packet without its extension headers to `out`. Returns the copy's length.
///
/// `at` is the offset of the upper-layer header, and `protocol` is its type. Returns `None` if `out` is too short, or
/// if the payload is longer than its length field allows.
pub(super) fn strip(packet: &[u8], protocol: u8, at: usize, out: &mut [u8]) -> Option<usize> {
    let (header, payload) = (packet.get(..HEADER)?, packet.get(at..)?);
    let len = HEADER + payload.len();
    let out = out.get_mut(..len)?;
    out[..HEADER].copy_from_slice(header);
    // The Payload Length field.
    out[4..6].copy_from_slice(&u16::try_from(payload.len()).ok()?.to_be_bytes());
    out[NEXT_HEADER] = protocol;
    out[HEADER..].copy_from_slice(payload);
    Some(len)
}

/// Parses the headers that begin at the offset `at`. The first header has the type `next`, which the byte at the offset
/// `announced_at` contains.
fn walk(packet: &[u8], mut next: u8, mut announced_at: usize, mut at: usize) -> Chain {
    let mut fragment = false;
    loop {
        match IpProtocol::from(next) {
            IpProtocol::Tcp | IpProtocol::Udp | IpProtocol::Icmpv6 => {
                return Chain::Upper { protocol: next, at, fragment };
            }
            _ => {}
        }
        let known = match next {
            // Only the IPv6 header may announce hop-by-hop options (RFC 8200 section 4).
            HOP_BY_HOP => announced_at == NEXT_HEADER,
            DESTINATION | ROUTING | FRAGMENTED => true,
            NO_NEXT => return Chain::Silent,
            _ => false,
        };
        if !known {
            return Chain::Problem(Problem::next_header(announced_at));
        }
        if next == FRAGMENTED {
            let Some(header) = packet.get(at..).and_then(|rest| rest.first_chunk::<FRAGMENT>()) else {
                return Chain::Silent;
            };
            let read = read_fragment(header, at, announced_at);
            if read.more || read.offset > 0 {
                return Chain::Fragment(read);
            }
            // An atomic fragment is a whole datagram (RFC 6946 section 4).
            fragment = true;
            (next, announced_at, at) = (read.next, at, at + FRAGMENT);
            continue;
        }
        let Some(header) = header(packet, at) else { return Chain::Silent };
        // The fourth byte of a Routing header is Segments Left (RFC 8200 section 4.4). This host supports no routing
        // type, so the error points to the third byte, Routing Type.
        if next == ROUTING && header[3] > 0 {
            return Chain::Problem(Problem::field(at + 2));
        }
        if next != ROUTING
            && let Err(verdict) = options(header, at)
        {
            return verdict;
        }
        (next, announced_at, at) = (header[0], at, at + header.len());
    }
}

/// Returns the header at the offset `at`, or `None` if the packet is too short. A header's second byte is the header's
/// length in units of 8 bytes, excluding the first 8 bytes.
fn header(packet: &[u8], at: usize) -> Option<&[u8]> {
    let rest = packet.get(at..)?;
    rest.get(..8 * (1 + usize::from(*rest.get(1)?)))
}

/// Checks the options of a header that begins at the offset `at` of its packet. Returns `Err` with the verdict about
/// the packet if the packet must be dropped.
///
/// The two high bits of an unknown option's type say what to do (RFC 8200 section 4.2):
///
/// - 0: skip the option;
/// - 1: drop the packet;
/// - 2: drop the packet and send an error, even if the packet was addressed to a multicast group;
/// - 3: drop the packet and send an error, but not about a packet to a multicast group.
fn options(header: &[u8], at: usize) -> Result<(), Chain> {
    const PAD_1: u8 = 0;
    const PAD_N: u8 = 1;
    // The router alert option (RFC 2711), which only routers process.
    const ROUTER_ALERT: u8 = 5;
    // The options follow the type of the next header and the length, one byte each.
    let mut position = 2;
    while let Some(&kind) = header.get(position) {
        if kind == PAD_1 {
            position += 1;
            continue;
        }
        let Some(&len) = header.get(position + 1) else { return Err(Chain::Silent) };
        let problem = Problem { code: 2, pointer: (at + position) as u32, to_group: true };
        match kind >> 6 {
            _ if kind == PAD_N || kind == ROUTER_ALERT => {}
            0 => {}
            1 => return Err(Chain::Silent),
            2 => return Err(Chain::Problem(problem)),
            _ => return Err(Chain::Problem(Problem { to_group: false, ..problem })),
        }
        position += 2 + usize::from(len);
        if position > header.len() {
            return Err(Chain::Silent);
        }
    }
    Ok(())
}

/// Parses a Fragment header.
fn read_fragment(header: &[u8; FRAGMENT], at: usize, announced_at: usize) -> Fragment {
    let [next, _, high, low, id @ ..] = *header;
    let field = u16::from_be_bytes([high, low]);
    // The upper 13 bits are the offset in units of 8 bytes. Clearing the lower three bits yields the offset in bytes.
    Fragment {
        at,
        announced_at,
        next,
        offset: usize::from(field & !7),
        more: field & 1 != 0,
        id: u32::from_be_bytes(id),
    }
}
