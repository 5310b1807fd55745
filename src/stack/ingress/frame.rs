//! Device wrappers for smoltcp: one contains the received packet, the other watches the packets that smoltcp sends.

#[cfg(feature = "fragments")]
use core::num::NonZeroU16;

#[cfg(feature = "recovery")]
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::phy::{Device, DeviceCapabilities, PacketMeta, RxToken, TxToken};
use smoltcp::time::Instant;

use super::demux;
#[cfg(feature = "recovery")]
use crate::stack::control::Leave;
use crate::stack::control::{self, Block};
use crate::stack::event::{Direction, Probe};
use crate::stack::fragmenter::Long;
use crate::stack::link::{self, Header};

/// A device with one received packet and room for one reply, for one call to `poll_ingress_single`.
///
/// There is only one such type, because smoltcp's code for each device type takes 700 bytes of a board's flash.
pub(in crate::stack) struct OneFrame<'f, 'o, T, P> {
    packet: &'f [u8],
    meta: PacketMeta,
    tx: WatchedTx<'f, 'o, T, P>,
}

impl<'f, 'o, T, P> OneFrame<'f, 'o, T, P> {
    pub(in crate::stack) fn new(packet: &'f [u8], meta: PacketMeta, tx: WatchedTx<'f, 'o, T, P>) -> Self {
        OneFrame { packet, meta, tx }
    }
}

impl<'f, 'o, T: TxToken, P: Probe> Device for OneFrame<'f, 'o, T, P> {
    type RxToken<'t>
        = Received<'f>
    where
        Self: 't;
    type TxToken<'t>
        = WatchedTx<'t, 'o, T, P>
    where
        Self: 't;

    fn receive(&mut self, _now: Instant) -> Option<(Received<'f>, WatchedTx<'_, 'o, T, P>)> {
        Some((Received { frame: self.packet, meta: self.meta }, self.tx.take()))
    }

    fn transmit(&mut self, _now: Instant) -> Option<WatchedTx<'_, 'o, T, P>> {
        None
    }

    /// Not used: the interface keeps the capabilities that it was created with.
    fn capabilities(&self) -> DeviceCapabilities {
        DeviceCapabilities::default()
    }
}

/// A token type without a value, for devices that never return a token.
pub(in crate::stack) enum NoToken {}

impl TxToken for NoToken {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, _len: usize, _f: F) -> R {
        match self {}
    }
}

impl RxToken for NoToken {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, _f: F) -> R {
        match self {}
    }
}

/// The token with which smoltcp receives one packet.
pub(in crate::stack) struct Received<'f> {
    frame: &'f [u8],
    meta: PacketMeta,
}

impl RxToken for Received<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        f(self.frame)
    }

    fn meta(&self) -> PacketMeta {
        self.meta
    }
}

/// The results of a poll of smoltcp: what was sent, captured or withheld.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::stack) struct Sent {
    /// The number of frames sent.
    pub(in crate::stack) frames: usize,
    /// The number of segments from smoltcp that were not sent, because the peer does not need their bytes.
    #[cfg(feature = "recovery")]
    pub(in crate::stack) withheld: usize,
    /// The length of the packet that was captured, that is, stored in memory instead of sent.
    pub(in crate::stack) captured: Option<usize>,
    /// Whether the device had no room for a frame.
    pub(in crate::stack) exhausted: bool,
    /// Whether a packet could not be sent because the next hop's hardware address is not known.
    pub(in crate::stack) unresolved: bool,
    /// The time of smoltcp's next work, if smoltcp was not polled because it has nothing to send before that time.
    #[cfg(feature = "recovery")]
    pub(in crate::stack) idle_until: Option<Instant>,
}

/// The connection whose packets are being sent.
pub(in crate::stack) struct Outgoing<'o> {
    pub(in crate::stack) block: &'o mut Block,
    /// Memory for a segment until the control block has decided whether to send it.
    #[cfg(feature = "recovery")]
    pub(in crate::stack) scratch: &'o mut [u8],
    #[cfg(feature = "recovery")]
    pub(in crate::stack) checksums: &'o ChecksumCapabilities,
}

