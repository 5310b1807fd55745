//! Where a program's words go and where a person's come from.

/// Standard input and output of a program: a terminal, a pipe or a UART.
///
/// Neither call may block for input: [`Console::read`] answers [`Input::NotYet`] instead, and whoever runs the poll loop
/// calls [`Stack::wake_programs`](crate::stack::Stack::wake_programs) when there is something to read.
pub trait Console {
    /// Writes bytes to the program's output. They may be a peer's: a terminal gets what [`Escape`](crate::app::Escape) leaves of
    /// them, anything else gets them as they are.
    fn print(&mut self, bytes: &[u8]);

    /// Shows `text` where a person types; does nothing where input is not a terminal.
    fn prompt(&mut self, _text: &str) {}

    /// Moves typed bytes into `buf`, at most as many as fit.
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

/// What [`Console::read`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// So many bytes, at least one, now stand at the front of the buffer.
    Bytes(usize),
    /// Nothing more will come.
    End,
    /// Nothing at the moment.
    NotYet,
}

/// A console that swallows output and has no input.
#[derive(Clone, Copy, Debug, Default)]
pub struct Quiet;

impl Console for Quiet {
    fn print(&mut self, _bytes: &[u8]) {}
}
