//! ICMP errors that the stack sends and their rate limit (RFC 1122 section 3.2.2, RFC 4443 section 2.4).

use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{Icmpv6Packet, IpProtocol, Ipv4Address, Ipv4Packet, Ipv6Address, Ipv6Packet};

/// The length of the longest IPv6 packet that contains an ICMP error, in bytes (RFC 4443 section 2.4 c).
const LONGEST: usize = 1_280;
/// The length of the longest IPv4 packet that contains an ICMP error, in bytes (RFC 1812 section 4.3.2.3).
const LONGEST_V4: usize = 576;
/// The length of an ICMP error's header, before the quoted packet, in bytes.
const ICMP: usize = 8;

/// The largest number of errors in one burst and the largest average number of errors per second.
const BURST: u8 = 10;

/// The rate limit of errors: a token bucket (RFC 4443 section 2.4 f).
pub(super) struct Limit {
    tokens: u8,
    /// The time at which the newest token was added, or at which the newest error found the bucket full.
    since: Instant,
}

impl Default for Limit {
    fn default() -> Self {
        Limit { tokens: BURST, since: Instant::ZERO }
    }
}

impl Limit {
    /// Returns whether another error may be sent now. If so, counts the error.
    pub(super) fn allows(&mut self, now: Instant) -> bool {
        // A token is added after each tenth of a second, until the bucket is full.
        let each = Duration::from_micros(1_000_000 / u64::from(BURST));
        while self.tokens < BURST && self.since + each <= now {
            self.tokens += 1;
            self.since += each;
        }
        // While the bucket is full, time adds no tokens.
        if self.tokens == BURST {
            self.since = now;
        }
        let allowed = self.tokens > 0;
        self.tokens -= u8::from(allowed);
        allowed
    }
}

/// The type and code of an ICMP error and the four bytes after its checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Error {
    pub(super) kind: u8,
    pub(super) code: u8,
    pub(super) word: u32,
}

/// Writes an ICMP error about the IPv4 packet `about`, addressed to that packet's sender. Returns the length of the
/// error's packet.
///
/// Returns `None` if `out` is too short, or if no error may be sent (RFC 1122 section 3.2.2). No error is sent about a
/// fragment other than the first. No error is sent about a packet from or to a multicast, broadcast, loopback or
/// unspecified address.
pub(super) fn v4(out: &mut [u8], error: Error, about: &[u8]) -> Option<usize> {
    const HEADER: usize = 20;
    let packet = Ipv4Packet::new_unchecked(about.get(..HEADER)?);
    let (to, from) = (packet.src_addr(), packet.dst_addr());
    let one_host = |address: Ipv4Address| {
        !address.is_unspecified() && !address.is_broadcast() && !address.is_multicast() && !address.is_loopback()
    };
    if packet.frag_offset() > 0 || !one_host(to) || !one_host(from) {
        return None;
    }
    // The error quotes as much of the packet as fits.
    let quote = about.get(..about.len().min(LONGEST_V4 - HEADER - ICMP))?;
    let bytes = out.get_mut(..HEADER + ICMP + quote.len())?;
    bytes[..HEADER].fill(0);
    let mut ip = Ipv4Packet::new_unchecked(&mut *bytes);
    ip.set_version(4);
    ip.set_header_len(HEADER as u8);
    ip.set_total_len((HEADER + ICMP + quote.len()) as u16);
    ip.set_dont_frag(true);
    ip.set_hop_limit(64);
    ip.set_next_header(IpProtocol::Icmp);
    ip.set_src_addr(from);
    ip.set_dst_addr(to);
    ip.fill_checksum();
    write(&mut bytes[HEADER..], error, quote, &[]);
    let mut icmp = smoltcp::wire::Icmpv4Packet::new_unchecked(&mut bytes[HEADER..]);
    icmp.fill_checksum();
    Some(HEADER + ICMP + quote.len())
}

/// Writes an ICMP error about an IPv6 packet, as [`v4`] does about an IPv4 packet.
///
/// `about` is the packet in two parts. `from` is this host's address, from which the error is sent. Returns `None` if
/// `out` is too short, if the packet's source is an unspecified, multicast or loopback address, or if `from` is a
/// multicast address.
pub(super) fn v6(out: &mut [u8], error: Error, from: Ipv6Address, about: [&[u8]; 2]) -> Option<usize> {
    const HEADER: usize = 40;
    // The first part contains at least the IPv6 header.
    let to = Ipv6Packet::new_unchecked(about[0].get(..HEADER)?).src_addr();
    if to.is_unspecified() || to.is_multicast() || to.is_loopback() || from.is_multicast() {
        return None;
    }
    let room = LONGEST - HEADER - ICMP;
    let first = &about[0][..about[0].len().min(room)];
    let second = &about[1][..about[1].len().min(room - first.len())];
    let payload = ICMP + first.len() + second.len();
    let bytes = out.get_mut(..HEADER + payload)?;
    bytes[..HEADER].fill(0);
    let mut ip = Ipv6Packet::new_unchecked(&mut *bytes);
    ip.set_version(6);
    ip.set_payload_len(payload as u16);
    ip.set_hop_limit(64);
    ip.set_next_header(IpProtocol::Icmpv6);
    ip.set_src_addr(from);
    ip.set_dst_addr(to);
    write(&mut bytes[HEADER..], error, first, second);
    Icmpv6Packet::new_unchecked(&mut bytes[HEADER..]).fill_checksum(&from, &to);
    Some(HEADER + payload)
}

/// Writes an ICMP error that quotes the two parts of a packet. The checksum is left at 0.
fn write(out: &mut [u8], error: Error, first: &[u8], second: &[u8]) {
    // The header consists of the type, the code, the checksum and a word that depends on the type.
    let (header, quote) = out.split_at_mut(ICMP);
    header.copy_from_slice(&[error.kind, error.code, 0, 0, 0, 0, 0, 0]);
    header[4..].copy_from_slice(&error.word.to_be_bytes());
    quote[..first.len()].copy_from_slice(first);
    quote[first.len()..].copy_from_slice(second);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bucket holds 10 tokens, and gets one more every 100 ms. In the 10 s after the first burst, 99 errors are
    /// sent, the last of them after 9.9 s.
    #[test]
    fn ten_errors_a_second_are_sent() {
        let mut limit = Limit::default();
        let begin = Instant::from_secs(5);
        let at = |ms| begin + Duration::from_millis(ms);
        assert_eq!((0..50).filter(|_| limit.allows(at(0))).count(), 10);
        assert_eq!((0..10_000).filter(|&ms| limit.allows(at(ms))).count(), 99);
        assert_eq!((0..50).filter(|_| limit.allows(at(60_000))).count(), 10);
    }
}
