//! `lab mark`: marks files of answers to an exercise.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use super::args::LabArgs;
use super::file;
use super::output_file::{Text, is_same, is_stdout};
use crate::cli::error::Failure;
use crate::cli::output::say;
use crate::lab::file::{Answers, Experiment, Key};
use crate::lab::lang::Lang;
use crate::lab::messages;
use crate::lab::run::marks::{self, Verdict};
use crate::lab::tokens::{clip, visible};
use crate::trace::json::Object;

/// The word after `lab` that selects this command. No program and no scenario has this name.
pub const WORD: &str = "mark";

/// Marks files of answers to an exercise, and prints the marks. Returns the exit code, which is 0 even if answers are
/// wrong.
///
/// # Errors
/// Fails if the exercise cannot be read. If a file of answers cannot be read, fails after all other files are marked.
pub fn mark(args: &LabArgs) -> Result<u8, Failure> {
    let [exercise, answers @ ..] = &args.texts[..] else {
        return Err(Failure::usage("mark needs a file and answers: smolstep lab mark FILE ANSWERS..."));
    };
    if answers.is_empty() {
        return Err(Failure::usage("mark needs files of answers, or a folder of them, after the exercise"));
    }
    // Of the files that a run can write, this command writes only that of --json.
    let writes_only_json = args.files().count() == args.json.iter().count();
    allow_only(args, &["--json", "--lang"], writes_only_json && !args.explain && !args.ascii)?;
    if args.seed.is_some() {
        return Err(Failure::usage("mark takes no --seed: each file of answers names its own"));
    }
    file::check_exercise(exercise)?;
    let text = file::read(exercise.as_ref())?;
    let paths = paths(answers)?;
    if let Some(file) = args.json.as_deref().filter(|file| paths.iter().any(|path| is_same(path, file))) {
        return Err(Failure::usage(format_args!("{} is a file of answers: write to another file", file.display())));
    }
    let mut json = args.json.as_deref().map(Text::create).transpose()?;
    let mut failed: Vec<Failure> = Vec::new();
    for path in paths {
        let marks = match Marks::of(exercise, &text, &path) {
            Ok(marks) => marks,
            Err(failure) => {
                failed.push(failure);
                continue;
            }
        };
        if let Some(json) = &mut json {
            // `Text` keeps a write error until `finish`.
            let _ = marks.write_json(json);
        }
        if !args.json.as_deref().is_some_and(is_stdout) {
            say(marks.text(args.lang()))?;
        }
    }
    json.map_or(Ok(()), Text::finish)?;
    match &failed[..] {
        [] => Ok(0),
        [only] => Err(only.clone()),
        [first, rest @ ..] => Err(first.clone().with_clause(format_args!("{} more files are invalid", rest.len()))),
    }
}

/// Rejects the options that a command such as `lab mark` does not take. This function itself checks that there are no
/// options of a run. The caller checks the other options, and passes the result as `others_are_allowed`.
///
/// # Errors
/// Fails if an option is not allowed. The error lists `allowed`, the options that the command takes.
pub fn allow_only(args: &LabArgs, allowed: &[&str], others_are_allowed: bool) -> Result<(), Failure> {
    if args.changes_the_run() || args.limit.is_some() || args.frames || args.clock || !others_are_allowed {
        let allowed = allowed.join(", ");
        let word = args.what.as_deref().unwrap_or_default();
        return Err(Failure::usage(format_args!("of the options, {word} takes only {allowed}")));
    }
    Ok(())
}

/// Returns the files of answers. A folder stands for the files in it, sorted by name, without hidden files.
fn paths(names: &[String]) -> Result<Vec<PathBuf>, Failure> {
    let mut paths = Vec::new();
    if let Some(script) = names.iter().find(|name| file::is_script(name)) {
        return Err(Failure::usage(format_args!(
            "{script} is a packetdrill script, not a file of answers to a .lab file"
        )));
    }
    for name in names.iter().map(Path::new) {
        if !name.is_dir() {
            paths.push(name.into());
            continue;
        }
        let fails = |error| Failure::usage(format_args!("{} cannot be read: {error}", name.display()));
        let mut inside = Vec::new();
        for entry in std::fs::read_dir(name).map_err(fails)? {
            let path = entry.map_err(fails)?.path();
            let is_hidden = path.file_name().is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
            if path.is_file() && !is_hidden {
                inside.push(path);
            }
        }
        if inside.is_empty() {
            return Err(Failure::usage(format_args!("the folder {} has no file of answers", name.display())));
        }
        inside.sort();
        paths.append(&mut inside);
    }
    Ok(paths)
}

/// The marks of one file of answers.
struct Marks {
    name: String,
    seed: u64,
    /// For each question: the verdict, the answer, and the points of a right answer.
    verdicts: Vec<(Verdict, String, u32)>,
}

