//! Where the text of an experiment comes from: a scenario, an exercise, a program, or the user.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use serde_json::{Value, json};

use super::request::{Problem, Request, clip};
use crate::app::{self, APPS, App};
use crate::lab::file::Experiment;
use crate::lab::lang::Lang;
use crate::lab::scenarios::{self, SCENARIOS};
use crate::lab::{Setup, default_texts};

/// The text of an experiment and its name.
pub(super) struct Source {
    pub(super) name: String,
    pub(super) text: String,
}

/// An exercise: its name and its file.
struct Exercise(&'static str, &'static str);

macro_rules! exercise {
    ($name:literal) => {
        Exercise($name, include_str!(concat!("../../../docs/exercises/", $name, ".lab")))
    };
}

const EXERCISES: [Exercise; 12] = [
    exercise!("01-handshake"),
    exercise!("02-sequence-numbers"),
    exercise!("03-lost-syn"),
    exercise!("04-close"),
    exercise!("05-reset"),
    exercise!("06-flow-control"),
    exercise!("07-nagle"),
    exercise!("08-retransmission"),
    exercise!("09-fast-retransmit"),
    exercise!("10-udp"),
    exercise!("11-keep-alive"),
    exercise!("12-congestion"),
];

/// Carries out `list`: returns the scenarios, the exercises and the programs.
pub(super) fn list(lang: Lang) -> Value {
    let scenarios = SCENARIOS
        .iter()
        .map(|scenario| json!({ "name": scenario.slug, "title": lang.pick(scenario.summary, scenario.summary_zh) }));
    let exercises = EXERCISES.iter().map(|Exercise(name, text)| {
        // Every exercise is valid, so the default is never used.
        let experiment = Experiment::parse(text, None).unwrap_or_default();
        json!({ "name": name, "title": experiment.in_lang(&experiment.title, lang) })
    });
    json!({
        "scenarios": scenarios.collect::<Vec<_>>(),
        "exercises": exercises.collect::<Vec<_>>(),
        "programs": programs().map(|app| app.name).collect::<Vec<_>>(),
    })
}

/// Returns the programs that the lab can run.
fn programs() -> impl Iterator<Item = &'static App> {
    const ALL: &[App] = &APPS;
    ALL.iter().filter(|app| Setup::program(app, &[], app.tcp.is_none()).is_ok())
}

impl Source {
    /// Returns the text that the command `new` asks for, and its name.
    pub(super) fn of(request: &Request) -> Result<Self, Problem> {
        const KINDS: [&str; 4] = ["scenario", "exercise", "program", "lab"];
        let mut given = Vec::new();
        for kind in KINDS {
            if let Some(word) = request.optional_text(kind)? {
                given.push((kind, word));
            }
        }
        let [(kind, word)] = given[..] else {
            return Err(Problem::new("new needs exactly one of 'scenario', 'exercise', 'program' and 'lab'"));
        };
        let unknown = || Problem::new(format!("there is no {kind} '{}': list names them", clip(word)));
        let text = match kind {
            "scenario" => scenarios::find(word).ok_or_else(unknown)?.text.to_owned(),
            "exercise" => {
                let Exercise(_, text) = EXERCISES.iter().find(|Exercise(name, _)| *name == word).ok_or_else(unknown)?;
                (*text).to_owned()
            }
            "program" => {
                let app = app::find(word).filter(|app| programs().any(|other| other.name == app.name));
                program(&app.ok_or_else(unknown)?)
            }
            // Some editors write a byte order mark at the start of a file. Remove it.
            _ => word.strip_prefix('\u{feff}').unwrap_or(word).to_owned(),
        };
        // For `lab`, the word is the text of the experiment, and not its name.
        let name = if kind == "lab" { kind } else { word };
        Ok(Source { name: name.to_owned(), text })
    }
}

/// Returns a file that runs a program.
fn program(app: &App) -> String {
    let name = app.name;
    let texts: Vec<String> = default_texts(app).iter().map(|text| format!(" \"{text}\"")).collect();
    format!("title \"The program {name}\"\nzh \"程序 {name}\"\nserver runs {name}\nclient sends{}\n", texts.concat())
}
