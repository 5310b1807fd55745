//! Reads segments for the control block and writes the packets that smoltcp sees instead of received packets.

use smoltcp::phy::{Checksum, ChecksumCapabilities};
#[cfg(feature = "ipv6")]
use smoltcp::wire::Ipv6Packet;
use smoltcp::wire::{
    IpAddress, IpEndpoint, IpProtocol, IpRepr, Ipv4Packet, TcpControl, TcpOption, TcpPacket, TcpRepr, TcpSeqNumber,
};

#[cfg(feature = "recovery")]
use super::distance;
use crate::stack::event::Tuple;

/// The longest packet without data that [`write`] creates: an IPv6 header and a TCP header with three SACK ranges.
pub(in crate::stack) const LONGEST: usize = 40 + 20 + 28;

/// The header of a TCP segment, and the offsets of the header and the payload in the IP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::stack) struct Segment {
    /// The endpoints, as the receiver of the segment sees them: `local` is the receiver's endpoint.
    pub(in crate::stack) tuple: Tuple,
    pub(in crate::stack) seq: TcpSeqNumber,
    pub(in crate::stack) ack: Option<TcpSeqNumber>,
    pub(in crate::stack) syn: bool,
    pub(in crate::stack) fin: bool,
    pub(in crate::stack) rst: bool,
    /// The window field, not scaled.
    pub(in crate::stack) window: u16,
    /// The number of payload bytes.
    pub(in crate::stack) len: usize,
    /// The offset of the TCP header in the packet, in bytes.
    pub(in crate::stack) header: usize,
    /// The offset of the payload in the packet, in bytes.
    pub(in crate::stack) data: usize,
}

impl Segment {
    /// Reads the TCP header at the beginning of `tcp`, the payload of an IP packet. `header` is the offset of the TCP
    /// header in the packet, in bytes. Stores the segment in `segment`, which saves a copy. Returns `None` if the
    /// header is malformed.
    #[cfg_attr(feature = "recovery", inline(always))]
    pub(in crate::stack) fn read(
        source: IpAddress,
        destination: IpAddress,
        tcp: &[u8],
        header: usize,
        segment: &mut Option<Segment>,
    ) -> Option<()> {
        // This function does not use smoltcp's accessors, because they check the length of the packet for each field.
        let fields: &[u8; 20] = tcp.first_chunk()?;
        let (offset, flags) = (usize::from(fields[12] >> 4) * 4, fields[13]);
        if offset < fields.len() || offset > tcp.len() {
            return None;
        }
        let half = |at: usize| u16::from_be_bytes([fields[at], fields[at + 1]]);
        let number = |at: usize| i32::from_be_bytes([fields[at], fields[at + 1], fields[at + 2], fields[at + 3]]);
        // The arguments of `half` and `number` are offsets in the TCP header, in bytes.
        *segment = Some(Segment {
            tuple: Tuple {
                local: IpEndpoint { addr: destination, port: half(2) },
                remote: IpEndpoint { addr: source, port: half(0) },
            },
            seq: TcpSeqNumber(number(4)),
            // The flags are FIN (1), SYN (2), RST (4) and ACK (16): see RFC 9293 section 3.1.
            ack: (flags & 0x10 != 0).then(|| TcpSeqNumber(number(8))),
            syn: flags & 2 != 0,
            fin: flags & 1 != 0,
            rst: flags & 4 != 0,
            window: half(14),
            len: tcp.len() - offset,
            header,
            data: header + offset,
        });
        Some(())
    }

    /// Returns whether the segment requests a new connection.
    pub(in crate::stack) fn opens(&self) -> bool {
        self.syn && self.ack.is_none() && !self.rst
    }

    /// Returns whether the segment is a pure ACK.
    #[cfg(feature = "recovery")]
    pub(in crate::stack) fn is_pure(&self) -> bool {
        self.len == 0 && !self.syn && !self.fin && !self.rst
    }

