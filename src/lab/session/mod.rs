//! A session of the lab: commands and answers in JSON, for a web page. docs/lab-session.md lists the commands.
//!
//! request.rs reads commands. source.rs and settings.rs make the text of an experiment. experiment.rs keeps the
//! experiment's runs, and recording.rs records them. The other files carry out the commands.

mod by_hand;
mod entries;
mod experiment;
mod export;
mod frame;
mod look;
mod mermaid;
mod pictures;
mod recording;
mod request;
mod settings;
mod source;
mod trace;
#[cfg(target_arch = "wasm32")]
mod wasm;

use alloc::string::{String, ToString};

use serde_json::Value;

use crate::lab::lang::Lang;
use experiment::Opened;
use recording::MOST_BYTES;
use request::{Problem, Request, clip};

/// A session of the lab: one experiment, and up to 26 runs of it.
///
/// The same commands give the same answers on every machine.
pub struct LabSession {
    opened: Option<Opened>,
    most_bytes: usize,
}

impl Default for LabSession {
    fn default() -> Self {
        Self::with_memory(MOST_BYTES)
    }
}

impl LabSession {
    /// Makes a session without an experiment.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes a session in which all recorded entries together take at most `most_bytes` bytes. The default is 128 MiB.
    /// A recording stops when it reaches this limit.
    pub fn with_memory(most_bytes: usize) -> Self {
        LabSession { opened: None, most_bytes }
    }

    /// Carries out a command, and returns the answer. The command and the answer are one JSON object each.
    ///
    /// A command that fails changes nothing, and its answer says why it failed.
    pub fn command(&mut self, request: &str) -> String {
        let of_experiment = self.opened.as_ref().map_or(Lang::En, |opened| opened.lang);
        match Request::parse(request) {
            Ok(request) => {
                let lang = request.lang_or(of_experiment);
                self.carry_out(&request).unwrap_or_else(|problem| problem.answer(lang))
            }
            Err(problem) => problem.answer(of_experiment),
        }
    }

    /// Carries out a parsed command. `list`, `terms` and `new` need no open experiment.
    fn carry_out(&mut self, request: &Request) -> Result<String, Problem> {
        let name = request.text("do")?;
        match name {
            "list" => return Ok(answer(source::list(request.lang()?))),
            "terms" => return Ok(answer(look::terms(request.lang()?))),
            "new" => {
                let opened = Opened::new(request, self.most_bytes)?;
                let value = opened.json()?;
                self.opened = Some(opened);
                return Ok(answer(value));
            }
            _ => {}
        }
        let Some(opened) = &mut self.opened else {
            return Err(Problem::new("there is no experiment: the command new opens one"));
        };
        Ok(answer(match name {
            "export" => export::export(opened, request)?,
            "fault" => by_hand::fault(opened, request)?,
            "frame" => frame::frame(opened, request)?,
            "hint" => look::hint(opened, request)?,
            "inject" => by_hand::inject(opened, request)?,
            "mark" => look::mark(opened, request)?,
            "mermaid" => mermaid::mermaid(opened, request)?,
            "pcapng" => pictures::pcapng(opened, request)?,
            "remove" => {
                let run = opened.run_name(request)?;
                opened.remove(run)?;
                opened.runs_json()
            }
            "runs" => opened.runs_json(),
            "svg" => pictures::svg(opened, request)?,
            "table" => look::table(opened, request)?,
            "trace" => return trace::trace(opened, request),
            "until" => look::until(opened, request)?,
            "why" => look::why(opened, request)?,
            _ => return Err(Problem::new(alloc::format!("there is no command '{}'", clip(name)))),
        }))
    }
}

/// Returns the answer to a command that has succeeded: the members of `value`, after `"ok": true`.
fn answer(value: Value) -> String {
    let members = value.to_string();
    let rest = members.strip_prefix('{').unwrap_or("}");
    let comma = if rest.starts_with('}') { "" } else { "," };
    alloc::format!(r#"{{"ok":true{comma}{rest}"#)
}
