//! Places labels so that none covers another.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Write};

use super::super::svg::{CHAR, Escaped};
use crate::lab::lang::columns;

/// The height of a line of text, in pixels.
pub(super) const LINE: i32 = 14;

/// The part of a label to which the coordinate `x` refers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// A label and its place. Coordinates are in pixels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Label {
    pub(super) x: i32,
    /// The y coordinate of the middle of the line.
    pub(super) y: i32,
    pub(super) anchor: Anchor,
    pub(super) color: &'static str,
    pub(super) is_bold: bool,
    pub(super) text: String,
    /// The point to which the label belongs. If the label of another point displaces this label by more than half a
    /// line of text, a line joins the point and the label.
    pub(super) point: (i32, i32),
}

impl Label {
    /// Returns the width of the label.
    pub(super) fn width(&self) -> i32 {
        // A label without text keeps room for a cross.
        (CHAR * columns(&self.text).max(2)) as i32
    }

    /// Returns the x coordinate of the label's left edge.
    pub(super) fn left(&self) -> i32 {
        match self.anchor {
            Anchor::Start => self.x,
            Anchor::Middle => self.x - self.width() / 2,
            Anchor::End => self.x - self.width(),
        }
    }

    /// Returns the y coordinate of the label's top edge.
    pub(super) fn top(&self) -> i32 {
        self.y - LINE / 2
    }

    /// Returns whether the two labels overlap.
    fn covers(&self, other: &Label) -> bool {
        // Each interval has a start and a length.
        let overlap = |a: i32, a_length: i32, b: i32, b_length: i32| a < b + b_length && b < a + a_length;
        overlap(self.top(), LINE, other.top(), LINE) && overlap(self.left(), self.width(), other.left(), other.width())
    }
}

/// The labels that have been placed.
#[derive(Default)]
pub(super) struct Placed {
    pub(super) labels: Vec<Placing>,
    /// The indices of the labels, by the number of their line: `y` divided by the height of a line.
    lines: BTreeMap<i32, Vec<usize>>,
    /// The last label of each column: its y coordinate and its point.
    last: BTreeMap<(i32, Anchor), (i32, (i32, i32))>,
}

/// A label that has been placed.
pub(super) struct Placing {
    pub(super) label: Label,
    /// Whether a line leads from the label's point to the label.
    is_led: bool,
}

impl Placed {
    /// Places a label at its point or, if other labels are there, as little below the point as possible. The labels of
    /// a column keep their order.
    pub(super) fn add(&mut self, mut label: Label) {
        // `is_apart` says whether a label of another point has displaced this label.
        let (wanted_y, mut is_apart) = (label.y, false);
        let column = (label.x, label.anchor);
        // Labels of a column keep their order, so a label moves below the previous one. But a label without text stands
        // for a cross, which cannot move.
        if let Some((last_y, point)) =
            self.last.get(&column).filter(|(y, _)| !label.text.is_empty() && y + LINE > label.y)
        {
            label.y = last_y + LINE;
            is_apart = *point != label.point;
        }
        while let Some(other) = self.covered(&label) {
            label.y = other.y + LINE;
            // Labels of the same point are placed one below the other, so they need no line to the point.
            is_apart |= other.point != label.point;
        }
        self.last.insert(column, (label.y, label.point));
        self.lines.entry(label.y.div_euclid(LINE)).or_default().push(self.labels.len());
        let is_led = is_apart && label.y - wanted_y > LINE / 2;
        self.labels.push(Placing { label, is_led });
    }

    /// Returns the lowest of the placed labels that `label` would cover.
    fn covered(&self, label: &Label) -> Option<&Label> {
        let line = label.y.div_euclid(LINE);
        let near = self.lines.range(line - 1..=line + 1).flat_map(|(_, labels)| labels);
        let near = near.filter_map(|&index| Some(&self.labels.get(index)?.label));
        near.filter(|other| other.covers(label)).max_by_key(|other| other.y)
    }
}

impl Placing {
    /// Writes the label on a white background. If `is_led` is true, also draws a line from the label's point to the
    /// label. Writes nothing for a label without text.
    pub(super) fn write(&self, out: &mut dyn Write) -> fmt::Result {
        if self.label.text.is_empty() {
            return Ok(());
        }
        let Label { x, y, color, point: (px, py), .. } = self.label;
        let (left, top, width) = (self.label.left(), self.label.top(), self.label.width());
        if self.is_led {
            // The line ends at the side of the label that is nearer to the point.
            let end = if px <= left { left } else { (left + width).min(px.max(left)) };
            writeln!(out, r##"<path d="M{px} {py}L{end} {y}" stroke="#bbbbbb" fill="none"/>"##)?;
        }
        writeln!(
            out,
            r##"<rect class="ground" x="{left}" y="{top}" width="{width}" height="{LINE}" fill="#ffffff" fill-opacity="0.8"/>"##
        )?;
        let anchor = match self.label.anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        // The baseline of the text is 4 pixels below the middle of its line.
        let weight = if self.label.is_bold { r#" font-weight="bold""# } else { "" };
        write!(out, r#"<text x="{x}" y="{}" text-anchor="{anchor}" fill="{color}"{weight}>"#, y + 4)?;
        write!(Escaped(out), "{}", self.label.text)?;
        out.write_str("</text>\n")
    }
}