    /// Returns the sequence number after the segment's final byte and FIN. A SYN is not counted.
    pub(in crate::stack) fn end(&self) -> TcpSeqNumber {
        self.seq + self.len + usize::from(self.fin)
    }

    /// Returns the segment's options up to the first malformed option.
    pub(in crate::stack) fn options<'f>(&self, packet: &'f [u8]) -> Options<'f> {
        Options(packet.get(self.header + 20..self.data).unwrap_or_default())
    }
}

/// The options of a segment.
pub(in crate::stack) struct Options<'f>(&'f [u8]);

impl<'f> Iterator for Options<'f> {
    type Item = TcpOption<'f>;

    /// Returns the next option. `None` at the end of the options, or at a malformed option.
    fn next(&mut self) -> Option<TcpOption<'f>> {
        if self.0.is_empty() {
            return None;
        }
        match TcpOption::parse(self.0) {
            Ok((rest, option)) if option != TcpOption::EndOfList => {
                self.0 = rest;
                Some(option)
            }
            _ => None,
        }
    }
}

/// Returns the checksum settings for a packet that only smoltcp's interface sees. The interface does not check TCP
/// checksums.
pub(in crate::stack) fn inner_checksums() -> ChecksumCapabilities {
    let mut checksums = ChecksumCapabilities::default();
    checksums.tcp = Checksum::None;
    checksums
}

/// Writes an IP packet that contains the TCP segment `tcp`, from the tuple's remote endpoint to its local endpoint. For
/// a segment to the peer, the caller passes a reversed tuple.
///
/// Returns the packet's length, or `None` if `out` is too short.
pub(in crate::stack) fn write(
    out: &mut [u8],
    tuple: &Tuple,
    tcp: &TcpRepr<'_>,
    checksums: &ChecksumCapabilities,
) -> Option<usize> {
    let (source, destination) = (tuple.remote, tuple.local);
    // 64 is the hop limit.
    let ip = IpRepr::new(source.addr, destination.addr, IpProtocol::Tcp, tcp.buffer_len(), 64);
    let len = ip.header_len() + tcp.buffer_len();
    let packet = out.get_mut(..len)?;
    ip.emit(&mut *packet, checksums);
    let mut segment = TcpPacket::new_unchecked(&mut packet[ip.header_len()..]);
    tcp.emit(&mut segment, &source.addr, &destination.addr, checksums);
    Some(len)
}

/// Returns an ACK with neither options nor data. The tuple's remote endpoint is the sender.
pub(in crate::stack) fn bare(tuple: &Tuple, seq: TcpSeqNumber, ack: TcpSeqNumber, window_len: u16) -> TcpRepr<'static> {
    TcpRepr {
        src_port: tuple.remote.port,
        dst_port: tuple.local.port,
        control: TcpControl::None,
        seq_number: seq,
        ack_number: Some(ack),
        window_len,
        window_scale: None,
        max_seg_size: None,
        sack_permitted: false,
        sack_ranges: [None; 3],
        timestamp: None,
        payload: &[],
    }
}

/// The differences between a received segment and the copy that smoltcp sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::stack) struct Patch {
    pub(in crate::stack) ack: TcpSeqNumber,
    pub(in crate::stack) window: u16,
    pub(in crate::stack) fin: bool,
    /// The number of payload bytes omitted at the start.
    pub(in crate::stack) skip: usize,
    /// The largest number of payload bytes kept after the skipped bytes.
    pub(in crate::stack) keep: usize,
}

