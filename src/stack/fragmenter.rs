//! Cuts packets that are longer than the MTU of the link or the path. Datagrams are sent in fragments (RFC 791 section
//! 3.2, RFC 8200 section 4.5). TCP segments are sent as several segments.
//!
//! The stack reports an MTU of 64 KiB to smoltcp. The fragmenter keeps a long datagram until all its fragments are
//! sent. Until then, the stack sends no other datagram and receives no frame, because the reply to a frame might be
//! another long datagram. TCP connections still send, unless their segments must be cut.
//!
//! recent.rs remembers the long datagrams that were sent, to check ICMP errors about them. segments.rs cuts TCP
//! segments.

#[cfg(feature = "fragments")]
mod recent;
#[cfg(feature = "fragments")]
mod segments;
#[cfg(all(test, feature = "fragments"))]
mod tests;

use smoltcp::phy::{ChecksumCapabilities, TxToken};
use smoltcp::time::Instant;
#[cfg(feature = "fragments")]
use smoltcp::wire::{IpProtocol, Ipv4Packet, Ipv6Packet};

use super::event::{Direction, DropReason, Event, Probe};
#[cfg(feature = "fragments")]
use super::fragment_ids::FragmentIds;
#[cfg(feature = "fragments")]
use super::icmp_errors::Quote;
use super::link::{self, Header};

/// The length of the longest packet that smoltcp builds if packets can be fragmented, in bytes.
#[cfg(feature = "fragments")]
pub(super) const LONGEST: usize = 65_535;

/// The length of a Fragment header, in bytes.
#[cfg(feature = "fragments")]
const FRAGMENT: usize = 8;

/// Cuts one long packet at a time. The packet stays in the buffer until all its parts are sent. Without the feature
/// `fragments`, the type has no buffer and cuts nothing.
#[derive(Default)]
pub(super) struct Fragmenter<'a> {
    #[cfg(feature = "fragments")]
    buffer: &'a mut [u8],
    #[cfg(feature = "fragments")]
    state: State,
    #[cfg(not(feature = "fragments"))]
    none: core::marker::PhantomData<&'a ()>,
}

/// The fragmenter's settings, and the progress of the buffered packet.
#[cfg(feature = "fragments")]
#[derive(Default)]
struct State {
    ids: FragmentIds,
    recent: recent::Recent,
    /// Whether the stack, rather than the device, fills in IPv4 header checksums.
    checksum: bool,
    /// Whether the stack, rather than the device, fills in TCP checksums.
    tcp_checksum: bool,
    /// The link header of each fragment.
    header: Header,
    /// The length of the longest packet that the link allows, in bytes.
    mtu: usize,
    /// The MTU that the parts of the buffered packet must fit, in bytes.
    limit: usize,
    /// If the buffered packet is a TCP segment, the length of its IP header, and the length of its IP and TCP headers
    /// together. `None` for other packets.
    segment: Option<(usize, usize)>,
    /// The length of the buffered packet, in bytes. 0 if the buffer is empty.
    len: usize,
    /// The number of payload bytes of the buffered packet that have been sent.
    sent: usize,
    /// The number of packets that were buffered so far. Each packet's identification is computed from this count.
    count: u32,
    /// The time at which to try again, if the device had no room.
    retry: Option<Instant>,
}

/// The fragmenter, borrowed for one packet. [`Long::none`] is for frames that are never fragmented.
pub(super) struct Long<'t> {
    #[cfg(feature = "fragments")]
    parts: Option<(&'t mut State, &'t mut [u8])>,
    /// The length of the longest packet that the path allows, in bytes.
    #[cfg(feature = "fragments")]
    limit: usize,
    #[cfg(not(feature = "fragments"))]
    none: core::marker::PhantomData<&'t ()>,
}

