//! Lets a program discard the input that a person has typed at a console.

use core::sync::atomic::{AtomicU8, Ordering};

use crate::stack::Console;

/// Passes a program's request to a console: the console discards the input typed so far. The program and the console
/// share one `Keyboard`.
///
/// The program calls [`start_over`](Self::start_over). The console calls [`serve`](Self::serve) at the beginning of
/// each [`Console::read`].
#[derive(Debug)]
pub struct Keyboard(AtomicU8);

// The values of the byte that the program and the console share: no request, a request, and the two answers.
const IDLE: u8 = 0;
const ASKED: u8 = 1;
const NOTHING_TYPED: u8 = 2;
const FORGOTTEN: u8 = 3;

impl Keyboard {
    /// Creates a keyboard with no request pending.
    pub const fn new() -> Self {
        Keyboard(AtomicU8::new(IDLE))
    }

    /// Asks `console` to discard the input typed so far. Returns whether any input was discarded. Returns `None` if the
    /// input does not come from a person: the console then keeps all input.
    pub fn start_over(&self, console: &mut dyn Console) -> Option<bool> {
        // `self.0` carries the request to the console, and the answer back.
        self.0.store(ASKED, Ordering::Relaxed);
        // The console serves the request at the beginning of this read.
        console.read(&mut []);
        let answer = self.0.load(Ordering::Relaxed);
        self.0.store(IDLE, Ordering::Relaxed);
        match answer {
            FORGOTTEN => Some(true),
            NOTHING_TYPED => Some(false),
            // The input does not come from a person, or this console has no keyboard.
            _ => None,
        }
    }

    /// Serves a pending request to discard the input, if there is one. Returns whether a request was pending.
    ///
    /// `forget` discards the input. Its result becomes the result of [`start_over`](Self::start_over). If `serve`
    /// returns true, the read that called `serve` must do nothing else.
    pub fn serve(&self, forget: impl FnOnce() -> Option<bool>) -> bool {
        let asked = self.0.load(Ordering::Relaxed) == ASKED;
        if asked {
            let answer = match forget() {
                Some(true) => FORGOTTEN,
                Some(false) => NOTHING_TYPED,
                None => IDLE,
            };
            self.0.store(answer, Ordering::Relaxed);
        }
        asked
    }
}

impl Default for Keyboard {
    fn default() -> Self {
        Self::new()
    }
}