impl Outgoing<'_> {
    /// Returns whether the control block must decide about a packet of `len` bytes before it is sent.
    #[cfg(feature = "recovery")]
    fn selects(&self, now: Instant, len: usize) -> bool {
        // Whether a segment without data might have to be changed.
        let changes = self.block.has_ranges() || self.block.exceeds_window();
        (self.block.may_repeat(now) || (len <= control::LONGEST && changes)) && len <= self.scratch.len()
    }

    /// Updates the control block for a packet about to be sent. With `recovery`, also rewrites the packet's TCP header.
    fn leaves(&mut self, _now: Instant, packet: &mut [u8]) {
        if let Some(segment) = demux::segment_of(packet) {
            #[cfg(feature = "recovery")]
            {
                // The whole packet is sent, so the decision that this call returns is not needed.
                self.block.leaves(_now, &segment, packet);
                self.block.rewrite_header(packet, &segment, self.checksums);
            }
            #[cfg(not(feature = "recovery"))]
            self.block.leaves(&segment, packet);
        }
    }
}

/// The path of packets from smoltcp to the device. Each packet is sent in a frame with the link header `header`. The
/// stack's [`Probe`] sees the frame.
pub(in crate::stack) struct Out<'o, P> {
    pub(in crate::stack) probe: &'o mut P,
    pub(in crate::stack) now: Instant,
    pub(in crate::stack) header: Header,
    /// Keeps a packet that is longer than the link's MTU.
    pub(in crate::stack) long: Long<'o>,
    /// The payload size of the segments into which the device cuts a super-segment, in bytes. `None` means the size
    /// that smoltcp requests.
    #[cfg(feature = "fragments")]
    pub(in crate::stack) cut: Option<NonZeroU16>,
    /// The connection whose packets are being sent. `None` for packets of shared sockets.
    pub(in crate::stack) outgoing: Option<Outgoing<'o>>,
    /// The memory for a captured packet. Any packet that the interface creates fits this memory: see
    /// [`Stack::new`](crate::stack::Stack::new).
    memory: Option<&'o mut [u8]>,
    pub(in crate::stack) sent: Sent,
}

impl<'o, P> Out<'o, P> {
    /// Creates a path without a connection and without memory for long packets. The caller can add them.
    pub(in crate::stack) fn new(probe: &'o mut P, now: Instant, header: Header) -> Self {
        Out {
            probe,
            now,
            header,
            long: Long::none(),
            #[cfg(feature = "fragments")]
            cut: None,
            outgoing: None,
            memory: None,
            sent: Sent::default(),
        }
    }

    /// Creates a path that captures one packet and sends none.
    pub(in crate::stack) fn capture(probe: &'o mut P, now: Instant, memory: &'o mut [u8]) -> Self {
        Out { memory: Some(memory), ..Out::new(probe, now, None) }
    }

    /// Borrows this path for the packets of a connection.
    pub(in crate::stack) fn of<'s>(&'s mut self, outgoing: Outgoing<'s>) -> Out<'s, P> {
        Out { outgoing: Some(outgoing), ..Out::new(self.probe, self.now, self.header) }
    }

    /// Borrows this path for packets that `long` keeps if they are too long.
    #[cfg(feature = "fragments")]
    pub(in crate::stack) fn of_long<'s>(&'s mut self, long: Long<'s>) -> Out<'s, P> {
        Out { long, ..Out::new(self.probe, self.now, self.header) }
    }
}

/// The device that smoltcp sends to.
///
/// Connections and the shared sockets use the same type, because smoltcp's code for each device type takes 6,000 bytes
/// of a board's flash.
pub(in crate::stack) struct Watch<'w, 'o, D, P> {
    /// The real device, or `None` to capture a packet.
    device: Option<&'w mut D>,
    /// Whether the next hop's hardware address is known.
    resolved: bool,
    out: &'w mut Out<'o, P>,
}

