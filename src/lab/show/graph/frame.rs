//! The frame of a graph: axes with numbers and units, a legend, and functions that draw lines and points.

use alloc::string::String;
use core::fmt::{self, Write};

use crate::lab::lang::{Lang, columns};

use super::super::svg::{CHAR, FAINT, INK, RED};

/// The symbol that stands for a line or point in the legend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Symbol {
    Bar,
    Cross,
    Dashed,
    Diamond,
    Dot,
    Line,
}

/// The frame of a graph.
#[derive(Clone, Copy)]
pub(super) struct Frame {
    left: f64,
    top: f64,
    width: f64,
    height: f64,
    /// The times at the left edge and at the right edge, in microseconds.
    times: [u64; 2],
    /// The values at the bottom and at the top.
    values: [f64; 2],
    is_log: bool,
    pub(super) lang: Lang,
}

impl Frame {
    /// Makes a frame for times from `first` to `last`, with a small margin on both sides. The first argument is the
    /// frame's left edge, top, width and height, in pixels.
    pub(super) fn new([left, top, width, height]: [f64; 4], [first, last]: [u64; 2], lang: Lang) -> Self {
        let margin = ((last - first) / 50).max(1);
        let times = [first.saturating_sub(margin), last + margin];
        Frame { left, top, width, height, times, values: [0.0, 1.0], is_log: false, lang }
    }

    /// Sets the values at the bottom and at the top. If `high` is not above `low`, the value at the top is `low` + 1.
    pub(super) fn with_values(mut self, low: f64, high: f64) -> Self {
        self.values = [low, if high > low { high } else { low + 1.0 }];
        self
    }

    /// Makes the axis of values logarithmic, if its lowest value is above 0.
    pub(super) fn with_log(mut self) -> Self {
        self.is_log = self.values[0] > 0.0;
        self
    }

    /// Returns the times at the left edge and at the right edge, in microseconds.
    pub(super) fn times(&self) -> [u64; 2] {
        self.times
    }

    /// Returns the x coordinate at which the time `at` is drawn.
    pub(super) fn x(&self, at: u64) -> f64 {
        let [first, last] = self.times;
        self.left + (at as f64 - first as f64) * self.width / (last - first) as f64
    }

    /// Returns the y coordinate at which `value` is drawn. A logarithmic axis draws a value below its range at the
    /// bottom.
    pub(super) fn y(&self, value: f64) -> f64 {
        let [low, high] = self.values;
        // The distance from the bottom, as a fraction of the frame's height.
        let part =
            if self.is_log { log10(value.max(low) / low) / log10(high / low) } else { (value - low) / (high - low) };
        // The y coordinates of SVG grow downwards.
        self.top + self.height * (1.0 - part)
    }

