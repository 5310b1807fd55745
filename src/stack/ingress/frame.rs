//! Wrappers of the device: one holds the frame just received, one watches what is sent.

use smoltcp::phy::{Device, DeviceCapabilities, PacketMeta, RxToken, TxToken};
use smoltcp::time::Instant;

use crate::stack::event::{Direction, Probe};

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
    /// Whether the device had no room.
    pub(in crate::stack) exhausted: bool,
}

/// The device, with a probe called for every frame that leaves.
pub(in crate::stack) struct Watch<'w, D, P> {
    pub(in crate::stack) device: &'w mut D,
    pub(in crate::stack) probe: &'w mut P,
    pub(in crate::stack) sent: Sent,
}

impl<'w, D, P> Watch<'w, D, P> {
    pub(in crate::stack) fn new(device: &'w mut D, probe: &'w mut P) -> Self {
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

pub(in crate::stack) struct WatchedTx<'t, T, P> {
    pub(in crate::stack) token: T,
    pub(in crate::stack) probe: &'t mut P,
    pub(in crate::stack) now: Instant,
    pub(in crate::stack) frames: &'t mut usize,
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
