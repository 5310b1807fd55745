//! A model of the W5500 with socket 0 in MACRAW mode. It implements only what drivers use. The source is the chip's
//! data sheet, version 1.0.9.
//!
//! Three properties decide how well drivers work. The receive interrupt is set only when a frame arrives: it is not set
//! again for frames that are still waiting. A frame that does not fit into the receive buffer is dropped. Without a
//! link, a frame to send stays in the send buffer (users of other drivers report this; the data sheet does not mention
//! it).

use std::cell::RefCell;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::rc::Rc;
use std::task::{Poll, Waker};

use embassy_time::Timer;
use embedded_hal::digital::{ErrorType as PinErrorType, OutputPin};
use embedded_hal::spi::ErrorType;
use embedded_hal_async::digital::Wait;
use embedded_hal_async::spi::{Operation, SpiDevice};

use super::{is_for, padded};
use crate::wire::{End, Wire};

/// The size of each buffer in bytes, if socket 0 has all of the chip's memory.
const BUFFER: usize = 16 * 1024;
/// The number of bytes that the SPI bus transfers in a microsecond, at 32 MHz.
const BYTES_PER_MICROSECOND: u64 = 4;

// Common registers.
const MODE: u16 = 0x00;
const HARDWARE: usize = 0x09;
const SOCKET_INTERRUPTS: u16 = 0x17;
const SOCKET_INTERRUPT_MASK: usize = 0x18;
const PHY: u16 = 0x2e;
const VERSION: u16 = 0x39;

// Registers of socket 0.
const COMMAND: u16 = 0x01;
const INTERRUPT: usize = 0x02;
const STATUS: usize = 0x03;
const RX_SIZE: usize = 0x1e;
const TX_SIZE: usize = 0x1f;
const TX_FREE: u16 = 0x20;
const TX_READ: usize = 0x22;
const TX_WRITE: usize = 0x24;
const RECEIVED: u16 = 0x26;
const RX_READ: usize = 0x28;
const RX_WRITE: usize = 0x2a;
const INTERRUPT_MASK: usize = 0x2c;

const FRAME_RECEIVED: u8 = 1 << 2;
const SEND_OK: u8 = 1 << 4;
const MACRAW: u8 = 4;
const STATUS_MACRAW: u8 = 0x42;

/// The chip. A clone refers to the same chip.
#[derive(Clone)]
pub struct W5500(Rc<RefCell<State>>);

struct State {
    wire: Wire,
    common: [u8; 0x40],
    socket: [u8; 0x30],
    tx: Vec<u8>,
    rx: Vec<u8>,
    /// For each frame that waits for the link, the send pointer at its end.
    unsent: VecDeque<u16>,
    /// The receive pointer that the program has confirmed: it has read the bytes up to there.
    read: u16,
    waiting: Vec<Waker>,
    dropped: usize,
}

impl W5500 {
    /// Creates a chip at one end of a wire.
    pub fn new(wire: Wire) -> W5500 {
        let (tx, rx) = (vec![0; BUFFER], vec![0; BUFFER]);
        let state = State {
            wire,
            common: [0; 0x40],
            socket: [0; 0x30],
            tx,
            rx,
            read: 0,
            unsent: VecDeque::new(),
            waiting: Vec::new(),
            dropped: 0,
        };
        W5500(Rc::new(RefCell::new(state)))
    }

    /// Receives a frame from the wire.
    pub fn arrive(&self, frame: &[u8]) {
        self.0.borrow_mut().arrive(frame);
    }

    /// Receives a frame and stores a wrong length for the driver to read, as after a fault of the SPI bus.
    pub fn arrive_garbled(&self, frame: &[u8]) {
        let chip = &mut *self.0.borrow_mut();
        let at = usize::from(chip.socket_word(RX_WRITE));
        chip.arrive(frame);
        chip.rx[at % BUFFER] = 0xff;
    }

    /// Returns the number of frames that did not fit into the receive buffer.
    pub fn dropped(&self) -> usize {
        self.0.borrow().dropped
    }

    /// Returns the number of bytes that wait in the receive buffer.
    pub fn received(&self) -> usize {
        self.0.borrow().received()
    }
}

