//! A cable between two stacks, in memory.

use smoltcp::phy::{Device, DeviceCapabilities, Medium};
use smoltcp::time::Instant;

use super::medium::ETHERNET;
use super::queue::{FrameIn, FrameOut, Queue};

/// A cable with two ends: each end receives the frames that the other end sends, in order and undamaged.
///
/// The cable holds up to `FRAMES` frames in each direction, of up to `MTU` bytes each. `FRAMES` is at least 2, and
/// `MTU` is at least 590, including the 14-byte Ethernet header. The cable stores the frames itself, in about `2 ×
/// FRAMES × MTU` bytes, without a heap. All bits of a new Ethernet cable are zero, so a static cable is in `.bss`. The
/// stack at each end computes and verifies checksums.
///
/// A full cable loses nothing: an end that cannot send returns no token, and smoltcp tries again at the next poll. The
/// last free slot in each direction is kept for a reply, so that the two ends never wait for each other. While an end's
/// frames fill all but one of its slots, that end's `transmit` returns `None`. While they fill all slots, its `receive`
/// also returns `None`.
///
/// Frames are read and written in place, without a copy. The ends can be borrowed independently: while a closure runs
/// on a token of one end, the other end can be used.
///
/// ```
/// use smolstep::phy::Cable;
/// use smoltcp::phy::{Device, RxToken, TxToken};
/// use smoltcp::time::Instant;
///
/// let mut cable = Cable::<4, 1514>::new();
/// let (mut left, mut right) = cable.ends();
/// left.transmit(Instant::ZERO).unwrap().consume(2, |frame| frame.copy_from_slice(b"hi"));
/// let (frame, _reply) = right.receive(Instant::ZERO).unwrap();
/// frame.consume(|frame| assert_eq!(frame, b"hi"));
/// ```
pub struct Cable<const FRAMES: usize, const MTU: usize> {
    medium: Medium,
    queues: [Queue<FRAMES, MTU>; 2],
}

impl<const FRAMES: usize, const MTU: usize> Cable<FRAMES, MTU> {
    /// Creates an empty cable that carries Ethernet frames.
    pub const fn new() -> Self {
        Self::with_medium(ETHERNET)
    }

    /// Creates an empty cable that carries Ethernet frames or, with [`Medium::Ip`], bare IP packets.
    pub const fn with_medium(medium: Medium) -> Self {
        Cable { medium, queues: [const { Queue::new() }; 2] }
    }

    /// Returns the two ends. Frames in flight stay in the cable when its ends are dropped.
    pub fn ends(&mut self) -> (CableEnd<'_, FRAMES, MTU>, CableEnd<'_, FRAMES, MTU>) {
        let [there, back] = &self.queues;
        let medium = self.medium;
        (CableEnd { medium, rx: back, tx: there }, CableEnd { medium, rx: there, tx: back })
    }
}

impl<const FRAMES: usize, const MTU: usize> Default for Cable<FRAMES, MTU> {
    fn default() -> Self {
        Self::new()
    }
}

/// One end of a [`Cable`].
pub struct CableEnd<'a, const FRAMES: usize, const MTU: usize> {
    medium: Medium,
    rx: &'a Queue<FRAMES, MTU>,
    tx: &'a Queue<FRAMES, MTU>,
}

impl<const FRAMES: usize, const MTU: usize> Device for CableEnd<'_, FRAMES, MTU> {
    type RxToken<'b>
        = FrameIn<'b, FRAMES, MTU>
    where
        Self: 'b;
    type TxToken<'b>
        = FrameOut<'b, FRAMES, MTU>
    where
        Self: 'b;

    fn receive(&mut self, _now: Instant) -> Option<(Self::RxToken<'_>, Self::TxToken<'_>)> {
        Some((self.rx.front()?, self.tx.reply_place()?))
    }

    fn transmit(&mut self, _now: Instant) -> Option<Self::TxToken<'_>> {
        self.tx.place()
    }

    fn capabilities(&self) -> DeviceCapabilities {
        Queue::<FRAMES, MTU>::capabilities(self.medium)
    }
}

#[cfg(all(test, feature = "std"))]
mod tests;
