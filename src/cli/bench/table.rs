//! The results as a table, for a terminal or for a document.

use core::fmt::{self, Write};

use super::figure::{Figure, What};
use super::guard::Miss;
use super::result::{RowResult, Spread};
use super::rows::{Outcome, Row};

/// What a table stands under.
pub struct Head<'h> {
    /// The machine and the effort, in a line.
    pub line: &'h str,
    /// Whether it is for a document, in Markdown.
    pub markdown: bool,
}

/// Writes the table.
///
/// # Errors
/// Those of `out`.
pub fn write_table(out: &mut dyn Write, head: &Head<'_>, rows: &[(&Row, RowResult)]) -> fmt::Result {
    let mut cells = vec![["row", "smolstep", "against", "result", "lowest to highest", "limit", ""].map(String::from)];
    cells.extend(rows.iter().map(|(row, result)| line(row, result)));
    writeln!(out, "{}\n", head.line)?;
    let widths: [usize; 7] =
        core::array::from_fn(|column| cells.iter().map(|line| line[column].chars().count()).max().unwrap_or(0));
    for (number, line) in cells.iter().enumerate() {
        let mut text = String::new();
        for (cell, width) in line.iter().zip(widths) {
            match head.markdown {
                true => write!(text, "| {cell} ")?,
                false => write!(text, "{cell:<width$}  ")?,
            }
        }
        match head.markdown {
            true => writeln!(out, "{text}|")?,
            false => writeln!(out, "{}", text.trim_end())?,
        }
        if head.markdown && number == 0 {
            writeln!(out, "|{}", "---|".repeat(line.len()))?;
        }
    }
    for (row, result) in rows {
        if let RowResult::Missing(miss) = result {
            let text = match miss {
                Miss::Failed(why) | Miss::Skipped(why) => why,
                Miss::Interrupted => "interrupted before the first round was over",
            };
            writeln!(out, "{}{}: {text}", if head.markdown { "\n" } else { "" }, row.name)?;
        }
    }
    Ok(())
}

fn line(row: &Row, result: &RowResult) -> [String; 7] {
    let limit = row.limit.map(|limit| limit.to_string()).unwrap_or_default();
    let verdict = verdict(row, result).to_owned();
    match result {
        RowResult::Missing(_) => {
            [row.name.into(), String::new(), String::new(), String::new(), String::new(), limit, verdict]
        }
        RowResult::Measured { ours, against, result } => {
            let with_unit = |figure: Figure, spread: &Spread| {
                format!("{} {}", number(figure.what, spread.median), figure.what.unit())
            };
            let against = row.against.zip(against.as_ref());
            let against = against
                .map_or_else(String::new, |(figure, spread)| format!("{}, {}", with_unit(figure, spread), figure.of));
            let (what, times) = match row.result {
                Outcome::Value => (row.ours.what, ""),
                Outcome::Ratio | Outcome::Speedup => (What::Memory, " ×"),
            };
            let [median, low, high] = [result.median, result.low, result.high].map(|value| number(what, value));
            [
                row.name.into(),
                with_unit(row.ours, ours),
                against,
                format!("{median}{times}"),
                format!("{low} to {high}"),
                limit,
                verdict,
            ]
        }
    }
}

/// In a word, whether a row is as it should be.
pub fn verdict(row: &Row, result: &RowResult) -> &'static str {
    match (result, row.limit) {
        (RowResult::Missing(Miss::Failed(_)), _) => "failed",
        (RowResult::Missing(Miss::Interrupted), _) => "interrupted",
        (RowResult::Missing(Miss::Skipped(_)), _) => "skipped",
        (RowResult::Measured { .. }, None) => "",
        (RowResult::Measured { result, .. }, Some(limit)) if limit.is_met(result.median) => "met",
        (RowResult::Measured { .. }, Some(_)) => "missed",
    }
}

/// A number as precise as it is worth.
pub fn number(what: What, value: f64) -> String {
    match what {
        What::Accept | What::Active | What::Greeting | What::Setup => format!("{value:.0}"),
        What::Cable | What::Latency | What::Memory | What::Receive | What::Send => format!("{value:.2}"),
    }
}
