//! Wrappers of the device: one holds the frame just received, one watches what is sent.

#[cfg(feature = "recovery")]
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::phy::{Device, DeviceCapabilities, Medium, PacketMeta, RxToken, TxToken};
use smoltcp::time::Instant;

use super::demux;
#[cfg(feature = "recovery")]
use crate::stack::control::Leave;
use crate::stack::control::{self, Block};
use crate::stack::event::{Direction, Probe};
use crate::stack::fragmenter::Long;

/// A device with one received frame and room for one reply, for one call of `poll_ingress_single`. The only such device, because
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
    /// The number of tokens asked for; each time a socket had something to send. If there are more than frames, smoltcp did not ask
    /// for a neighbour's hardware address, because it had asked for another one's within a second.
    pub(in crate::stack) asked: usize,
    /// The number of segments that smoltcp made and that did not leave, because the peer has their bytes.
    #[cfg(feature = "recovery")]
    pub(in crate::stack) withheld: usize,
    /// Whether the device had no room.
    pub(in crate::stack) exhausted: bool,
}

/// The connection whose frames leave.
pub(in crate::stack) struct Outgoing<'o> {
    pub(in crate::stack) block: &'o mut Block,
    pub(in crate::stack) medium: Medium,
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
            medium: self.medium,
            #[cfg(feature = "recovery")]
            scratch: self.scratch,
            #[cfg(feature = "recovery")]
            checksums: self.checksums,
        }
    }

    /// Whether the block decides if a frame of `len` bytes leaves.
    #[cfg(feature = "recovery")]
    fn selects(&self, now: Instant, len: usize) -> bool {
        (self.block.may_repeat(now) || (len <= control::LONGEST && self.block.has_ranges()))
            && len <= self.scratch.len()
    }

    /// Takes in a frame that leaves.
    fn leaves(&mut self, _now: Instant, frame: &mut [u8]) {
        if let Some(segment) = demux::own_segment(frame, self.medium) {
            #[cfg(feature = "recovery")]
            {
                self.block.leaves(_now, &segment, frame);
                self.block.dress(frame, &segment, self.checksums);
            }
            #[cfg(not(feature = "recovery"))]
            self.block.leaves(&segment, frame);
        }
    }
}

/// The device, with a probe called for every frame that leaves. A packet that is longer than the link leaves in fragments.
pub(in crate::stack) struct Watch<'w, D, P> {
    device: &'w mut D,
    probe: &'w mut P,
    outgoing: Option<Outgoing<'w>>,
    pub(in crate::stack) sent: Sent,
    long: Long<'w>,
}

impl<'w, D, P> Watch<'w, D, P> {
    pub(in crate::stack) fn new(device: &'w mut D, probe: &'w mut P, long: Long<'w>) -> Self {
        Watch { device, probe, outgoing: None, sent: Sent::default(), long }
    }

