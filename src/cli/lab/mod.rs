//! `smolstep lab`: runs two stacks, joined by a cable in memory, on a virtual clock.

mod args;
mod exercise;
mod file;
mod holds;
mod lang;
mod mark;
mod network;
mod output_file;
mod outputs;
mod overlap;
mod packetdrill;
mod pictures;
mod runs;
mod step;
mod terms;
mod value;
mod web;

use std::io::{self, Write};

pub use args::LabArgs;
pub use lang::of_locale;

use super::error::Failure;
use super::output::say_line;
use super::replay::coverage;
use super::suggest::nearest;
use crate::app::{self, APPS, App};
use crate::lab::file::Experiment;
use crate::lab::lang::Lang;
use crate::lab::messages;
use crate::lab::run::{Ended, Run, Stepped};
use crate::lab::scenarios::{self, SCENARIOS, Scenario};
use crate::lab::tokens::clip;
use crate::lab::{Setup, default_texts};
use crate::stack::End;
pub use outputs::Shown;
use outputs::{Expected, Outputs};

/// Runs `smolstep lab`; returns the exit code.
///
/// # Errors
/// The error's message is one line for the user, in the language of `args`.
pub fn lab(args: &LabArgs) -> Result<u8, Failure> {
    run(args).map_err(|failure| failure.in_lang(args.lang()))
}

/// Does what the command line says. Returns the exit code, or an error in English.
fn run(args: &LabArgs) -> Result<u8, Failure> {
    args.check()?;
    overlap::check(args)?;
    // Between the lines of the ladder, only warnings and errors are logged.
    log::set_max_level(log::max_level().min(log::LevelFilter::Warn));
    let output = Failure::output;
    let lang = args.lang();
    if args.list {
        return list(&mut io::stdout().lock(), lang).map(|()| 0).map_err(output);
    }
    if args.terms {
        let text = terms::glossary(lang, outputs::width());
        return io::stdout().write_all(text.as_bytes()).map(|()| 0).map_err(output);
    }
    if let Some(name) = &args.print {
        let text = scenario(name, None)?.text;
        return io::stdout().write_all(text.as_bytes()).map(|()| 0).map_err(output);
    }
    if args.coverage {
        let table = coverage(lang).map_err(Failure::run)?;
        return io::stdout().write_all(table.as_bytes()).map(|()| 0).map_err(output);
    }
    if args.web {
        return web::web(args);
    }
    match args.what.as_deref() {
        Some(exercise::WORD) => return exercise::exercise(args),
        Some(mark::WORD) => return mark::mark(args),
        _ => {}
    }
    if let Some(path) = packetdrill::script(args) {
        return packetdrill::run_file(path, args);
    }
    let what = find(args)?;
    let texts = texts(args, &what);
    let texts: Vec<&[u8]> = texts.iter().map(|text| text.as_bytes()).collect();
    let parts = what.experiment().map(Experiment::parts);
    let mut setup = match (&what, &parts) {
        (What::Program(app), _) => Setup::program(app, &texts, args.udp).map_err(Failure::usage)?,
        (_, Some(parts)) => parts.setup().map_err(Failure::usage)?,
        (_, None) => Setup::default(),
    };
    let own_faults = setup.faults.len();
    adapt(&mut setup, args)?;
    if let What::File(name, _) = &what
        && !setup.starts()
    {
        let what = "nothing happens in this file: add a program that calls or sends, such as 'client calls 7000'";
        return Err(Failure::in_file(file::GUIDE, format_args!("{name}:1:1: {what}")));
    }
    let latency = setup.line.latency;
    // The expectations that a scenario or a file contains. Those of --expect are in `outputs`.
    let mut shipped = match &what {
        What::Scenario(name, _) if latency > scenarios::LONGEST_LATENCY => {
            let longest = scenarios::LONGEST_LATENCY.total_millis();
            return Err(Failure::usage(format_args!("{name} needs a latency of at most {longest}ms")));
        }
        // Scenarios need a latency. Without one, a frame arrives at the time at which it is sent, so the frames of the
        // two hosts never cross.
        What::Scenario(name, _) if latency == smoltcp::time::Duration::ZERO => {
            return Err(Failure::usage(format_args!("{name} needs a latency of at least 1us")));
        }
        What::Scenario(name, experiment) => Some(Expected::of(format!("scenario {name}"), experiment, latency)),
        What::File(name, experiment) if experiment.expects() => Some(Expected::of(name.clone(), experiment, latency)),
        What::File(..) | What::Program(_) => None,
    };
    // An invalid set-up is reported before any file is emptied.
    Run::new(&setup).with_lab(|_| ()).map_err(Failure::usage)?;
    let mut outputs = Outputs::create(args, latency)?;
    let mut run = Run { until: args.until, ..Run::new(&setup) };
    if args.step {
        drop(outputs);
        let last = step::step(&mut run, args)?;
        // The files show the final run, without steps that were undone. Each file is emptied first, because the command
        // `save` might have written to it.
        let mut outputs = Outputs::create(args, latency)?;
        let ended =
            run.record(Some(last), &mut |snapshot, lab| outputs.record(snapshot, lab)).map_err(Failure::usage)?;
        // With --step, a fault that matched no frame is only a warning, because the user might leave the run before a
        // matching frame is sent.
        unmatched_faults(&ended, own_faults, args).iter().for_each(|fault| warn(&no_match(fault), lang));
        if let What::File(name, experiment) = &what {
            warn_of_unmet_lines(name, experiment, &ended, false, lang);
        }
        outputs.expect.iter().flat_map(|expected| expected.verdicts(lang)).try_for_each(say_line)?;
        outputs.finish()?;
        return Ok(0);
    }
    let mut shown = Shown::of(args);
    let mut watch = holds::Watch::new(&args.show);
    let ended = run
        .record(None, &mut |snapshot, lab| {
            shown.print_row(snapshot);
            watch.step(lab, &mut shown);
            outputs.record(snapshot, lab);
            if let Some(shipped) = &mut shipped {
                shipped.see(snapshot, lab);
            }
        })
        .map_err(Failure::usage)?;
    outputs.expect.iter().flat_map(|expected| expected.verdicts(lang)).for_each(|line| shown.say(&line));
    shown.finish(&ended)?;
    let unmatched = unmatched_faults(&ended, own_faults, args);
    let finished = outputs.finish();
    // A fault that matched no frame is only a warning after another error, or if the run has stopped early.
    let complete = ended.last == Stepped::End && args.until.is_none();
    if !complete || finished.is_err() {
        unmatched.iter().for_each(|fault| warn(&no_match(fault), lang));
    }
    finished?;
    if let What::File(name, experiment) = &what {
        warn_of_unmet_lines(name, experiment, &ended, complete && !args.changes_the_wire(), lang);
    }
    match (ended.last, &shipped) {
        (Stepped::End, _) if complete && !unmatched.is_empty() => {
            Err(Failure::run(format_args!("{}: correct its sender, kind or number", no_match(&unmatched.join("', '")))))
        }
        (Stepped::End, _) if args.until.is_some() => {
            Err(Failure::run(format_args!("the run ended after {} steps, before it reached --until", ended.steps)))
        }
        // Options that change the wire can break the expectations of a scenario, which are then not checked.
        (Stepped::End, Some(shipped)) if !args.changes_the_wire() => shipped.result().map(|()| 0),
        (Stepped::End, shipped) => {
            let experiment = what.experiment().filter(|_| shipped.is_some());
            unexpected_failure(&ended, experiment, shipped.as_ref(), outputs.expect.as_ref()).map_or(Ok(0), Err)
        }
        (Stepped::On | Stepped::There, _) => Ok(0),
        (Stepped::Limit, _) => {
            let more = if ended.steps >= setup.steps { "no run takes more steps" } else { "--limit allows more" };
            let (steps, time) = (ended.steps, ended.time);
            Err(Failure::run(format_args!(
                "the run was stopped after {steps} steps and {time} of virtual time: {more}"
            )))
        }
    }
}

