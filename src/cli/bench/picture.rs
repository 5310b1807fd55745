//! The results as bars, in SVG.

use core::fmt::{self, Write};

use super::figure::Figure;
use super::guard::Miss;
use super::result::{RowResult, Spread};
use super::rows::{Outcome, Row};
use super::table::{number, verdict};
use crate::lab::show::svg::{Escaped, INK, RED, open};

const WIDTH: usize = 960;
/// Where the bars begin, and how long the longest is.
const LEFT: usize = 130;
const BAR: f64 = 400.0;
/// Where the result stands.
const RIGHT: usize = 790;
/// The height of a row, and of what stands above them all.
const ROW: usize = 44;
const TOP: usize = 40;

const OURS: &str = "#1f6fb2";
const THEIRS: &str = "#b9c4cc";
const GREEN: &str = "#2e7d32";

/// Writes a picture: a bar for each of a row's two figures, with a line from the lowest to the highest value; beside them the
/// result and its limit. Each row has a scale of its own.
///
/// # Errors
/// Those of `out`.
pub fn write_svg(out: &mut dyn Write, head: &str, rows: &[(&Row, RowResult)]) -> fmt::Result {
    open(out, WIDTH, TOP + ROW * rows.len(), "smolstep bench")?;
    text(out, 10, 20, INK, head)?;
    for (place, (row, result)) in rows.iter().enumerate() {
        let y = TOP + ROW * place;
        text(out, 10, y + 12, INK, row.name)?;
        let word = verdict(row, result);
        let color = if matches!(word, "failed" | "missed") { RED } else { GREEN };
        let bound = row.limit.map(|limit| format!("{limit}: ")).unwrap_or_default();
        text(out, RIGHT, y + 25, color, &format!("{bound}{word}"))?;
        match result {
            RowResult::Measured { ours, against, result } => {
                let longest = against.map_or(ours.high, |against| against.high.max(ours.high));
                bar(out, y, OURS, row.ours, ours, longest)?;
                if let (Some(figure), Some(against)) = (row.against, against) {
                    bar(out, y + 15, THEIRS, figure, against, longest)?;
                }
                let times = if row.result == Outcome::Value { "" } else { " ×" };
                text(out, RIGHT, y + 12, color, &format!("{:.2}{times}", result.median))?;
            }
            RowResult::Missing(Miss::Failed(why) | Miss::Skipped(why)) => text(out, LEFT, y + 12, INK, why)?,
            RowResult::Missing(Miss::Interrupted) => {}
        }
    }
    out.write_str("</svg>\n")
}

fn bar(out: &mut dyn Write, y: usize, color: &str, figure: Figure, values: &Spread, longest: f64) -> fmt::Result {
    let [median, low, high] =
        [values.median, values.low, values.high].map(|value| (BAR * value / longest.max(f64::MIN_POSITIVE)).min(BAR));
    writeln!(out, r#"<rect x="{LEFT}" y="{}" width="{median:.1}" height="12" fill="{color}"/>"#, y + 2)?;
    let (from, to) = (LEFT as f64 + low, LEFT as f64 + high);
    writeln!(out, r#"<path d="M{from:.1} {}H{to:.1}" stroke="{INK}"/>"#, y + 8)?;
    let label = format!("{} {}, {}", number(figure.what, values.median), figure.what.unit(), figure.of);
    text(out, to as usize + 6, y + 12, INK, &label)
}

fn text(out: &mut dyn Write, x: usize, y: usize, color: &str, text: &str) -> fmt::Result {
    write!(out, r#"<text x="{x}" y="{y}" fill="{color}">"#)?;
    write!(Escaped(out), "{text}")?;
    out.write_str("</text>\n")
}
