//! SMSC LAN9118: an Ethernet controller with its own frame memory, accessed word by word (LAN9118 data sheet).

use smoltcp::phy::{Device, DeviceCapabilities, RxToken, TxToken};
use smoltcp::time::Instant;

use super::medium::EthernetAddress;
use super::registers::{Ethernet, FRAME, Faults, NotThere, PHY_STATUS, Registers, shows_link, wait};
use super::words::{self, Arrived, Words};

/// A smoltcp device for a LAN9118.
///
/// The controller stores 10,560 bytes of received frames and loses any further frames. The sum of the receive windows
/// of all connections, plus 60 bytes for each segment, must stay below that size. A received frame waits until the
/// controller has room for a frame to send, so that the stack can reply to every frame.
///
/// The driver computes and verifies IPv4, TCP and UDP checksums while it copies frames. The driver drops frames with a
/// wrong checksum, and IP fragments of TCP segments and UDP datagrams.
#[derive(Debug)]
pub struct Lan9118<R> {
    registers: R,
    /// The length of the frame in `received`, until that frame is consumed.
    waiting: Option<usize>,
    received: Words,
    sending: Words,
    faults: Faults,
}

// Registers, by their offset (section 5.3).
const RX_DATA: usize = 0x00;
const TX_DATA: usize = 0x20;
const RX_STATUS: usize = 0x40;
const TX_STATUS: usize = 0x48;
const IRQ_CFG: usize = 0x54;
const INT_STS: usize = 0x58;
const INT_EN: usize = 0x5c;
const BYTE_TEST: usize = 0x64;
const FIFO_INT: usize = 0x68;
const RX_CFG: usize = 0x6c;
const TX_CFG: usize = 0x70;
const HW_CFG: usize = 0x74;
const RX_FIFO_INF: usize = 0x7c;
const TX_FIFO_INF: usize = 0x80;
const RX_DROP: usize = 0xa0;
const MAC_COMMAND: usize = 0xa4;
const MAC_DATA: usize = 0xa8;
const AFC_CFG: usize = 0xac;

// Registers of the MAC, which are accessed through MAC_COMMAND and MAC_DATA (section 5.4).
const MAC_CR: u32 = 1;
const ADDRESS_HIGH: u32 = 2;
const ADDRESS_LOW: u32 = 3;
const MII_ACCESS: u32 = 6;
const MII_DATA: u32 = 7;

/// The bit of `MAC_CR` that enables the reception of multicast frames, which IPv6 neighbour discovery needs.
const GROUPS: u32 = if cfg!(feature = "ipv6") { 1 << 19 } else { 0 };

/// The interrupt bit for a received frame.
const RECEIVED: u32 = 8;

impl<R: Registers> Lan9118<R> {
    /// The number of full-length frames that a peer can send in one burst without loss.
    pub const BURST: usize = 6;

    /// Resets the controller and configures it.
    ///
    /// The controller receives frames to `address`, broadcasts and, with IPv6, multicasts. Each received frame raises
    /// the interrupt.
    ///
    /// # Errors
    /// Returns [`NotThere`] if the controller does not identify itself, or does not complete a command.
    pub fn new(mut registers: R, address: EthernetAddress) -> Result<Self, NotThere> {
        let r = &mut registers;
        // This register has a fixed value, which shows that the controller is there.
        or_not_there(wait(r, |r| r.read(BYTE_TEST) == 0x8765_4321))?;
        // Resets the controller.
        r.write(HW_CFG, 1);
        or_not_there(wait(r, |r| r.read(HW_CFG) & 1 == 0))?;
        // Reserves 5 KiB of frame memory for frames to send, and the rest for received frames. Sets flow control as the
        // data sheet recommends.
        r.write(HW_CFG, 0x0015_0000);
        r.write(AFC_CFG, 0x006e_3740);
        // Turns off all interrupts, and clears those that are pending.
        r.write(INT_EN, 0);
        r.write(INT_STS, u32::MAX);
        // Makes the PHY negotiate 10 or 100 Mbit/s, half or full duplex: register 4 offers these modes, and register 0
        // starts the negotiation.
        write_phy(r, 4, 0x01e1)?;
        write_phy(r, 0, 0x1200)?;
        let [a, b, c, d, e, f] = address.0;
        write_mac(r, ADDRESS_LOW, u32::from_le_bytes([a, b, c, d]))?;
        write_mac(r, ADDRESS_HIGH, u32::from_le_bytes([e, f, 0, 0]))?;
        // Puts 2 bytes before each received frame, and turns on the transmitter.
        r.write(RX_CFG, 2 << 8);
        r.write(TX_CFG, 2);
        // Turns on full duplex, the transmitter and the receiver. Turns off promiscuous mode, which is on after a
        // reset.
        write_mac(r, MAC_CR, 0x0010_000c | GROUPS)?;
        // Sets the interrupt line to active high and push-pull. Each received frame raises the interrupt.
        r.write(IRQ_CFG, 0x111);
        r.write(FIFO_INT, 0);
        r.write(INT_EN, RECEIVED);
        Ok(Lan9118 {
            registers,
            waiting: None,
            received: Words::EMPTY,
            sending: Words::EMPTY,
            faults: Faults::default(),
        })
    }

    /// Clears the interrupt. Frames that have already arrived do not raise the interrupt again, so poll after this
    /// call.
    pub fn acknowledge(&mut self) {
        self.registers.write(INT_STS, RECEIVED);
    }

