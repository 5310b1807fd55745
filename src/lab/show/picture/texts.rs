//! Places texts so that none covers another.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Write};

use super::super::svg::{CHAR, Escaped};
use crate::lab::lang::columns;

/// The height of a line of text, in pixels.
pub(super) const LINE: i32 = 14;

/// The part of a text to which the coordinate `x` refers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// A text, and the point to which it belongs. Coordinates are in pixels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Text {
    pub(super) x: i32,
    /// The y coordinate of the middle of the line.
    pub(super) y: i32,
    pub(super) anchor: Anchor,
    pub(super) color: &'static str,
    pub(super) is_bold: bool,
    pub(super) text: String,
    /// The point from which a line leads to the text, if the text cannot be placed there.
    pub(super) point: (i32, i32),
}

impl Text {
    pub(super) fn width(&self) -> i32 {
        // An empty text keeps room for a cross.
        (CHAR * columns(&self.text).max(2)) as i32
    }

    pub(super) fn left(&self) -> i32 {
        match self.anchor {
            Anchor::Start => self.x,
            Anchor::Middle => self.x - self.width() / 2,
            Anchor::End => self.x - self.width(),
        }
    }

    pub(super) fn top(&self) -> i32 {
        self.y - LINE / 2
    }

    /// Returns whether the two texts overlap.
    fn covers(&self, other: &Text) -> bool {
        let apart = |a: i32, length: i32, b: i32, other: i32| a + length <= b || b + other <= a;
        !apart(self.top(), LINE, other.top(), LINE) && !apart(self.left(), self.width(), other.left(), other.width())
    }
}

/// The texts that have been placed.
#[derive(Default)]
pub(super) struct Placed {
    pub(super) texts: Vec<Placing>,
    /// The indices of the texts, by the number of their line: `y` divided by the height of a line.
    lines: BTreeMap<i32, Vec<usize>>,
    /// The last text of each column: its y coordinate and its point.
    last: BTreeMap<(i32, Anchor), (i32, (i32, i32))>,
}

/// A text that has been placed.
pub(super) struct Placing {
    pub(super) text: Text,
    /// Whether a line leads from the text's point to the text.
    is_led: bool,
}

impl Placed {
    /// Places a text at its point or, if other texts are there, as little below it as possible. The texts of a column
    /// keep their order.
    pub(super) fn add(&mut self, mut text: Text) {
        let (wanted, mut is_apart) = (text.y, false);
        let column = (text.x, text.anchor);
        // A cross has no label, so it need not move below the previous label.
        if let Some((last, point)) = self.last.get(&column).filter(|(y, _)| !text.text.is_empty() && y + LINE > text.y)
        {
            text.y = last + LINE;
            is_apart = *point != text.point;
        }
        while let Some(other) = self.covered(&text) {
            text.y = other.y + LINE;
            // Texts of the same point are placed one below the other, so they need no line to the point.
            is_apart |= other.point != text.point;
        }
        self.last.insert(column, (text.y, text.point));
        self.lines.entry(text.y.div_euclid(LINE)).or_default().push(self.texts.len());
        let is_led = is_apart && text.y - wanted > LINE / 2;
        self.texts.push(Placing { text, is_led });
    }

    /// Returns the lowest text that this text would cover.
    fn covered(&self, text: &Text) -> Option<&Text> {
        let line = text.y.div_euclid(LINE);
        let near = self.lines.range(line - 1..=line + 1).flat_map(|(_, texts)| texts);
        let near = near.filter_map(|&index| Some(&self.texts.get(index)?.text));
        near.filter(|other| other.covers(text)).max_by_key(|other| other.y)
    }
}

impl Placing {
    /// Writes the text on a white background and a line to its point if the text has moved.
    pub(super) fn write(&self, out: &mut dyn Write) -> fmt::Result {
        if self.text.text.is_empty() {
            return Ok(());
        }
        let Text { x, y, color, point: (px, py), .. } = self.text;
        let (left, top, width) = (self.text.left(), self.text.top(), self.text.width());
        if self.is_led {
            // The line ends at the side of the text that is nearer to the point.
            let end = if px <= left { left } else { (left + width).min(px.max(left)) };
            writeln!(out, r##"<path d="M{px} {py}L{end} {y}" stroke="#bbbbbb" fill="none"/>"##)?;
        }
        writeln!(
            out,
            r##"<rect class="ground" x="{left}" y="{top}" width="{width}" height="{LINE}" fill="#ffffff" fill-opacity="0.8"/>"##
        )?;
        let anchor = match self.text.anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let weight = if self.text.is_bold { r#" font-weight="bold""# } else { "" };
        write!(out, r#"<text x="{x}" y="{}" text-anchor="{anchor}" fill="{color}"{weight}>"#, y + 4)?;
        write!(Escaped(out), "{}", self.text.text)?;
        out.write_str("</text>\n")
    }
}
