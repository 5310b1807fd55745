//! The command `trace`: entries of a run as JSON.

use alloc::format;
use alloc::string::String;
use core::fmt::{self, Write};

use super::entries::Recorded;
use super::experiment::Opened;
use super::request::{Problem, Request};
use crate::lab::lang::Lang;
use crate::lab::show::{Ladder, write_json_and};

/// The maximum number of entries in an answer.
const MOST: u64 = 5000;

/// Carries out `trace`: returns at most `count` entries of a run, from entry `from` on.
pub(super) fn trace(opened: &mut Opened, request: &Request) -> Result<String, Problem> {
    let from = request.optional_number("from")?.unwrap_or(0);
    let count = request.optional_number("count")?.unwrap_or(MOST).min(MOST);
    let (run, lang) = (opened.run_name(request)?, opened.lang);
    let entries = &opened.recording(run)?.entries;
    let from = usize::try_from(from).unwrap_or(usize::MAX);
    let mut out = String::from(r#"{"ok":true,"entries":["#);
    // The cast is lossless, because `count` is at most `MOST`.
    for (index, recorded) in entries.part(from, count as usize) {
        if !out.ends_with('[') {
            out.push(',');
        }
        // Writing to a string cannot fail.
        let _ = write_entry(&mut out, index, recorded, lang);
        // `write_entry` ends an entry with a newline, as in a file. Remove it.
        out.truncate(out.trim_end().len());
    }
    let total = entries.len();
    out.push_str(&format!(r#"],"total":{total}}}"#));
    Ok(out)
}

/// Writes an entry as JSON, with its index, its label in the ladder and its lane.
fn write_entry(out: &mut dyn Write, index: usize, recorded: &Recorded, lang: Lang) -> fmt::Result {
    let Recorded { snapshot, holds } = recorded;
    let ladder = Ladder { width: Ladder::WIDEST, ascii: false, color: false, lang };
    write_json_and(out, snapshot, holds.each_ref().map(Option::as_deref), |line| {
        line.number("i", index)?;
        if let Some(label) = ladder.label(snapshot) {
            line.text("label", label)?;
        }
        line.number("lane", snapshot.lane.number.unwrap_or_default())?;
        if snapshot.entry.what.is_background() {
            // `number` writes any value without quotation marks.
            line.number("background", true)?;
        }
        Ok(())
    })
}
