//! `lab exercise`: shows an experiment and asks its questions.

use std::fs::File;
use std::path::Path;

use super::args::LabArgs;
use super::file;
use super::mark::{allow_only, key, verdict};
use super::output_file::{Text, is_stdout, unwritable};
use super::outputs::{self, Shown};
use crate::cli::error::Failure;
use crate::cli::output::say_line;
use crate::cli::shell::Shell;
use crate::lab::file::{Answers, Experiment, Key};
use crate::lab::lang::Lang;
use crate::lab::messages;
use crate::lab::run::Run;
use crate::lab::run::marks::Verdict;
use crate::lab::tokens::visible;
use crate::lab::wrap::wrapped;

/// The word after `lab` that selects this command. No program and no scenario has this name.
pub const WORD: &str = "exercise";

const HELP: &str = "?  shows the hint    Enter  goes to the next question    q  ends";
const HELP_ZH: &str = "?  显示提示    Enter  转到下一题    q  结束";

/// Shows the experiment in a file and asks the user its questions. If a second file is named, writes the user's answers
/// to it. Returns the exit code, which is 0 even if answers are wrong.
///
/// # Errors
/// Fails if the exercise cannot be read, or if the file for the answers exists or cannot be written. Also fails if
/// standard input or output fails.
pub fn exercise(args: &LabArgs) -> Result<u8, Failure> {
    let (name, answers) = match &args.texts[..] {
        [name] => (name, None),
        [name, answers] => (name, Some(Path::new(answers))),
        _ => return Err(Failure::usage("exercise needs a file: smolstep lab exercise FILE [ANSWERS]")),
    };
    allow_only(args, &["--seed", "--explain", "--ascii", "--lang"], args.files().next().is_none())?;
    if let Some(path) = answers.filter(|path| !is_stdout(path) && path.exists()) {
        return Err(Failure::usage(format_args!("{} exists: name a new file for the answers", path.display())));
    }
    file::check_exercise(name)?;
    let experiment = file::experiment(name.as_ref(), args.seed)?;
    let key = key(&experiment, name)?;
    if let Some(path) = answers.filter(|path| !is_stdout(path)) {
        // Try to create the file, so that an error is reported before the user answers the questions.
        drop(File::create_new(path).map_err(|error| unwritable(path, &error))?);
        std::fs::remove_file(path).map_err(|error| unwritable(path, &error))?;
    }
    show(&experiment, args)?;
    let given = ask(&experiment, &key, args.lang())?;
    if let Some(path) = answers {
        let mut text = Text::create(path)?;
        // `Text` keeps a write error until `finish`.
        let _ = core::fmt::Write::write_str(&mut text, &given.text());
        text.finish()?;
        if !is_stdout(path) {
            let what = format!("the answers are in {}", visible(&path.to_string_lossy()));
            say_line(messages::in_lang(&what, args.lang()))?;
        }
    }
    Ok(0)
}

/// Shows the title and the text of the exercise. Then runs the experiment and shows its ladder.
fn show(experiment: &Experiment, args: &LabArgs) -> Result<(), Failure> {
    let width = outputs::width();
    say_line(experiment.in_lang(&experiment.title, args.lang()))?;
    for text in &experiment.text {
        wrapped(experiment.in_lang(text, args.lang()), width).iter().try_for_each(say_line)?;
    }
    say_line("")?;
    let parts = experiment.parts();
    let setup = parts.setup().map_err(Failure::usage)?;
    let mut shown = Shown::of(args);
    let ended = Run::new(&setup).record(None, &mut |snapshot, _| shown.print_row(snapshot)).map_err(Failure::usage)?;
    shown.finish(&ended)
}

/// Asks each question until its answer is right or the user goes on to the next one. Returns the last valid answer to
/// each question.
fn ask(experiment: &Experiment, key: &Key<'_>, lang: Lang) -> Result<Answers, Failure> {
    let mut given = Answers { seed: experiment.seed(), answers: Vec::new() };
    let (mut shell, mut points) = (Shell::lab(lang), 0);
    say_line(format_args!("\n{}", lang.pick(HELP, HELP_ZH)))?;
    let count = experiment.questions.len();
    'questions: for (index, question) in experiment.questions.iter().enumerate() {
        let worth = match (lang, question.points) {
            (Lang::En, 1) => "1 point".into(),
            (Lang::En, points) => format!("{points} points"),
            (Lang::Zh, points) => format!("{points} 分"),
        };
        say_line("")?;
        wrapped(experiment.in_lang(&question.text, lang), outputs::width()).iter().try_for_each(say_line)?;
        for (letter, option) in key.options(index) {
            say_line(format_args!("  {letter}  {}", experiment.in_lang(option, lang)))?;
        }
        say_line(format_args!("  ({})", question.answer.form(lang)))?;
        let mut last = None;
        loop {
            let number = index + 1;
            let line = match lang {
                Lang::En => shell.ask(format_args!("{number} of {count}, {worth}> "), None)?,
                Lang::Zh => shell.ask(format_args!("第 {number} 题，共 {count} 题，{worth}> "), None)?,
            };
            let answer = match line.as_deref().map(str::trim) {
                None | Some("q") => {
                    given.answers.extend(last.map(|answer| (index + 1, answer)));
                    break 'questions;
                }
                Some("") => break,
                Some("?") => {
                    let hint = question.hint.as_deref().map(|hint| experiment.in_lang(hint, lang));
                    say_line(hint.unwrap_or(lang.pick("there is no hint", "没有提示")))?;
                    continue;
                }
                Some(answer) => answer,
            };
            match verdict(experiment, key, index, answer)? {
                Verdict::Invalid(why) => say_line(messages::in_lang(&why, lang))?,
                Verdict::Right => {
                    say_line(lang.pick("right", "正确"))?;
                    points += question.points;
                    last = Some(visible(answer));
                    break;
                }
                Verdict::Missing | Verdict::Wrong => {
                    say_line(lang.pick(
                        "wrong: try again, ? for a hint, or Enter for the next question",
                        "错误：请再试一次；? 显示提示，Enter 转到下一题",
                    ))?;
                    last = Some(visible(answer));
                }
            }
        }
        given.answers.extend(last.map(|answer| (index + 1, answer)));
    }
    let all: u32 = experiment.questions.iter().map(|question| question.points).sum();
    match lang {
        Lang::En => say_line(format_args!("\n{points} of {all} points"))?,
        Lang::Zh => say_line(format_args!("\n得分：{points} / {all}"))?,
    }
    Ok(given)
}
