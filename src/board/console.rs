//! The board's UART, which is the console of the programs and also prints the log.

use core::fmt::{self, Write};
use core::marker::PhantomData;

use super::{Board, Mmio};
use crate::app::{Escape, Keyboard};
use crate::phy::Registers;
use crate::stack::{Console, Input};

/// The number of times that a full UART is checked before a byte is dropped.
///
/// At 115,200 baud a byte takes 87 microseconds, which is about 2,200 cycles at 25 MHz. One check takes several cycles.
const MAX_CHECKS: usize = 10_000;

/// The UART of a board.
#[derive(Debug)]
pub struct Uart<B>(PhantomData<fn() -> B>);

impl<B: Board> Uart<B> {
    /// A handle to the board's UART.
    pub const NEW: Self = Uart(PhantomData);

    /// Sends all log lines of level info and above to this UART. If a logger is set already, that one stays.
    pub fn log(self) {
        // This function is called once, at the start, so no logger is set yet.
        let _ = log::set_logger(const { &Uart::<B>::NEW });
        log::set_max_level(log::LevelFilter::Info);
    }
}

/// Writes a byte to a UART's register `data` once `full` returns false. Drops the byte after 10,000 checks.
pub fn put(uart: &mut Mmio, full: impl Fn(&mut Mmio) -> bool, data: usize, byte: u8) {
    if (0..MAX_CHECKS).any(|_| !full(uart)) {
        uart.write(data, byte.into());
    }
}

impl<B: Board> Write for Uart<B> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.print(text.as_bytes());
        Ok(())
    }
}

impl<B: Board> Console for Uart<B> {
    fn print(&mut self, bytes: &[u8]) {
        bytes.iter().copied().for_each(B::put);
    }
}

/// A terminal at the UART, as the programs' standard input and output.
///
/// Programs read their input in whole lines. Output bytes that could control the terminal are escaped.
#[derive(Debug)]
pub struct Terminal<B> {
    uart: Uart<B>,
    escape: Escape,
    /// The typed bytes: unread lines, then an unfinished line.
    typed: heapless::Deque<u8, TYPED>,
    /// The length of the unread lines in `typed`, in bytes.
    finished: usize,
}

/// The number of typed bytes that wait for a program to read them. Further bytes are rejected.
const TYPED: usize = 128;

impl<B: Board> Terminal<B> {
    /// Returns a terminal without input.
    pub fn new() -> Self {
        Terminal { uart: Uart::NEW, escape: Escape::default(), typed: heapless::Deque::new(), finished: 0 }
    }

    /// Reads the typed bytes and echoes them. Returns whether a line was finished.
    ///
    /// The echo is needed because a terminal shows only the bytes that it receives.
    pub fn listen(&mut self) -> bool {
        let before = self.finished;
        // Reads at most `TYPED` bytes, so that a flood of input cannot block the network.
        for _ in 0..TYPED {
            match B::take() {
                None => break,
                Some(b'\r' | b'\n') => {
                    // A full buffer also rejects the line ending.
                    if self.typed.push_back(b'\n').is_ok() {
                        self.finished = self.typed.len();
                        self.uart.print(b"\r\n");
                    }
                }
                Some(BACKSPACE | DELETE) if self.typed.len() > self.finished => {
                    self.typed.pop_back();
                    self.uart.print(b"\x08 \x08");
                }
                // The final byte of the buffer is reserved for the line ending.
                Some(byte @ (b' '..DELETE | 0x80..)) if self.typed.len() < TYPED - 1 => {
                    let _ = self.typed.push_back(byte);
                    self.uart.print(&[byte]);
                }
                Some(_) => {}
            }
        }
        self.finished > before
    }

    /// Discards the typed bytes. Returns whether any bytes were discarded.
    fn start_over(&mut self) -> bool {
        let forgotten = !self.typed.is_empty();
        (self.typed, self.finished) = (heapless::Deque::new(), 0);
        forgotten
    }
}

/// Programs use this to make the board's only terminal discard the typed input.
pub(super) static KEYBOARD: Keyboard = Keyboard::new();

const BACKSPACE: u8 = 0x08;
const DELETE: u8 = 0x7f;

impl<B: Board> Console for Terminal<B> {
    fn print(&mut self, bytes: &[u8]) {
        let uart = &mut self.uart;
        self.escape.put(bytes, &mut |piece| uart.print(piece));
    }

    fn read(&mut self, buf: &mut [u8]) -> Input {
        if KEYBOARD.serve(|| Some(self.start_over())) {
            return Input::NotYet;
        }
        let mut len = 0;
        for place in buf.iter_mut().take(self.finished) {
            let Some(byte) = self.typed.pop_front() else { break };
            *place = byte;
            len += 1;
        }
        self.finished -= len;
        if len == 0 { Input::NotYet } else { Input::Bytes(len) }
    }
}

impl<B: Board> log::Log for Uart<B> {
    fn enabled(&self, _metadata: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        // The console drops bytes when it is full; it never fails.
        let mut uart = Self::NEW;
        let _ = writeln!(uart, "[{:<5}] {}", record.level(), record.args());
    }

    fn flush(&self) {}
}
