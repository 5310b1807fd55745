//! A model of the ENC28J60 that implements only what drivers use. The source is the chip's data sheet, DS39662E.
//!
//! The chip has 8 KiB of memory. The program divides this memory into a ring of received frames and a buffer for one
//! frame to send. A frame that does not fit into the free part of the ring is dropped.

use std::cell::RefCell;
use std::convert::Infallible;
use std::rc::Rc;

use embedded_hal::spi::{ErrorType, Operation, SpiDevice};
use smoltcp::time::{Duration, Instant};

use super::{is_for, padded};
use crate::clock;
use crate::wire::{End, Wire};

const MEMORY: usize = 8 * 1024;
/// The time that selecting the chip takes, in microseconds.
const SELECT: u64 = 2;
/// The number of bytes that the SPI bus transfers in a microsecond, at 16 MHz.
const BYTES_PER_MICROSECOND: u64 = 2;

// Registers that are in all banks.
const EIR: u8 = 0x1c;
const ESTAT: u8 = 0x1d;
const ECON2: u8 = 0x1e;
const ECON1: u8 = 0x1f;
const FIRST_COMMON: u8 = 0x1b;

const RX_ERROR: u8 = 1 << 0;
const CLOCK_READY: u8 = 1 << 0;
const PACKET_DECREMENT: u8 = 1 << 6;
const RX_ENABLE: u8 = 1 << 2;
const TX_REQUEST: u8 = 1 << 3;

// Registers of two bytes in bank 0.
const READ_AT: u8 = 0x00;
const WRITE_AT: u8 = 0x02;
const TX_START: u8 = 0x04;
const TX_END: u8 = 0x06;
const RX_START: u8 = 0x08;
const RX_END: u8 = 0x0a;
const RX_READ: u8 = 0x0c;
const RX_WRITE: u8 = 0x0e;

// Registers of the other banks: bank and address.
const PACKETS: (u8, u8) = (1, 0x19);
const MII_COMMAND: (u8, u8) = (2, 0x12);
const MII_ADDRESS: (u8, u8) = (2, 0x14);
const MII_READ: (u8, u8) = (2, 0x18);
/// The registers of the hardware address, in the order of the address's bytes.
const HARDWARE: [(u8, u8); 6] = [(3, 4), (3, 5), (3, 2), (3, 3), (3, 0), (3, 1)];
const REVISION: (u8, u8) = (3, 0x12);

const PHY_STATUS_2: u8 = 0x11;
const PHY_LINK: u16 = 1 << 10;
/// The receive status of a good frame, without its length.
const RECEIVED_OK: u32 = 1 << 23;

/// The chip. A clone refers to the same chip.
#[derive(Clone)]
pub struct Enc28j60(Rc<RefCell<State>>);

struct State {
    wire: Wire,
    banks: [[u8; 32]; 4],
    memory: [u8; MEMORY],
    /// The time at which the frame in the memory has been sent completely.
    sent_at: Instant,
    dropped: usize,
}

impl Enc28j60 {
    /// Creates a chip at one end of a wire.
    pub fn new(wire: Wire) -> Enc28j60 {
        let mut state = State { wire, banks: [[0; 32]; 4], memory: [0; MEMORY], sent_at: Instant::ZERO, dropped: 0 };
        state.reset();
        Enc28j60(Rc::new(RefCell::new(state)))
    }

    /// Receives a frame from the wire.
    pub fn arrive(&self, frame: &[u8]) {
        self.0.borrow_mut().arrive(frame);
    }

    /// Returns the number of frames that did not fit into the ring.
    pub fn dropped(&self) -> usize {
        self.0.borrow().dropped
    }

    /// Returns the number of frames in the ring.
    pub fn waiting(&self) -> u8 {
        self.0.borrow().at(PACKETS)
    }
}

