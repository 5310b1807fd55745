//! Wrappers of the device: one holds the packet just received, one watches what is sent.

#[cfg(feature = "recovery")]
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::phy::{Device, DeviceCapabilities, PacketMeta, RxToken, TxToken};
use smoltcp::time::Instant;

use super::demux;
#[cfg(feature = "recovery")]
use crate::stack::control::Leave;
use crate::stack::control::{self, Block};
use crate::stack::event::{Direction, Probe};
use crate::stack::fragment_ids::FragmentIds;
use crate::stack::link::{self, Header, Way};

/// A device with one received packet and room for one reply, for one call of `poll_ingress_single`. The only such device, because
/// smoltcp's code for each takes 700 bytes of a board's flash.
pub(in crate::stack) struct OneFrame<'f, 't, T, P> {
    frame: &'f [u8],
    meta: PacketMeta,
    tx: &'f mut WatchedTx<'t, T, P>,
}

impl<'f, 't, T, P> OneFrame<'f, 't, T, P> {
    pub(in crate::stack) fn new(frame: &'f [u8], meta: PacketMeta, tx: &'f mut WatchedTx<'t, T, P>) -> Self {
        OneFrame { frame, meta, tx }
    }
}

impl<'f, T: TxToken, P: Probe> Device for OneFrame<'f, '_, T, P> {
    type RxToken<'t>
        = Received<'f>
    where
        Self: 't;
    type TxToken<'t>
        = WatchedTx<'t, T, P>
    where
        Self: 't;

    fn receive(&mut self, _now: Instant) -> Option<(Received<'f>, WatchedTx<'_, T, P>)> {
        Some((Received { frame: self.frame, meta: self.meta }, self.tx.take()))
    }

    fn transmit(&mut self, _now: Instant) -> Option<WatchedTx<'_, T, P>> {
        None
    }

    /// Not used on the way in: the interface keeps the real device's capabilities.
    fn capabilities(&self) -> DeviceCapabilities {
        DeviceCapabilities::default()
    }
}

/// The token of a device that never has one.
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

/// What happened to the transmit tokens.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::stack) struct Sent {
    /// The number of frames that left.
    pub(in crate::stack) frames: usize,
    /// The number of segments that smoltcp made and that did not leave, because the peer has their bytes.
    #[cfg(feature = "recovery")]
    pub(in crate::stack) withheld: usize,
    /// Whether the device had no room.
    pub(in crate::stack) exhausted: bool,
    /// Whether there was something to send, and the next hop's hardware address is not known.
    pub(in crate::stack) unresolved: bool,
}

/// The connection whose frames leave.
pub(in crate::stack) struct Outgoing<'o> {
    pub(in crate::stack) block: &'o mut Block,
    /// Holds a segment until the block has decided whether it leaves.
    #[cfg(feature = "recovery")]
    pub(in crate::stack) scratch: &'o mut [u8],
    #[cfg(feature = "recovery")]
    pub(in crate::stack) checksums: &'o ChecksumCapabilities,
}

impl Outgoing<'_> {
    /// For a shorter time.
    fn reborrow(&mut self) -> Outgoing<'_> {
        Outgoing {
            block: self.block,
            #[cfg(feature = "recovery")]
            scratch: self.scratch,
            #[cfg(feature = "recovery")]
            checksums: self.checksums,
        }
    }

    /// Whether the block decides if a packet of `len` bytes leaves.
    #[cfg(feature = "recovery")]
    fn selects(&self, now: Instant, len: usize) -> bool {
        (self.block.may_repeat(now) || (len <= control::LONGEST && self.block.has_ranges()))
            && len <= self.scratch.len()
    }

    /// Takes in a packet that leaves.
    fn leaves(&mut self, _now: Instant, packet: &mut [u8]) {
        if let Some(segment) = demux::own_segment(packet) {
            #[cfg(feature = "recovery")]
            {
                self.block.leaves(_now, &segment, packet);
                self.block.dress(packet, &segment, self.checksums);
            }
            #[cfg(not(feature = "recovery"))]
            self.block.leaves(&segment, packet);
        }
    }
}

/// The device for the frames of one connection: it writes their headers, and calls a probe for each that leaves.
pub(in crate::stack) struct Watch<'w, D, P> {
    device: &'w mut D,
    probe: &'w mut P,
    outgoing: Outgoing<'w>,
    way: Way,
    pub(in crate::stack) sent: Sent,
    ids: FragmentIds,
}

impl<'w, D, P> Watch<'w, D, P> {
    pub(in crate::stack) fn new(
        device: &'w mut D,
        probe: &'w mut P,
        outgoing: Outgoing<'w>,
        way: Way,
        ids: FragmentIds,
    ) -> Self {
        Watch { device, probe, outgoing, way, sent: Sent::default(), ids }
    }
}

impl<D: Device, P: Probe> Device for Watch<'_, D, P> {
    type RxToken<'t>
        = D::RxToken<'t>
    where
        Self: 't;
    type TxToken<'t>
        = WatchedTx<'t, D::TxToken<'t>, P>
    where
        Self: 't;

    fn receive(&mut self, _now: Instant) -> Option<(Self::RxToken<'_>, Self::TxToken<'_>)> {
        None
    }

    fn transmit(&mut self, now: Instant) -> Option<Self::TxToken<'_>> {
        let Way::Open(header) = self.way else {
            self.sent.unresolved = true;
            return None;
        };
        match self.device.transmit(now) {
            Some(token) => {
                let outgoing = Some(self.outgoing.reborrow());
                let token = Some(token);
                Some(WatchedTx { token, header, probe: self.probe, now, outgoing, sent: &mut self.sent, ids: self.ids })
            }
            None => {
                self.sent.exhausted = true;
                None
            }
        }
    }

    fn capabilities(&self) -> DeviceCapabilities {
        self.device.capabilities()
    }
}

