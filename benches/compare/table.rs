//! The results as a table, for a terminal or for a document.

use core::fmt::{self, Write};

use super::deadline::Miss;
use super::metric::{Figure, Metric, Spread};
use super::results::RowResult;
use super::rows::{Outcome, Row};

/// Formats the line `head`, the table, and for each row without a result the reason.
pub fn table(head: &str, markdown: bool, rows: &[(&Row, RowResult)]) -> String {
    let mut table = String::new();
    // Writing to a string does not fail.
    let _ = write_table(&mut table, head, markdown, rows);
    table
}

/// Does the work of [`table`].
fn write_table(out: &mut String, head: &str, markdown: bool, rows: &[(&Row, RowResult)]) -> fmt::Result {
    let mut cells = vec![["row", "smolstep", "against", "result", "lowest to highest", "limit", ""].map(String::from)];
    cells.extend(rows.iter().map(|(row, result)| line(row, result)));
    writeln!(out, "{}\n", head)?;
    let widths: [usize; 7] =
        core::array::from_fn(|column| cells.iter().map(|line| line[column].chars().count()).max().unwrap_or(0));
    for (number, line) in cells.iter().enumerate() {
        let mut text = String::new();
        for (cell, width) in line.iter().zip(widths) {
            match markdown {
                true => write!(text, "| {cell} ")?,
                false => write!(text, "{cell:<width$}  ")?,
            }
        }
        match markdown {
            true => writeln!(out, "{text}|")?,
            false => writeln!(out, "{}", text.trim_end())?,
        }
        if markdown && number == 0 {
            writeln!(out, "|{}", "---|".repeat(line.len()))?;
        }
    }
    for (row, result) in rows {
        if let RowResult::Missing(miss) = result {
            let text = match miss {
                Miss::Failed(why) | Miss::Skipped(why) => why,
                Miss::Interrupted => "interrupted before the first round was over",
            };
            writeln!(out, "{}{}: {text}", if markdown { "\n" } else { "" }, row.name)?;
        }
    }
    Ok(())
}

/// Returns the cells of a row.
fn line(row: &Row, result: &RowResult) -> [String; 7] {
    let limit = row.limit.map(|limit| limit.to_string()).unwrap_or_default();
    let verdict = verdict(row, result).to_owned();
    match result {
        RowResult::Missing(_) => {
            [row.name.into(), String::new(), String::new(), String::new(), String::new(), limit, verdict]
        }
        RowResult::Measured { ours, against, result } => {
            let with_unit = |figure: Figure, spread: &Spread| {
                format!("{} {}", number(figure.metric, spread.median), figure.metric.unit())
            };
            let against = row.against.zip(against.as_ref());
            let against = against.map_or_else(String::new, |(figure, spread)| {
                format!("{}, {}", with_unit(figure, spread), figure.subject)
            });
            let (metric, times) = match row.result {
                Outcome::Value => (row.ours.metric, ""),
                Outcome::Ratio | Outcome::Speedup => (Metric::Memory, " ×"),
            };
            let [median, low, high] = [result.median, result.low, result.high].map(|value| number(metric, value));
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

/// Returns one word: whether the row meets its limit, or why it has no result.
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

/// Formats a value.
///
/// Rates of connections and greetings are integers. All other values have two decimal places.
fn number(metric: Metric, value: f64) -> String {
    match metric {
        Metric::Accept | Metric::Active | Metric::Greeting | Metric::Setup => format!("{value:.0}"),
        Metric::Cable | Metric::Latency | Metric::Memory | Metric::Receive | Metric::Send => format!("{value:.2}"),
    }
}
