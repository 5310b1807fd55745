//! The device through which a host's stack uses the wire.

use smoltcp::phy::{Device, DeviceCapabilities, RxToken, TxToken};
use smoltcp::time::Instant;

use super::{InFlight, MAX_FRAME, Received, WIRE, Wire};
use crate::phy::ETHERNET;
use crate::trace::Summary;

/// The port that connects one host to the wire.
pub struct Port<'w, const FRAMES: usize, const KEPT: usize> {
    pub(in crate::lab) wire: &'w mut Wire<FRAMES, KEPT>,
    pub(in crate::lab) host: usize,
}

impl<const FRAMES: usize, const KEPT: usize> Device for Port<'_, FRAMES, KEPT> {
    type RxToken<'t>
        = Rx
    where
        Self: 't;
    type TxToken<'t>
        = Tx<'t, FRAMES, KEPT>
    where
        Self: 't;

    /// Takes the next frame that has arrived at the host, with a token for its answer. Also stores the frame's headers
    /// and bytes in the wire, where the lab reads them after the step.
    fn receive(&mut self, now: Instant) -> Option<(Rx, Tx<'_, FRAMES, KEPT>)> {
        // The host can answer the frame at once, so a frame arrives only if its answer can be reported.
        if !self.wire.can_report() {
            return None;
        }
        let in_flight = self.wire.take(now, self.host)?;
        let bytes = in_flight.frame.get(..in_flight.len).unwrap_or_default();
        let summary = Summary::of(bytes, ETHERNET);
        self.wire.received =
            Some(Received { id: in_flight.id, summary, damaged: in_flight.damaged, injected: in_flight.from == WIRE });
        self.wire.last = (in_flight.frame, in_flight.len);
        Some((Rx(in_flight), Tx { wire: self.wire, host: self.host, now }))
    }

    fn transmit(&mut self, now: Instant) -> Option<Tx<'_, FRAMES, KEPT>> {
        (self.wire.has_room() && self.wire.can_report()).then_some(Tx { wire: self.wire, host: self.host, now })
    }

    /// Returns the medium and the MTU.
    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = ETHERNET;
        // smoltcp counts the Ethernet header as well, which has 14 bytes.
        capabilities.max_transmission_unit = self.wire.line.mtu + 14;
        capabilities
    }
}

/// A received frame.
pub struct Rx(InFlight);

impl RxToken for Rx {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        f(self.0.frame.get(..self.0.len).unwrap_or_default())
    }
}

/// A token for one frame to send.
pub struct Tx<'w, const FRAMES: usize, const KEPT: usize> {
    wire: &'w mut Wire<FRAMES, KEPT>,
    host: usize,
    now: Instant,
}

impl<const FRAMES: usize, const KEPT: usize> TxToken for Tx<'_, FRAMES, KEPT> {
    /// Sends the frame of `len` bytes that `f` writes. Frames longer than [`MAX_FRAME`] bytes are cut. The device's MTU
    /// excludes such frames.
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, f: F) -> R {
        let mut frame = [0; MAX_FRAME];
        let len = len.min(MAX_FRAME);
        let result = f(&mut frame[..len]);
        self.wire.send(self.now, self.host, &frame, len);
        result
    }
}
