//! Devices around the device: one that holds the frame just received, one that watches what is sent.

use smoltcp::phy::{Device, DeviceCapabilities, PacketMeta, RxToken, TxToken};
use smoltcp::time::Instant;

use super::event::{Direction, Probe};

/// A device with one received frame and room for one reply, for the length of one `poll_ingress_single`.
pub(super) struct OneFrame<'f, T> {
    frame: Option<(&'f [u8], T)>,
    meta: PacketMeta,
}

impl<'f, T: TxToken> OneFrame<'f, T> {
    pub(super) fn new(frame: &'f [u8], meta: PacketMeta, tx: T) -> Self {
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

    /// Not asked for on the way in: the interface keeps what the real device said.
    fn capabilities(&self) -> DeviceCapabilities {
        DeviceCapabilities::default()
    }
}

/// Memory instead of a device: what is sent stands at its front afterwards, `len` bytes. A frame that is too long is cut.
pub(super) struct Held<'m> {
    pub(super) memory: &'m mut [u8],
    pub(super) len: &'m mut usize,
}

impl TxToken for Held<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, f: F) -> R {
        *self.len = len.min(self.memory.len());
        f(&mut self.memory[..*self.len])
    }
}

pub(super) struct Received<'f> {
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

/// What became of the transmit tokens asked for.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sent {
    /// A frame left.
    pub(super) frames: usize,
    /// How often a token was asked for: a socket had something to send. More than there are frames, and smoltcp did not even
    /// ask for a neighbour's hardware address, because it had asked for another one's within a second.
    pub(super) asked: usize,
    /// The device had no room.
    pub(super) exhausted: bool,
}

/// The device, with the probe told of every frame that leaves.
pub(super) struct Watch<'w, D, P> {
    pub(super) device: &'w mut D,
    pub(super) probe: &'w mut P,
    pub(super) sent: Sent,
}

impl<'w, D, P> Watch<'w, D, P> {
    pub(super) fn new(device: &'w mut D, probe: &'w mut P) -> Self {
        Watch { device, probe, sent: Sent::default() }
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
                Some(WatchedTx { token, probe: self.probe, now, frames: &mut self.sent.frames })
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

pub(super) struct WatchedTx<'t, T, P> {
    pub(super) token: T,
    pub(super) probe: &'t mut P,
    pub(super) now: Instant,
    pub(super) frames: &'t mut usize,
}

impl<T: TxToken, P: Probe> TxToken for WatchedTx<'_, T, P> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, f: F) -> R {
        *self.frames += 1;
        self.token.consume(len, |frame| {
            let result = f(frame);
            self.probe.frame(self.now, Direction::Out, frame);
            result
        })
    }

    fn set_meta(&mut self, meta: PacketMeta) {
        self.token.set_meta(meta);
    }
}
