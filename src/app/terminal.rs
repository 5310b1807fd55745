//! A terminal at a serial port, as the programs' standard input and output.

use super::{Escape, Keyboard};
use crate::stack::{Console, Input};

/// A byte-by-byte connection, such as a UART, to a person's terminal. No method is allowed to block for long.
pub trait SerialPort {
    /// Sends bytes to the terminal. Bytes for which there is no room are dropped.
    fn write(&mut self, bytes: &[u8]);

    /// Returns the next typed byte, or `None` if there is none.
    fn read(&mut self) -> Option<u8>;

    /// Returns a handle to the keyboard, through which a program can discard input that was typed but not yet read. See
    /// [`Operator::with_keyboard`](super::Operator::with_keyboard). Returns `None` by default.
    fn keyboard(&self) -> Option<&'static Keyboard> {
        None
    }
}

/// A terminal at a serial port, as the programs' standard input and output.
///
/// Programs read whole lines. A line has at most 127 bytes; further bytes are rejected. Output bytes that could control
/// the terminal are escaped.
///
/// ```
/// use smolstep::app::{SerialPort, Terminal};
/// use smolstep::stack::{Console, Input};
///
/// /// A UART: the bytes that a person types, and the bytes that the terminal shows.
/// struct Uart(&'static [u8], Vec<u8>);
///
/// impl SerialPort for Uart {
///     fn write(&mut self, bytes: &[u8]) {
///         self.1.extend(bytes);
///     }
///
///     fn read(&mut self) -> Option<u8> {
///         let (&byte, rest) = self.0.split_first()?;
///         self.0 = rest;
///         Some(byte)
///     }
/// }
///
/// let mut terminal = Terminal::new(Uart(b"Lii\x08\r", vec![]));
/// // The poll loop calls `listen`, and then `Stack::wake_programs`.
/// assert!(terminal.listen());
/// let mut line = [0; 16];
/// assert_eq!(terminal.read(&mut line), Input::Bytes(3));
/// assert_eq!(&line[..3], b"Li\n");
/// ```
#[derive(Debug)]
pub struct Terminal<P> {
    port: P,
    escape: Escape,
    /// The typed bytes: unread lines, then an unfinished line.
    typed: heapless::Deque<u8, TYPED>,
    /// The length of the unread lines in `typed`, in bytes.
    finished: usize,
}

/// The number of typed bytes that can wait for a program to read them. Further bytes are rejected.
const TYPED: usize = 128;

const BACKSPACE: u8 = 0x08;
const DELETE: u8 = 0x7f;

impl<P: SerialPort> Terminal<P> {
    /// Returns a terminal without input.
    pub fn new(port: P) -> Self {
        Terminal { port, escape: Escape::default(), typed: heapless::Deque::new(), finished: 0 }
    }

    /// Reads the typed bytes and echoes them. Returns whether a line was finished.
    ///
    /// The echo is needed because a terminal shows only the bytes that it receives.
    pub fn listen(&mut self) -> bool {
        let before = self.finished;
        // Reads at most `TYPED` bytes, so that a flood of input cannot block the network.
        for _ in 0..TYPED {
            match self.port.read() {
                None => break,
                Some(b'\r' | b'\n') => {
                    // A full buffer also rejects the line ending.
                    if self.typed.push_back(b'\n').is_ok() {
                        self.finished = self.typed.len();
                        self.port.write(b"\r\n");
                    }
                }
                // Only the unfinished line can be edited.
                Some(BACKSPACE | DELETE) if self.typed.len() > self.finished => {
                    self.typed.pop_back();
                    // Step back, overwrite the character with a space, and step back again.
                    self.port.write(b"\x08 \x08");
                }
                // The final byte of the buffer is reserved for the line ending.
                Some(byte @ (b' '..DELETE | 0x80..)) if self.typed.len() < TYPED - 1 => {
                    let _ = self.typed.push_back(byte);
                    self.port.write(&[byte]);
                }
                // Any other byte is rejected: a control character, or a byte for which there is no room.
                Some(_) => {}
            }
        }
        self.finished > before
    }

