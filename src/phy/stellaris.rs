//! The Ethernet controller of the Stellaris LM3S6965 (LM3S6965 data sheet, chapter 15).
//!
//! The controller has a FIFO in each direction, through which the driver moves one frame at a time.

use smoltcp::phy::{Device, DeviceCapabilities, RxToken, TxToken};
use smoltcp::time::Instant;

use super::medium::EthernetAddress;
use super::registers::{Ethernet, FRAME, Faults, PHY_STATUS, Registers, shows_link};
use super::words::{self, Arrived, Words};

/// A smoltcp device for a Stellaris Ethernet controller.
///
/// The controller can deliver frames for other hosts, and the driver drops them. A received frame waits until the
/// controller can send a frame, so that the stack can reply to every frame.
///
/// The driver computes and verifies IPv4, TCP and UDP checksums while it copies frames. The driver drops frames with a
/// wrong checksum, and IP fragments of TCP segments and UDP datagrams.
#[derive(Debug)]
pub struct Stellaris<R> {
    registers: R,
    address: EthernetAddress,
    /// The length of the frame in `received`, until that frame is consumed.
    waiting: Option<usize>,
    received: Words,
    sending: Words,
    faults: Faults,
}

// Registers, by their offset (section 15.6).
const STATUS: usize = 0x00;
const INTERRUPTS: usize = 0x04;
const RX_CONTROL: usize = 0x08;
const TX_CONTROL: usize = 0x0c;
const DATA: usize = 0x10;
const ADDRESS_LOW: usize = 0x14;
const ADDRESS_HIGH: usize = 0x18;
const MII_CONTROL: usize = 0x20;
const MII_DIVIDER: usize = 0x24;
const MII_RECEIVED: usize = 0x30;
const FRAMES_WAITING: usize = 0x34;
const TX_REQUEST: usize = 0x38;

/// The bit of `RX_CONTROL` that enables the reception of multicast frames, which IPv6 neighbour discovery needs.
const GROUPS: u32 = if cfg!(feature = "ipv6") { 1 << 1 } else { 0 };

/// The divisor for a management clock of at most 2.5 MHz (IEEE 802.3 section 22.2.2.11). The controller's fastest clock
/// runs at 50 MHz.
const DIVISOR: u32 = 9;

/// The interrupt bit for a received frame.
const RECEIVED: u32 = 1;
/// The interrupt bit for frames lost because the receive FIFO was full.
const OVERRUN: u32 = 1 << 3;

impl<R: Registers> Stellaris<R> {
    /// Configures the controller.
    ///
    /// The controller receives frames to `address`, broadcasts and, with IPv6, multicasts. Each received frame raises
    /// the interrupt.
    pub fn new(mut registers: R, address: EthernetAddress) -> Self {
        let r = &mut registers;
        r.write(INTERRUPTS, 0);
        // Clears the interrupts that are pending.
        r.write(STATUS, 0x7f);
        // Empties the receive FIFO.
        r.write(RX_CONTROL, 0x10);
        let [a, b, c, d, e, f] = address.0;
        r.write(ADDRESS_LOW, u32::from_le_bytes([a, b, c, d]));
        r.write(ADDRESS_HIGH, u32::from_le_bytes([e, f, 0, 0]));
        r.write(MII_DIVIDER, DIVISOR);
        // Turns on full duplex, the Ethernet checksum, padding and the transmitter. Then turns on the receiver, which
        // rejects frames with a wrong Ethernet checksum.
        r.write(TX_CONTROL, 0x0f);
        r.write(RX_CONTROL, 0x09 | GROUPS);
        r.write(INTERRUPTS, RECEIVED);
        Stellaris {
            registers,
            address,
            waiting: None,
            received: Words::EMPTY,
            sending: Words::EMPTY,
            faults: Faults::default(),
        }
    }

    /// Clears the interrupt. Frames that have already arrived do not raise the interrupt again, so poll after this
    /// call.
    pub fn acknowledge(&mut self) {
        self.registers.write(STATUS, RECEIVED);
    }

    /// Returns the counts of errors since the controller was set up.
    ///
    /// The controller reports that it lost frames, but not how many. Each report is counted as one lost frame.
    pub fn faults(&mut self) -> Faults {
        if self.registers.read(STATUS) & OVERRUN != 0 {
            self.registers.write(STATUS, OVERRUN);
            self.faults.overruns = self.faults.overruns.saturating_add(1);
        }
        self.faults
    }

    /// Returns whether the link was up when the previous call read its state. The first call returns true.
    ///
    /// Each call begins a read of the PHY's status, which takes 0.1 ms, and returns the result of the previous read. If
    /// the link failed between two reads, the second read reports it as down even if the link is up again.
    pub fn link_is_up(&mut self) -> bool {
        let status = self.registers.read(MII_RECEIVED);
        // Begins to read the PHY's status register.
        self.registers.write(MII_CONTROL, PHY_STATUS << 3 | 1);
        shows_link(status)
    }