impl State {
    /// Does the work of [`W5500::arrive`].
    fn arrive(&mut self, frame: &[u8]) {
        if self.socket[STATUS] != STATUS_MACRAW || !is_for(&self.common[HARDWARE..HARDWARE + 6], frame) {
            return;
        }
        // Each frame is stored after its length, which includes the two bytes of the length field.
        let len = frame.len() + 2;
        if len > usize::from(self.socket[RX_SIZE]) * 1024 - self.received() {
            self.dropped += 1;
            return;
        }
        let mut at = self.socket_word(RX_WRITE);
        for byte in (len as u16).to_be_bytes().iter().chain(frame) {
            self.rx[usize::from(at) % BUFFER] = *byte;
            at = at.wrapping_add(1);
        }
        self.set_socket_word(RX_WRITE, at);
        self.socket[INTERRUPT] |= FRAME_RECEIVED;
        self.wake();
    }

    fn received(&self) -> usize {
        usize::from(self.socket_word(RX_WRITE).wrapping_sub(self.read))
    }

    /// Sends the pending frames, if the link is up.
    fn send(&mut self) {
        while self.wire.is_plugged()
            && let Some(to) = self.unsent.pop_front()
        {
            let from = self.socket_word(TX_READ);
            let bytes = (0..to.wrapping_sub(from)).map(|n| self.tx[usize::from(from.wrapping_add(n)) % BUFFER]);
            self.wire.send(End::Far, &padded(bytes.collect()));
            self.set_socket_word(TX_READ, to);
            self.socket[INTERRUPT] |= SEND_OK;
            self.wake();
        }
    }

    /// Returns whether the interrupt pin is low: an interrupt of socket 0 is pending, and both masks let it through.
    fn interrupt_is_low(&self) -> bool {
        self.socket[INTERRUPT] & self.socket[INTERRUPT_MASK] != 0 && self.common[SOCKET_INTERRUPT_MASK] & 1 != 0
    }

    /// Wakes the tasks that wait for the interrupt pin, if the pin is low.
    fn wake(&mut self) {
        if self.interrupt_is_low() {
            self.waiting.drain(..).for_each(Waker::wake);
        }
    }

    /// Sets the registers to their values after a reset.
    fn reset(&mut self) {
        self.common = [0; 0x40];
        self.socket = [0; 0x30];
        // After a reset, each of the eight sockets has 2 KiB of each buffer.
        self.socket[RX_SIZE] = 2;
        self.socket[TX_SIZE] = 2;
        self.socket[INTERRUPT_MASK] = 0xff;
        self.read = 0;
    }

    /// Carries out a command for socket 0.
    fn command(&mut self, command: u8) {
        match command {
            // OPEN
            0x01 if self.socket[0] & 0xf == MACRAW => {
                self.socket[STATUS] = STATUS_MACRAW;
                [TX_READ, TX_WRITE, RX_READ, RX_WRITE].into_iter().for_each(|pointer| self.set_socket_word(pointer, 0));
                self.read = 0;
                self.unsent.clear();
            }
            // CLOSE
            0x10 => self.socket[STATUS] = 0,
            // SEND
            0x20 => {
                self.unsent.push_back(self.socket_word(TX_WRITE));
                self.send();
            }
            // RECV
            0x40 => self.read = self.socket_word(RX_READ),
            _ => panic!("the driver gives the command {command:#x}, which the model does not know"),
        }
    }

    /// Reads a byte. `block` is 0 for the common registers, 1 for the registers of socket 0, 2 for its send buffer and
    /// 3 for its receive buffer.
    fn read(&self, block: u8, address: u16) -> u8 {
        let index = usize::from(address);
        let of = |word: u16| word.to_be_bytes()[usize::from(address & 1)];
        match (block, address) {
            (0, SOCKET_INTERRUPTS) => u8::from(self.socket[INTERRUPT] & self.socket[INTERRUPT_MASK] != 0),
            // Bits 1 and 2: 100 Mbit/s, full duplex.
            (0, PHY) => 0xb8 | if self.wire.is_plugged() { 7 } else { 0 },
            (0, VERSION) => 4,
            (0, _) => self.common.get(index).copied().unwrap_or(0),
            (1, TX_FREE | 0x21) => {
                let used = self.socket_word(TX_WRITE).wrapping_sub(self.socket_word(TX_READ));
                of((u16::from(self.socket[TX_SIZE]) * 1024).saturating_sub(used))
            }
            (1, RECEIVED | 0x27) => of(self.received() as u16),
            (1, _) => self.socket.get(index).copied().unwrap_or(0),
            (2, _) => self.tx[index % BUFFER],
            (3, _) => self.rx[index % BUFFER],
            _ => 0,
        }
    }

