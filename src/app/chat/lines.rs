//! Splits the receive buffer of a socket into lines and messages.

use smoltcp::socket::tcp::{Socket, State};
use smoltcp::time::{Duration, Instant};

use super::is_goodbye;
use crate::app::message;
use crate::app::text::split_line_end;
use crate::app::timing::later;

/// The maximum length of a line in bytes, without its line ending.
pub const LINE: usize = 512;

/// A message without a line ending is complete when the partner has been silent for this time.
pub const SILENCE: Duration = Duration::from_millis(200);

/// How a partner's messages end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Framing {
    /// Unknown: the partner has sent no message yet.
    #[default]
    Unknown,
    /// Each message ends with LF.
    Lines,
    /// Each message ends with a silence of [`SILENCE`]. Simple programs, such as those of Python tutorials, treat each
    /// `send` and each `recv` as one message.
    Messages,
}

/// A line or message at the front of a receive buffer. The text of the line is at the beginning of the scratch memory.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    /// The length of the text in bytes.
    pub len: usize,
    /// Whether the line is only `q`, which ends the conversation.
    pub goodbye: bool,
    /// The number of bytes that the line occupies in the receive buffer, including its line ending.
    used: usize,
    end: LineEnd,
}

/// How a line ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LineEnd {
    /// The line was cut: the rest of the text follows as another line.
    Cut,
    Lf,
    Silence,
    Stream,
}

/// Splits a stream into lines and messages. A line stays in the receive buffer until [`take`](Self::take) removes it.
///
/// A line is complete at its LF. Until the partner has sent its first LF, text is also complete after [`SILENCE`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Lines {
    framing: Framing,
    /// Whether the next text is the rest of a line that was cut.
    continues: bool,
    /// The number of bytes in the receive buffer, and the time at which the silence is long enough to end a message. If
    /// more bytes arrive before this time, the silence begins again.
    silence: Option<(usize, Instant)>,
}

impl Lines {
    /// Copies the first received line to `scratch`, and describes the line. Returns `None` if no line is complete.
    ///
    /// A line is complete at its line ending, at the maximum length, at the end of the stream, or if the receive buffer
    /// is full. If the partner does not send lines, the text is also complete after [`SILENCE`]. The line stays in the
    /// receive buffer. This method also measures the silence, and can find out that the partner does not send lines.
    pub fn first(&mut self, socket: &mut Socket<'_>, scratch: &mut [u8], now: Instant) -> Option<Line> {
        // Silence completes a message from a partner who does not send lines.
        let silent = self.track_silence(socket.recv_queue(), now);
        let full = socket.recv_queue() >= socket.recv_capacity();
        // In every other state, the partner's FIN has arrived or the connection is lost.
        let stream_ended = !matches!(socket.state(), State::Established | State::FinWait1 | State::FinWait2);
        // Peek at two bytes more than a line, because CR LF can follow a line of the maximum length.
        let bytes = message::peek(socket, scratch, LINE + 2);
        let lf = bytes.iter().position(|&b| b == b'\n').map(|at| at + 1);
        let line = bytes.get(..lf.unwrap_or(bytes.len())).unwrap_or_default();
        let text = if lf.is_some() { split_line_end(line).0 } else { line };
        let end = match lf {
            Some(_) => Some(LineEnd::Lf),
            None if line.is_empty() => None,
            None if stream_ended => Some(LineEnd::Stream),
            None => silent.then_some(LineEnd::Silence),
        };
        // The line is complete, and not too long.
        if let (Some(end), true) = (end, text.len() <= LINE) {
            // A `q` that is the rest of a cut line is ordinary text.
            let goodbye = !self.continues && is_goodbye(text);
            return Some(Line { len: text.len(), goodbye, used: line.len(), end });
        }
        if bytes.is_empty() && silent {
            // Only silence followed the cut: the message had ended there, and the partner does not send lines.
            (self.continues, self.framing, self.silence) = (false, Framing::Messages, None);
        }
        // Text without a line ending is cut if it is too long, or if no more of the text can be received.
        let is_cut = bytes.len() >= LINE + 2 || full || stream_ended || silent;
        // Nothing has arrived, or the rest of the line can still arrive.
        if bytes.is_empty() || !is_cut {
            return None;
        }
        // Do not cut in the middle of a character.
        let len = whole_characters_len(bytes.get(..LINE).unwrap_or(bytes));
        Some(Line { len, goodbye: false, used: len, end: LineEnd::Cut })
    }

    /// Removes the line from the receive buffer, and records how the partner ends its messages.
    pub fn take(&mut self, socket: &mut Socket<'_>, line: Line) {
        message::consume(socket, line.used);
        self.continues = line.end == LineEnd::Cut;
        self.framing = match line.end {
            LineEnd::Lf => Framing::Lines,
            LineEnd::Silence => Framing::Messages,
            LineEnd::Cut | LineEnd::Stream => self.framing,
        };
        // The rest of a cut message arrived together with the beginning, so the measured silence does not begin again.
        self.silence = self.silence.filter(|_| self.continues).map(|(_, at)| (socket.recv_queue(), at));
    }

    /// Returns how the partner ends its messages, as far as the received messages have shown.
    pub fn framing(&self) -> Framing {
        self.framing
    }

    /// Returns the time at which the received data becomes a message, if no more data arrives. Returns `None` if only
    /// more data can complete the message.
    pub fn complete_at(&self, now: Instant) -> Option<Instant> {
        self.silence.map(|(_, at)| at).filter(|at| *at > now)
    }

    /// Measures how long the partner has been silent. The measurement restarts if `queued`, the number of bytes in the
    /// receive buffer, has changed. Returns whether the partner has been silent for [`SILENCE`]. Always returns false
    /// for a partner who sends lines.
    fn track_silence(&mut self, queued: usize, now: Instant) -> bool {
        // After a cut, silence with an empty receive buffer means that the message had ended at the cut.
        let is_inside_message = queued > 0 || self.continues;
        if self.framing == Framing::Lines || !is_inside_message {
            self.silence = None;
            return false;
        }
        match self.silence {
            Some((len, at)) if len == queued => now >= at,
            _ => {
                self.silence = Some((queued, later(now, SILENCE)));
                false
            }
        }
    }
}

/// Returns the length in bytes of `text`, excluding an incomplete character at its end.
fn whole_characters_len(text: &[u8]) -> usize {
    match core::str::from_utf8(text) {
        Err(error) if error.error_len().is_none() && error.valid_up_to() > 0 => error.valid_up_to(),
        _ => text.len(),
    }
}
