//! The network device.

use smoltcp::phy::{Device, DeviceCapabilities};
use smoltcp::time::Instant;
use virtio_drivers::device::net::VirtIONetRaw;
use virtio_drivers::transport::DeviceType;
use virtio_drivers::transport::mmio::MmioTransport;

use super::memory::{BUFFERS, Buffer, FRAMES, Queues};
use super::{quietly, transport};
use crate::phy::{ETHERNET, Ethernet, Faults, NotThere};

/// The number of descriptors of a queue. The number must be a power of two.
const DESCRIPTORS: usize = 16;
const _: () = assert!(FRAMES < DESCRIPTORS);

/// The length of the header before each frame, in bytes (section 5.1.6.1).
const HEADER: usize = 12;

/// The length of the longest frame, in bytes.
const FRAME: usize = 1514;
/// The length of the shortest frame, in bytes. Shorter frames are padded with zeros (IEEE 802.3 section 3.2.8).
const SHORTEST: usize = 60;

type Driver = VirtIONetRaw<Queues, MmioTransport<'static>, DESCRIPTORS>;

/// A virtio network device.
///
/// The device holds up to 8 received frames and up to 8 frames to send. If the buffers are full, further frames wait in
/// QEMU.
pub struct Net {
    driver: Driver,
    receiver: Receiver,
    sender: Sender,
}

/// The received frames.
struct Receiver {
    buffers: &'static mut [Buffer; FRAMES],
    /// For each descriptor, the index of its buffer.
    tokens: [u8; DESCRIPTORS],
    /// The oldest received frame.
    waiting: Option<Waiting>,
    faults: Faults,
}

/// A received frame of `len` bytes in the buffer `index`. Once `is_consumed` is true, the buffer can be lent again.
#[derive(Clone, Copy)]
struct Waiting {
    index: usize,
    len: usize,
    is_consumed: bool,
}

/// The frames to send.
struct Sender {
    buffers: &'static mut [Buffer; FRAMES],
    /// For each descriptor, the index of its buffer.
    tokens: [u8; DESCRIPTORS],
    /// For each buffer, the number of bytes that the device still reads from it, or 0 if the buffer is free.
    lengths: [usize; FRAMES],
}

impl Net {
    /// Sets up the device at address `base`. The device receives frames to all addresses, and the stack drops frames to
    /// other hosts.
    ///
    /// # Errors
    /// Returns [`NotThere`] if there is no network device, or if this function was called before.
    pub fn new(base: usize) -> Result<Self, NotThere> {
        let buffers = BUFFERS.try_take().ok_or(NotThere)?;
        let transport = transport(base, DeviceType::Network)?;
        let mut driver = quietly(|| Driver::new(transport)).map_err(|_| NotThere)?;
        let sender = Sender { buffers: &mut buffers.sent, tokens: [0; DESCRIPTORS], lengths: [0; FRAMES] };
        // The header is the same for all frames, so it is written once to each buffer.
        for buffer in sender.buffers.iter_mut() {
            // Only a legacy device has a shorter header. scripts/firmware makes QEMU emulate a modern device.
            if !matches!(driver.fill_buffer_header(&mut buffer.0), Ok(HEADER)) {
                return Err(NotThere);
            }
        }
        let faults = Faults::default();
        let mut receiver = Receiver { buffers: &mut buffers.received, tokens: [0; DESCRIPTORS], waiting: None, faults };
        for index in 0..FRAMES {
            receiver.lend(&mut driver, index);
        }
        Ok(Net { driver, receiver, sender })
    }
}

impl Receiver {
    /// Lends the buffer `index` to the device, which writes a received frame to it.
    #[allow(unsafe_code)]
    fn lend(&mut self, driver: &mut Driver, index: usize) {
        let Some(buffer) = self.buffers.get_mut(index) else { return };
        // SAFETY: the buffer is static. Nothing reads or writes it until `receive_complete` has returned it, because
        // only `waiting` names a buffer, and its frame has been consumed before this function is called.
        let lent = unsafe { driver.receive_begin(&mut buffer.0) };
        // There are more descriptors than buffers, so lending the buffer never fails.
        if let Ok(token) = lent
            && let Some(entry) = self.tokens.get_mut(usize::from(token))
        {
            *entry = index as u8;
        }
    }