    /// Writes a byte. For `block`, see [`State::read`].
    fn write(&mut self, block: u8, address: u16, byte: u8) {
        let index = usize::from(address);
        match (block, address) {
            (0, MODE) if byte & 0x80 != 0 => self.reset(),
            (0, _) => _ = self.common.get_mut(index).map(|register| *register = byte),
            (1, COMMAND) => self.command(byte),
            (1, 0x02) => self.socket[INTERRUPT] &= !byte,
            (1, _) => _ = self.socket.get_mut(index).map(|register| *register = byte),
            (2, _) => self.tx[index % BUFFER] = byte,
            _ => panic!("the driver writes to block {block}, which the model does not have"),
        }
        // A change of a mask can make the interrupt pending.
        self.wake();
    }

    /// Returns the value of a register of two bytes of socket 0.
    fn socket_word(&self, at: usize) -> u16 {
        u16::from_be_bytes([self.socket[at], self.socket[at + 1]])
    }

    fn set_socket_word(&mut self, at: usize, word: u16) {
        self.socket[at..at + 2].copy_from_slice(&word.to_be_bytes());
    }
}

/// The position in a transaction: two bytes of address, a control byte, then data.
#[derive(Default)]
struct Transaction {
    address: u16,
    control: u8,
    bytes: u64,
}

impl Transaction {
    /// Moves one byte each way.
    fn exchange(&mut self, chip: &mut State, byte: u8) -> u8 {
        self.bytes += 1;
        match self.bytes {
            1 | 2 => self.address = self.address << 8 | u16::from(byte),
            3 => self.control = byte,
            _ => {
                let (block, is_write, address) = (self.control >> 3, self.control & 4 != 0, self.address);
                self.address = address.wrapping_add(1);
                if !is_write {
                    return chip.read(block, address);
                }
                chip.write(block, address, byte);
            }
        }
        0
    }
}

impl ErrorType for W5500 {
    type Error = Infallible;
}

impl SpiDevice for W5500 {
    async fn transaction(&mut self, operations: &mut [Operation<'_, u8>]) -> Result<(), Infallible> {
        let mut transaction = Transaction::default();
        {
            let chip = &mut *self.0.borrow_mut();
            chip.send();
            super::perform(operations, |byte| transaction.exchange(chip, byte));
        }
        Timer::after_micros(transaction.bytes.div_ceil(BYTES_PER_MICROSECOND)).await;
        Ok(())
    }
}

/// The chip's interrupt pin.
pub struct InterruptPin(pub W5500);

impl PinErrorType for InterruptPin {
    type Error = Infallible;
}

impl Wait for InterruptPin {
    async fn wait_for_low(&mut self) -> Result<(), Infallible> {
        std::future::poll_fn(|cx| {
            let chip = &mut *self.0.0.borrow_mut();
            if chip.interrupt_is_low() {
                return Poll::Ready(Ok(()));
            }
            chip.waiting.push(cx.waker().clone());
            Poll::Pending
        })
        .await
    }

    async fn wait_for_high(&mut self) -> Result<(), Infallible> {
        panic!("a driver waits only for a low level")
    }

    async fn wait_for_rising_edge(&mut self) -> Result<(), Infallible> {
        panic!("a driver waits only for a low level")
    }

    async fn wait_for_falling_edge(&mut self) -> Result<(), Infallible> {
        panic!("a driver waits only for a low level")
    }

    async fn wait_for_any_edge(&mut self) -> Result<(), Infallible> {
        panic!("a driver waits only for a low level")
    }
}

/// The chip's reset pin.
pub struct ResetPin(pub W5500);

impl PinErrorType for ResetPin {
    type Error = Infallible;
}

impl OutputPin for ResetPin {
    fn set_low(&mut self) -> Result<(), Infallible> {
        self.0.0.borrow_mut().reset();
        Ok(())
    }

    fn set_high(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}
