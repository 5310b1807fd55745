//! A device that receives its own frames.

use smoltcp::phy::{Device, DeviceCapabilities, Medium};
use smoltcp::time::Instant;

use super::medium::ETHERNET;
use super::queue::{FrameIn, FrameOut, Queue};

/// A device that receives the frames that it sends, in order. The stack computes and verifies checksums.
///
/// The device holds up to `FRAMES` frames of up to `MTU` bytes each, without a heap. `FRAMES` is at least 2, and `MTU`
/// is at least 590, including the 14-byte Ethernet header. The last free slot is kept for a reply. When the device
/// holds `FRAMES - 1` frames, `transmit` returns `None`, but `receive` still works. smoltcp tries again at the next
/// poll.
pub struct Loopback<const FRAMES: usize, const MTU: usize> {
    medium: Medium,
    queue: Queue<FRAMES, MTU>,
}

impl<const FRAMES: usize, const MTU: usize> Loopback<FRAMES, MTU> {
    /// Creates an empty loopback that carries Ethernet frames.
    pub const fn new() -> Self {
        Self::with_medium(ETHERNET)
    }

    /// Creates an empty loopback that carries Ethernet frames or, with [`Medium::Ip`], bare IP packets.
    pub const fn with_medium(medium: Medium) -> Self {
        Loopback { medium, queue: Queue::new() }
    }
}

impl<const FRAMES: usize, const MTU: usize> Default for Loopback<FRAMES, MTU> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const FRAMES: usize, const MTU: usize> Device for Loopback<FRAMES, MTU> {
    type RxToken<'a>
        = FrameIn<'a, FRAMES, MTU>
    where
        Self: 'a;
    type TxToken<'a>
        = FrameOut<'a, FRAMES, MTU>
    where
        Self: 'a;

    fn receive(&mut self, _now: Instant) -> Option<(Self::RxToken<'_>, Self::TxToken<'_>)> {
        Some((self.queue.front()?, self.queue.reply_place()?))
    }

    fn transmit(&mut self, _now: Instant) -> Option<Self::TxToken<'_>> {
        self.queue.place()
    }

    fn capabilities(&self) -> DeviceCapabilities {
        Queue::<FRAMES, MTU>::capabilities(self.medium)
    }
}

#[cfg(all(test, feature = "std"))]
mod tests;