impl Marks {
    /// Marks the answers in the file at `path`. `text` is the text of the exercise, and `exercise` is its name in error
    /// messages.
    fn of(exercise: &str, text: &str, path: &Path) -> Result<Self, Failure> {
        let in_exercise = |error| Failure::in_file(file::GUIDE, format_args!("{exercise}:{error}"));
        let in_answers = |error| Failure::in_file(file::GUIDE, format_args!("{}:{error}", path.display()));
        let answers_text = file::read(path)?;
        // The exercise is parsed twice: the answers need the number of questions, and the run needs the answers' seed.
        let count = Experiment::parse(text, None).map_err(in_exercise)?.questions.len();
        let answers = Answers::parse(&answers_text, count).map_err(in_answers)?;
        let experiment = Experiment::parse(text, Some(answers.seed)).map_err(in_exercise)?;
        let key = key(&experiment, exercise)?;
        let mut verdicts = Vec::new();
        for (index, question) in experiment.questions.iter().enumerate() {
            let answer = answers.to(index + 1).unwrap_or_default();
            let verdict = match answer {
                "" => Verdict::Missing,
                answer => verdict(&experiment, &key, index, answer)?,
            };
            verdicts.push((verdict, answer.into(), question.points));
        }
        Ok(Marks { name: path.display().to_string(), seed: answers.seed, verdicts })
    }

    /// Returns the points of the right answers and the points of all questions.
    fn points(&self) -> (u32, u32) {
        let right = self.verdicts.iter().filter(|(verdict, ..)| *verdict == Verdict::Right);
        (right.map(|(_, _, points)| points).sum(), self.verdicts.iter().map(|(_, _, points)| points).sum())
    }

    /// Returns the marks as text: a line with the total, and a line for each question.
    fn text(&self, lang: Lang) -> String {
        let (points, all) = self.points();
        let sum = format!("{}: {points} of {all} points", visible(&self.name));
        let mut text = messages::in_lang(&sum, lang) + "\n";
        for (index, (verdict, answer, worth)) in self.verdicts.iter().enumerate() {
            let got = if *verdict == Verdict::Right { *worth } else { 0 };
            let why = match verdict {
                Verdict::Invalid(why) => format!("not valid: {why}"),
                Verdict::Missing => "no answer".into(),
                Verdict::Right => format!("right: {}", clip(answer)),
                Verdict::Wrong => format!("wrong: {}", clip(answer)),
            };
            // Writing to a string cannot fail.
            let line = format!("question {}: {got} of {worth}, {why}", index + 1);
            let _ = writeln!(text, "  {}", messages::in_lang(&line, lang));
        }
        text
    }

    /// Writes a line of JSON for each question, and a line with the total.
    fn write_json(&self, out: &mut dyn Write) -> core::fmt::Result {
        for (index, (verdict, answer, worth)) in self.verdicts.iter().enumerate() {
            let mut line = Object::begin(out)?;
            line.text("file", &self.name)?;
            line.number("seed", self.seed)?;
            line.number("question", index + 1)?;
            line.text("answer", answer)?;
            line.text(
                "verdict",
                match verdict {
                    Verdict::Invalid(_) => "invalid",
                    Verdict::Missing => "missing",
                    Verdict::Right => "right",
                    Verdict::Wrong => "wrong",
                },
            )?;
            line.number("points", if *verdict == Verdict::Right { *worth } else { 0 })?;
            line.number("of", *worth)?;
            line.end()?;
        }
        let (points, all) = self.points();
        let mut line = Object::begin(out)?;
        line.text("file", &self.name)?;
        line.number("seed", self.seed)?;
        line.number("points", points)?;
        line.number("of", all)?;
        line.end()
    }
}

/// Runs an experiment; returns the right answers to its questions.
///
/// # Errors
/// Fails if the experiment has no question, or if a question is about a frame that the run does not send. Also fails if
/// a question asks the reader to make something happen that happens anyway.
pub fn key<'e>(experiment: &'e Experiment, name: &str) -> Result<Key<'e>, Failure> {
    if experiment.questions.is_empty() {
        return Err(Failure::usage(format_args!("{name} has no question: it is not an exercise")));
    }
    marks::key(experiment).map_err(|error| Failure::in_file(file::GUIDE, format_args!("{name}:{error}")))
}

/// Marks an answer to question `index`. If the answer consists of faults, runs the experiment with these
/// faults and checks what the question expects.
///
/// # Errors
/// Fails if the run cannot start.
pub fn verdict(experiment: &Experiment, key: &Key<'_>, index: usize, answer: &str) -> Result<Verdict, Failure> {
    marks::verdict(experiment, key, index, answer).map_err(Failure::usage)
}
