//! Joins consecutive segments of one stream into a super-segment, so that one write passes many segments to the kernel.
//!
//! Only IPv6 segments are joined, because smoltcp 0.14 cuts them to the MTU even if the device accepts longer segments.

#[cfg(test)]
mod tests;

use core::num::NonZeroU16;
use core::ops::Range;

use smoltcp::phy::Medium;
use smoltcp::wire::{ETHERNET_HEADER_LEN, IPV6_HEADER_LEN};

use super::offload::{LONGEST, tcp_of};

/// The longest headers of a segment, in bytes: Ethernet, IPv6, and TCP with all options.
pub(super) const MAX_HEAD: usize = ETHERNET_HEADER_LEN + IPV6_HEADER_LEN + 60;

/// The offset of the sequence number in a TCP header (RFC 9293 section 3.1).
const SEQUENCE: usize = 4;
/// The offset of the flags in a TCP header.
const FLAGS: usize = 13;

const ACK: u8 = 0x10;
const PSH: u8 = 0x08;

/// A super-segment to which more segments can be added.
#[derive(Debug)]
pub(super) struct Join {
    /// The number of bytes before the IPv6 header.
    link: usize,
    /// The number of bytes before the payload.
    head: usize,
    /// The number of payload bytes in each segment. The final segment may be shorter.
    size: NonZeroU16,
    /// The sequence number of the next segment.
    next: u32,
    /// The flags of all segments so far, combined.
    flags: u8,
}

impl Join {
    /// Begins a super-segment with an IPv6 data segment whose only flag is ACK.
    ///
    /// Returns `None` for any other frame, and for a payload shorter than the headers. A segment with PSH must be
    /// delivered immediately, so the segment cannot begin a super-segment.
    pub(super) fn begin(frame: &[u8], medium: Medium) -> Option<Join> {
        let tcp = tcp_of(frame, medium).filter(|tcp| tcp.v6 && tcp.end == frame.len())?;
        if *frame.get(tcp.start + FLAGS)? != ACK {
            return None;
        }
        let (link, head) = (tcp.start.checked_sub(IPV6_HEADER_LEN)?, tcp.payload);
        // The headers of the next segment are written over the end of this payload, so the payload must be long enough.
        let size = frame.len().checked_sub(head).filter(|&size| size >= head)?;
        let size = NonZeroU16::new(u16::try_from(size).ok()?)?;
        // `add` counts the segment's payload in `next`, and adds its flags to `flags`.
        let mut join = Join { link, head, size, next: word(frame, tcp.start + SEQUENCE)?, flags: 0 };
        join.add(frame)?;
        Some(join)
    }

    /// Returns the range of the buffer for the next frame, whose length is `len` bytes.
    ///
    /// The super-segment is `so_far` bytes long. The next frame's headers overlap the end of the super-segment, so that
    /// the payload of the next frame directly follows the earlier payload. Returns `None` if the super-segment would
    /// become too long.
    pub(super) fn next_range(&self, so_far: usize, len: usize) -> Option<Range<usize>> {
        let start = so_far.checked_sub(self.head)?;
        (start + len <= self.link + LONGEST).then_some(start..start + len)
    }

    /// Adds `frame` if its headers match the headers of `first` and its data follows the data so far.
    ///
    /// `first` is the super-segment's first frame. Returns whether `frame` was added.
    pub(super) fn try_add(&mut self, first: &[u8], frame: &[u8]) -> bool {
        self.continues(first, frame).is_some()
    }

    /// Adds `frame` if it continues the super-segment whose first frame is `first`. Returns `Some` if `frame` was
    /// added, otherwise `None`, so that `?` can reject the frame.
    fn continues(&mut self, first: &[u8], frame: &[u8]) -> Option<()> {
        let tcp = self.link + IPV6_HEADER_LEN;
        // Compares all header fields except the length, the sequence number, the flags and the checksum.
        let same =
            [0..self.link + 4, self.link + 6..tcp + 4, tcp + 8..tcp + 13, tcp + 14..tcp + 16, tcp + 18..self.head];
        if same.into_iter().any(|part| first.get(part.clone()) != frame.get(part)) {
            return None;
        }
        // The frame must be the next data segment, with no flag other than ACK and PSH, and no longer than the others.
        let payload = frame.len().checked_sub(self.head)?;
        let flags = *frame.get(tcp + FLAGS)? & !PSH;
        if word(frame, tcp + SEQUENCE)? != self.next
            || flags != ACK
            || payload == 0
            || payload > usize::from(self.size.get())
        {
            return None;
        }
        // The IPv6 payload length must match the frame.
        (usize::from(half(frame, self.link + 4)?) == frame.len() - tcp).then_some(())?;
        self.add(frame)
    }

    /// Returns whether another segment can be added after the most recent frame, which is `len` bytes long. A segment
    /// that has PSH, or is shorter than the others, is the last one.
    pub(super) fn may_continue(&self, len: usize) -> bool {
        self.flags & PSH == 0 && len - self.head == usize::from(self.size.get())
    }

    /// Completes the super-segment's headers in `frame`: its length and its flags. Returns the payload size of each
    /// segment that the kernel cuts from the super-segment.
    pub(super) fn finish(self, frame: &mut [u8]) -> NonZeroU16 {
        let tcp = self.link + IPV6_HEADER_LEN;
        let len = u16::try_from(frame.len() - tcp).unwrap_or(u16::MAX);
        // The payload length of the IPv6 header.
        if let Some(to) = frame.get_mut(self.link + 4..self.link + 6) {
            to.copy_from_slice(&len.to_be_bytes());
        }
        // The super-segment has every flag that one of its segments has.
        if let Some(flags) = frame.get_mut(tcp + FLAGS) {
            *flags = self.flags;
        }
        self.size
    }

    /// Counts the payload of `frame` in `next`, and adds its flags to `flags`. Returns `None` if `frame` is too short
    /// or too long.
    fn add(&mut self, frame: &[u8]) -> Option<()> {
        self.next = self.next.wrapping_add(u32::try_from(frame.len() - self.head).ok()?);
        self.flags |= frame.get(self.link + IPV6_HEADER_LEN + FLAGS)?;
        Some(())
    }
}

/// Returns the 16-bit number at offset `at`, in network byte order. `None` if `bytes` is too short.
fn half(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// Returns the 32-bit number at offset `at`, in network byte order. `None` if `bytes` is too short.
fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}