/// Copies a packet to `out` with the changes in `patch`. Returns the copy's length.
///
/// Returns `None` if `out` is too short for the headers, if `packet` is shorter than `segment` says, or if `patch`
/// skips more bytes than the payload has.
///
/// If the payload does not fit `out`, the rest of the payload and FIN are cut off. The peer sends them again. The TCP
/// checksum is not updated, because smoltcp's interface does not check it.
pub(in crate::stack) fn copy(out: &mut [u8], packet: &[u8], segment: &Segment, patch: &Patch) -> Option<usize> {
    let headers = packet.get(..segment.data)?;
    let payload = packet.get(segment.data + patch.skip..segment.data + segment.len)?;
    let room = out.len().checked_sub(headers.len())?;
    let payload = &payload[..payload.len().min(patch.keep).min(room)];
    // FIN may follow only the final byte of the payload.
    let whole = patch.skip + payload.len() == segment.len;
    let len = headers.len() + payload.len();
    out[..headers.len()].copy_from_slice(headers);
    out[headers.len()..len].copy_from_slice(payload);
    let mut tcp = TcpPacket::new_unchecked(&mut out[segment.header..len]);
    tcp.set_seq_number(segment.seq + patch.skip);
    tcp.set_ack_number(patch.ack);
    tcp.set_window_len(patch.window);
    tcp.set_fin(patch.fin && whole);
    // smoltcp's interface checks the checksum of an IPv4 header.
    let fill_ipv4_checksum = true;
    set_len(&mut out[..len], &segment.tuple, fill_ipv4_checksum);
    Some(len)
}

/// Changes the sequence number of a segment in a packet that is about to be sent, because smoltcp gave the segment an
/// old number. Updates the TCP checksum, too, unless the device fills it in.
#[cfg(feature = "recovery")]
pub(in crate::stack) fn renumber(
    packet: &mut [u8],
    segment: &Segment,
    seq: TcpSeqNumber,
    checksums: &ChecksumCapabilities,
) {
    let mut tcp = TcpPacket::new_unchecked(&mut packet[segment.header..segment.data + segment.len]);
    tcp.set_seq_number(seq);
    if checksums.tcp.tx() {
        // The checksum takes the sender first. In the tuple of a sent segment, this host is `remote`.
        tcp.fill_checksum(&segment.tuple.remote.addr, &segment.tuple.local.addr);
    }
}

/// Cuts a segment that is about to be sent, so that its data is only `from..to`, because the other bytes need not be
/// sent now. FIN stays only with the final byte of the data. Updates `segment`, too. Returns the packet's length.
#[cfg(feature = "recovery")]
pub(in crate::stack) fn cut(
    packet: &mut [u8],
    segment: &mut Segment,
    (from, to): (TcpSeqNumber, TcpSeqNumber),
    checksums: &ChecksumCapabilities,
) -> usize {
    let end = (distance(segment.seq, to) as usize).min(segment.len);
    let skip = (distance(segment.seq, from) as usize).min(end);
    packet.copy_within(segment.data + skip..segment.data + end, segment.data);
    segment.fin &= end == segment.len;
    segment.seq += skip;
    segment.len = end - skip;
    let len = segment.data + segment.len;
    set_len(&mut packet[..len], &segment.tuple, checksums.ipv4.tx());
    let mut tcp = TcpPacket::new_unchecked(&mut packet[segment.header..len]);
    tcp.set_seq_number(segment.seq);
    tcp.set_fin(segment.fin);
    if checksums.tcp.tx() {
        tcp.fill_checksum(&segment.tuple.remote.addr, &segment.tuple.local.addr);
    }
    len
}

/// Writes a packet's length into its IP header. If `fill_ipv4_checksum` is set, also updates the checksum of an
/// IPv4 header.
fn set_len(packet: &mut [u8], tuple: &Tuple, fill_ipv4_checksum: bool) {
    let len = packet.len();
    match tuple.local.addr {
        IpAddress::Ipv4(_) => {
            let mut ip = Ipv4Packet::new_unchecked(packet);
            ip.set_total_len(len as u16);
            if fill_ipv4_checksum {
                ip.fill_checksum();
            }
        }
        #[cfg(feature = "ipv6")]
        IpAddress::Ipv6(_) => {
            Ipv6Packet::new_unchecked(packet).set_payload_len((len - smoltcp::wire::IPV6_HEADER_LEN) as u16);
        }
    }
}
