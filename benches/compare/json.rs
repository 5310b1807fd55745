//! Formats the results as JSON, for programs.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::deadline::Miss;
use super::machine::Machine;
use super::metric::{Figure, Spread};
use super::results::RowResult;
use super::rows::{Limit, Row};
use super::table::verdict;

/// Formats the results as one JSON object.
///
/// The fields of the object are `smolstep` (the version), `machine`, `debug`, `rounds`, `quick`, and `rows`. In each
/// row, `ours`, `against` and `result` are objects with `median`, `low` and `high`. `ours` and `against` also have the
/// fields `of` (the metric) and `unit`.
pub fn json(machine: &Machine, rounds: usize, quick: bool, rows: &[(&Row, RowResult)]) -> String {
    let Machine { cpu, cores, kernel, congestion, load } = machine;
    let rows: Vec<Value> = rows.iter().map(|(row, result)| row_object(row, result)).collect();
    let run = json!({
        "smolstep": env!("CARGO_PKG_VERSION"),
        "machine": { "cpu": cpu, "cores": cores, "kernel": kernel, "congestion": congestion, "load": load },
        "debug": cfg!(debug_assertions),
        "rounds": rounds,
        "quick": quick,
        "rows": rows,
    });
    format!("{run:#}\n")
}

/// Returns the JSON object of a row.
fn row_object(row: &Row, result: &RowResult) -> Value {
    let mut object = json!({ "name": row.name, "text": row.text, "verdict": verdict(row, result) });
    match row.limit {
        Some(Limit::AtLeast(least)) => object["at_least"] = json!(least),
        Some(Limit::AtMost(most)) => object["at_most"] = json!(most),
        None => {}
    }
    match result {
        RowResult::Measured { ours, against, result } => {
            object["ours"] = figure_object(row.ours, ours);
            if let (Some(other), Some(against)) = (row.against, against) {
                object["against"] = figure_object(other, against);
            }
            object["result"] = spread_object(result);
        }
        RowResult::Missing(Miss::Failed(why) | Miss::Skipped(why)) => object["why"] = json!(why),
        RowResult::Missing(Miss::Interrupted) => {}
    }
    object
}

fn figure_object(figure: Figure, values: &Spread) -> Value {
    let mut object = spread_object(values);
    object["of"] = json!(figure.subject.to_string());
    object["unit"] = json!(figure.metric.unit());
    object
}

fn spread_object(Spread { median, low, high }: &Spread) -> Value {
    json!({ "median": median, "low": low, "high": high })
}

/// The output file. The file keeps its old contents until the results are complete.
pub struct JsonFile {
    file: File,
    path: PathBuf,
}

impl JsonFile {
    /// Opens the output file. The program calls this function before any measurement, so that no measurement is wasted
    /// on an unwritable file.
    ///
    /// # Errors
    /// Returns a one-line message for the user if the file cannot be written.
    pub fn open(path: &Path) -> Result<Self, String> {
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(path);
        Ok(JsonFile { file: file.map_err(|error| write_error(path, &error))?, path: path.into() })
    }

    /// Writes the results over the old contents.
    ///
    /// # Errors
    /// Returns a one-line message for the user if the results cannot be written.
    pub fn finish(mut self, text: &str) -> Result<(), String> {
        let is_file = self.file.metadata().is_ok_and(|found| found.is_file());
        // A pipe or a terminal has no length to set.
        let emptied = if is_file { self.file.set_len(0) } else { Ok(()) };
        emptied.and_then(|()| self.file.write_all(text.as_bytes())).map_err(|error| write_error(&self.path, &error))
    }
}

/// Returns the message for a file that cannot be written.
fn write_error(path: &Path, error: &std::io::Error) -> String {
    format!("{} cannot be written: {error}", path.display())
}
