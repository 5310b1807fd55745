//! Tells the page what to open first, as the command line says.

use serde_json::{Map, Value};

use super::super::args::LabArgs;
use super::super::{What, exercise, file, find, mark};
use crate::cli::error::Failure;
use crate::lab::file::Experiment;

/// Returns the JSON that answers the page's request for `start`. The JSON has the members of the session's command
/// `new`. For a file, the JSON also has the file's name.
///
/// # Errors
/// Fails with a usage error if an option is not possible with --web, or if the program, the scenario or the file is
/// invalid.
pub fn start(args: &LabArgs) -> Result<String, Failure> {
    let changes_appearance = args.frames || args.clock || args.explain || args.ascii || args.limit.is_some();
    if args.changes_the_run() || changes_appearance || args.files().next().is_some() {
        return Err(Failure::usage(
            "with --web, the page has the other options: leave out all but --open, --seed and --lang",
        ));
    }
    let mut members = Map::new();
    for (key, value) in source(args)? {
        members.insert(key.into(), value.into());
    }
    if let Some(seed) = args.seed {
        members.insert("seed".into(), seed.into());
    }
    if let Some(lang) = args.lang {
        members.insert("lang".into(), lang.pick("en", "zh").into());
    }
    Ok(Value::Object(members).to_string())
}

/// The source of a run: the names and values of members of `new`.
type Source = Vec<(&'static str, String)>;

/// Returns the members of the session's command `new` that name what to run: a program, a scenario or a file's text.
/// Checks a file before the page opens it.
fn source(args: &LabArgs) -> Result<Source, Failure> {
    let of_file = |name: &str| {
        let text = file::read(name.as_ref())?;
        Experiment::parse(&text, args.seed)
            .map_err(|error| Failure::in_file(file::GUIDE, format_args!("{name}:{error}")))?;
        Ok(vec![("lab", text), ("file", name.into())])
    };
    match (args.what.as_deref(), &args.texts[..]) {
        (None, _) => Ok(Vec::new()),
        (Some(exercise::WORD), [name]) => file::check_exercise(name).and_then(|()| of_file(name)),
        (Some(exercise::WORD), _) => Err(Failure::usage("name one file: smolstep lab exercise FILE --web")),
        (Some(mark::WORD), _) => Err(Failure::usage("mark marks files of answers without a page: leave out --web")),
        (Some(name), _) if file::is_script(name) => Err(Failure::usage(format_args!(
            "{name} is a packetdrill script, which runs without a page: leave out --web"
        ))),
        (Some(name), []) if file::is_file(name) => of_file(name),
        (Some(_), []) => Ok(match find(args)? {
            // The arms above have handled files.
            What::File(..) => Vec::new(),
            What::Program(app) => vec![("program", app.name.into())],
            What::Scenario(name, _) => vec![("scenario", name.into())],
        }),
        (Some(_), _) => Err(Failure::usage("with --web, a program takes no TEXT: leave it out")),
    }
}
