//! The board's UART as the programs' console and as the log.

use core::fmt::{self, Write};
use core::marker::PhantomData;

use super::{Board, Mmio};
use crate::phy::Registers;
use crate::stack::Console;

/// How often a full UART is looked at before a byte is dropped. At 115,200 baud a byte takes 87 microseconds, some 2,200 cycles
/// at 25 MHz; a look takes several.
const PATIENCE: usize = 10_000;

/// The UART of a board.
#[derive(Debug)]
pub struct Uart<B>(PhantomData<fn() -> B>);

impl<B: Board> Uart<B> {
    /// The UART.
    pub const NEW: Self = Uart(PhantomData);

    /// Sends all log lines of level info and above there.
    pub(super) fn log(self) {
        // Set once, at the start: it cannot be set already.
        let _ = log::set_logger(const { &Uart::<B>::NEW });
        log::set_max_level(log::LevelFilter::Info);
    }
}

/// Writes a byte to a UART's register `data` as soon as `full` says that there is room; drops it if that takes too long.
pub(super) fn put(uart: &mut Mmio, full: impl Fn(&mut Mmio) -> bool, data: usize, byte: u8) {
    if (0..PATIENCE).any(|_| !full(uart)) {
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

impl<B: Board> log::Log for Uart<B> {
    fn enabled(&self, _metadata: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        // The console drops what it cannot take; it never fails.
        let mut uart = Self::NEW;
        let _ = writeln!(uart, "[{:<5}] {}", record.level(), record.args());
    }

    fn flush(&self) {}
}
