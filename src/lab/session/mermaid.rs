//! The command `mermaid`: the ladder as the text of a Mermaid sequence diagram.

use alloc::string::String;
use core::fmt::{self, Write};

use serde_json::{Value, json};

use super::entries::Recorded;
use super::experiment::Opened;
use super::request::{Problem, Request};
use crate::lab::lang::Lang;
use crate::lab::show::{Ladder, What, host_name};
use crate::lab::{START, change};

/// The maximum number of lines in a diagram. Mermaid does not draw longer diagrams.
const MOST: usize = 1000;

/// Carries out `mermaid`: returns the text of the diagram, with lines for at most [`MOST`] entries.
pub(super) fn mermaid(opened: &mut Opened, request: &Request) -> Result<Value, Problem> {
    let (run, lang) = (opened.run_name(request)?, opened.lang);
    let entries = &opened.recording(run)?.entries;
    let mut text = String::from("sequenceDiagram\n");
    // Writing to a string cannot fail.
    for (host, name) in ["client", "server"].iter().enumerate() {
        let _ = writeln!(text, "    participant {name} as {}", host_name(host, lang));
    }
    let mut lines = entries.iter().filter_map(|recorded| line(recorded, lang));
    lines.by_ref().take(MOST).for_each(|line| text.push_str(&line));
    if lines.next().is_some() {
        let more = lang.pick("the run goes on", "运行还在继续");
        let _ = writeln!(text, "    Note over client,server: {more}");
    }
    Ok(json!({ "text": text }))
}

/// Returns the line of an entry, if the diagram shows the entry.
fn line(recorded: &Recorded, lang: Lang) -> Option<String> {
    let snapshot = &recorded.snapshot;
    let entry = &snapshot.entry;
    // The diagram leaves out the clock, and the frames that find hardware addresses.
    if entry.what.is_background() {
        return None;
    }
    let name = |host: usize| if host == 0 { "client" } else { "server" };
    let side = if entry.host == 0 { "left" } else { "right" };
    let mut line = String::new();
    let micros = (entry.at - START).total_micros();
    let time = format_args!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
    // Writing to a string cannot fail. A frame from the wire itself (host 4) is a note, because it has no sender.
    let _ = match entry.what {
        What::Sent { verdict, .. } if entry.host < 2 => {
            let arrow = if verdict.is_lost() { "--x" } else { "->>" };
            let _ = write!(line, "    {}{arrow}{}: ", name(entry.host), name(1 - entry.host));
            let label = ladder(lang).label(snapshot)?;
            write!(Escaped(&mut line), "{label} ({time} s)")
        }
        // The arrow of the frame shows its arrival. The diagram does not show that a program runs.
        What::Arrived { damaged: false, mark: None, .. } | What::Ran(..) | What::RanUdp(..) => return None,
        What::Stack(event) if change(&event).is_some() => {
            let (_, state) = change(&event)?;
            write!(line, "    Note {side} of {}: {state}", name(entry.host))
        }
        _ => {
            let label = ladder(lang).label(snapshot)?;
            let _ = match entry.host {
                host @ (0 | 1) => write!(line, "    Note {side} of {}: ", name(host)),
                _ => write!(line, "    Note over client,server: "),
            };
            write!(Escaped(&mut line), "{label}")
        }
    };
    line.push('\n');
    Some(line)
}

/// Returns the ladder whose labels the diagram uses.
fn ladder(lang: Lang) -> Ladder {
    Ladder { width: Ladder::WIDEST, ascii: false, color: false, lang }
}

/// A writer that replaces special characters of Mermaid and of HTML with Mermaid's entities.
struct Escaped<'w>(&'w mut String);

impl Write for Escaped<'_> {
    /// Writes text. A special character is written as `#CODE;`, and a control character as a space.
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for char in text.chars() {
            match char {
                '#' | ';' | ':' | '%' | '&' | '<' | '>' | '"' | '\\' | '`' | '{' | '}' => {
                    write!(self.0, "#{};", u32::from(char))?;
                }
                char if char.is_control() => self.0.push(' '),
                char => self.0.push(char),
            }
        }
        Ok(())
    }
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use super::*;

    #[test]
    fn what_mermaid_interprets_is_escaped() {
        let mut text = String::new();
        write!(Escaped(&mut text), "#4 a;b\n<b>%%{{x}}").unwrap();
        assert_eq!(text, "#35;4 a#59;b #60;b#62;#37;#37;#123;x#125;");
    }
}