/// A token of the device: the packet that it is given leaves in a frame, is shown to the probe, and its fragment's identification
/// is enciphered.
pub(in crate::stack) struct WatchedTx<'t, T, P> {
    /// Without it, a packet is made and does not leave.
    pub(in crate::stack) token: Option<T>,
    header: Header,
    pub(in crate::stack) probe: &'t mut P,
    pub(in crate::stack) now: Instant,
    pub(in crate::stack) outgoing: Option<Outgoing<'t>>,
    pub(in crate::stack) sent: &'t mut Sent,
    ids: FragmentIds,
}

impl<'t, T, P> WatchedTx<'t, T, P> {
    /// A token for packets that are not a connection's, and leave with this header.
    pub(in crate::stack) fn new(
        token: Option<T>,
        header: Header,
        probe: &'t mut P,
        now: Instant,
        sent: &'t mut Sent,
        ids: FragmentIds,
    ) -> Self {
        WatchedTx { token, header, probe, now, outgoing: None, sent, ids }
    }

    /// Takes the device's token out, for a shorter time.
    pub(in crate::stack) fn take(&mut self) -> WatchedTx<'_, T, P> {
        WatchedTx {
            token: self.token.take(),
            header: self.header,
            probe: self.probe,
            now: self.now,
            outgoing: self.outgoing.as_mut().map(Outgoing::reborrow),
            sent: self.sent,
            ids: self.ids,
        }
    }
}

impl<T: TxToken, P: Probe> WatchedTx<'_, T, P> {
    /// Lets a packet leave that `make` makes.
    fn send(self, len: usize, make: &mut dyn FnMut(&mut [u8])) {
        let Some(token) = self.token else { return make(&mut [0; control::LONGEST][..len.min(control::LONGEST)]) };
        self.sent.frames += 1;
        let skip = link::len(self.header);
        token.consume(skip + len, |frame| {
            let packet = &mut frame[skip..];
            make(packet);
            self.ids.encipher(packet);
            link::write(self.header, frame);
            self.probe.frame(self.now, Direction::Out, frame);
        });
    }

    /// Lets a packet leave that `make` makes, if it is not a connection's, or the peer lacks its bytes.
    // Neither inlined nor generic over smoltcp's closures, which saves 700 bytes of a board's flash.
    #[inline(never)]
    fn watch(mut self, len: usize, make: &mut dyn FnMut(&mut [u8])) {
        let mut outgoing = self.outgoing.take();
        #[cfg(feature = "recovery")]
        if let Some(outgoing) = outgoing.take_if(|outgoing| outgoing.selects(self.now, len)) {
            return self.select(outgoing, len, make);
        }
        let now = self.now;
        self.send(len, &mut |packet| {
            make(packet);
            if let Some(outgoing) = &mut outgoing {
                outgoing.leaves(now, packet);
            }
        });
    }

    /// Makes a packet in scratch memory, and lets it leave if the peer lacks its bytes.
    #[cfg(feature = "recovery")]
    fn select(self, mut outgoing: Outgoing<'_>, len: usize, make: &mut dyn FnMut(&mut [u8])) {
        let Outgoing { block, scratch, checksums } = outgoing.reborrow();
        let packet = &mut scratch[..len];
        make(packet);
        let Some(segment) = demux::own_segment(packet) else {
            return self.send(len, &mut |out| out.copy_from_slice(packet));
        };
        let number = block.right_number(&segment);
        let leave = block.leaves(self.now, &segment, packet);
        if leave != Leave::Whole {
            self.sent.withheld += 1;
        }
        match leave {
            Leave::Whole if !segment.is_pure() || !block.has_ranges() => {
                block.dress(packet, &segment, checksums);
                if let Some(number) = number {
                    control::renumber(packet, &segment, number, checksums);
                }
                self.send(len, &mut |out| out.copy_from_slice(packet));
            }
            Leave::Acknowledgement | Leave::Whole => {
                let mut reply = [0; control::LONGEST];
                if let Some(ack) = segment.ack {
                    let seq = if leave == Leave::Whole { number.unwrap_or(segment.seq) } else { block.next_to_send() };
                    let mut repr = control::bare(&segment.tuple, seq, ack, block.field_to_tell(ack));
                    repr.sack_ranges = block.ranges_to_tell();
                    if let Some(len) = control::write(&mut reply, &segment.tuple, &repr, checksums) {
                        self.send(len, &mut |out| out.copy_from_slice(&reply[..len]));
                    }
                }
            }
            Leave::Nothing => {}
        }
    }
}

impl<T: TxToken, P: Probe> TxToken for WatchedTx<'_, T, P> {
    /// # Panics
    /// If the device does not call the closure.
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, f: F) -> R {
        let (mut f, mut result) = (Some(f), None);
        self.watch(len, &mut |frame| result = f.take().map(|f| f(frame)));
        result.unwrap_or_else(|| unreachable!("a device calls the closure"))
    }

    fn set_meta(&mut self, meta: PacketMeta) {
        if let Some(token) = &mut self.token {
            token.set_meta(meta);
        }
    }
}
