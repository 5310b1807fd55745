//! Frames that no host has sent: the router's answers, and forged segments.

use smoltcp::time::Instant;

use super::{InFlight, MAX_FRAME, Verdict, WIRE, Wire};
use crate::phy::ETHERNET;
use crate::trace::Summary;

impl<const FRAMES: usize, const KEPT: usize> Wire<FRAMES, KEPT> {
    /// Puts on the wire a frame that no host has sent. The frame arrives at host `to` after the latency of the wire.
    ///
    /// Faults and losses do not apply. The frame is lost if the wire is full, or if host `to` is unplugged. The lab
    /// shows the wire as the frame's sender.
    pub(in crate::lab) fn put(&mut self, now: Instant, to: usize, bytes: &[u8]) {
        let (mut frame, len) = ([0; MAX_FRAME], bytes.len().min(MAX_FRAME));
        frame[..len].copy_from_slice(&bytes[..len]);
        let at = now + self.line.latency;
        // There is no place for a frame to a host that is unplugged or does not exist.
        let free = self.slots.iter().position(Option::is_none).filter(|_| !self.cut.get(to).is_none_or(|cut| *cut));
        let verdict = if free.is_some() { Verdict::Deliver } else { Verdict::Lost };
        self.report(WIRE, &frame, len, Summary::of(&frame[..len], ETHERNET), verdict);
        if let Some(slot) = free.and_then(|free| self.slots.get_mut(free)) {
            self.order += 1;
            let (id, order) = (self.count, self.order);
            *slot = Some(InFlight {
                frame,
                len,
                id,
                from: WIRE,
                to,
                at,
                transmitted: now,
                order,
                yields: false,
                damaged: false,
            });
        }
    }
}
