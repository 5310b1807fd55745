//! What the peer is told of what was received: how far it may send, and which ranges came out of order or twice.

use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{TcpOption, TcpPacket, TcpSeqNumber};

use super::{Block, Segment, distance};

/// The number of window units that are not offered at first.
///
/// The window field counts units of 2^scale bytes. A received segment that is not a multiple of that takes the right edge of the
/// window back if smoltcp's field, which is rounded down, is sent as it is (RFC 7323 section 2.4). Rounded up, the edge moves to
/// the right instead, into these units.
const RESERVE: u32 = 256;

/// The largest number of ranges in a segment.
const RANGES: usize = 3;

/// What the peer was told, and what it is to be told.
#[derive(Clone, Debug)]
pub(in crate::stack) struct Receiver {
    /// The right edge of the window that smoltcp has: it takes nothing beyond.
    limit: TcpSeqNumber,
    /// Ranges above RCV.NXT that were received, the newest first.
    ranges: heapless::Vec<(TcpSeqNumber, TcpSeqNumber), RANGES>,
    /// A range that came again, to be reported once (RFC 2883).
    duplicate: Option<(TcpSeqNumber, TcpSeqNumber)>,
}

impl Receiver {
    pub(super) const NEW: Receiver = Receiver { limit: TcpSeqNumber(0), ranges: heapless::Vec::new(), duplicate: None };
}

impl Block {
    /// The right edge of what smoltcp takes.
    pub(super) fn limit(&self) -> TcpSeqNumber {
        self.receiver.limit
    }

    /// Takes in the SYN of the peer.
    pub(super) fn begin_receiving(&mut self) {
        self.receiver = Receiver { limit: self.rcv_nxt, ..Receiver::NEW };
    }

    /// Notes the bytes of a received segment that the peer has sent before.
    pub(super) fn note_duplicate(&mut self, segment: &Segment) {
        let end = segment.seq + segment.len;
        let is_known = |&(start, to): &(_, _)| start <= segment.seq && end <= to;
        if !self.reports_ranges() || segment.len == 0 {
            return;
        }
        if segment.seq < self.rcv_nxt {
            self.receiver.duplicate = Some((segment.seq, end.min(self.rcv_nxt)));
        } else if self.receiver.ranges.iter().any(is_known) {
            self.receiver.duplicate = Some((segment.seq, end));
        }
    }

    /// Takes in what smoltcp says of the received bytes in a segment that it made.
    pub(super) fn take_told(&mut self, segment: &Segment, frame: &[u8]) {
        if segment.rst {
            return;
        }
        self.take_own_scale(segment, frame);
        let Some(ack) = segment.ack else { return };
        let scale = if segment.syn { 0 } else { self.scale };
        let r = &mut self.receiver;
        r.limit = ack + (usize::from(segment.window) << scale);
        r.ranges.retain(|&(start, _)| start > ack);
        for option in segment.options(frame) {
            if let TcpOption::SackRange([Some((start, end)), ..]) = option {
                let (start, end) = (TcpSeqNumber(start as i32), TcpSeqNumber(end as i32));
                r.ranges.retain(|&(from, to)| to < start || end < from);
                if r.ranges.is_full() {
                    r.ranges.pop();
                }
                let _ = r.ranges.insert(0, (start, end));
            }
        }
    }

    /// Whether an acknowledgement has more to say than what smoltcp writes.
    pub(in crate::stack) fn has_ranges(&self) -> bool {
        self.receiver.duplicate.is_some() || !self.receiver.ranges.is_empty()
    }

    /// The ranges of an acknowledgement that leaves (RFC 2018 section 4, RFC 2883 section 4).
    pub(in crate::stack) fn ranges_to_tell(&mut self) -> [Option<(u32, u32)>; RANGES] {
        let ranges = self.receiver.duplicate.take().into_iter().chain(self.receiver.ranges.iter().copied());
        let mut told = [None; RANGES];
        for (place, (start, end)) in told.iter_mut().zip(ranges) {
            *place = Some((start.0 as u32, end.0 as u32));
        }
        told
    }

    /// The window field of a segment that leaves with this acknowledgement: no edge that was told before is taken back, and none
    /// beyond smoltcp's is told.
    pub(in crate::stack) fn field_to_tell(&mut self, ack: TcpSeqNumber) -> u16 {
        let unit = 1 << self.scale;
        let most = distance(ack, self.receiver.limit) / unit;
        let told = distance(ack, self.edge).div_ceil(unit);
        let reserve = if self.scale == 0 { 0 } else { RESERVE.min(most / 2) };
        let field = (most - reserve).max(told).min(most).min(u16::MAX.into());
        self.edge = self.edge.max(ack + (field * unit) as usize);
        field as u16
    }

    /// Rewrites the window field of a segment that leaves. If the segment is a SYN, also rewrites its MSS.
    pub(in crate::stack) fn dress(&mut self, frame: &mut [u8], segment: &Segment, checksums: &ChecksumCapabilities) {
        if segment.syn {
            self.lower_mss(frame, segment, checksums);
        }
        let Some(ack) = segment.ack.filter(|_| !segment.rst) else { return };
        let field = match segment.syn {
            false => self.field_to_tell(ack),
            // The window of a SYN is not scaled. Only with this scale it may be all that the buffer has.
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

    /// Lowers the MSS of a SYN that leaves to the largest segment that fits the link.
    fn lower_mss(&self, frame: &mut [u8], segment: &Segment, checksums: &ChecksumCapabilities) {
        // smoltcp writes the MSS option first.
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
        let sum = u32::from(!tcp.checksum()) + u32::from(!old) + u32::from(new);
        let sum = (sum & 0xffff) + (sum >> 16);
        tcp.set_checksum(!((sum & 0xffff) + (sum >> 16)) as u16);
    }
}
