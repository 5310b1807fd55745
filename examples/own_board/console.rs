//! 4. The console: a UART, which is slower than the network and may not hold it up.

use smolstep::app::Escape;
use smolstep::stack::{Console, Input};

/// What the console asks of a UART: its data and status registers.
pub trait Uart {
    /// Whether a byte can be written.
    fn has_room(&mut self) -> bool;
    fn put(&mut self, byte: u8);
    /// The oldest byte received.
    fn take(&mut self) -> Option<u8>;
}

/// How often a full UART is asked again for one byte: longer than a byte takes at 115,200 baud on a 100 MHz processor.
const PATIENCE: usize = 10_000;

/// A UART, and the bytes that it never took.
pub struct Serial<U> {
    pub uart: U,
    pub lost: u32,
    /// Keeps a peer's control characters from the terminal.
    pub escape: Escape,
}

impl<U> Serial<U> {
    pub fn new(uart: U) -> Self {
        Serial { uart, lost: 0, escape: Escape::default() }
    }
}

impl<U: Uart> Console for Serial<U> {
    fn print(&mut self, bytes: &[u8]) {
        let Serial { uart, lost, escape } = self;
        escape.put(bytes, &mut |piece| {
            for &byte in piece {
                // A UART whose clock is off never has room: the byte is lost then, and the servers go on.
                if (0..PATIENCE).any(|_| uart.has_room()) {
                    uart.put(byte);
                } else {
                    *lost += 1;
                }
            }
        });
    }

    fn read(&mut self, buf: &mut [u8]) -> Input {
        let mut len = 0;
        for place in buf.iter_mut() {
            let Some(byte) = self.uart.take() else { break };
            *place = byte;
            len += 1;
        }
        if len == 0 { Input::NotYet } else { Input::Bytes(len) }
    }
}
