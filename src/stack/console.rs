//! A program's input and output.

/// Standard input and output of a program: a terminal, a pipe or a UART.
///
/// No method may block. If there is no input yet, [`Console::read`] returns [`Input::NotYet`], and the owner of the poll loop calls
/// [`Stack::wake_programs`](crate::stack::Stack::wake_programs) once there is.
pub trait Console {
    /// Writes bytes to the program's output.
    ///
    /// The bytes may come from a peer. Filter them with [`Escape`](crate::app::Escape) before they reach a terminal; write them
    /// unchanged to anything else.
    fn print(&mut self, bytes: &[u8]);

    /// Shows `text` where a person types. Does nothing if input is not a terminal.
    fn prompt(&mut self, _text: &str) {}

    /// Moves typed bytes into `buf`, as many as fit at most.
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

/// Keeps all printed bytes. Has no input.
#[cfg(feature = "alloc")]
impl Console for alloc::vec::Vec<u8> {
    fn print(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

/// The result of [`Console::read`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// This many bytes, at least one, are now at the front of the buffer.
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
