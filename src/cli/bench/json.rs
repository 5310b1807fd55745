//! The results as JSON, for programs.

use core::fmt::{self, Display, Write};

use super::figure::Figure;
use super::guard::Miss;
use super::machine::Machine;
use super::result::{RowResult, Spread};
use super::rows::{Limit, Row};
use super::table::verdict;
use crate::trace::json::Escaped;

/// Writes one object: `smolstep` (the version), `machine`, `rounds`, `quick`, and `rows`, in which `ours`, `against` and `result`
/// are each an object with `median`, `low` and `high`, the former two with `of` and `unit`.
///
/// # Errors
/// Those of `out`.
pub fn write_json(
    out: &mut dyn Write,
    machine: &Machine,
    rounds: usize,
    quick: bool,
    rows: &[(&Row, RowResult)],
) -> fmt::Result {
    let Machine { cpu, cores, kernel, congestion, load } = machine;
    write!(out, r#"{{"smolstep":{},"machine":{{"cpu":{},"#, text(env!("CARGO_PKG_VERSION")), text(cpu))?;
    write!(out, r#""cores":{cores},"kernel":{},"congestion":{},"#, text(kernel), text(congestion))?;
    write!(out, r#""load":{}}},"#, text(load))?;
    write!(out, r#""debug":{},"rounds":{rounds},"quick":{quick},"rows":["#, cfg!(debug_assertions))?;
    for (number, (row, result)) in rows.iter().enumerate() {
        let comma = if number == 0 { "" } else { "," };
        write!(out, "{comma}\n{{\"name\":{},\"text\":{}", text(row.name), text(row.text))?;
        match row.limit {
            Some(Limit::AtLeast(least)) => write!(out, r#","at_least":{least}"#)?,
            Some(Limit::AtMost(most)) => write!(out, r#","at_most":{most}"#)?,
            None => {}
        }
        write!(out, r#","verdict":{}"#, text(verdict(row, result)))?;
        match result {
            RowResult::Measured { ours, against, result } => {
                figure(out, "ours", row.ours, ours)?;
                if let (Some(other), Some(against)) = (row.against, against) {
                    figure(out, "against", other, against)?;
                }
                out.write_str(r#","result":{"#)?;
                spread(out, result)?;
                out.write_char('}')?;
            }
            RowResult::Missing(Miss::Failed(why) | Miss::Skipped(why)) => write!(out, r#","why":{}"#, text(why))?,
            RowResult::Missing(Miss::Interrupted) => {}
        }
        out.write_char('}')?;
    }
    out.write_str("\n]}\n")
}

fn figure(out: &mut dyn Write, key: &str, figure: Figure, values: &Spread) -> fmt::Result {
    let (of, unit) = (text(figure.of), text(figure.what.unit()));
    write!(out, r#","{key}":{{"of":{of},"unit":{unit},"#)?;
    spread(out, values)?;
    out.write_char('}')
}

fn spread(out: &mut dyn Write, Spread { median, low, high }: &Spread) -> fmt::Result {
    write!(out, r#""median":{median},"low":{low},"high":{high}"#)
}

fn text(value: impl Display) -> String {
    let mut quoted = String::from("\"");
    // Writing to a string does not fail.
    let _ = write!(Escaped(&mut quoted), "{value}");
    quoted.push('"');
    quoted
}
