//! The contents of acknowledgements: the receive window, out-of-order ranges and duplicate ranges.

use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{TcpOption, TcpPacket, TcpSeqNumber};

use super::{Block, Segment, distance};

/// The number of window units that the stack keeps back at first, as a reserve.
///
/// The window field counts units of 2^scale bytes, and smoltcp rounds the field down. After a received segment whose
/// length is not a multiple of the unit, the rounded field would move the right edge of the window back (RFC 7323
/// section 2.4). The stack rounds the field up instead, so the edge moves forward into this reserve.
const RESERVE: u32 = 256;

/// The largest number of SACK ranges in a segment.
pub(super) const RANGES: usize = 3;

/// The data that the acknowledgements to the peer are built from.
#[derive(Clone, Debug)]
pub(in crate::stack) struct Receiver {
    /// The right edge of smoltcp's receive window. smoltcp accepts nothing beyond it.
    limit: TcpSeqNumber,
    /// Received ranges above RCV.NXT, newest first.
    ranges: heapless::Vec<(TcpSeqNumber, TcpSeqNumber), RANGES>,
    /// A range that arrived twice, to be reported once (RFC 2883).
    duplicate: Option<(TcpSeqNumber, TcpSeqNumber)>,
    /// The shift count of smoltcp's window field. The peer knows `Block::scale`, which is a different number if
    /// `offered_scale` is set.
    pub(super) inner_scale: u8,
    /// The window scale to offer instead of smoltcp's.
    pub(super) offered_scale: Option<u8>,
}

impl Receiver {
    pub(super) const NEW: Receiver = Receiver {
        limit: TcpSeqNumber(0),
        ranges: heapless::Vec::new(),
        duplicate: None,
        inner_scale: 0,
        offered_scale: None,
    };
}

impl Block {
    /// Returns the right edge of smoltcp's receive window.
    pub(super) fn limit(&self) -> TcpSeqNumber {
        self.receiver.limit
    }

    /// Sets the right edge of smoltcp's receive window.
    pub(super) fn set_limit(&mut self, limit: TcpSeqNumber) {
        self.receiver.limit = limit;
    }

    /// Resets the receiver's state after the peer's SYN, except the two window scales.
    pub(super) fn begin_receiving(&mut self) {
        let Receiver { inner_scale, offered_scale, .. } = self.receiver;
        self.receiver = Receiver { limit: self.rcv_nxt, inner_scale, offered_scale, ..Receiver::NEW };
    }

    /// Records the bytes of a segment that have been received before, for a duplicate SACK.
    pub(super) fn note_duplicate(&mut self, segment: &Segment) {
        let end = segment.seq + segment.len;
        let is_known = |&(start, to): &(_, _)| start <= segment.seq && end <= to;
        // Without SACK, the peer cannot be told of duplicates. A segment without data has none.
        if !self.reports_ranges() || segment.len == 0 {
            return;
        }
        if segment.seq < self.rcv_nxt {
            self.receiver.duplicate = Some((segment.seq, end.min(self.rcv_nxt)));
        } else if self.receiver.ranges.iter().any(is_known) {
            self.receiver.duplicate = Some((segment.seq, end));
        }
    }

    /// Reads the acknowledgement, window and SACK range of a segment that smoltcp created. From a SYN, also reads the
    /// window scale.
    pub(super) fn read_announcement(&mut self, segment: &Segment, frame: &[u8]) {
        if segment.rst {
            // An RST announces neither an acknowledgement nor a window.
            return;
        }
        if self.take_own_scale(segment, frame) {
            // smoltcp keeps its own scale for its window fields. The peer learns the offered scale, if there is one.
            self.receiver.inner_scale = self.scale;
            self.scale = self.receiver.offered_scale.unwrap_or(self.scale);
        }
        let r = &mut self.receiver;
        let Some(ack) = segment.ack else {
            // The SYN of an active open has no acknowledgement number, so the edge is relative to 0 until the SYN,ACK
            // arrives.
            r.limit = TcpSeqNumber(segment.window.into());
            return;
        };
        let scale = if segment.syn { 0 } else { r.inner_scale };
        r.limit = ack + (usize::from(segment.window) << scale);
        r.ranges.retain(|&(start, _)| start > ack);
        for option in segment.options(frame) {
            if let TcpOption::SackRange([Some((start, end)), ..]) = option {
                let (start, end) = (TcpSeqNumber(start as i32), TcpSeqNumber(end as i32));
                // smoltcp reports one range, which replaces the known ranges that it overlaps or touches.
                r.ranges.retain(|&(from, to)| to < start || end < from);
                if r.ranges.is_full() {
                    // The oldest range is last.
                    r.ranges.pop();
                }
                let _ = r.ranges.insert(0, (start, end));
            }
        }
    }

    /// Returns whether an acknowledgement must report ranges: a duplicate range, or received ranges above RCV.NXT.
    pub(in crate::stack) fn has_ranges(&self) -> bool {
        self.receiver.duplicate.is_some() || !self.receiver.ranges.is_empty()
    }

    /// Returns the received ranges above RCV.NXT, newest first.
    pub(super) fn ranges(&self) -> [Option<(TcpSeqNumber, TcpSeqNumber)>; RANGES] {
        let mut ranges = self.receiver.ranges.iter().copied();
        [(); RANGES].map(|()| ranges.next())
    }

    /// Returns the SACK ranges of an acknowledgement about to be sent (RFC 2018 section 4, RFC 2883 section 4). A
    /// duplicate range comes first and is reported only once.
    pub(in crate::stack) fn ranges_to_report(&mut self) -> [Option<(u32, u32)>; RANGES] {
        let ranges = self.receiver.duplicate.take().into_iter().chain(self.receiver.ranges.iter().copied());
        let mut reported = [None; RANGES];
        for (slot, (start, end)) in reported.iter_mut().zip(ranges) {
            *slot = Some((start.0 as u32, end.0 as u32));
        }
        reported
    }