impl<'w, 'o, D, P> Watch<'w, 'o, D, P> {
    /// Creates a device that captures one packet in the memory of `out`.
    pub(in crate::stack) fn capture(out: &'w mut Out<'o, P>) -> Self {
        Watch { device: None, resolved: true, out }
    }

    /// Creates a device that sends packets. If `resolved` is false, the next hop's hardware address is unknown, so
    /// nothing is sent.
    pub(in crate::stack) fn new(device: &'w mut D, resolved: bool, out: &'w mut Out<'o, P>) -> Self {
        Watch { device: Some(device), resolved, out }
    }
}

impl<'o, D: Device, P: Probe> Device for Watch<'_, 'o, D, P> {
    type RxToken<'t>
        = D::RxToken<'t>
    where
        Self: 't;
    type TxToken<'t>
        = WatchedTx<'t, 'o, D::TxToken<'t>, P>
    where
        Self: 't;

    fn receive(&mut self, _now: Instant) -> Option<(Self::RxToken<'_>, Self::TxToken<'_>)> {
        None
    }

    /// Returns a token for smoltcp's next packet. If there is none, records the reason in `out.sent`.
    fn transmit(&mut self, now: Instant) -> Option<Self::TxToken<'_>> {
        let sent = &mut self.out.sent;
        let token = match &mut self.device {
            // One poll captures only one packet.
            None if sent.captured.is_some() => return None,
            // A packet that is captured needs no room in the device.
            None => None,
            Some(_) if !self.resolved => {
                sent.unresolved = true;
                return None;
            }
            Some(device) => {
                let token = device.transmit(now);
                sent.exhausted = token.is_none();
                Some(token?)
            }
        };
        Some(WatchedTx { token, out: self.out })
    }

    /// Not used: the interface keeps the capabilities that it was created with.
    fn capabilities(&self) -> DeviceCapabilities {
        DeviceCapabilities::default()
    }
}

/// A transmit token of the device and the path to the device.
pub(in crate::stack) struct WatchedTx<'t, 'o, T, P> {
    /// The device's token. Without a token, smoltcp creates its packet, but the packet is not sent.
    pub(in crate::stack) token: Option<T>,
    pub(in crate::stack) out: &'t mut Out<'o, P>,
}

impl<'o, T, P> WatchedTx<'_, 'o, T, P> {
    /// Moves the device's token into a new `WatchedTx` for the same path.
    pub(in crate::stack) fn take(&mut self) -> WatchedTx<'_, 'o, T, P> {
        WatchedTx { token: self.token.take(), out: self.out }
    }
}

impl<T: TxToken, P: Probe> WatchedTx<'_, '_, T, P> {
    /// Sends the packet of `len` bytes that `make` writes. If the packet is a connection's retransmission, sends only
    /// the part that the peer lacks.
    #[inline(never)]
    fn watch(self, len: usize, make: &mut dyn FnMut(&mut [u8])) {
        // Not inlined and not generic over smoltcp's closures, which saves 700 bytes of a board's flash. `selects` is
        // true for a packet that might be a retransmission, and `select` sends the part of it that the peer lacks.
        #[cfg(feature = "recovery")]
        if self.out.outgoing.as_ref().is_some_and(|outgoing| outgoing.selects(self.out.now, len)) {
            return self.select(len, make);
        }
        self.send(len, make);
    }