    /// Returns the counts of errors since the controller was set up.
    pub fn faults(&mut self) -> Faults {
        // Reading `RX_DROP` resets it to 0, so its value is added to the total.
        self.faults.overruns = self.faults.overruns.saturating_add(self.registers.read(RX_DROP));
        self.faults
    }

    /// Returns whether the PHY reports that the link is up.
    ///
    /// If the link has failed since the previous call, this call returns false even if the link is up again.
    pub fn link_is_up(&mut self) -> bool {
        let r = &mut self.registers;
        // If the controller does not respond, the state of the link is unknown. Return true, so that the stack
        // continues.
        access_phy(r, PHY_STATUS, false).and_then(|()| read_mac(r, MII_DATA)).map_or(true, shows_link)
    }

    /// Reads the next good frame from the controller into `received`, unless a frame is already waiting. Discards and
    /// counts bad frames.
    fn fetch(&mut self) {
        // Reads at most 256 frames, so that a controller that always reports a frame cannot block the loop.
        let mut frames = 256;
        while frames > 0 {
            frames -= 1;
            // Bits 16 to 23 are the number of frames that the controller holds.
            if self.waiting.is_some() || (self.registers.read(RX_FIFO_INF) >> 16) & 0xff == 0 {
                return;
            }
            let status = self.registers.read(RX_STATUS);
            let len = (status >> 16) as usize & 0x3fff;
            // There are 2 bytes before the frame, and padding to a whole word after it.
            let words = (len + 2).div_ceil(4);
            let error = status & (1 << 15) != 0;
            // The length includes the 4-byte checksum.
            match len.checked_sub(4) {
                // A good frame is at least as long as its Ethernet header of 14 bytes.
                Some(len @ 14..=FRAME) if !error => {
                    let registers = &mut self.registers;
                    match self.received.receive(0..words, len, |words| registers.read_wide_fifo(RX_DATA, words)) {
                        Arrived::Frame => self.waiting = Some(len),
                        Arrived::Wrong => self.faults.checksums = self.faults.checksums.saturating_add(1),
                    }
                }
                _ => {
                    // Reads the bad frame word by word, and discards the words.
                    for _ in 0..words {
                        self.registers.read(RX_DATA);
                    }
                    self.faults.bad = self.faults.bad.saturating_add(1);
                }
            }
        }
    }

    /// Returns whether the controller has room for the longest frame. Also discards the status of frames already sent.
    fn has_room(&mut self) -> bool {
        let info = self.registers.read(TX_FIFO_INF);
        // Bits 16 to 23 are the number of status words, and the lower 16 bits are the free bytes.
        for _ in 0..(info >> 16) & 0xff {
            self.registers.read(TX_STATUS);
        }
        // A frame needs additional room for two command words and the 2 bytes before it.
        (info & 0xffff) as usize >= (2 + FRAME).next_multiple_of(4) + 8
    }
}

/// Converts the result of [`wait`]: returns [`NotThere`] if the wait timed out.
fn or_not_there(done: bool) -> Result<(), NotThere> {
    if done { Ok(()) } else { Err(NotThere) }
}

/// Writes a register of the MAC.
fn write_mac<R: Registers>(r: &mut R, register: u32, value: u32) -> Result<(), NotThere> {
    r.write(MAC_DATA, value);
    // Bit 31 starts the access, and reads 1 until the access is complete.
    r.write(MAC_COMMAND, 1 << 31 | register);
    or_not_there(wait(r, |r| r.read(MAC_COMMAND) >> 31 == 0))
}

/// Reads a register of the MAC.
fn read_mac<R: Registers>(r: &mut R, register: u32) -> Result<u32, NotThere> {
    // As in `write_mac`. Bit 30 makes the access a read.
    r.write(MAC_COMMAND, 0b11 << 30 | register);
    or_not_there(wait(r, |r| r.read(MAC_COMMAND) >> 31 == 0))?;
    Ok(r.read(MAC_DATA))
}

/// Writes a register of the PHY.
fn write_phy<R: Registers>(r: &mut R, register: u32, value: u32) -> Result<(), NotThere> {
    write_mac(r, MII_DATA, value)?;
    access_phy(r, register, true)
}

/// Reads or writes a register of the PHY, whose address is 1.
///
/// If `write` is true, copies `MII_DATA` to the register. Otherwise copies the register to `MII_DATA`.
fn access_phy<R: Registers>(r: &mut R, register: u32, write: bool) -> Result<(), NotThere> {
    // The PHY's address begins at bit 11, and the register's number at bit 6. Bit 1 selects a write, and bit 0 starts
    // the access.
    write_mac(r, MII_ACCESS, 1 << 11 | register << 6 | u32::from(write) << 1 | 1)?;
    // Waits until the busy bit of MII_ACCESS reads 0.
    for _ in 0..1000 {
        if read_mac(r, MII_ACCESS)? & 1 == 0 {
            return Ok(());
        }
    }
    Err(NotThere)
}

impl<R: Registers> Device for Lan9118<R> {
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
        let mut capabilities = words::capabilities();
        capabilities.max_burst_size = Some(Self::BURST);
        capabilities
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

/// A token for one frame to send. The controller has room for the frame.
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
        // Writes the two command words, then the frame, which begins 2 bytes into its first word. The frame is one
        // buffer for the controller, so the buffer is marked as both the first and the last buffer of the frame.
        self.registers.write(TX_DATA, 2 << 16 | 0x3000 | len as u32);
        self.registers.write(TX_DATA, len as u32);
        self.registers.write_wide_fifo(TX_DATA, words);
        result
    }
}

impl<R: Registers> Ethernet for Lan9118<R> {
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
