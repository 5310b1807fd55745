//! Short texts without a heap.

use core::fmt::{self, Display, Write};

use smoltcp::time::Duration;

use crate::lab::WIRE;

/// A text of at most `room` characters. Further characters are left out.
pub(super) struct Text {
    // A line has at most 160 characters, and a character at most 3 bytes.
    bytes: heapless::String<480>,
    chars: usize,
    room: usize,
    cut: bool,
}

impl Text {
    pub(super) fn new(room: usize) -> Self {
        Text { bytes: heapless::String::new(), chars: 0, room, cut: false }
    }

    pub(super) fn chars(&self) -> usize {
        self.chars
    }

    pub(super) fn is_cut(&self) -> bool {
        self.cut
    }
}

impl Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for char in text.chars() {
            if self.chars == self.room || self.bytes.push(char).is_err() {
                self.cut = true;
                break;
            }
            self.chars += 1;
        }
        Ok(())
    }
}

impl Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.bytes)
    }
}

/// A duration in the most readable unit: `1s`, `1.5s`, `300ms`, `20us`.
pub(crate) struct Span(pub(crate) Duration);

impl Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = self.0.total_micros();
        let (unit, name) = match micros {
            0 => (1_000_000, "s"),
            1..1_000 => return write!(f, "{micros}us"),
            1_000..1_000_000 => (1_000, "ms"),
            _ => (1_000_000, "s"),
        };
        write!(f, "{}", micros / unit)?;
        let (mut rest, mut digit) = (micros % unit, unit / 10);
        if rest > 0 {
            f.write_char('.')?;
        }
        while rest > 0 && digit > 0 {
            write!(f, "{}", rest / digit)?;
            (rest, digit) = (rest % digit, digit / 10);
        }
        f.write_str(name)
    }
}

/// A host's name.
pub(super) struct Host(pub(super) usize);

impl Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => f.write_str("client"),
            1 => f.write_str("server"),
            WIRE => f.write_str("wire"),
            host => write!(f, "host{host}"),
        }
    }
}
