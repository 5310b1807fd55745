//! Lines as they stand in the receive buffer of a socket.

use smoltcp::socket::tcp::{Socket, State};

use super::is_goodbye;
use crate::app::message;
use crate::app::text::split_line_end;

/// The longest line in bytes, without its end.
pub const LINE: usize = 512;

/// A line at the front of a receive buffer. Its text stands at the front of the scratch memory.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    /// How long the text is.
    pub len: usize,
    /// Whether it asks for the end of the talk: `q` alone.
    pub goodbye: bool,
    used: usize,
    cut: bool,
}

/// Takes a stream apart into lines. They stay in the receive buffer until they are taken.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lines {
    /// What comes next is the rest of a line.
    continues: bool,
}

impl Lines {
    /// The first line, if it is there in full: with its end, or as much as is taken at a time, or the last of the stream.
    pub fn first(&self, socket: &mut Socket<'_>, scratch: &mut [u8]) -> Option<Line> {
        let full = socket.recv_queue() >= socket.recv_capacity();
        let last = !matches!(socket.state(), State::Established | State::FinWait1 | State::FinWait2);
        let bytes = message::peek(socket, scratch, LINE + 2);
        let end = bytes.iter().position(|&b| b == b'\n').map(|at| at + 1);
        let line = bytes.get(..end.unwrap_or(bytes.len())).unwrap_or_default();
        let text = if end.is_some() { split_line_end(line).0 } else { line };
        if text.len() <= LINE && (end.is_some() || last && !line.is_empty()) {
            let goodbye = !self.continues && is_goodbye(text);
            return Some(Line { len: text.len(), goodbye, used: line.len(), cut: false });
        }
        if !full && !last && bytes.len() < LINE + 2 || bytes.is_empty() {
            return None;
        }
        let len = whole_characters(bytes.get(..LINE).unwrap_or(bytes));
        Some(Line { len, goodbye: false, used: len, cut: true })
    }

    /// Removes the line from the receive buffer.
    pub fn take(&mut self, socket: &mut Socket<'_>, line: Line) {
        message::consume(socket, line.used);
        self.continues = line.cut;
    }
}

/// How much of the text is there without the beginning of a character at its end.
fn whole_characters(text: &[u8]) -> usize {
    match core::str::from_utf8(text) {
        Err(error) if error.error_len().is_none() && error.valid_up_to() > 0 => error.valid_up_to(),
        _ => text.len(),
    }
}
