//! What a program can ask of a console where a person types.

use core::sync::atomic::{AtomicU8, Ordering};

use crate::stack::Console;

/// The line from a program to a console where a person types: both have a reference to it.
///
/// The program calls [`start_over`](Self::start_over). In its next [`Console::read`] the console calls [`serve`](Self::serve).
#[derive(Debug)]
pub struct Keyboard(AtomicU8);

const IDLE: u8 = 0;
const ASKED: u8 = 1;
const NOTHING_TYPED: u8 = 2;
const FORGOTTEN: u8 = 3;

impl Keyboard {
    /// A keyboard of which nothing is asked.
    pub const fn new() -> Self {
        Keyboard(AtomicU8::new(IDLE))
    }

    /// Has `console` forget what was typed so far. Returns whether there was something; `None` if no person types, and all is kept.
    pub fn start_over(&self, console: &mut dyn Console) -> Option<bool> {
        self.0.store(ASKED, Ordering::Relaxed);
        console.read(&mut []);
        let answer = self.0.load(Ordering::Relaxed);
        self.0.store(IDLE, Ordering::Relaxed);
        match answer {
            FORGOTTEN => Some(true),
            NOTHING_TYPED => Some(false),
            _ => None,
        }
    }

    /// Called by the console at the beginning of each read: calls `forget` if a program asks for that, which returns what
    /// [`start_over`](Self::start_over) does. Returns whether this was the purpose of the read.
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