    /// Discards the typed bytes. Returns whether any bytes were discarded.
    fn start_over(&mut self) -> bool {
        let forgotten = !self.typed.is_empty();
        (self.typed, self.finished) = (heapless::Deque::new(), 0);
        forgotten
    }
}

impl<P: SerialPort> Console for Terminal<P> {
    fn print(&mut self, bytes: &[u8]) {
        let port = &mut self.port;
        self.escape.put(bytes, &mut |piece| port.write(piece));
    }

    /// Reads the bytes of finished lines, as many as fit into `buf`.
    fn read(&mut self, buf: &mut [u8]) -> Input {
        // If a program has requested that the input is discarded, `serve` discards it, and this read does nothing else.
        if let Some(keyboard) = self.port.keyboard()
            && keyboard.serve(|| Some(self.start_over()))
        {
            return Input::NotYet;
        }
        let mut len = 0;
        // Only finished lines are read, because the person can still edit the unfinished line.
        for slot in buf.iter_mut().take(self.finished) {
            let Some(byte) = self.typed.pop_front() else { break };
            *slot = byte;
            len += 1;
        }
        self.finished -= len;
        if len == 0 { Input::NotYet } else { Input::Bytes(len) }
    }
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use std::collections::VecDeque;
    use std::vec::Vec;

    use super::*;

    static KEYBOARD: Keyboard = Keyboard::new();

    /// A serial port, with the typed bytes and the bytes that the terminal shows.
    #[derive(Default)]
    struct Port(VecDeque<u8>, Vec<u8>);

    impl SerialPort for Port {
        fn write(&mut self, bytes: &[u8]) {
            self.1.extend(bytes);
        }

        fn read(&mut self) -> Option<u8> {
            self.0.pop_front()
        }

        fn keyboard(&self) -> Option<&'static Keyboard> {
            Some(&KEYBOARD)
        }
    }

    fn read(terminal: &mut Terminal<Port>) -> Vec<u8> {
        let mut buf = [0; 200];
        match terminal.read(&mut buf) {
            Input::Bytes(len) => buf[..len].to_vec(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_line_is_edited_echoed_and_read_as_a_whole() {
        let mut terminal = Terminal::new(Port::default());
        terminal.port.0.extend(b"\x7fLx\x08i");
        assert!(!terminal.listen());
        assert_eq!(terminal.read(&mut [0; 8]), Input::NotYet);
        terminal.port.0.extend(b"\r\n");
        assert!(terminal.listen());
        assert_eq!(terminal.port.1, b"Lx\x08 \x08i\r\n\r\n");
        assert_eq!(read(&mut terminal), b"Li\n\n");
        terminal.print(b"\x1b[31m");
        assert!(!terminal.port.1.contains(&0x1b));
    }

    #[test]
    fn a_flood_of_input_neither_blocks_nor_loses_the_end_of_the_line() {
        let mut terminal = Terminal::new(Port::default());
        terminal.port.0.extend([b'a'; 1000]);
        assert!(!terminal.listen());
        assert_eq!(terminal.port.0.len(), 1000 - TYPED);
        while !terminal.port.0.is_empty() {
            assert!(!terminal.listen());
        }
        terminal.port.0.push_back(b'\r');
        assert!(terminal.listen());
        let line = read(&mut terminal);
        assert_eq!((line.len(), line.last()), (TYPED, Some(&b'\n')));
    }

    #[test]
    fn a_program_discards_what_was_typed() {
        let mut terminal = Terminal::new(Port::default());
        terminal.port.0.extend(b"one\rtwo");
        assert!(terminal.listen());
        assert_eq!(KEYBOARD.start_over(&mut terminal), Some(true));
        assert_eq!(KEYBOARD.start_over(&mut terminal), Some(false));
        assert_eq!(terminal.read(&mut [0; 8]), Input::NotYet);
    }
}
