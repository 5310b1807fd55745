//! 4. The console: a UART, which is slower than the network and must not block it.

use smolstep::app::Escape;
use smolstep::stack::{Console, Input};

/// Access to the data and status registers of a UART.
pub trait Uart {
    /// Returns whether a byte can be written.
    fn has_room(&mut self) -> bool;
    /// Sends a byte.
    fn put(&mut self, byte: u8);
    /// Removes and returns the oldest received byte.
    fn take(&mut self) -> Option<u8>;
}

/// How many times to poll a full UART before a byte is dropped. On a 100 MHz processor, these polls take longer than
/// sending one byte at 115,200 baud.
const MAX_POLLS: usize = 10_000;

/// A console on a UART. `lost` counts the bytes that the UART did not accept.
pub struct Serial<U> {
    pub uart: U,
    pub lost: u32,
    /// Escapes a peer's control characters.
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
                // A UART whose clock is off never accepts a byte. The bytes are dropped, so that the servers keep
                // running.
                if (0..MAX_POLLS).any(|_| uart.has_room()) {
                    uart.put(byte);
                } else {
                    *lost += 1;
                }
            }
        });
    }

    fn read(&mut self, buf: &mut [u8]) -> Input {
        let mut len = 0;
        for slot in buf.iter_mut() {
            let Some(byte) = self.uart.take() else { break };
            *slot = byte;
            len += 1;
        }
        if len == 0 { Input::NotYet } else { Input::Bytes(len) }
    }
}
