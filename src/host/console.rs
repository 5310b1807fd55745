//! Consoles that the loop can wait for.

use std::io;
use std::os::fd::BorrowedFd;

use crate::stack::{Console, NullConsole};

/// A [`Console`] that [`drive`](super::drive) can wait for. The defaults are for a console that has no input and never fails.
pub trait HostConsole: Console {
    /// Returns the file to wait for, if a program wants input.
    fn wanted(&self) -> Option<BorrowedFd<'_>> {
        None
    }

    /// Called when the file of [`wanted`](Self::wanted) can be read.
    fn set_ready(&mut self) {}

    /// Takes the error of a failed output, if any.
    fn fault(&mut self) -> Option<io::Error> {
        None
    }
}

impl HostConsole for NullConsole {}

impl HostConsole for Vec<u8> {}