    /// Returns the oldest received frame, or `None` if no frame has arrived. Lends the buffers of consumed and bad
    /// frames to the device again.
    #[allow(unsafe_code)]
    fn arrived(&mut self, driver: &mut Driver) -> Option<Waiting> {
        // Each iteration takes one buffer back from the device. The number of iterations is limited, so that a stream
        // of bad frames cannot keep the board in this loop.
        for _ in 0..=FRAMES {
            match self.waiting {
                Some(waiting) if !waiting.is_consumed => break,
                // The frame has been read, so the device gets its buffer back.
                Some(waiting) => {
                    self.waiting = None;
                    self.lend(driver, waiting.index);
                }
                None => {}
            }
            let token = driver.poll_receive()?;
            let index = usize::from(*self.tokens.get(usize::from(token))?);
            let buffer = self.buffers.get_mut(index)?;
            // SAFETY: `lend` has passed this buffer to the device, and has stored its index under this token.
            let completed = unsafe { driver.receive_complete(token, &mut buffer.0) };
            // A frame that is not valid is treated as consumed. An Ethernet header has 14 bytes.
            let len = completed.map_or(0, |(_, len)| len);
            let is_valid = (14..=FRAME).contains(&len);
            if !is_valid {
                self.faults.bad = self.faults.bad.wrapping_add(1);
            }
            self.waiting = Some(Waiting { index, len, is_consumed: !is_valid });
        }
        self.waiting.filter(|waiting| !waiting.is_consumed)
    }
}

impl Sender {
    /// Takes back the buffers of frames that the device has sent. Returns the index of a free buffer, or `None` if the
    /// device still reads all of them.
    #[allow(unsafe_code)]
    fn free(&mut self, driver: &mut Driver) -> Option<usize> {
        for _ in 0..FRAMES {
            // The token of a frame that the device has sent.
            let Some(token) = driver.poll_transmit() else { break };
            let index = usize::from(*self.tokens.get(usize::from(token))?);
            let len = self.lengths.get_mut(index)?;
            let frame = self.buffers.get(index)?.0.get(..*len)?;
            // SAFETY: `Sending::consume` has passed these bytes to the device, and has stored their buffer's index
            // under this token.
            let _ = unsafe { driver.transmit_complete(token, frame) };
            // A length of 0 marks the buffer as free.
            *len = 0;
        }
        self.lengths.iter().position(|&len| len == 0)
    }
}

/// A received frame.
pub struct Received<'a> {
    frame: &'a [u8],
    waiting: &'a mut Option<Waiting>,
}

impl smoltcp::phy::RxToken for Received<'_> {
    /// Passes the frame to `read`. The device can then get the buffer back.
    fn consume<T, F: FnOnce(&[u8]) -> T>(self, read: F) -> T {
        let result = read(self.frame);
        if let Some(waiting) = self.waiting {
            waiting.is_consumed = true;
        }
        result
    }
}

/// A free buffer for a frame to send.
pub struct Sending<'a> {
    driver: &'a mut Driver,
    sender: &'a mut Sender,
    index: usize,
}

impl smoltcp::phy::TxToken for Sending<'_> {
    /// Fills in the frame, pads it, and lends its buffer to the device.
    ///
    /// # Panics
    /// Panics if `len` exceeds the length of the longest frame.
    #[allow(unsafe_code)]
    fn consume<T, F: FnOnce(&mut [u8]) -> T>(self, len: usize, write: F) -> T {
        assert!(len <= FRAME, "a frame of {len} bytes");
        let Sender { buffers, tokens, lengths } = self.sender;
        let buffer = &mut buffers[self.index].0;
        let result = write(&mut buffer[HEADER..HEADER + len]);
        let padded = HEADER + len.max(SHORTEST);
        buffer[HEADER + len..padded].fill(0);
        // SAFETY: the buffer is static. Nothing writes it until `free` has taken it back, because its length is not 0.
        let lent = unsafe { self.driver.transmit_begin(&buffer[..padded]) };
        // There are more descriptors than buffers, so lending the buffer never fails.
        if let Ok(token) = lent
            && let Some(entry) = tokens.get_mut(usize::from(token))
        {
            *entry = self.index as u8;
            lengths[self.index] = padded;
        }
        result
    }
}

impl Device for Net {
    type RxToken<'a> = Received<'a>;
    type TxToken<'a> = Sending<'a>;

    /// Returns the oldest received frame, and a buffer for a reply to it.
    fn receive(&mut self, _now: Instant) -> Option<(Received<'_>, Sending<'_>)> {
        let Net { driver, receiver, sender } = self;
        // First take a buffer for the reply. Without one, received frames wait, so that the stack can answer each of
        // them.
        let index = sender.free(driver)?;
        let Waiting { index: received, len, .. } = receiver.arrived(driver)?;
        let frame = receiver.buffers.get(received)?.0.get(HEADER..HEADER + len)?;
        Some((Received { frame, waiting: &mut receiver.waiting }, Sending { driver, sender, index }))
    }

    /// Returns a free buffer for a frame, or `None` if the device still reads all buffers.
    fn transmit(&mut self, _now: Instant) -> Option<Sending<'_>> {
        let Net { driver, sender, .. } = self;
        let index = sender.free(driver)?;
        Some(Sending { driver, sender, index })
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = ETHERNET;
        capabilities.max_transmission_unit = FRAME;
        capabilities
    }
}

impl Ethernet for Net {
    fn acknowledge(&mut self) {
        // The poll loop looks for frames in any case, so the cause of the interrupt does not matter.
        let _ = self.driver.ack_interrupt();
    }

    fn faults(&mut self) -> Faults {
        self.receiver.faults
    }
}