    /// Draws the axes, with lines and numbers at round values. `unit` is the unit of the numbers on the axis of values:
    /// each number is a value divided by `factor`.
    pub(super) fn axes(&self, out: &mut dyn Write, unit: &str, factor: f64) -> fmt::Result {
        let Frame { left, top, width, height, times, values, .. } = *self;
        let (right, bottom) = (left + width, top + height);
        let ([first, last], [low, high]) = (times, values);
        // Vertical lines, with the times below them. Their distance is at least an eighth of the width.
        let step = nice(((last - first) as f64 / 8.0).max(1.0)).max(1.0);
        // Begin with the last multiple of `step` at or before the left edge.
        let mut at = (first as f64 / step) as u64 as f64 * step;
        while at <= last as f64 {
            if at >= first as f64 {
                let x = self.x(at as u64);
                writeln!(out, r##"<path d="M{x:.1} {top}V{bottom}" stroke="#e0e0e0"/>"##)?;
                let (y, digits) = (bottom + 16.0, decimals(step / 1e6));
                writeln!(out, r#"<text x="{x:.1}" y="{y}" text-anchor="middle">{:.digits$}</text>"#, at / 1e6)?;
            }
            at += step;
        }
        let (x, y) = (left + width / 2.0, bottom + 34.0);
        writeln!(
            out,
            r#"<text x="{x}" y="{y}" text-anchor="middle">{}</text>"#,
            self.lang.pick("time (s)", "时间（秒）")
        )?;
        // Horizontal lines, with the values on their left. A logarithmic axis has a line for each power of ten, and one
        // round number near the bottom.
        let step = nice((high - low) / factor / 6.0);
        let mut value = if self.is_log { nice(low / factor / 2.0) } else { 0.0 };
        // Rounding errors must not remove the line at the top.
        while value * factor <= high * 1.0001 {
            let y = self.y(value * factor);
            if value * factor >= low {
                writeln!(out, r##"<path d="M{left} {y:.1}H{right}" stroke="#e0e0e0"/>"##)?;
                let (x, y) = (left - 6.0, y + 4.0);
                let digits = decimals(if self.is_log { value } else { step });
                writeln!(out, r#"<text x="{x}" y="{y:.1}" text-anchor="end">{value:.digits$}</text>"#)?;
            }
            value = if self.is_log { next_decade(value) } else { value + step };
        }
        let (x, y) = (left - 68.0, top + height / 2.0);
        let log = if self.is_log { self.lang.pick(", logarithmic", "（对数）") } else { "" };
        writeln!(out, r#"<text transform="translate({x} {y}) rotate(-90)" text-anchor="middle">{unit}{log}</text>"#)?;
        writeln!(out, r#"<rect x="{left}" y="{top}" width="{width}" height="{height}" fill="none" stroke="{FAINT}"/>"#)
    }

    /// Draws the legend in one row above the frame. Each entry has a symbol, its colour and its text.
    pub(super) fn legend(&self, out: &mut dyn Write, entries: &[(Symbol, &str, &str)]) -> fmt::Result {
        let (mut x, y) = (self.left, self.top - 12.0);
        for (symbol, color, text) in entries {
            match symbol {
                Symbol::Bar => bar(out, x + 9.0, [y - 6.0, y + 6.0], color)?,
                Symbol::Cross => self::cross(out, x + 9.0, y)?,
                Symbol::Diamond => diamond(out, x + 9.0, y, color)?,
                Symbol::Dot => dot(out, x + 9.0, y, color)?,
                Symbol::Dashed => {
                    writeln!(
                        out,
                        r#"<path d="M{x} {y}h18" stroke="{color}" stroke-width="2" stroke-dasharray="5 3"/>"#
                    )?;
                }
                Symbol::Line => writeln!(out, r#"<path d="M{x} {y}h18" stroke="{color}" stroke-width="2"/>"#)?,
            }
            writeln!(out, r#"<text x="{}" y="{}" fill="{INK}">{text}</text>"#, x + 24.0, y + 4.0)?;
            // Two columns separate the entries.
            x += 24.0 + (CHAR * (columns(text) + 2)) as f64;
        }
        Ok(())
    }

    /// Begins a part of the picture that is clipped at the frame. The caller ends this part with `</svg>`.
    pub(super) fn open(&self, out: &mut dyn Write) -> fmt::Result {
        let Frame { left, top, width, height, .. } = self;
        write!(out, r#"<svg x="{left}" y="{top}" width="{width}" height="{height}" "#)?;
        writeln!(out, r#"viewBox="{left} {top} {width} {height}">"#)
    }

    /// Draws a line of steps: each value holds until the next point, and the last value until the right edge. The line
    /// has a gap after a point without a value. `style` is [`SOLID`], [`DASHED`] or [`THIN`].
    pub(super) fn steps(
        &self,
        out: &mut dyn Write,
        points: impl Iterator<Item = (u64, Option<f64>)>,
        color: &str,
        style: &str,
    ) -> fmt::Result {
        let mut path = String::new();
        let mut is_drawing = false;
        let mut last = None;
        for (at, value) in points {
            let x = self.x(at);
            // Writing to a string cannot fail.
            let _ = match value.map(|value| self.y(value)) {
                // The value is unchanged, so the line goes on to the next point.
                Some(_) if value == last && is_drawing => continue,
                Some(y) if is_drawing => write!(path, "H{x:.1}V{y:.1}"),
                Some(y) => write!(path, "M{x:.1} {y:.1}"),
                None if is_drawing => write!(path, "H{x:.1}"),
                None => Ok(()),
            };
            (is_drawing, last) = (value.is_some(), value);
        }
        if is_drawing {
            let _ = write!(path, "H{:.1}", self.x(self.times[1]));
        }
        if path.is_empty() {
            return Ok(());
        }
        writeln!(out, r#"<path d="{path}" fill="none" stroke="{color}"{style}/>"#)
    }
}

/// The style of a solid line.
pub(super) const SOLID: &str = r#" stroke-width="2""#;
/// The style of a dashed line.
pub(super) const DASHED: &str = r#" stroke-width="1.5" stroke-dasharray="5 3""#;
/// The style of a thin line: SVG's default.
pub(super) const THIN: &str = "";

/// Draws a vertical bar from `top` to `bottom`, with a short horizontal line at each end.
pub(super) fn bar(out: &mut dyn Write, x: f64, [top, bottom]: [f64; 2], color: &str) -> fmt::Result {
    let left = x - 3.0;
    writeln!(
        out,
        r#"<path d="M{left:.1} {top:.1}h6m-3 0V{bottom:.1}m-3 0h6" stroke="{color}" stroke-width="1.5" fill="none"/>"#
    )
}

/// Draws a filled dot.
pub(super) fn dot(out: &mut dyn Write, x: f64, y: f64, color: &str) -> fmt::Result {
    writeln!(out, r#"<circle cx="{x:.1}" cy="{y:.1}" r="2.5" fill="{color}"/>"#)
}

/// Draws a filled diamond.
pub(super) fn diamond(out: &mut dyn Write, x: f64, y: f64, color: &str) -> fmt::Result {
    writeln!(out, r#"<path d="M{x:.1} {:.1}l5 5l-5 5l-5 -5z" fill="{color}"/>"#, y - 5.0)
}

/// Draws the cross that marks a lost segment.
pub(super) fn cross(out: &mut dyn Write, x: f64, y: f64) -> fmt::Result {
    let (left, top) = (x - 4.0, y - 4.0);
    writeln!(out, r#"<path d="M{left:.1} {top:.1}l8 8m0 -8l-8 8" stroke="{RED}" stroke-width="2" fill="none"/>"#)
}

/// Returns the smallest number that is at least `least` and is 1, 2 or 5 times a power of ten. The axes show such
/// numbers.
fn nice(least: f64) -> f64 {
    let mut power = 1.0;
    while power * 10.0 <= least {
        power *= 10.0;
    }
    while power > least {
        power /= 10.0;
    }
    // Rounding errors must not skip a step that equals `least`.
    [1.0, 2.0, 5.0]
        .map(|factor| factor * power)
        .into_iter()
        .find(|step| *step >= least * 0.9999)
        .unwrap_or(10.0 * power)
}

/// Returns the smallest power of ten that is above a value, but at least 1e-9. A logarithmic axis has a line there.
fn next_decade(value: f64) -> f64 {
    let mut power = 1e-9;
    // If `value` is a power of ten, rounding errors must not return it again.
    while power <= value * 1.0001 {
        power *= 10.0;
    }
    power
}

/// Returns how many decimals a multiple of `step` needs, at most 9. `step` is 1, 2 or 5 times a power of ten.
fn decimals(step: f64) -> usize {
    // A step that rounding errors put just below 1 needs no decimals.
    let (mut digits, mut rest) = (0, step);
    while rest < 0.9999 && digits < 9 {
        rest *= 10.0;
        digits += 1;
    }
    digits
}

/// Returns the decimal logarithm of a number of at least 1, exact enough for a picture. The core library has no
/// logarithm.
fn log10(value: f64) -> f64 {
    // The whole part: how many times 10 divides the value.
    let (mut whole, mut rest) = (0.0, value.max(1.0));
    while rest >= 10.0 {
        rest /= 10.0;
        whole += 1.0;
    }
    // The fraction, as 20 binary digits: squaring `rest` doubles its logarithm.
    let (mut part, mut digit) = (0.0, 0.5);
    for _ in 0..20 {
        rest *= rest;
        if rest >= 10.0 {
            rest /= 10.0;
            part += digit;
        }
        digit /= 2.0;
    }
    whole + part
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_and_decimals_are_round() {
        // The smallest allowed step, the step that `nice` returns, and the number of decimals that this step needs.
        for (least, step, digits) in [(0.7, 1.0, 0), (1.0, 1.0, 0), (1.2, 2.0, 0), (0.03, 0.05, 2), (610.0, 1000.0, 0)]
        {
            assert!((nice(least) / step - 1.0).abs() < 1e-9, "{least}");
            assert_eq!(decimals(step), digits);
        }
        assert!((log10(1000.0) - 3.0).abs() < 1e-5 && (log10(2.0) - core::f64::consts::LOG10_2).abs() < 1e-5);
        assert!((next_decade(0.02) / 0.1 - 1.0).abs() < 1e-9);
    }
}
