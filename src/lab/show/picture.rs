//! Draws a run as a ladder with a time axis (SVG 1.1), on one or more pages.
//!
//! Vertical distances are proportional to the virtual time, so the slope of an arrow shows its frame's flight time.
//! Intervals in which nothing happens are folded, that is, drawn shorter.

mod axis;
mod events;
mod labels;
mod paint;
#[cfg(feature = "session")]
mod rows;

use alloc::string::ToString;
use alloc::vec::Vec;
use core::fmt::{self, Write};

#[cfg(feature = "session")]
pub(crate) use self::rows::{Extras, Part, PictureRows};

use self::axis::Axis;
use self::events::{Arrow, Events, Way, lost_after};
use self::labels::{Anchor, LINE, Label, Placed};
use super::svg::{CHAR, FAINT, INK, ORANGE, RED};
use super::text::Span;
use crate::lab::Snapshot;
use crate::lab::lang::Lang;
use crate::lab::wrap::wrapped;
use smoltcp::time::Duration;

/// The maximum number of rows in a picture. The caller must drop further rows.
pub const PICTURE_ROWS: usize = 20_000;

/// The height of a page, excluding its head, in pixels.
const PAGE: i32 = 3000;

/// A run as a ladder with a time axis.
pub struct Picture {
    events: Events,
    axis: Axis,
    labels: Placed,
    /// The usual time from a frame's sending to its arrival, in microseconds.
    flight: u64,
    /// The y coordinates, in pixels, at which each page begins and at which the last page ends.
    breaks: Vec<i32>,
    /// Whether the run goes on after the last row.
    is_cut: bool,
    lang: Lang,
}

impl Picture {
    /// Lays out a picture that begins at the time `from`, with words in the language `lang`. `is_cut` says whether rows
    /// are missing at the end.
    ///
    /// A row before `from` must be a frame that is in flight at that time.
    pub fn new(rows: &[Snapshot], from: Duration, is_cut: bool, lang: Lang) -> Self {
        Self::with_options(rows, from, is_cut, lang, false)
    }

    /// Lays out a picture like [`Picture::new`]. `options` says whether a segment's label contains its TCP options.
    pub(crate) fn with_options(rows: &[Snapshot], from: Duration, is_cut: bool, lang: Lang, options: bool) -> Self {
        let events = Events::of(rows, from.total_micros(), lang, options);
        let flight = events.flight();
        let axis = Axis::new(&events.moments(flight), flight);
        let mut picture = Picture { events, axis, labels: Placed::default(), flight, breaks: Vec::new(), is_cut, lang };
        // The page breaks depend on the placed labels.
        picture.place_labels();
        picture.breaks = picture.page_breaks();
        picture
    }

    /// Returns the number of pages.
    pub fn pages(&self) -> usize {
        self.breaks.len() - 1
    }

    /// Draws a page. The first page has number 0.
    ///
    /// # Errors
    /// Returns the error from `out`.
    pub fn write(&self, out: &mut dyn Write, page: usize) -> fmt::Result {
        // A page that does not exist is drawn empty.
        let breaks = self.breaks.get(page..page + 2).and_then(|breaks| breaks.first_chunk());
        paint::page(out, self, breaks.copied().unwrap_or_default(), Some(page))
    }

    /// Draws all pages as one.
    ///
    /// # Errors
    /// Returns the error from `out`.
    pub fn write_all(&self, out: &mut dyn Write) -> fmt::Result {
        let ends = [self.breaks.first(), self.breaks.last()].map(|end| end.copied().unwrap_or_default());
        paint::page(out, self, ends, None)
    }

    /// Returns the number of lanes.
    fn lanes(&self) -> usize {
        self.events.ports.len()
    }

    /// Returns the x coordinates of the client's and of the server's line in a lane, in pixels.
    fn lines(&self, lane: usize) -> [i32; 2] {
        let (notes, between) = self.widths();
        let left = TIMES + lane as i32 * (2 * notes + between) + notes;
        [left, left + between]
    }

    /// Returns the width of a column of notes, and the width of the space between the lines, in pixels.
    fn widths(&self) -> (i32, i32) {
        if self.lanes() > 1 { (200, 360) } else { (270, 500) }
    }