    /// Returns the window field of a segment about to be sent with the acknowledgement number `ack`, and records the
    /// right edge that the field announces.
    ///
    /// The field never moves the announced edge back, and never announces more than smoltcp accepts.
    pub(in crate::stack) fn field_to_announce(&mut self, ack: TcpSeqNumber) -> u16 {
        let unit = 1 << self.scale;
        // In units: `most` is the window that smoltcp accepts, and `announced` is the window that the peer already
        // knows.
        let most = distance(ack, self.receiver.limit) / unit;
        let announced = distance(ack, self.edge).div_ceil(unit);
        // Without scaling, a unit is one byte. No field is then rounded, so no reserve is needed.
        let reserve = if self.scale == 0 { 0 } else { RESERVE.min(most / 2) };
        let field = (most - reserve).max(announced).min(most).min(u16::MAX.into());
        // The peer now knows this edge.
        self.edge = self.edge.max(ack + (field * unit) as usize);
        field as u16
    }

    /// Rewrites the window field of a segment about to be sent, so that the announced edge never moves back: see
    /// [`RESERVE`]. If the segment is a SYN, also rewrites its MSS and window scale.
    pub(in crate::stack) fn rewrite_header(
        &mut self,
        frame: &mut [u8],
        segment: &Segment,
        checksums: &ChecksumCapabilities,
    ) {
        if segment.syn {
            self.lower_mss(frame, segment, checksums);
            self.rewrite_scale(frame, segment, checksums);
        }
        let Some(ack) = segment.ack.filter(|_| !segment.rst) else { return };
        let field = match segment.syn {
            false => self.field_to_announce(ack),
            // The window field of a SYN is not scaled. It is rounded down to a multiple of the unit, so that the scaled
            // fields of later segments need not move the edge back.
            true if self.receiver.offered_scale.is_some() => segment.window >> self.scale << self.scale,
            // With a scale of 1, the unscaled field could announce nearly the whole receive buffer, so the reserve of
            // `RESERVE` units of 2 bytes is subtracted.
            true if self.scale == 1 => segment.window.saturating_sub(RESERVE as u16 * 2),
            true => segment.window,
        };
        if segment.syn {
            self.edge = ack + usize::from(field);
        }
        if field == segment.window {
            return;
        }
        let mut tcp = TcpPacket::new_unchecked(&mut frame[segment.header..segment.data + segment.len]);
        tcp.set_window_len(field);
        change_checksum(frame, segment, (segment.window, field), checksums);
    }

    /// Replaces smoltcp's window scale in an outgoing SYN by the configured scale, which experiments can set. Without a
    /// configured scale, or without the option in the SYN, the SYN stays as it is.
    ///
    /// The caller passes only SYNs.
    fn rewrite_scale(&self, frame: &mut [u8], segment: &Segment, checksums: &ChecksumCapabilities) {
        let Some(scale) = self.receiver.offered_scale else { return };
        // The options follow the 20 bytes of the fixed TCP header.
        let options = frame.get_mut(segment.header + 20..segment.data).unwrap_or_default();
        let mut at = 0;
        // smoltcp writes options of at least two bytes, and pads them at the end. Padding has the kind 0 or 1.
        while let Some(&[kind, len]) = options.get(at..).and_then(<[u8]>::first_chunk)
            && kind > 1
        {
            // Kind 3 is the window scale option: kind, length, shift count.
            if let (3, Some(shift)) = (kind, options.get_mut(at + 2)) {
                *shift = scale;
                break;
            }
            at += usize::from(len.max(2));
        }
        if checksums.tcp.tx() {
            let mut tcp = TcpPacket::new_unchecked(&mut frame[segment.header..segment.data + segment.len]);
            // The source and the destination: a tuple names the endpoints as the segment's receiver sees them.
            tcp.fill_checksum(&segment.tuple.remote.addr, &segment.tuple.local.addr);
        }
    }

    /// Lowers the MSS option of an outgoing SYN to the largest segment that fits the link or the path. smoltcp knows
    /// only the device's MTU, which can be larger. The caller passes only SYNs.
    fn lower_mss(&self, frame: &mut [u8], segment: &Segment, checksums: &ChecksumCapabilities) {
        // smoltcp writes the MSS option first. Its kind is 2, and its length is 4.
        let Some([2, 4, high, low]) =
            frame.get_mut(segment.header + 20..segment.data).and_then(<[u8]>::first_chunk_mut)
        else {
            return;
        };
        let mss = u16::from_be_bytes([*high, *low]);
        let lower = self.bounded_mss(mss);
        if lower == mss {
            return;
        }
        [*high, *low] = lower.to_be_bytes();
        change_checksum(frame, segment, (mss, lower), checksums);
    }
}

/// Updates the checksum of a segment after one field changed from `old` to `new` (RFC 1624).
fn change_checksum(frame: &mut [u8], segment: &Segment, (old, new): (u16, u16), checksums: &ChecksumCapabilities) {
    if checksums.tcp.tx() {
        let mut tcp = TcpPacket::new_unchecked(&mut frame[segment.header..segment.data + segment.len]);
        // One's complement arithmetic: the sum is folded twice, and each time the carries are added to the low 16 bits.
        let sum = u32::from(!tcp.checksum()) + u32::from(!old) + u32::from(new);
        let sum = (sum & 0xffff) + (sum >> 16);
        tcp.set_checksum(!((sum & 0xffff) + (sum >> 16)) as u16);
    }
}
