//! A fixed-size queue of frames, read and written in place. The cable and the loopback are built from such queues.

use core::cell::{Cell, RefCell, RefMut};

use smoltcp::phy::{DeviceCapabilities, Medium, RxToken, TxToken};

/// A queue of `FRAMES` frames of up to `MTU` bytes, for one reader and one writer.
///
/// The reader and the writer can work at the same time. Each frame has a separate cell, so one frame can be read while
/// the next is written.
///
/// The last free slot is kept for a reply to a received frame, so only a reply can fill a queue. The received frame
/// leaves the other queue, so the two queues of a cable are never full at the same time.
pub struct Queue<const FRAMES: usize, const MTU: usize> {
    slots: [RefCell<Slot<MTU>>; FRAMES],
    first: Cell<usize>,
    len: Cell<usize>,
}

struct Slot<const MTU: usize> {
    len: usize,
    bytes: [u8; MTU],
}

impl<const FRAMES: usize, const MTU: usize> Queue<FRAMES, MTU> {
    /// Creates an empty queue. Its bits are all zero, so a queue in a `static` takes no space in a board's flash.
    ///
    /// The build fails if `FRAMES` is less than 2 or `MTU` is less than 590 bytes.
    pub const fn new() -> Self {
        const {
            assert!(FRAMES >= 2, "a queue needs room for one frame and one reply");
            assert!(MTU >= 590, "IPv4 needs 576 bytes a packet, and an Ethernet header 14");
        }
        Queue {
            slots: [const { RefCell::new(Slot { len: 0, bytes: [0; MTU] }) }; FRAMES],
            first: Cell::new(0),
            len: Cell::new(0),
        }
    }

    /// Returns the oldest frame, or `None` if the queue is empty or another token has borrowed the frame.
    pub fn front(&self) -> Option<FrameIn<'_, FRAMES, MTU>> {
        if self.len.get() == 0 {
            return None;
        }
        let slot = self.slot(0)?;
        Some(FrameIn { queue: self, slot })
    }

    /// Returns a free slot for a frame that is not a reply. Returns `None` if at most one slot is free.
    pub fn place(&self) -> Option<FrameOut<'_, FRAMES, MTU>> {
        if self.len.get() + 1 < FRAMES { self.reply_place() } else { None }
    }

    /// Returns a free slot for a reply, which can be the only free slot. Returns `None` if the queue is full, or if a
    /// token has borrowed the slot.
    pub fn reply_place(&self) -> Option<FrameOut<'_, FRAMES, MTU>> {
        if self.len.get() >= FRAMES {
            return None;
        }
        let slot = self.slot(self.len.get())?;
        Some(FrameOut { queue: self, slot })
    }

    /// Returns the capabilities of a device made of such queues. The stack computes and verifies all checksums.
    pub fn capabilities(medium: Medium) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = medium;
        capabilities.max_transmission_unit = MTU;
        capabilities
    }

    /// Returns the slot at distance `behind` from the front of the queue, unless a token has borrowed the slot.
    fn slot(&self, behind: usize) -> Option<RefMut<'_, Slot<MTU>>> {
        self.slots.get((self.first.get() + behind) % FRAMES)?.try_borrow_mut().ok()
    }
}

impl<const FRAMES: usize, const MTU: usize> Default for Queue<FRAMES, MTU> {
    fn default() -> Self {
        Self::new()
    }
}

/// A received frame, read in place. The frame is removed from the queue when the closure returns.
///
/// If the token is dropped unused, the frame stays in the queue.
pub struct FrameIn<'a, const FRAMES: usize, const MTU: usize> {
    queue: &'a Queue<FRAMES, MTU>,
    slot: RefMut<'a, Slot<MTU>>,
}

impl<const FRAMES: usize, const MTU: usize> RxToken for FrameIn<'_, FRAMES, MTU> {
    #[inline(always)]
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        let result = f(&self.slot.bytes[..self.slot.len]);
        self.queue.first.set((self.queue.first.get() + 1) % FRAMES);
        self.queue.len.set(self.queue.len.get() - 1);
        result
    }
}

/// A free slot for a frame to send. The frame is written in place, and joins the queue when the closure returns.
pub struct FrameOut<'a, const FRAMES: usize, const MTU: usize> {
    queue: &'a Queue<FRAMES, MTU>,
    slot: RefMut<'a, Slot<MTU>>,
}

impl<const FRAMES: usize, const MTU: usize> TxToken for FrameOut<'_, FRAMES, MTU> {
    /// # Panics
    /// Panics if `len` is more than `MTU`. smoltcp never sends a frame longer than the device's capabilities say.
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(mut self, len: usize, f: F) -> R {
        let result = f(&mut self.slot.bytes[..len]);
        self.slot.len = len;
        self.queue.len.set(self.queue.len.get() + 1);
        result
    }
}