    /// Reads the next good frame for this host or for a group into `received`, unless a frame is already waiting.
    /// Discards frames to other hosts, and counts and discards bad frames.
    fn fetch(&mut self) {
        // The controller counts up to 63 frames. The limit keeps a flood of discarded frames from blocking the program.
        for _ in 0..64 {
            if self.waiting.is_some() || self.registers.read(FRAMES_WAITING) & 0x3f == 0 {
                return;
            }
            let registers = &mut self.registers;
            let first = registers.read(DATA).to_le_bytes();
            self.received.words()[0] = first;
            // The length includes the 2 bytes of the length itself and the 4-byte checksum.
            let counted = usize::from(u16::from_le_bytes([first[0], first[1]]));
            let words = counted.div_ceil(4);
            match counted.checked_sub(6) {
                Some(len @ 14..=FRAME) => {
                    let arrived = self.received.receive(1..words, len, |words| registers.read_fifo(DATA, words));
                    // The least significant bit of the first byte marks a group address (IEEE 802.3 section 3.2.3).
                    let to = &self.received.frame(len)[..6];
                    let ours = to[0] & 1 == 1 || to == self.address.0;
                    match arrived {
                        Arrived::Frame if ours => self.waiting = Some(len),
                        Arrived::Wrong if ours => self.faults.checksums = self.faults.checksums.saturating_add(1),
                        // A frame to another host.
                        _ => {}
                    }
                }
                _ => {
                    // Reads the bad frame word by word, and discards the words.
                    for _ in 1..words {
                        registers.read(DATA);
                    }
                    self.faults.bad = self.faults.bad.saturating_add(1);
                }
            }
        }
    }

    /// Returns whether a frame can be sent now.
    fn has_room(&mut self) -> bool {
        self.registers.read(TX_REQUEST) & 1 == 0
    }
}

impl<R: Registers> Device for Stellaris<R> {
    type RxToken<'a>
        = Received<'a>
    where
        R: 'a;
    type TxToken<'a>
        = Sending<'a, R>
    where
        R: 'a;

    /// Returns the next good frame, and the permission to send a reply.
    fn receive(&mut self, _now: Instant) -> Option<(Received<'_>, Sending<'_, R>)> {
        self.fetch();
        // Without room for a reply, the frame stays in `received`.
        if self.waiting.is_none() || !self.has_room() {
            return None;
        }
        let received = Received { waiting: &mut self.waiting, words: &self.received };
        Some((received, Sending { registers: &mut self.registers, words: &mut self.sending }))
    }

    fn transmit(&mut self, _now: Instant) -> Option<Sending<'_, R>> {
        self.has_room().then_some(Sending { registers: &mut self.registers, words: &mut self.sending })
    }

    fn capabilities(&self) -> DeviceCapabilities {
        words::capabilities()
    }
}

/// A received frame. The frame stays in the device if the token is dropped unused.
#[doc(hidden)]
pub struct Received<'a> {
    waiting: &'a mut Option<usize>,
    words: &'a Words,
}

impl RxToken for Received<'_> {
    fn consume<T, F: FnOnce(&[u8]) -> T>(self, f: F) -> T {
        let len = self.waiting.take().unwrap_or(0).min(FRAME);
        f(self.words.frame(len))
    }
}

/// A token for one frame to send. The controller is ready to send the frame.
#[doc(hidden)]
pub struct Sending<'a, R> {
    registers: &'a mut R,
    words: &'a mut Words,
}

impl<R: Registers> TxToken for Sending<'_, R> {
    /// Lets `f` fill in a frame of `len` bytes, and passes the frame to the controller.
    ///
    /// # Panics
    /// Panics if `len` exceeds the MTU in the capabilities. smoltcp never requests such a length.
    fn consume<T, F: FnOnce(&mut [u8]) -> T>(self, len: usize, f: F) -> T {
        let (len, words, result) = self.words.send(len, f, R::sum);
        // The length in the 2 bytes before the frame counts only the data after the Ethernet header.
        let counted = (len as u16 - 14).to_le_bytes();
        words[0][..2].copy_from_slice(&counted);
        self.registers.write_fifo(DATA, words);
        // Begins the transmission.
        self.registers.write(TX_REQUEST, 1);
        result
    }
}

impl<R: Registers> Ethernet for Stellaris<R> {
    fn acknowledge(&mut self) {
        self.acknowledge();
    }

    fn faults(&mut self) -> Faults {
        self.faults()
    }

    fn link_is_up(&mut self) -> bool {
        self.link_is_up()
    }
}

#[cfg(all(test, feature = "std"))]
mod tests;