/// Returns the client's first failure that neither the scenario nor the file of expectations expects. `experiment` is
/// the experiment that contains the expectations `shipped`.
fn unexpected_failure(
    ended: &Ended,
    experiment: Option<&Experiment>,
    shipped: Option<&Expected>,
    file: Option<&Expected>,
) -> Option<Failure> {
    let is_expected = |end: Option<End>| match end {
        // The client is host 0.
        Some(end) => [shipped, file].into_iter().flatten().any(|e| e.expectations.expect_end(0, end)),
        // The failure of a UDP client or of `connect` has no `End`, so no line can expect it. Such a failure is
        // intended if the experiment without options also fails in this way.
        None => experiment.is_some_and(fails_without_end),
    };
    let failed = ended.failed.iter().find(|failed| !is_expected(failed.end))?;
    Some(Failure::run(format_args!("the client failed: {}", failed.why)))
}

/// Returns whether a client of the experiment, run without options, fails for a reason that has no [`End`].
fn fails_without_end(experiment: &Experiment) -> bool {
    let parts = experiment.parts();
    let ended = parts.setup().ok().and_then(|setup| Run::new(&setup).record(None, &mut |_, _| {}).ok());
    ended.is_some_and(|ended| ended.failed.iter().any(|failed| failed.end.is_none()))
}

/// Returns the faults of the command line that matched no frame, as the user wrote them. In the run's list of faults,
/// the first `own_faults` faults are those of the scenario or file.
fn unmatched_faults<'a>(ended: &Ended, own_faults: usize, args: &'a LabArgs) -> Vec<&'a str> {
    let of_args = |index: &usize| index.checked_sub(own_faults).and_then(|index| args.fault.get(index));
    ended.unmet.iter().filter_map(of_args).map(|fault| fault.words.as_str()).collect()
}