    /// Returns the width of a page, in pixels.
    fn width(&self) -> i32 {
        let (notes, between) = self.widths();
        TIMES + self.lanes() as i32 * (2 * notes + between)
    }

    /// Returns the y coordinate of an arrow's start (`Way::Out`) or end (`Way::In`). `at` is the time of the start or
    /// end. `order` is the number of frames that the host had already sent or received at this time. The arrows of
    /// these frames are drawn one below the other.
    fn height(&self, arrow: &Arrow, way: Way, (at, order): (u64, i32)) -> i32 {
        let host = if way == Way::Out { arrow.host } else { 1 - arrow.host };
        let count = self.events.count(at, arrow.lane, host, way);
        self.axis.height(at) + order * (self.axis.room(at) / (count + 1)).clamp(2, LINE)
    }

    /// Returns the points of an arrow to one of its arrivals, given by its time and order. An arrow without an arrival
    /// ends after two thirds of the way.
    fn path(&self, arrow: &Arrow, arrival: Option<(u64, i32)>) -> Vec<(i32, i32)> {
        let lines = self.lines(arrow.lane);
        let (x, to) = (lines[arrow.host], lines[1 - arrow.host]);
        let end = arrival.map_or(arrow.at + lost_after(self.flight), |(at, _)| at);
        let to = if arrival.is_some() { to } else { x + (to - x) * 2 / 3 };
        // How far the start and the end are below the heights of their times, because of other arrows at these times.
        let start_shift = self.height(arrow, Way::Out, (arrow.at, arrow.order)) - self.axis.height(arrow.at);
        let end_shift =
            arrival.map_or(start_shift, |(at, order)| self.height(arrow, Way::In, (at, order)) - self.axis.height(at));
        let point = |at: u64| {
            // The part of the flight that is over at this time.
            let part = (at - arrow.at) as f64 / (end - arrow.at).max(1) as f64;
            let between = |a: i32, b: i32| a + (f64::from(b - a) * part) as i32;
            (between(x, to), self.axis.height(at) + between(start_shift, end_shift))
        };
        // The arrow bends at both ends of a fold, because time is drawn shorter inside it.
        let bends = self.axis.folds.iter().flat_map(|fold| fold.times).filter(|at| arrow.at < *at && *at < end);
        let mut points: Vec<_> = [arrow.at].into_iter().chain(bends).chain([end]).map(point).collect();
        points.dedup();
        points
    }