impl State {
    /// Sets the registers to their values after a reset.
    fn reset(&mut self) {
        self.banks = [[0; 32]; 4];
        self.set(REVISION, 6);
        self.set_word(READ_AT, 0x05fa);
        self.set_word(RX_START, 0x05fa);
        self.set_word(RX_END, 0x1fff);
        self.set_word(RX_READ, 0x05fa);
        self.set((0, ESTAT), CLOCK_READY);
        self.set((0, ECON2), 0x80);
    }

    /// Does the work of [`Enc28j60::arrive`].
    fn arrive(&mut self, frame: &[u8]) {
        let hardware = HARDWARE.map(|register| self.at(register));
        if self.at((0, ECON1)) & RX_ENABLE == 0 || !is_for(&hardware, frame) {
            return;
        }
        // Each frame is stored after a pointer to the next frame and after its receive status. The frame's checksum
        // follows the frame.
        let len = frame.len() + 4;
        if 6 + len > self.free() || self.at(PACKETS) == u8::MAX {
            self.dropped += 1;
            self.set((0, EIR), self.at((0, EIR)) | RX_ERROR);
            return;
        }
        let mut at = self.word(RX_WRITE);
        let next = (0..(6 + len).next_multiple_of(2)).fold(at, |at, _| self.after(at));
        let status = (len as u32 | RECEIVED_OK).to_le_bytes();
        for &byte in next.to_le_bytes().iter().chain(&status).chain(frame).chain(&[0; 4]) {
            self.memory[usize::from(at) % MEMORY] = byte;
            at = self.after(at);
        }
        self.set_word(RX_WRITE, next);
        self.set(PACKETS, self.at(PACKETS) + 1);
    }

    /// Returns the number of free bytes in the ring.
    fn free(&self) -> usize {
        let (read, write, len) = (self.word(RX_READ), self.word(RX_WRITE), self.word(RX_END) - self.word(RX_START));
        usize::from(match write.cmp(&read) {
            std::cmp::Ordering::Greater => len - (write - read),
            std::cmp::Ordering::Equal => len,
            std::cmp::Ordering::Less => read - write - 1,
        })
    }

    /// Returns the address after `at` in the ring.
    fn after(&self, at: u16) -> u16 {
        if at == self.word(RX_END) { self.word(RX_START) } else { (at + 1) % MEMORY as u16 }
    }

    /// Sends the frame in the memory, at 10 Mbit/s. The byte before the frame is a control byte for the MAC.
    fn send(&mut self) {
        let (from, to) = (usize::from(self.word(TX_START)) + 1, usize::from(self.word(TX_END)));
        let frame = padded(self.memory.get(from..=to).expect("the frame to send is within the memory").to_vec());
        self.sent_at = clock::now() + Duration::from_micros(frame.len() as u64 * 4 / 5);
        self.wire.send(End::Far, &frame);
    }

    /// Returns the bank in which a register is. Registers that are in all banks are stored in bank 0.
    fn bank(&self, register: u8) -> u8 {
        if register >= FIRST_COMMON { 0 } else { self.banks[0][usize::from(ECON1)] & 3 }
    }

    /// Reads a register. A frame that has been sent completely clears the transmit request.
    fn read(&mut self, register: u8) -> u8 {
        let bank = self.bank(register);
        if register == ECON1 && clock::now() >= self.sent_at {
            self.set((0, ECON1), self.at((0, ECON1)) & !TX_REQUEST);
        }
        self.at((bank, register))
    }

    /// Writes a register, and carries out the command that the new value contains.
    fn write(&mut self, register: u8, byte: u8) {
        let bank = self.bank(register);
        let was = self.at((bank, register));
        self.set((bank, register), byte);
        match (bank, register) {
            // The ring now begins at another address, and is empty.
            (0, 0x08 | 0x09) => self.set_word(RX_WRITE, self.word(RX_START)),
            (0, ECON2) if byte & PACKET_DECREMENT != 0 => {
                self.set((0, ECON2), byte & !PACKET_DECREMENT);
                self.set(PACKETS, self.at(PACKETS).saturating_sub(1));
            }
            (0, ECON1) if byte & !was & TX_REQUEST != 0 => self.send(),
            MII_COMMAND if byte & 1 != 0 => {
                let link = self.at(MII_ADDRESS) == PHY_STATUS_2 && self.wire.is_plugged();
                let [low, high] = if link { PHY_LINK } else { 0 }.to_le_bytes();
                self.set(MII_READ, low);
                self.set((MII_READ.0, MII_READ.1 + 1), high);
            }
            _ => {}
        }
    }