impl Fragmenter<'_> {
    /// Sends a packet in a frame with the link header `header`. `limit` is the path's MTU. A packet that is longer than
    /// this MTU or the link's MTU is buffered and sent in parts later. If there is no memory for fragments, such a
    /// packet is dropped.
    pub(super) fn send<P: Probe>(
        &mut self,
        now: Instant,
        header: Header,
        limit: usize,
        packet: &[u8],
        token: impl TxToken,
        probe: &mut P,
    ) {
        #[cfg(feature = "fragments")]
        {
            let mut long = self.lend_for(limit);
            if long.begin(header, packet.len(), &mut |room| room.copy_from_slice(packet)) {
                return;
            }
            long.note(packet);
        }
        // Without these features, smoltcp sends no packet that is longer than `limit`.
        if cfg!(any(feature = "fragments", feature = "slaac")) && packet.len() > limit {
            return probe.event(now, &Event::Dropped(DropReason::TooLong));
        }
        let skip = link::len(header);
        token.consume(skip + packet.len(), |frame| {
            frame[skip..].copy_from_slice(packet);
            link::write(header, frame);
            probe.frame(now, Direction::Out, frame);
        });
    }
}

#[cfg(not(feature = "fragments"))]
impl Fragmenter<'_> {
    pub(super) fn new(_buffer: &mut [u8], _key: u64, _mtu: usize, _: &ChecksumCapabilities) -> Self {
        Fragmenter::default()
    }

    pub(super) fn longest(&self, mtu: usize) -> usize {
        mtu
    }
}

#[cfg(not(feature = "fragments"))]
impl Long<'_> {
    pub(super) fn none() -> Self {
        Long { none: core::marker::PhantomData }
    }
}

#[cfg(feature = "fragments")]
impl<'a> Fragmenter<'a> {
    /// Creates a fragmenter. `key` enciphers the identifications. `mtu` is the length of the longest packet that the
    /// link allows, in bytes.
    pub(super) fn new(buffer: &'a mut [u8], key: u64, mtu: usize, checksums: &ChecksumCapabilities) -> Self {
        let (ids, checksum, tcp_checksum) = (FragmentIds::new(key), checksums.ipv4.tx(), checksums.tcp.tx());
        Fragmenter { buffer, state: State { ids, checksum, tcp_checksum, mtu, ..State::default() } }
    }

    /// Returns the length of the longest packet that can be sent, in bytes. The result exceeds `mtu` if there is memory
    /// for long packets.
    pub(super) fn longest(&self, mtu: usize) -> usize {
        if self.buffer.len() >= LONGEST { LONGEST } else { mtu }
    }

    /// Lends the fragmenter for packets that only the link's MTU limits.
    pub(super) fn lend(&mut self) -> Long<'_> {
        self.lend_for(usize::MAX)
    }

    /// Lends the fragmenter for packets on a path whose MTU is `limit` bytes.
    pub(super) fn lend_for(&mut self, limit: usize) -> Long<'_> {
        Long { parts: Some((&mut self.state, self.buffer)), limit }
    }

    /// Returns whether this ICMP error quotes a recently sent datagram.
    pub(super) fn has_sent(&self, quote: &Quote) -> bool {
        self.state.recent.has(quote)
    }

    /// Returns whether the buffer contains a packet that is not completely sent yet.
    pub(super) fn is_busy(&self) -> bool {
        self.state.len > 0
    }

    /// Returns the time to try again, which [`blocked`](Self::blocked) has set.
    pub(super) fn due(&self) -> Option<Instant> {
        self.state.retry
    }

    /// Sets the time to try again if the device has no room. `None` means that the device has room.
    pub(super) fn blocked(&mut self, retry: Option<Instant>) {
        self.state.retry = retry;
    }
}

