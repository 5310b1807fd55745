//! Reassembles datagrams from IP fragments (RFC 791 section 3.2, RFC 8200 section 4.5).
//!
//! The caller lends the memory, and each datagram gets an equal share. When all shares are taken, a new datagram
//! replaces the oldest. An exact copy of a fragment is ignored. A fragment that overlaps another fragment ends its
//! datagram (RFC 5722 section 4). Further fragments of that datagram are ignored until the datagram times out.
//!
//! A reassembled datagram reports congestion if one of its fragments reports congestion. The datagram is dropped if
//! another of its fragments does not support such reports (RFC 3168 section 5.3).
//!
//! A datagram times out 30 s after its first fragment arrives. RFC 1122 section 3.3.2 recommends 60 to 120 s, and RFC
//! 8200 section 4.5 requires 60 s. The stack waits for a shorter time, because fragments occupy memory and arrive
//! within seconds or never. Linux also waits 30 s for IPv4.

mod coverage;
#[cfg(test)]
mod tests;

use core::ops::Range;

use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{IpAddress, Ipv4Packet, Ipv6Address, Ipv6Packet};

use super::extensions::{self, Fragment, Problem};
use super::icmp_reply::{self, Error};
use coverage::{Added, Coverage};

/// The timeout of a datagram: how long its fragments are kept.
pub(super) const TIMEOUT: Duration = Duration::from_secs(30);

/// The length, in bytes, of the longest IPv4 packet and of the longest payload of an IPv6 packet.
const LONGEST: usize = 65_535;
/// The offset of a datagram's data in its share of the memory. The headers are placed directly before the data.
const ROOM: usize = 320;
/// The size of a share that is large enough for any datagram, in bytes.
#[cfg(all(feature = "alloc", feature = "fragments"))]
pub(crate) const SHARE: usize = ROOM + LONGEST + 1;

/// The bit in `Reassembly::ecn` for the codepoint Not-ECT.
const NOT_CAPABLE: u8 = 1 << 0b00;
/// The bit in `Reassembly::ecn` for the codepoint CE.
const CONGESTED: u8 = 1 << 0b11;

/// The state of a datagram that arrives in fragments.
#[derive(Clone)]
pub struct Reassembly {
    /// Identifies the datagram. `None` if the entry is free.
    key: Option<Key>,
    /// The time at which the first fragment of the datagram arrived.
    begin: Instant,
    /// Whether the stack has abandoned the datagram. Further fragments of the datagram are ignored.
    abandoned: bool,
    /// The length of the datagram's data. `None` until the fragment at the end has arrived.
    total: Option<usize>,
    /// The length of the headers in the fragment at offset 0, including the Fragment header. The value is 0 until that
    /// fragment has arrived.
    head: usize,
    /// For IPv6, the offset of the Next Header field that announces the Fragment header.
    announced_at: usize,
    /// For IPv6, the protocol of the data.
    next: u8,
    /// The length of the data in the fragment at offset 0.
    first: usize,
    /// The ECN fields of the fragments, as a set: one bit for each value of the field.
    ecn: u8,
    coverage: Coverage,
}

impl Default for Reassembly {
    fn default() -> Self {
        Reassembly {
            key: None,
            begin: Instant::ZERO,
            abandoned: false,
            total: None,
            head: 0,
            announced_at: 0,
            next: 0,
            first: 0,
            ecn: 0,
            coverage: Coverage::default(),
        }
    }
}

/// The values that all fragments of one datagram have in common (RFC 791 section 3.2, RFC 8200 section 4.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Key {
    source: IpAddress,
    destination: IpAddress,
    id: u32,
    /// The protocol of an IPv4 datagram, or 0 for IPv6.
    protocol: u8,
}