    /// The same for the frames of one connection.
    pub(in crate::stack) fn connection(device: &'w mut D, probe: &'w mut P, outgoing: Outgoing<'w>) -> Self {
        Watch { device, probe, outgoing: Some(outgoing), sent: Sent::default(), long: Long::none() }
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
        #[cfg(feature = "fragments")]
        if self.long.is_busy() {
            return None;
        }
        match self.device.transmit(now) {
            Some(token) => {
                self.sent.asked += 1;
                let outgoing = self.outgoing.as_mut().map(Outgoing::reborrow);
                let token = Some(token);
                let long = self.long.reborrow();
                Some(WatchedTx { token, probe: self.probe, now, outgoing, sent: &mut self.sent, long })
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

/// A token of the device, watched as by [`Watch`].
pub(in crate::stack) struct WatchedTx<'t, T, P> {
    /// Without it, a frame is made and does not leave.
    pub(in crate::stack) token: Option<T>,
    pub(in crate::stack) probe: &'t mut P,
    pub(in crate::stack) now: Instant,
    pub(in crate::stack) outgoing: Option<Outgoing<'t>>,
    pub(in crate::stack) sent: &'t mut Sent,
    pub(in crate::stack) long: Long<'t>,
}

impl<'t, T, P> WatchedTx<'t, T, P> {
    /// A token for frames that are not a connection's.
    pub(in crate::stack) fn new(
        token: Option<T>,
        probe: &'t mut P,
        now: Instant,
        sent: &'t mut Sent,
        long: Long<'t>,
    ) -> Self {
        WatchedTx { token, probe, now, outgoing: None, sent, long }
    }

    /// Takes the device's token out, for a shorter time.
    pub(in crate::stack) fn take(&mut self) -> WatchedTx<'_, T, P> {
        WatchedTx {
            token: self.token.take(),
            probe: self.probe,
            now: self.now,
            outgoing: self.outgoing.as_mut().map(Outgoing::reborrow),
            sent: self.sent,
            long: self.long.reborrow(),
        }
    }
}

impl<T: TxToken, P: Probe> WatchedTx<'_, T, P> {
    /// Lets a frame leave that `make` makes.
    fn send(self, len: usize, make: &mut dyn FnMut(&mut [u8])) {
        let Some(token) = self.token else { return make(&mut [0; control::LONGEST][..len.min(control::LONGEST)]) };
        self.sent.frames += 1;
        token.consume(len, |frame| {
            make(frame);
            self.probe.frame(self.now, Direction::Out, frame);
        });
    }

    /// Lets a frame leave that `make` makes, if it is not a connection's, or the peer lacks its bytes.
    // Neither inlined nor generic over smoltcp's closures, which saves 700 bytes of a board's flash.
    #[inline(never)]
    fn watch(mut self, len: usize, make: &mut dyn FnMut(&mut [u8])) {
        let mut outgoing = self.outgoing.take();
        #[cfg(feature = "fragments")]
        if outgoing.is_none() && self.long.begin(len, make) {
            let Some(len) = self.long.next_len() else { return };
            let mut long = core::mem::replace(&mut self.long, Long::none());
            return self.send(len, &mut |frame| long.write_next(frame));
        }
        #[cfg(feature = "recovery")]
        if let Some(outgoing) = outgoing.take_if(|outgoing| outgoing.selects(self.now, len)) {
            return self.select(outgoing, len, make);
        }
        let now = self.now;
        self.send(len, &mut |frame| {
            make(frame);
            if let Some(outgoing) = &mut outgoing {
                outgoing.leaves(now, frame);
            }
        });
    }

    /// Makes a frame in scratch memory, and lets it leave if the peer lacks its bytes.
    #[cfg(feature = "recovery")]
    fn select(self, mut outgoing: Outgoing<'_>, len: usize, make: &mut dyn FnMut(&mut [u8])) {
        let Outgoing { block, medium, scratch, checksums } = outgoing.reborrow();
        let frame = &mut scratch[..len];
        make(frame);
        let Some(segment) = demux::own_segment(frame, medium) else {
            return self.send(len, &mut |out| out.copy_from_slice(frame));
        };
        let number = block.right_number(&segment);
        let leave = block.leaves(self.now, &segment, frame);
        if leave != Leave::Whole {
            self.sent.withheld += 1;
        }
        match leave {
            Leave::Whole if !segment.is_pure() || !block.has_ranges() => {
                block.dress(frame, &segment, checksums);
                if let Some(number) = number {
                    control::renumber(frame, &segment, number, checksums);
                }
                self.send(len, &mut |out| out.copy_from_slice(frame));
            }
            Leave::Acknowledgement | Leave::Whole => {
                let mut reply = [0; control::LONGEST];
                if let Some(ack) = segment.ack {
                    let link = demux::link(frame, medium);
                    let seq = if leave == Leave::Whole { number.unwrap_or(segment.seq) } else { block.next_to_send() };
                    let mut repr = control::bare(&segment.tuple, seq, ack, block.field_to_tell(ack));
                    repr.sack_ranges = block.ranges_to_tell();
                    if let Some(len) = control::write(&mut reply, link, &segment.tuple, &repr, checksums) {
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
