//! Wrappers of the device: one holds the frame just received, one watches what is sent.

#[cfg(feature = "recovery")]
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::phy::{Device, DeviceCapabilities, Medium, PacketMeta, RxToken, TxToken};
use smoltcp::time::Instant;

use super::demux;
use crate::stack::control::Block;
#[cfg(feature = "recovery")]
use crate::stack::control::{self, Leave};
use crate::stack::event::{Direction, Probe};
use crate::stack::fragment_ids::FragmentIds;

/// A device with one received frame and room for one reply, for one call of `poll_ingress_single`.
pub(in crate::stack) struct OneFrame<'f, T> {
    frame: Option<(&'f [u8], T)>,
    meta: PacketMeta,
}

impl<'f, T: TxToken> OneFrame<'f, T> {
    pub(in crate::stack) fn new(frame: &'f [u8], meta: PacketMeta, tx: T) -> Self {
        OneFrame { frame: Some((frame, tx)), meta }
    }
}

impl<'f, T: TxToken> Device for OneFrame<'f, T> {
    type RxToken<'t>
        = Received<'f>
    where
        Self: 't;
    type TxToken<'t>
        = T
    where
        Self: 't;

    fn receive(&mut self, _now: Instant) -> Option<(Received<'f>, T)> {
        let (frame, tx) = self.frame.take()?;
        Some((Received { frame, meta: self.meta }, tx))
    }

    fn transmit(&mut self, _now: Instant) -> Option<T> {
        None
    }

    /// Not used on the way in: the interface keeps the real device's capabilities.
    fn capabilities(&self) -> DeviceCapabilities {
        DeviceCapabilities::default()
    }
}

/// A device made of memory: what is sent is at its front afterwards, `len` bytes. A frame that is too long is cut.
pub(in crate::stack) struct Held<'m> {
    pub(in crate::stack) memory: &'m mut [u8],
    pub(in crate::stack) len: &'m mut usize,
}

impl TxToken for Held<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, f: F) -> R {
        *self.len = len.min(self.memory.len());
        f(&mut self.memory[..*self.len])
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

/// The device, with a probe called for every frame that leaves, and fragments' identifications enciphered.
pub(in crate::stack) struct Watch<'w, D, P> {
    device: &'w mut D,
    probe: &'w mut P,
    outgoing: Option<Outgoing<'w>>,
    pub(in crate::stack) sent: Sent,
    ids: FragmentIds,
}

impl<'w, D, P> Watch<'w, D, P> {
    pub(in crate::stack) fn new(device: &'w mut D, probe: &'w mut P, ids: FragmentIds) -> Self {
        Watch { device, probe, outgoing: None, sent: Sent::default(), ids }
    }

    /// The same for the frames of one connection.
    pub(in crate::stack) fn connection(
        device: &'w mut D,
        probe: &'w mut P,
        outgoing: Outgoing<'w>,
        ids: FragmentIds,
    ) -> Self {
        Watch { device, probe, outgoing: Some(outgoing), sent: Sent::default(), ids }
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
        match self.device.transmit(now) {
            Some(token) => {
                self.sent.asked += 1;
                let outgoing = self.outgoing.as_mut().map(Outgoing::reborrow);
                Some(WatchedTx { token, probe: self.probe, now, outgoing, sent: &mut self.sent, ids: self.ids })
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

pub(in crate::stack) struct WatchedTx<'t, T, P> {
    pub(in crate::stack) token: T,
    pub(in crate::stack) probe: &'t mut P,
    pub(in crate::stack) now: Instant,
    pub(in crate::stack) outgoing: Option<Outgoing<'t>>,
    pub(in crate::stack) sent: &'t mut Sent,
    pub(in crate::stack) ids: FragmentIds,
}

impl<T: TxToken, P: Probe> WatchedTx<'_, T, P> {
    /// Lets a frame leave.
    fn send<R>(self, len: usize, f: impl FnOnce(&mut [u8]) -> R) -> R {
        self.sent.frames += 1;
        self.token.consume(len, |frame| {
            let result = f(frame);
            self.ids.encipher(frame);
            self.probe.frame(self.now, Direction::Out, frame);
            result
        })
    }

    /// Makes a frame in scratch memory, and lets it leave if the peer lacks its bytes.
    #[cfg(feature = "recovery")]
    fn select<R>(self, mut outgoing: Outgoing<'_>, len: usize, f: impl FnOnce(&mut [u8]) -> R) -> R {
        let Outgoing { block, medium, scratch, checksums } = outgoing.reborrow();
        let frame = &mut scratch[..len];
        let result = f(frame);
        let Some(segment) = demux::own_segment(frame, medium) else {
            self.send(len, |out| out.copy_from_slice(frame));
            return result;
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
                self.send(len, |out| out.copy_from_slice(frame));
            }
            Leave::Acknowledgement | Leave::Whole => {
                let mut reply = [0; control::LONGEST];
                if let Some(ack) = segment.ack {
                    let link = demux::link(frame, medium);
                    let seq = if leave == Leave::Whole { number.unwrap_or(segment.seq) } else { block.next_to_send() };
                    let mut repr = control::bare(&segment.tuple, seq, ack, block.field_to_tell(ack));
                    repr.sack_ranges = block.ranges_to_tell();
                    if let Some(len) = control::write(&mut reply, link, &segment.tuple, &repr, checksums) {
                        self.send(len, |out| out.copy_from_slice(&reply[..len]));
                    }
                }
            }
            Leave::Nothing => {}
        }
        result
    }
}

impl<T: TxToken, P: Probe> TxToken for WatchedTx<'_, T, P> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(mut self, len: usize, f: F) -> R {
        let Some(mut outgoing) = self.outgoing.take() else { return self.send(len, f) };
        #[cfg(feature = "recovery")]
        if (outgoing.block.may_repeat(self.now) || (len <= control::LONGEST && outgoing.block.has_ranges()))
            && len <= outgoing.scratch.len()
        {
            return self.select(outgoing, len, f);
        }
        let now = self.now;
        self.send(len, |frame| {
            let result = f(frame);
            outgoing.leaves(now, frame);
            result
        })
    }

    fn set_meta(&mut self, meta: PacketMeta) {
        self.token.set_meta(meta);
    }
}
