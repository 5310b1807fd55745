//! 1. The device: a controller with a FIFO each way, such as LAN9118, ENC28J60 or W5500 in MACRAW mode.

use smoltcp::phy::{Device, DeviceCapabilities, RxToken, TxToken};
use smoltcp::time::Instant;

/// Access to the controller's registers.
///
/// On a board, the implementation uses volatile reads and writes. This implementation is the port's only `unsafe` code.
pub trait Registers {
    /// Returns the length of the oldest received frame, excluding its checksum, or `None` if no frame has arrived.
    fn received(&mut self) -> Option<usize>;
    /// Removes the oldest frame from the FIFO, and copies it to `buffer`. A frame longer than `buffer` is cut.
    fn take(&mut self, buffer: &mut [u8]);
    /// Returns whether a frame of the largest size can be sent.
    fn has_room(&mut self) -> bool;
    /// Sends a frame.
    fn put(&mut self, frame: &[u8]);
}

/// The longest frame in bytes, including the Ethernet header and excluding the checksum.
const MTU: usize = 1514;
/// The shortest frame in bytes. A driver does not need this constant if the controller pads short frames.
const MINIMUM: usize = 60;
/// How many bad frames one call to `Nic::next` may drop. The limit keeps the poll loop running.
const MAX_BAD: usize = 8;

/// The driver of the controller. The driver uses only [`Registers`], so that tests need no hardware.
pub struct Nic<R> {
    pub registers: R,
    rx: [u8; MTU],
    tx: [u8; MTU],
    /// The number of frames with an impossible length.
    pub bad: u32,
}

impl<R: Registers> Nic<R> {
    pub fn new(registers: R) -> Nic<R> {
        Nic { registers, rx: [0; MTU], tx: [0; MTU], bad: 0 }
    }

    /// Reads the next good frame into `rx`, and returns the frame's length. Drops and counts up to `MAX_BAD` bad
    /// frames. Returns `None` if it finds no good frame.
    fn next(&mut self) -> Option<usize> {
        for _ in 0..MAX_BAD {
            let len = self.registers.received()?;
            self.registers.take(&mut self.rx);
            if (1..=MTU).contains(&len) {
                return Some(len);
            }
            self.bad += 1;
        }
        None
    }
}

impl<R: Registers> Device for Nic<R> {
    type RxToken<'a>
        = Frame<'a>
    where
        Self: 'a;
    type TxToken<'a>
        = Room<'a, R>
    where
        Self: 'a;

    fn receive(&mut self, _now: Instant) -> Option<(Frame<'_>, Room<'_, R>)> {
        // If the controller has no room for a reply, the received frame stays in the controller until later.
        if !self.registers.has_room() {
            return None;
        }
        let len = self.next()?;
        Some((Frame(self.rx.get(..len)?), Room(&mut self.registers, &mut self.tx)))
    }

    fn transmit(&mut self, _now: Instant) -> Option<Room<'_, R>> {
        self.registers.has_room().then_some(Room(&mut self.registers, &mut self.tx))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        // The default is Ethernet, with every checksum computed and verified by the stack.
        let mut capabilities = DeviceCapabilities::default();
        capabilities.max_transmission_unit = MTU;
        capabilities
    }
}

pub struct Frame<'a>(&'a [u8]);

impl RxToken for Frame<'_> {
    fn consume<T, F: FnOnce(&[u8]) -> T>(self, f: F) -> T {
        f(self.0)
    }
}

pub struct Room<'a, R>(&'a mut R, &'a mut [u8; MTU]);

impl<R: Registers> TxToken for Room<'_, R> {
    fn consume<T, F: FnOnce(&mut [u8]) -> T>(self, len: usize, f: F) -> T {
        // smoltcp never passes a `len` above `max_transmission_unit`.
        let result = f(&mut self.1[..len]);
        let padded = len.max(MINIMUM);
        self.1[len..padded].fill(0);
        self.0.put(&self.1[..padded]);
        result
    }
}