    /// Places the labels of the arrows, the notes and the lengths of the folds, from top to bottom.
    fn place_labels(&mut self) {
        let mut labels = Vec::new();
        for arrow in &self.events.arrows {
            let points = self.path(arrow, arrow.arrivals.first().copied());
            let color = match arrow {
                Arrow { is_lost: true, .. } => RED,
                Arrow { is_again: true, .. } => ORANGE,
                _ => arrow.color,
            };
            let (x, anchor, sign) =
                if arrow.host == 0 { (points[0].0, Anchor::Start, 1) } else { (points[0].0, Anchor::End, -1) };
            let mut label = Label {
                x: x + 14 * sign,
                y: 0,
                anchor,
                color,
                is_bold: false,
                text: arrow.label.clone(),
                point: (0, 0),
            };
            // The label is on its arrow. Labels of frames that are sent at the same time keep their order.
            label.point = on_path(&points, x + sign * LABEL);
            label.y = label.point.1;
            labels.push(label);
            if arrow.is_lost {
                let (x, y) = points.last().copied().unwrap_or_default();
                let word = |text: &str, y| {
                    let (anchor, text) = (Anchor::Middle, text.to_string());
                    Label { x, y, anchor, color: RED, is_bold: false, text, point: (x, y) }
                };
                // The label without text keeps room for the cross.
                labels.extend([word("", y), word(self.lang.pick("lost", "丢失"), y + 16)]);
            }
        }
        for note in &self.events.notes {
            let [left, right] = self.lines(note.lane);
            let (x, anchor, point) = match note.host {
                0 => (left - 10, Anchor::End, left),
                1 => (right + 10, Anchor::Start, right),
                _ => ((left + right) / 2, Anchor::Middle, (left + right) / 2),
            };
            let y = self.axis.height(note.at);
            let columns = (self.widths().0 - 20) as usize / CHAR;
            for text in wrapped(&note.text, columns) {
                let (color, is_bold) = (note.color, note.is_state);
                labels.push(Label { x, y, anchor, color, is_bold, text, point: (point, y) });
            }
        }
        for fold in &self.axis.folds {
            let [left, right] = self.lines(0);
            let (x, y) = ((left + right) / 2, (fold.heights[0] + fold.heights[1]) / 2);
            let length = Duration::from_micros(fold.times[1] - fold.times[0]);
            let text = match self.lang {
                Lang::En => alloc::format!("⋯ {} without an event ⋯", Span(length)),
                Lang::Zh => alloc::format!("⋯ {} 内没有事件 ⋯", Span(length)),
            };
            labels.push(Label { x, y, anchor: Anchor::Middle, color: FAINT, is_bold: false, text, point: (x, y) });
        }
        // A cross cannot be moved, so it is placed before the labels that could cover it.
        labels.sort_by_key(|label| (!label.text.is_empty(), label.y));
        let mut last = 0;
        for (at, steps) in &self.events.instants {
            let y = self.axis.height(*at);
            // If there is no room for a time, it is not written.
            if y < last && last > 0 {
                continue;
            }
            last = y + LINE - 2;
            let time = super::ladder::Micros(crate::lab::START + Duration::from_micros(*at)).to_string();
            let steps = match steps {
                [first, last] if first == last => first.to_string(),
                [first, last] => alloc::format!("{first}–{last}"),
            };
            for (x, color, text) in [(TIMES_END, INK, time.trim().to_string()), (TIMES - 10, FAINT, steps)] {
                labels.push(Label { x, y, anchor: Anchor::End, color, is_bold: false, text, point: (x, y) });
            }
        }
        for label in labels {
            self.labels.add(label);
        }
    }

    /// Returns the y coordinates of the start of each page and of the end of the last page. A page ends between two
    /// lines of text, if there is such a place.
    fn page_breaks(&self) -> Vec<i32> {
        let mut lines: Vec<i32> = self.labels.labels.iter().map(|placing| placing.label.y).collect();
        lines.sort_unstable();
        let end = lines.last().map_or(0, |y| y + LINE).max(self.axis.end) + LINE;
        // The labels of the first instant are around y = 0, so the first page begins above them.
        let mut breaks = alloc::vec![-LINE];
        // The last page can be a tenth longer than the others.
        while let Some(&begin) = breaks.last().filter(|begin| end - **begin > PAGE + PAGE / 10) {
            // Whether no line of text is at this height.
            let is_free = |y: &i32| {
                let next = lines.partition_point(|line| *line < y - LINE / 2);
                lines.get(next).is_none_or(|line| *line > y + LINE / 2)
            };
            // The page ends in its last quarter, as low as possible.
            let next = (begin + PAGE * 3 / 4..begin + PAGE).rev().find(is_free);
            breaks.push(next.unwrap_or(begin + PAGE));
        }
        breaks.push(end);
        breaks
    }
}

/// The horizontal distance of an arrow's label from the sender's line, in pixels.
const LABEL: i32 = 60;

/// The x coordinate at which the column of times ends, in pixels.
const TIMES_END: i32 = 78;
/// The width of the columns of times and steps together, in pixels.
const TIMES: i32 = 180;

/// Returns the point of a path at the x coordinate `x`, where a label is placed. If the path does not reach `x`,
/// returns its last y coordinate.
fn on_path(points: &[(i32, i32)], x: i32) -> (i32, i32) {
    for pair in points.windows(2) {
        let [(ax, ay), (bx, by)] = [pair[0], pair[1]];
        if (ax <= x && x <= bx) || (bx <= x && x <= ax) {
            return (x, if ax == bx { ay } else { ay + (by - ay) * (x - ax) / (bx - ax) });
        }
    }
    points.last().map_or((x, 0), |(_, y)| (x, *y))
}

#[cfg(all(test, feature = "cli"))]
mod tests;
