//! `lab exercise`: shows an experiment and asks its questions.

use std::path::Path;

use super::args::LabArgs;
use super::file;
use super::mark::{Verdict, key, only, verdict};
use super::outputs::{self, Shown, Text};
use super::run::Run;
use super::terms::wrapped;
use crate::cli::error::Failure;
use crate::cli::output::say_line;
use crate::cli::shell::Shell;
use crate::lab::file::{Answer, Answers, Experiment, Field, Key};

/// The word after `lab` that selects this command. No program and no scenario has this name.
pub const WORD: &str = "exercise";

const HELP: &str = "?  shows the hint    Enter  goes to the next question    q  ends";

/// Asks the questions of a file, and writes the answers to a second file, if one is named; returns the exit code.
///
/// # Errors
/// Fails if the file cannot be read, or if standard input or a file has failed.
pub fn exercise(args: &LabArgs) -> Result<u8, Failure> {
    let (name, answers) = match &args.texts[..] {
        [name] => (name, None),
        [name, answers] => (name, Some(Path::new(answers))),
        _ => return Err(Failure::usage("exercise needs a file: smolstep lab exercise FILE [ANSWERS]")),
    };
    only(args, &["--seed", "--explain", "--ascii"], args.files().next().is_none())?;
    if let Some(path) = answers.filter(|path| path.exists()) {
        return Err(Failure::usage(format_args!("{} exists: name a new file for the answers", path.display())));
    }
    let experiment = file::experiment(name.as_ref(), args.seed)?;
    let key = key(&experiment, name)?;
    show(&experiment, args)?;
    let given = ask(&experiment, &key)?;
    if let Some(path) = answers {
        let mut text = Text::create(path)?;
        // `Text` keeps a write error until `finish`.
        let _ = core::fmt::Write::write_str(&mut text, &given.text());
        text.finish()?;
        say_line(format_args!("the answers are in {}", path.display()))?;
    }
    Ok(0)
}

/// Shows the title, the text and the ladder.
fn show(experiment: &Experiment, args: &LabArgs) -> Result<(), Failure> {
    let width = outputs::width();
    say_line(&experiment.title)?;
    for text in &experiment.text {
        wrapped(text, width).iter().try_for_each(say_line)?;
    }
    say_line("")?;
    let parts = experiment.parts();
    let setup = parts.setup().map_err(Failure::usage)?;
    let mut shown = Shown::new(args.ascii, args.explain);
    let ended = Run::new(&setup).record(None, &mut |snapshot, _| shown.row(snapshot))?;
    shown.finish(&ended)
}

/// Asks each question until its answer is right or the user goes on; returns the last answer to each.
fn ask(experiment: &Experiment, key: &Key<'_>) -> Result<Answers, Failure> {
    let mut given = Answers { seed: experiment.seed(), answers: Vec::new() };
    let (mut shell, mut points) = (Shell::lab(), 0);
    say_line(format_args!("\n{HELP}"))?;
    let count = experiment.questions.len();
    'questions: for (index, question) in experiment.questions.iter().enumerate() {
        let worth = if question.points == 1 { "1 point".into() } else { format!("{} points", question.points) };
        say_line("")?;
        wrapped(&question.text, outputs::width()).iter().try_for_each(say_line)?;
        for (letter, option) in key.options(index) {
            say_line(format_args!("  {letter}  {option}"))?;
        }
        say_line(format_args!("  ({})", form(&question.answer)))?;
        let mut last = None;
        loop {
            let prompt = format_args!("{} of {count}, {worth}> ", index + 1);
            let line = shell.ask(prompt, None)?;
            let answer = match line.as_deref().map(str::trim) {
                None | Some("q") => {
                    given.answers.extend(last.map(|answer| (index + 1, answer)));
                    break 'questions;
                }
                Some("") => break,
                Some("?") => {
                    say_line(question.hint.as_deref().unwrap_or("there is no hint"))?;
                    continue;
                }
                Some(answer) => answer,
            };
            match verdict(experiment, key, index, answer)? {
                Verdict::Invalid(why) => say_line(why)?,
                Verdict::Right => {
                    say_line("right")?;
                    points += question.points;
                    last = Some(answer.to_owned());
                    break;
                }
                Verdict::Missing | Verdict::Wrong => {
                    say_line("wrong: try again, ? for a hint, or Enter for the next question")?;
                    last = Some(answer.to_owned());
                }
            }
        }
        given.answers.extend(last.map(|answer| (index + 1, answer)));
    }
    let all: u32 = experiment.questions.iter().map(|question| question.points).sum();
    say_line(format_args!("\n{points} of {all} points"))?;
    Ok(given)
}

/// Describes the form of an answer.
fn form(answer: &Answer) -> &'static str {
    match answer {
        Answer::Choice { .. } => "one letter",
        Answer::Count(_) | Answer::Number { .. } | Answer::Missing => "a number",
        Answer::Field(Field::Time, _) => "whole milliseconds since the start",
        Answer::Field(..) => "the field's value, as the ladder shows it",
        Answer::Make(_) => "one or more faults, as in 'drop client udp 1; delay 300ms server ack 2'",
        Answer::Order(_) => "the letters in the right order",
        Answer::State { .. } => "a TCP state",
    }
}