#[cfg(feature = "fragments")]
impl Long<'_> {
    pub(super) fn none() -> Self {
        Long { parts: None, limit: usize::MAX }
    }

    /// Buffers a packet if `len` exceeds the MTU of the link or path. `make` writes the packet, which is `len` bytes
    /// long. Each part of the packet gets the link header `header`.
    ///
    /// Returns whether the packet is buffered. Returns false if the packet is short, if the buffer is too small, or if
    /// the buffer contains another packet.
    pub(super) fn begin(&mut self, header: Header, len: usize, make: &mut dyn FnMut(&mut [u8])) -> bool {
        let Some((state, buffer)) = &mut self.parts else { return false };
        let limit = self.limit.min(state.mtu);
        if len <= limit || state.len > 0 {
            // The packet needs no cutting, or another packet is in the buffer.
            return false;
        }
        let Some(packet) = buffer.get_mut(..len) else { return false };
        make(packet);
        state.recent.note(packet);
        (state.header, state.limit, state.segment) = (header, limit, segments::headers(packet));
        (state.len, state.sent, state.count) = (len, 0, state.count.wrapping_add(1));
        true
    }

    /// Remembers a packet that is sent without being cut, because a router can still report the packet as too long.
    pub(super) fn note(&mut self, packet: &[u8]) {
        if let Some((state, _)) = &mut self.parts {
            state.recent.note(packet);
        }
    }

    /// Returns the length of the next fragment's frame. `None` if all fragments are sent.
    pub(super) fn next_len(&self) -> Option<usize> {
        let (state, buffer) = self.parts.as_ref()?;
        let (header, chunk) = state.next(buffer)?;
        Some(link::len(state.header) + header + chunk)
    }

    /// Writes the next fragment's frame to `out`, which must be [`next_len`](Self::next_len) bytes long.
    pub(super) fn write_next(&mut self, out: &mut [u8]) {
        let Some((state, buffer)) = &mut self.parts else { return };
        let Some((header, chunk)) = state.next(buffer) else { return };
        if let Some(headers) = state.segment {
            return state.write_segment(headers, chunk, buffer, out);
        }
        let (is_v6, frame) = (state.is_v6(buffer), out);
        let (_, out) = frame.split_at_mut(link::len(state.header));
        // `header` includes the Fragment header, which the buffered packet does not have.
        let ip_header = if is_v6 { header - FRAGMENT } else { header };
        let data = ip_header + state.sent..ip_header + state.sent + chunk;
        let more = data.end < state.len;
        let (head, payload) = out.split_at_mut(header);
        head[..ip_header].copy_from_slice(&buffer[..ip_header]);
        payload.copy_from_slice(&buffer[data]);
        if is_v6 {
            let mut ip = Ipv6Packet::new_unchecked(&mut head[..]);
            let [next, fragmented] = [ip.next_header().into(), IpProtocol::Ipv6Frag.into()];
            ip.set_payload_len((FRAGMENT + chunk) as u16);
            ip.set_next_header(IpProtocol::from(fragmented));
            // The Fragment header (RFC 8200 section 4.5). The offset is a multiple of 8 bytes, so its lowest bit is
            // free for the flag More Fragments.
            let [high, low] = (state.sent as u16 | u16::from(more)).to_be_bytes();
            let [a, b, c, d] = state.ids.permute_long(state.count).to_be_bytes();
            head[ip_header..].copy_from_slice(&[next, 0, high, low, a, b, c, d]);
        } else {
            let mut ip = Ipv4Packet::new_unchecked(&mut head[..]);
            ip.set_total_len((header + chunk) as u16);
            ip.set_ident(state.ids.permute(state.count as u16));
            ip.clear_flags();
            ip.set_more_frags(more);
            ip.set_frag_offset(state.sent as u16);
            if state.checksum {
                ip.fill_checksum();
            }
        }
        link::write(state.header, frame);
        state.sent += chunk;
        if !more {
            // The buffer is empty again.
            state.len = 0;
        }
    }
}

#[cfg(feature = "fragments")]
impl State {
    fn is_v6(&self, packet: &[u8]) -> bool {
        packet.first().is_some_and(|first| first >> 4 == 6)
    }

    /// Returns the lengths of the next part's headers and data. `None` if the buffer is empty.
    fn next(&self, packet: &[u8]) -> Option<(usize, usize)> {
        if self.len == 0 {
            return None;
        }
        if let Some((_, header)) = self.segment {
            let left = self.len.checked_sub(header + self.sent)?;
            // At least one byte is sent, even if the headers are longer than the limit.
            return Some((header, left.min(self.limit.saturating_sub(header).max(1))));
        }
        let header = if self.is_v6(packet) { 40 } else { 4 * usize::from(packet.first()? & 15) };
        let left = self.len.checked_sub(header + self.sent)?;
        let header = if self.is_v6(packet) { header + FRAGMENT } else { header };
        // The length of the data is a multiple of 8 bytes, except in the final fragment.
        let most = self.limit.saturating_sub(header) & !7;
        Some((header, left.min(most)))
    }
}