    /// Sends the packet of `len` bytes that `make` writes. Without a token, captures the packet or discards it.
    fn send(self, len: usize, make: &mut dyn FnMut(&mut [u8])) {
        let Out { probe, now, header, long: _long, outgoing, memory, sent, .. } = self.out;
        // Writes the packet, and lets the connection's control block read and change it.
        let mut finish = |packet: &mut [u8]| {
            make(packet);
            if let Some(outgoing) = outgoing {
                outgoing.leaves(*now, packet);
            }
        };
        match (self.token, memory.as_deref_mut().and_then(|memory| memory.get_mut(..len))) {
            (Some(token), _) => {
                sent.frames += 1;
                // If the packet is too long, the fragmenter keeps it and sends it in parts later.
                #[cfg(feature = "fragments")]
                if _long.begin(*header, len, &mut finish) {
                    return;
                }
                let skip = link::len(*header);
                token.consume(skip + len, |frame| {
                    finish(&mut frame[skip..]);
                    #[cfg(feature = "fragments")]
                    _long.note(&frame[skip..]);
                    link::write(*header, frame);
                    probe.frame(*now, Direction::Out, frame);
                });
            }
            (None, Some(packet)) => {
                sent.captured = Some(len);
                finish(packet);
            }
            // smoltcp must write its packet somewhere, but the packet is not sent.
            (None, None) => make(&mut [0; control::LONGEST][..len.min(control::LONGEST)]),
        }
    }

    /// Builds a packet in scratch memory and sends the part that the peer lacks.
    #[cfg(feature = "recovery")]
    fn select(self, len: usize, make: &mut dyn FnMut(&mut [u8])) {
        let now = self.out.now;
        let Some(Outgoing { block, scratch, checksums }) = self.out.outgoing.take() else { return };
        let packet = &mut scratch[..len];
        make(packet);
        let Some(mut segment) = demux::segment_of(packet) else {
            return self.send(len, &mut |out| out.copy_from_slice(packet));
        };
        // While smoltcp retransmits, its pure ACKs have an old sequence number. After a window probe, they have a
        // sequence number that the peer does not accept.
        let number = block.right_number(&segment);
        let leave = block.leaves(now, &segment, packet);
        if !matches!(leave, Leave::Part(..) | Leave::Whole) {
            self.out.sent.withheld += 1;
        }
        match leave {
            Leave::Part(from, to) => {
                let len = control::cut(packet, &mut segment, (from, to), checksums);
                let packet = &mut packet[..len];
                block.rewrite_header(packet, &segment, checksums);
                self.send(len, &mut |out| out.copy_from_slice(packet));
            }
            Leave::Whole if !segment.is_pure() || !block.has_ranges() => {
                block.rewrite_header(packet, &segment, checksums);
                if let Some(number) = number {
                    control::renumber(packet, &segment, number, checksums);
                }
                self.send(len, &mut |out| out.copy_from_slice(packet));
            }
            // The peer needs only the acknowledgement, or smoltcp's pure ACK has too few SACK ranges. A new pure ACK
            // replaces the segment.
            Leave::Acknowledgement | Leave::Whole => {
                let mut reply = [0; control::LONGEST];
                if let Some(ack) = segment.ack {
                    let seq = if leave == Leave::Whole { number.unwrap_or(segment.seq) } else { block.bare_number() };
                    let mut repr = control::bare(&segment.tuple, seq, ack, block.field_to_announce(ack));
                    repr.sack_ranges = block.ranges_to_report();
                    if let Some(len) = control::write(&mut reply, &segment.tuple, &repr, checksums) {
                        self.send(len, &mut |out| out.copy_from_slice(&reply[..len]));
                    }
                }
            }
            Leave::Nothing => {}
        }
    }
}

impl<T: TxToken, P: Probe> TxToken for WatchedTx<'_, '_, T, P> {
    /// # Panics
    /// Panics if the device does not call the closure.
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, f: F) -> R {
        let (mut f, mut result) = (Some(f), None);
        self.watch(len, &mut |frame| result = f.take().map(|f| f(frame)));
        result.unwrap_or_else(|| unreachable!("a device calls the closure"))
    }

    /// Passes the metadata to the device's token. Lowers the segment size to the path's limit, if there is one.
    fn set_meta(&mut self, meta: PacketMeta) {
        #[cfg(feature = "fragments")]
        let meta = match self.out.cut {
            Some(cut) => {
                let mut meta = meta;
                meta.segmentation_offload_size =
                    meta.segmentation_offload_size.map_or(Some(cut), |size| Some(size.min(cut)));
                meta
            }
            None => meta,
        };
        if let Some(token) = &mut self.token {
            token.set_meta(meta);
        }
    }
}
