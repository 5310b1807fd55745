//! A program's input and output.

/// Standard input and output of a program: a terminal, a pipe or a UART.
///
/// A method must not block. If there is no input yet, [`Console::read`] returns [`Input::NotYet`]. When input arrives,
/// the owner of the poll loop calls [`Stack::wake_programs`](crate::stack::Stack::wake_programs).
pub trait Console {
    /// Writes bytes to the program's output.
    ///
    /// The bytes can come from a peer. Filter the bytes with [`Escape`](crate::app::Escape) if the output is a
    /// terminal. Write the bytes unchanged to other outputs.
    fn print(&mut self, bytes: &[u8]);

    /// Shows `text` as the prompt. Does nothing if the input is not a terminal.
    fn prompt(&mut self, _text: &str) {}

    /// Moves input bytes into `buf`, at most `buf.len()` bytes.
    fn read(&mut self, _buf: &mut [u8]) -> Input {
        Input::End
    }
}

#[deny(clippy::missing_trait_methods)]
impl<C: Console + ?Sized> Console for &mut C {
    fn print(&mut self, bytes: &[u8]) {
        (**self).print(bytes);
    }

    fn prompt(&mut self, text: &str) {
        (**self).prompt(text);
    }

    fn read(&mut self, buf: &mut [u8]) -> Input {
        (**self).read(buf)
    }
}

/// A console that stores the printed bytes and has no input.
#[cfg(feature = "alloc")]
impl Console for alloc::vec::Vec<u8> {
    fn print(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

/// The result of [`Console::read`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// Bytes were read to the start of the buffer. The value is their number, which is at least one.
    Bytes(usize),
    /// The input has ended.
    End,
    /// There is no input yet.
    NotYet,
}

/// A console that discards output and has no input.
#[derive(Clone, Copy, Debug, Default)]
pub struct NullConsole;

impl Console for NullConsole {
    fn print(&mut self, _bytes: &[u8]) {}
}