/// The result of a fragment's arrival.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Arrival<'r> {
    /// The fragment is invalid, overlaps another fragment, or completes a datagram whose ECN fields contradict each
    /// other. The fragment is dropped. Its datagram can be dropped, too.
    Bad,
    /// The fragment is kept or is a copy of a kept fragment. `lost` says whether the fragment's datagram replaced
    /// another datagram.
    Kept { lost: bool },
    /// The fragment is dropped, and its sender gets an ICMPv6 parameter problem.
    Problem(Problem),
    /// The fragment completes its datagram. The value is the whole packet, without a Fragment header.
    Rebuilt(&'r [u8]),
}

/// One fragment, of either IP version.
struct Piece<'p> {
    key: Key,
    /// The headers before the data.
    head: &'p [u8],
    data: &'p [u8],
    offset: usize,
    more: bool,
    announced_at: usize,
    next: u8,
}

/// The datagrams that are being reassembled.
#[derive(Default)]
pub(in crate::stack) struct Reassembler<'a> {
    datagrams: &'a mut [Reassembly],
    bytes: &'a mut [u8],
}

impl<'a> Reassembler<'a> {
    /// Creates a reassembler that divides `bytes` evenly among `datagrams`.
    pub(super) fn new(datagrams: &'a mut [Reassembly], bytes: &'a mut [u8]) -> Self {
        Reassembler { datagrams, bytes }
    }

    /// Returns whether the reassembler has no memory.
    pub(super) fn is_empty(&self) -> bool {
        self.datagrams.is_empty()
    }

