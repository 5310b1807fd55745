//! The board's UART, which is the console of the programs and also prints the log.

use core::fmt::{self, Write};
use core::marker::PhantomData;

use super::{Board, Mmio};
use crate::app::{self, Keyboard, SerialPort};
use crate::phy::Registers;
use crate::stack::Console;

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

    /// Sends all log lines of level info and above to this UART. If a logger is already set, it is kept.
    pub fn log(self) {
        // This fails only if a logger is set already.
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

/// A terminal at the board's UART, as the programs' standard input and output.
pub type Terminal<B> = app::Terminal<Uart<B>>;

/// Programs use this to make the board's only terminal discard the typed input.
pub(super) static KEYBOARD: Keyboard = Keyboard::new();

impl<B: Board> SerialPort for Uart<B> {
    fn write(&mut self, bytes: &[u8]) {
        self.print(bytes);
    }

    fn read(&mut self) -> Option<u8> {
        B::take()
    }

    fn keyboard(&self) -> Option<&'static Keyboard> {
        Some(&KEYBOARD)
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
