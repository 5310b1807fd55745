//! Draws the ladder diagram as a picture (SVG 1.1).

use core::fmt::{self, Write};

use super::ladder::{Body, Ladder, Micros, Tone};
use super::text::Text;
use crate::lab::Snapshot;
use crate::lab::lang::Lang;

/// The largest number of rows in a picture. Further rows are left out, and the picture says so.
pub const SVG_ROWS: usize = 400;

/// Draws a run as a ladder diagram.
///
/// Events run downwards in order, which is not to scale. The first column shows the times.
///
/// # Errors
/// The error of `out`.
pub fn write_ladder_svg(out: &mut dyn Write, snapshots: &[Snapshot]) -> fmt::Result {
    let rows = || snapshots.iter().filter_map(|s| Some((s, Body::of(LOOK, s)?)));
    let total = rows().count();
    let height = TOP + ROW * total.min(SVG_ROWS) + 60;
    open(out, WIDTH, height, "A client, a server, and the frames between them")?;
    head(out, height)?;
    // The lines are drawn first, so that the texts are on top of them.
    for (place, (_, body)) in rows().take(SVG_ROWS).enumerate() {
        let y = TOP + ROW * place;
        match body {
            Body::Arrow { host, frame, lost, again, .. } => {
                let later = rows().take(SVG_ROWS).enumerate().skip(place + 1);
                let arrivals = later.filter_map(|(place, (s, body))| match body {
                    Body::Arrival { frame: arrived, .. } if arrived == frame && s.entry.host < 2 => Some(place),
                    _ => None,
                });
                arrow(out, y, host, (lost, again), arrivals.map(|place| TOP + ROW * place))?;
            }
            Body::Clock => {
                writeln!(out, r#"<path d="M{LEFT} {y}H{RIGHT}" stroke="{FAINT}" stroke-dasharray="1 5"/>"#)?;
            }
            Body::Arrival { .. } | Body::Note { .. } => {}
        }
    }
    for (place, (snapshot, body)) in rows().take(SVG_ROWS).enumerate() {
        let y = TOP + ROW * place;
        label(out, snapshot, y)?;
        match &body {
            Body::Arrow { host, lost: true, label, .. } => beside(out, *host, y - 5, RED, label)?,
            Body::Arrow { host, again: true, label, .. } => beside(out, *host, y - 5, ORANGE, label)?,
            Body::Arrow { host, label, .. } => beside(out, *host, y - 5, INK, label)?,
            // The end of the arrow shows the arrival, so no text is needed.
            Body::Arrival { damaged: false, .. } | Body::Clock => {}
            Body::Arrival { host, text, .. } => beside(out, *host, y + 4, RED, text)?,
            Body::Note { host, tone, text } => {
                let color = match tone {
                    Tone::Again => ORANGE,
                    Tone::Bad => RED,
                    Tone::Dim => FAINT,
                    Tone::Plain => INK,
                };
                beside(out, *host, y + 4, color, text)?;
            }
        }
    }
    let end = TOP + ROW * total.min(SVG_ROWS) + 20;
    if total > SVG_ROWS {
        writeln!(
            out,
            r#"<text x="{LEFT}" y="{end}" fill="{RED}">Cut here, after {SVG_ROWS} rows: the run goes on.</text>"#
        )?;
    }
    out.write_str("</svg>\n")
}

const LOOK: Ladder = Ladder { width: 112, ascii: false, color: false, lang: Lang::En };

const WIDTH: usize = 900;
const TOP: usize = 80;
const ROW: usize = 24;
/// The horizontal positions of the client's and the server's lines.
const LEFT: usize = 250;
const RIGHT: usize = 780;
/// The width of a character of the font, rounded up.
const CHAR: usize = 7;

pub(crate) const INK: &str = "#222222";
const FAINT: &str = "#999999";
pub(crate) const RED: &str = "#c62828";
const ORANGE: &str = "#b35900";

/// Begins a picture: writes its size, a white background, and the font.
pub(crate) fn open(out: &mut dyn Write, width: usize, height: usize, title: &str) -> fmt::Result {
    write!(out, r#"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" "#)?;
    writeln!(out, r#"viewBox="0 0 {width} {height}" font-family="monospace" font-size="11" fill="{INK}">"#)?;
    writeln!(out, "<title>{title}</title>")?;
    writeln!(out, r##"<rect width="{width}" height="{height}" fill="#ffffff"/>"##)
}

/// Defines an arrowhead of this colour, which drawings refer to as `#NAME`.
pub(super) fn tip(out: &mut dyn Write, name: &str, color: &str) -> fmt::Result {
    write!(out, r#"<marker id="{name}" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" "#)?;
    writeln!(out, r#"markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0L8 4L0 8z" fill="{color}"/></marker>"#)
}

fn head(out: &mut dyn Write, height: usize) -> fmt::Result {
    out.write_str("<defs>\n")?;
    tip(out, "sent", INK)?;
    tip(out, "again", ORANGE)?;
    out.write_str("</defs>\n")?;
    let (top, bottom) = (TOP - 25, height - 45);
    for x in [LEFT, RIGHT] {
        writeln!(out, r#"<path d="M{x} {top}V{bottom}" stroke="{FAINT}" stroke-width="2"/>"#)?;
    }
    let y = TOP - 32;
    writeln!(out, r#"<g font-weight="bold"><text x="90" y="{y}" text-anchor="end">seconds</text>"#)?;
    writeln!(out, r#"<text x="132" y="{y}" text-anchor="end">step</text><text x="145" y="{y}">client</text>"#)?;
    writeln!(out, r#"<text x="{}" y="{y}">server</text></g>"#, RIGHT + 12)?;
    writeln!(out, r#"<text x="90" y="20" fill="{FAINT}" text-anchor="end">not to scale</text>"#)?;
    // The legend of the arrows.
    writeln!(out, r#"<path d="M{LEFT} 16h40" stroke="{INK}" marker-end="url(#sent)"/>"#)?;
    writeln!(out, r#"<text x="{}" y="20">sent</text>"#, LEFT + 48)?;
    let x = LEFT + 120;
    writeln!(out, r#"<path d="M{x} 16h40" stroke="{ORANGE}" stroke-dasharray="6 4" marker-end="url(#again)"/>"#)?;
    writeln!(out, r#"<text x="{}" y="20" fill="{ORANGE}">sent again</text>"#, x + 48)?;
    let x = LEFT + 280;
    writeln!(out, r#"<path d="M{x} 16h34" stroke="{RED}"/>"#)?;
    cross(out, x + 34, 16)?;
    writeln!(out, r#"<text x="{}" y="20" fill="{RED}">lost</text>"#, x + 48)
}

/// Writes the time, the step and the states of a row.
fn label(out: &mut dyn Write, snapshot: &Snapshot, y: usize) -> fmt::Result {
    let y = y + 4;
    let [client, server] = snapshot.states;
    write!(out, r#"<text x="90" y="{y}" text-anchor="end">{}</text>"#, Micros(snapshot.entry.at))?;
    write!(out, r#"<text x="132" y="{y}" text-anchor="end">{}</text>"#, snapshot.entry.step)?;
    write!(out, r#"<text x="145" y="{y}">{client}</text>"#)?;
    writeln!(out, r#"<text x="{}" y="{y}">{server}</text>"#, RIGHT + 12)
}

fn arrow(
    out: &mut dyn Write,
    y: usize,
    host: usize,
    (lost, again): (bool, bool),
    arrivals: impl Iterator<Item = usize>,
) -> fmt::Result {
    let (from, to) = if host == 0 { (LEFT, RIGHT) } else { (RIGHT, LEFT) };
    let (color, tip) = match (lost, again) {
        (true, _) => (RED, ""),
        (_, true) => (ORANGE, r#" marker-end="url(#again)""#),
        _ => (INK, r#" marker-end="url(#sent)""#),
    };
    let dashes = if again { r#" stroke-dasharray="6 4""# } else { "" };
    let mut arrived = false;
    for at in arrivals {
        arrived = true;
        writeln!(out, r#"<path d="M{from} {y}L{to} {at}" stroke="{color}"{dashes}{tip}/>"#)?;
    }
    if arrived {
        return Ok(());
    }
    // The frame was lost, or is still in flight at the end of the picture.
    let (x, end) = ((from + 2 * to) / 3, y + ROW / 2);
    writeln!(out, r#"<path d="M{from} {y}L{x} {end}" stroke="{color}"{dashes}/>"#)?;
    if !lost {
        return Ok(());
    }
    cross(out, x, end)?;
    // The word is for readers who cannot see the colour.
    writeln!(out, r#"<text x="{x}" y="{}" text-anchor="middle" fill="{RED}">lost</text>"#, end + 20)
}

fn cross(out: &mut dyn Write, x: usize, y: usize) -> fmt::Result {
    let (left, top) = (x - 6, y - 6);
    writeln!(out, r#"<path d="M{left} {top}l12 12m0 -12l-12 12" stroke="{RED}" stroke-width="3"/>"#)
}

/// Writes a text next to the line of a host, or between the lines.
///
/// The text has a white background, because arrows may run behind it.
fn beside(out: &mut dyn Write, host: usize, y: usize, color: &str, text: &Text) -> fmt::Result {
    let (x, anchor) = match host {
        0 => (LEFT + 10, "start"),
        1 => (RIGHT - 10, "end"),
        _ => ((LEFT + RIGHT) / 2, "middle"),
    };
    let width = CHAR * text.columns();
    let left = match host {
        0 => x,
        1 => x - width.min(x),
        _ => x - (width / 2).min(x),
    };
    writeln!(out, r##"<rect class="ground" x="{left}" y="{}" width="{width}" height="13" fill="#ffffff"/>"##, y - 10)?;
    write!(out, r##"<text x="{x}" y="{y}" text-anchor="{anchor}" fill="{color}">"##)?;
    write!(Escaped(out), "{text}")?;
    out.write_str("</text>\n")
}

/// A writer that escapes the characters that XML reserves.
pub(crate) struct Escaped<'w>(pub(crate) &'w mut dyn Write);

impl Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for char in text.chars() {
            match char {
                '&' => self.0.write_str("&amp;")?,
                '<' => self.0.write_str("&lt;")?,
                '>' => self.0.write_str("&gt;")?,
                char => self.0.write_char(char)?,
            }
        }
        Ok(())
    }
}

#[cfg(all(test, feature = "cli"))]
pub(super) mod tests;
