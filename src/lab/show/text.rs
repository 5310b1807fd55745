//! Short strings without a heap, and relative sequence numbers.

use core::fmt::{self, Display, Write};

use smoltcp::time::Duration;
use smoltcp::wire::TcpSeqNumber;

use crate::lab::WIRE;
use crate::lab::lang::{columns, columns_of};

/// A string of at most `room` columns. Text is cut before the first character that does not fit.
pub(super) struct Text {
    // A line has at most 160 columns, and a character has at most 3 bytes per column.
    bytes: heapless::String<480>,
    columns: usize,
    room: usize,
    cut: bool,
}

impl Text {
    pub(super) fn new(room: usize) -> Self {
        Text { bytes: heapless::String::new(), columns: 0, room, cut: false }
    }

    /// Returns a string that is never cut.
    pub(super) fn of(text: &str) -> Self {
        let mut all = Self::new(usize::MAX);
        // No word of the lab is longer than 480 bytes, so none is cut.
        let _ = all.write_str(text);
        all
    }

    pub(super) fn columns(&self) -> usize {
        self.columns
    }

    pub(super) fn is_cut(&self) -> bool {
        self.cut
    }

    /// If the text was cut, puts `sign` at its end, and removes characters to make room for the sign.
    pub(super) fn mark_cut(&mut self, sign: &str) {
        let columns = columns(sign);
        while self.cut && self.columns + columns > self.room {
            let Some(char) = self.bytes.pop() else { return };
            self.columns -= columns_of(char);
        }
        if self.cut && self.bytes.push_str(sign).is_ok() {
            self.columns += columns;
        }
    }

    /// Writes a field. A field that does not fit is omitted if `omits` is true, and is cut if `omits` is false.
    pub(super) fn field(&mut self, omits: bool, field: fmt::Arguments<'_>) -> fmt::Result {
        if omits {
            // Try the field in the remaining room.
            let mut alone = Text::new(self.room - self.columns);
            alone.write_fmt(field)?;
            if alone.cut {
                return Ok(());
            }
        }
        self.write_fmt(field)
    }
}

impl Write for Text {
    /// Adds text, and cuts it if it does not fit. This is not an error.
    fn write_str(&mut self, text: &str) -> fmt::Result {
        // Stop at the first character that does not fit. A narrower character after it might fit, but then the text
        // would lack the characters between.
        for char in text.chars() {
            if self.cut {
                break;
            }
            let columns = self.columns + columns_of(char);
            if columns > self.room || self.bytes.push(char).is_err() {
                self.cut = true;
                break;
            }
            self.columns = columns;
        }
        Ok(())
    }
}

/// Pads the text to the formatter's width, which is a number of columns and not of characters here.
impl Display for Text {
    /// Writes the text, with spaces up to the formatter's width. The width is in columns, not in characters.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let spaces = f.width().unwrap_or(0).saturating_sub(self.columns);
        let before = match f.align() {
            Some(fmt::Alignment::Center) => spaces / 2,
            Some(fmt::Alignment::Right) => spaces,
            _ => 0,
        };
        write!(f, "{:before$}{}{:after$}", "", self.bytes, "", after = spaces - before)
    }
}

/// A duration in the most readable unit: `1s`, `1.5s`, `300ms`, `20us`.
pub(crate) struct Span(pub(crate) Duration);

impl Display for Span {
    /// Writes the time in microseconds, milliseconds or seconds, as in `1.5ms`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = self.0.total_micros();
        let (unit, name) = match micros {
            // Zero is written as `0s`.
            0 => (1_000_000, "s"),
            1..1_000 => return write!(f, "{micros}us"),
            1_000..1_000_000 => (1_000, "ms"),
            _ => (1_000_000, "s"),
        };
        write!(f, "{}", micros / unit)?;
        // The decimals, without trailing zeros.
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

/// Returns a sequence number relative to `first`.
pub(crate) fn since(number: TcpSeqNumber, first: TcpSeqNumber) -> u32 {
    number.0.wrapping_sub(first.0) as u32
}

/// A number with commas between groups of three digits: `14,600`.
#[cfg(feature = "recovery")]
pub(super) struct Grouped(pub(super) u32);

#[cfg(feature = "recovery")]
impl Display for Grouped {
    /// Writes the number with a comma between groups of three digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The groups before the last one are written in the same way.
        match (self.0 / 1_000, self.0 % 1_000) {
            (0, rest) => write!(f, "{rest}"),
            (thousands, rest) => write!(f, "{},{rest:03}", Grouped(thousands)),
        }
    }
}

/// A host's name.
pub(super) struct Host(pub(super) usize);

impl Display for Host {
    /// Writes the name of the host with this index.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => f.write_str("client"),
            1 => f.write_str("server"),
            WIRE => f.write_str("wire"),
            host => write!(f, "host{host}"),
        }
    }
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use super::*;

    #[test]
    fn nothing_follows_a_character_that_did_not_fit() {
        // A wide character needs two columns, and one is left. The digit would fit.
        let mut text = Text::new(3);
        let _ = text.write_str("a端口");
        let _ = text.write_str("1");
        assert_eq!((text.bytes.as_str(), text.is_cut()), ("a端", true));
        text.mark_cut("+");
        assert_eq!(text.bytes.as_str(), "a+");
    }
}