    /// Processes an IPv4 fragment. The caller has checked the header's checksum.
    pub(super) fn arrives_v4(&mut self, now: Instant, packet: &[u8]) -> Arrival<'_> {
        let Ok(ip) = Ipv4Packet::new_checked(packet) else { return Arrival::Bad };
        let key = Key {
            source: ip.src_addr().into(),
            destination: ip.dst_addr().into(),
            id: ip.ident().into(),
            protocol: ip.next_header().into(),
        };
        let (header, offset) = (usize::from(ip.header_len()), usize::from(ip.frag_offset()));
        let (head, data) = packet[..ip.total_len().into()].split_at(header);
        // Only the final fragment may have a length that is not a multiple of 8 bytes.
        if (ip.more_frags() && !data.len().is_multiple_of(8)) || header + offset + data.len() > LONGEST {
            return Arrival::Bad;
        }
        self.add(now, &Piece { key, head, data, offset, more: ip.more_frags(), announced_at: 0, next: 0 })
    }

    /// Processes an IPv6 fragment. `fragment` is the packet's Fragment header. `packet` ends with the payload.
    pub(super) fn arrives_v6(&mut self, now: Instant, packet: &[u8], fragment: &Fragment) -> Arrival<'_> {
        let header = fragment.at + extensions::FRAGMENT;
        let Some((head, data)) = packet.split_at_checked(header).filter(|_| fragment.at >= extensions::HEADER) else {
            return Arrival::Bad;
        };
        let ip = Ipv6Packet::new_unchecked(packet);
        // RFC 8200 section 4.5: the first of these problems points to the Payload Length field, and the second points
        // to the Fragment Offset field.
        if fragment.more && !data.len().is_multiple_of(8) {
            return Arrival::Problem(Problem::field(4));
        }
        if fragment.at - extensions::HEADER + fragment.offset + data.len() > LONGEST {
            return Arrival::Problem(Problem::field(fragment.at + 2));
        }
        if fragment.offset == 0 && !extensions::all_headers_are_in(data, fragment.next) {
            return Arrival::Problem(Problem::INCOMPLETE_HEADERS);
        }
        let key = Key { source: ip.src_addr().into(), destination: ip.dst_addr().into(), id: fragment.id, protocol: 0 };
        let &Fragment { offset, more, announced_at, next, .. } = fragment;
        self.add(now, &Piece { key, head, data, offset, more, announced_at, next })
    }

    /// Returns the time at which the oldest datagram times out, or `None` if no datagram is being reassembled.
    pub(super) fn due(&self) -> Option<Instant> {
        self.datagrams.iter().filter(|datagram| datagram.key.is_some()).map(|datagram| datagram.begin + TIMEOUT).min()
    }

    /// Removes one datagram that has timed out. Returns `None` if no datagram has timed out.
    ///
    /// The result is whether the loss must be reported, and the length of the ICMP error about the datagram, if there
    /// is one. The loss of an abandoned datagram has already been reported.
    ///
    /// The error is written to `out`. No error is written for a datagram whose first fragment is missing (RFC 1122
    /// section 3.3.2, RFC 8200 section 4.5), or for an abandoned datagram.
    pub(super) fn expire(&mut self, now: Instant, out: &mut [u8]) -> Option<(bool, Option<usize>)> {
        let share = self.share();
        let is_over = |datagram: &Reassembly| datagram.key.is_some() && datagram.begin + TIMEOUT <= now;
        let index = self.datagrams.iter().position(is_over)?;
        let datagram = &mut self.datagrams[index];
        let key = datagram.key.take()?;
        if datagram.abandoned || datagram.head == 0 {
            return Some((!datagram.abandoned, None));
        }
        let bytes = &self.bytes[index * share..][..share];
        let start = ROOM - datagram.head;
        let packet = &bytes[start..ROOM + datagram.first];
        // Time exceeded during reassembly: type 11 in ICMP, type 3 in ICMPv6.
        let len = match key.destination {
            IpAddress::Ipv4(_) => icmp_reply::v4(out, Error { kind: 11, code: 1, word: 0 }, packet),
            IpAddress::Ipv6(own) => icmp_reply::v6(out, Error { kind: 3, code: 1, word: 0 }, own, [packet, &[]]),
        };
        Some((true, len))
    }

    /// Returns the size of a datagram's share of the memory, in bytes.
    fn share(&self) -> usize {
        self.bytes.len() / self.datagrams.len().max(1)
    }

    /// Stores a fragment's data in its datagram. Rebuilds the packet once the datagram is complete. If the fragment
    /// contradicts earlier fragments, the whole datagram is abandoned.
    fn add(&mut self, now: Instant, piece: &Piece<'_>) -> Arrival<'_> {
        let share = self.share();
        let end = piece.offset + piece.data.len();
        // A fragment without data is rejected, because it adds nothing.
        if piece.data.is_empty() || ROOM + end > share || piece.head.len() > ROOM {
            return Arrival::Bad;
        }
        let Some((index, lost)) = self.find_or_create(now, &piece.key) else { return Arrival::Bad };
        let datagram = &mut self.datagrams[index];
        let bytes = &mut self.bytes[index * share..][..share];
        if datagram.abandoned {
            return Arrival::Bad;
        }
        let range = ROOM + piece.offset..ROOM + end;
        let is_copy = |bytes: &[u8]| bytes[range.clone()] == *piece.data;
        // The final fragment sets the end of the datagram. No other fragment may reach this end, and no second final
        // fragment may move it.
        let fits = match datagram.total {
            Some(total) if piece.more => end < total,
            Some(total) => end == total,
            None => piece.more || datagram.coverage.end() <= end,
        };
        match datagram.coverage.add(piece.offset..end) {
            Added::New if fits => bytes[range].copy_from_slice(piece.data),
            Added::Again if fits && is_copy(bytes) => return Arrival::Kept { lost },
            _ => {
                datagram.abandoned = true;
                return Arrival::Bad;
            }
        }
        datagram.ecn |= 1 << ecn(piece.head);
        if !piece.more {
            datagram.total = Some(end);
        }
        // The headers of the first fragment become the headers of the datagram.
        if piece.offset == 0 {
            let start = ROOM - piece.head.len();
            bytes[start..ROOM].copy_from_slice(piece.head);
            (datagram.head, datagram.first) = (piece.head.len(), piece.data.len());
            (datagram.announced_at, datagram.next) = (piece.announced_at, piece.next);
        }
        // Fragments do not overlap, so the datagram is complete once its bytes add up to its length.
        if datagram.total != Some(datagram.coverage.bytes()) {
            return Arrival::Kept { lost };
        }
        // The entry is free again, but its bytes stay until the next call.
        datagram.key = None;
        match rebuild(datagram, bytes) {
            Some(packet) => Arrival::Rebuilt(&bytes[packet]),
            None => Arrival::Bad,
        }
    }

    /// Finds or creates the entry of a datagram. Returns the entry's index and whether the datagram replaced another
    /// datagram. Returns `None` if the reassembler has no entries.
    fn find_or_create(&mut self, now: Instant, key: &Key) -> Option<(usize, bool)> {
        let same_key = self.datagrams.iter().position(|datagram| datagram.key.as_ref() == Some(key));
        if let Some(index) = same_key.filter(|&index| now < self.datagrams[index].begin + TIMEOUT) {
            return Some((index, false));
        }
        // A timed-out entry with the same key is used again. Otherwise a free entry is used first, then the entry of an
        // abandoned datagram, then the oldest entry.
        let order = |datagram: &Reassembly| (datagram.key.is_some(), !datagram.abandoned, datagram.begin);
        let index =
            same_key.or_else(|| (0..self.datagrams.len()).min_by_key(|&index| order(&self.datagrams[index])))?;
        let old = &mut self.datagrams[index];
        let lost = old.key.is_some() && !old.abandoned;
        *old = Reassembly { key: Some(*key), begin: now, ..Reassembly::default() };
        Some((index, lost))
    }
}