    /// Reads the byte at the read pointer, and advances the pointer.
    fn read_memory(&mut self) -> u8 {
        let at = self.word(READ_AT);
        self.set_word(READ_AT, self.after(at));
        self.memory[usize::from(at) % MEMORY]
    }

    /// Writes the byte at the write pointer, and advances the pointer.
    fn write_memory(&mut self, byte: u8) {
        let at = self.word(WRITE_AT);
        self.memory[usize::from(at) % MEMORY] = byte;
        self.set_word(WRITE_AT, (at + 1) % MEMORY as u16);
    }

    /// Returns the value of a register.
    fn at(&self, (bank, register): (u8, u8)) -> u8 {
        self.banks[usize::from(bank)][usize::from(register)]
    }

    /// Sets a register, without a side effect.
    fn set(&mut self, (bank, register): (u8, u8), byte: u8) {
        self.banks[usize::from(bank)][usize::from(register)] = byte;
    }

    /// Returns the value of a register of two bytes.
    fn word(&self, register: u8) -> u16 {
        u16::from_le_bytes([self.at((0, register)), self.at((0, register + 1))])
    }

    /// Sets a register of two bytes, without a side effect.
    fn set_word(&mut self, register: u8, word: u16) {
        let [low, high] = word.to_le_bytes();
        self.set((0, register), low);
        self.set((0, register + 1), high);
    }
}

/// Returns whether a register belongs to the MAC or the MII, which send a dummy byte before the register's value.
fn has_dummy(bank: u8, register: u8) -> bool {
    match bank {
        2 => register < FIRST_COMMON,
        3 => register <= 5 || register == 0x0a,
        _ => false,
    }
}

/// A transaction: the command in the first byte, then data.
#[derive(Default)]
struct Transaction {
    command: Option<u8>,
    bytes: u64,
}

impl Transaction {
    /// Moves one byte each way.
    fn exchange(&mut self, chip: &mut State, byte: u8) -> u8 {
        self.bytes += 1;
        let Some(command) = self.command else {
            self.command = Some(byte);
            if byte == 0xff {
                chip.reset();
            }
            return 0;
        };
        let register = command & 0x1f;
        match command >> 5 {
            0b000 => {
                let delay = u64::from(has_dummy(chip.bank(register), register));
                return if self.bytes == 2 + delay { chip.read(register) } else { 0 };
            }
            0b001 => return chip.read_memory(),
            0b010 => chip.write(register, byte),
            0b011 => chip.write_memory(byte),
            // These commands set or clear bits of a register.
            0b100 => {
                let bits = chip.read(register) | byte;
                chip.write(register, bits);
            }
            0b101 => {
                let bits = chip.read(register) & !byte;
                chip.write(register, bits);
            }
            _ => panic!("the driver gives the command {command:#x}, which the chip does not have"),
        }
        0
    }
}

impl ErrorType for Enc28j60 {
    type Error = Infallible;
}

impl SpiDevice for Enc28j60 {
    fn transaction(&mut self, operations: &mut [Operation<'_, u8>]) -> Result<(), Infallible> {
        let mut transaction = Transaction::default();
        let chip = &mut *self.0.borrow_mut();
        super::perform(operations, |byte| transaction.exchange(chip, byte));
        clock::spend(SELECT + transaction.bytes.div_ceil(BYTES_PER_MICROSECOND));
        Ok(())
    }
}