/// Warns about the lines of a file that had no effect: segments that were not sent and, if `with_faults` is true,
/// faults that matched no frame. The caller passes false if the run was stopped early or if options have changed the
/// wire.
fn warn_of_unmet_lines(name: &str, experiment: &Experiment, ended: &Ended, with_faults: bool, lang: Lang) {
    if with_faults {
        let lines = ended.unmet.iter().filter_map(|index| experiment.fault_line(*index));
        lines.for_each(|line| warn(&format!("{name}:{line}:1: no frame matched this fault"), lang));
    }
    for line in &ended.unforged {
        let what = "this segment was not sent, because the hosts had no connection yet: choose a later time";
        warn(&format!("{name}:{line}:1: {what}"), lang);
    }
}

/// Logs a warning in a language.
fn warn(what: &str, lang: Lang) {
    log::warn!("{}", messages::in_lang(what, lang));
}

/// Returns the message that no frame matched `faults`. The text `faults` contains one or more faults.
fn no_match(faults: &str) -> String {
    format!("no frame matched the fault '{faults}'")
}

/// The program, the scenario or the file that the command line names.
enum What {
    /// A file: its name and its experiment.
    File(String, Experiment),
    Program(App),
    Scenario(&'static str, Experiment),
}

impl What {
    /// Returns the experiment that a file or a scenario contains.
    fn experiment(&self) -> Option<&Experiment> {
        match self {
            What::File(_, experiment) | What::Scenario(_, experiment) => Some(experiment),
            What::Program(_) => None,
        }
    }
}

/// Finds the program, the scenario or the file that the command line names. The default is the program greeting. A
/// program takes precedence over a scenario or a file of the same name.
fn find(args: &LabArgs) -> Result<What, Failure> {
    let name = args.what.as_deref().unwrap_or("greeting");
    if let Some(app) = app::find(name) {
        return Ok(What::Program(app));
    }
    let is_file = file::is_file(name);
    if is_file || scenarios::find(name).is_some() {
        let kind = if is_file { "file" } else { "scenario" };
        if !args.texts.is_empty() {
            return Err(Failure::usage(format_args!("{name} is a {kind} and takes no TEXT; programs do")));
        }
        if args.udp {
            return Err(Failure::usage(format_args!("{name} is a {kind}: --udp is for programs")));
        }
    }
    if is_file {
        return Ok(What::File(name.into(), file::experiment(name.as_ref(), args.seed)?));
    }
    // Suggest only the programs that the lab can run.
    let can_run = |app: &App| [false, true].iter().any(|&udp| Setup::program(app, &[], udp).is_ok());
    let programs: Vec<_> = APPS.iter().filter(|app| can_run(app)).map(|app| app.name).collect();
    scenario(name, Some(&programs)).map(|scenario| What::Scenario(scenario.slug, scenario.experiment()))
}

/// Finds the scenario called `name`. The error suggests a similar name of a scenario or of one of `programs`.
/// `programs` is `None` if only a scenario is possible.
fn scenario(name: &str, programs: Option<&[&str]>) -> Result<Scenario, Failure> {
    scenarios::find(name).ok_or_else(|| {
        let scenarios = SCENARIOS.iter().map(|scenario| scenario.slug);
        let hint = match (nearest(name, programs.unwrap_or_default().iter().copied().chain(scenarios)), programs) {
            (Some(near), _) => format!("did you mean '{near}'?"),
            (None, None) => "'smolstep lab --list' lists them".into(),
            (None, Some(programs)) => {
                format!("programs are {}; 'smolstep lab --list' lists the scenarios", programs.join(", "))
            }
        };
        let kind = if programs.is_some() { "program or scenario" } else { "scenario" };
        Failure::usage(format_args!("there is no {kind} '{}': {hint}", clip(name)))
    })
}

/// Returns the messages to send: the TEXTs, or the defaults of the program.
fn texts(args: &LabArgs, what: &What) -> Vec<String> {
    match (&args.texts[..], what) {
        ([], What::Program(app)) => default_texts(app).iter().map(ToString::to_string).collect(),
        (texts, _) => texts.to_vec(),
    }
}

/// Applies the options of the command line to `setup`.
fn adapt(setup: &mut Setup<'_>, args: &LabArgs) -> Result<(), Failure> {
    setup.line = args.line(setup.line);
    args.network.apply(setup)?;
    setup.seed = args.seed.unwrap_or(setup.seed);
    if let Some(limit) = args.limit {
        setup.limit = limit.into();
    }
    if let Some(delay) = args.ack_delay {
        // With a delay of 0, every ACK is sent immediately.
        setup.ack_delay = (!delay.is_zero()).then(|| delay.into());
    }
    for fault in &args.fault {
        if !setup.faults.add(fault.fault) {
            return Err(Failure::usage(format_args!("too many faults: a run takes {}", crate::lab::MAX_FAULTS)));
        }
    }
    Ok(())
}

/// Writes a line for each scenario.
fn list(out: &mut impl Write, lang: Lang) -> io::Result<()> {
    let summary = |scenario: &Scenario| lang.pick(scenario.summary, scenario.summary_zh);
    let width = SCENARIOS.iter().map(|scenario| scenario.slug.len()).max().unwrap_or_default();
    SCENARIOS.iter().try_for_each(|scenario| writeln!(out, "{:<width$} {}", scenario.slug, summary(scenario)))
}