/// Joins a complete datagram's headers and data into one packet. The headers, which are those of the first fragment,
/// end at `ROOM` in `bytes`, and the data begins there. Returns the packet's range in `bytes`.
///
/// Returns `None` if the packet is too long, or if the ECN fields of its fragments contradict each other.
fn rebuild(datagram: &Reassembly, bytes: &mut [u8]) -> Option<Range<usize>> {
    let total = datagram.total?;
    let mut start = ROOM - datagram.head;
    if datagram.ecn & CONGESTED != 0 {
        if datagram.ecn & NOT_CAPABLE != 0 {
            return None;
        }
        set_congested(&mut bytes[start..ROOM]);
    }
    // With IPv4, which has no Fragment header, `announced_at` is 0.
    if datagram.announced_at == 0 {
        let mut ip = Ipv4Packet::new_unchecked(&mut bytes[start..ROOM + total]);
        ip.set_total_len(u16::try_from(datagram.head + total).ok()?);
        ip.clear_flags();
        ip.set_frag_offset(0);
        ip.fill_checksum();
    } else {
        // The field now announces the header or data after the Fragment header.
        bytes[start + datagram.announced_at] = datagram.next;
        // Removes the Fragment header, which is the last header before the data: the copy moves the other headers over
        // it.
        bytes.copy_within(start..ROOM - extensions::FRAGMENT, start + extensions::FRAGMENT);
        start += extensions::FRAGMENT;
        let payload = ROOM - start - extensions::HEADER + total;
        Ipv6Packet::new_unchecked(&mut bytes[start..ROOM + total]).set_payload_len(u16::try_from(payload).ok()?);
    }
    Some(start..ROOM + total)
}

/// Returns the ECN field of an IP header, the last two bits of Type of Service or Traffic Class (RFC 3168 section 5).
fn ecn(head: &[u8]) -> u8 {
    match *head {
        // In IPv6, Traffic Class ends with the upper four bits of the second byte.
        [first, second, ..] if first >> 4 == 6 => second >> 4 & 0b11,
        [_, second, ..] => second & 0b11,
        _ => 0,
    }
}

/// Sets the ECN field of an IP header to CE.
fn set_congested(head: &mut [u8]) {
    if let [first, second, ..] = head {
        *second |= if *first >> 4 == 6 { 0b11 << 4 } else { 0b11 };
    }
}

/// Returns the source and destination addresses of an IPv6 packet.
pub(super) fn ends(packet: &[u8]) -> (Ipv6Address, Ipv6Address) {
    let packet = Ipv6Packet::new_unchecked(packet);
    (packet.src_addr(), packet.dst_addr())
}
