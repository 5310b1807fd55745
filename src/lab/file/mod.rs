//! Files that contain an experiment: the network, the hosts' programs, faults, expectations and questions.
//!
//! docs/lab-file.md describes the format. [`Experiment::parse`] reads a file into an owned [`Experiment`]. The programs
//! of a [`Setup`](super::Setup) borrow their steps. So [`Experiment::parts`] first lists the steps, and
//! [`Parts::setup`] then makes a set-up that borrows them.
//!
//! The lines are parsed in settings.rs (changes of the set-up), program.rs (programs), inject.rs (forged segments),
//! question.rs (questions) and chinese.rs (translations).

mod answers;
mod chinese;
mod inject;
mod marking;
mod parts;
mod program;
mod question;
mod settings;
#[cfg(all(test, feature = "std"))]
mod tests;
mod values;
mod words;

pub use answers::Answers;
pub use inject::Injection;
pub use marking::{Key, Marked};
pub use parts::Parts;
pub use question::{Answer, Field, Question};
#[cfg(feature = "session")]
pub(crate) use values::duration;
#[cfg(feature = "cli")]
pub(crate) use values::{percent, rate};
pub use words::FileError;

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use smoltcp::time::Duration;

use super::expect::{ExpectError, Expectations, MAX_EXPECTATIONS};
use super::wire::Random;
use super::{Forged, HostEvent, MAX_FAULTS, MAX_FILE_BYTES, MAX_FILE_LINES, MAX_SCHEDULED, Moment};
use program::Program;
use words::{Source, Varied, Words};

/// The seed of a file that does not set one.
const SEED: u64 = 7;

/// The maximum number of questions in a file. Each is compared with every entry of a run, so the limit bounds the time.
const MAX_QUESTIONS: usize = 100;

/// Describes the words with which a line can begin, for errors.
const FIRST: &str = "title, text, zh, seed, vary, limit, network, hosts, host, clients, flood, client, server, fault, at, expect or question; \
                     or a step of the program above: read, send, wait, close, half-close or abort";

const SIDES: &str = "client or server";

/// The experiment in a file. It owns all strings of the file.
#[derive(Clone, Debug, Default)]
pub struct Experiment {
    /// The title: the behaviour that the experiment shows, in one line.
    pub title: String,
    /// What the reader should know before the run, one paragraph for each line `text`.
    pub text: Vec<String>,
    /// The questions.
    pub questions: Vec<Question>,
    /// Each translated text with its translation.
    chinese: Vec<(String, String)>,
    seed: u64,
    /// The lines that change the set-up. The parser has checked these lines.
    settings: Vec<Source>,
    actions: Vec<Action>,
    /// The expectations. Each is on the same line as in the file, and the other lines are empty.
    expectations: String,
}

/// A program or a scheduled event, in the order of the file.
#[derive(Clone, Debug)]
enum Action {
    Event { at: Moment, host: usize, what: HostEvent },
    Inject { line: usize, at: Moment, after: u32, forged: Forged },
    Program(Program),
}

impl Experiment {
    /// Parses the text of a file. `seed` replaces the file's seed, and determines the numbers of its `vary` lines.
    ///
    /// # Errors
    /// [`FileError`] names the line, the column and the wrong word.
    pub fn parse(text: &str, seed: Option<u64>) -> Result<Self, FileError> {
        check_text(text)?;
        let mut parser = Parser {
            experiment: Experiment { seed: seed.unwrap_or(SEED), ..Experiment::default() },
            varied: Vec::new(),
            seed_is_given: seed.is_some(),
            runs: None,
            above: Vec::new(),
            expectations: 0,
            faults: 0,
            scheduled: 0,
        };
        for (index, line) in text.lines().enumerate() {
            let source = Source::new(index + 1, line, &parser.varied);
            parser.parse_line(&source)?;
            // Every line of the file adds a line here, so that an expectation keeps its line number.
            parser.experiment.expectations.push('\n');
        }
        let experiment = parser.experiment;
        if let Some(question) = experiment.questions.iter().find(|question| question.answer.is_missing()) {
            let message = "the question has no answer: add a line such as 'answer field ack of frame 9'";
            return Err(FileError { line: question.line, column: 1, message: message.into() });
        }
        experiment.check()?;
        Ok(experiment)
    }

    /// Checks that the set-up can be made and is consistent.
    fn check(&self) -> Result<(), FileError> {
        let parts = self.parts();
        let setup = parts.setup()?;
        // The checks know only the setting that is wrong, so report the last line that contains it.
        let line_of = |words: &[&str]| {
            let has = |source: &&Source| words.iter().any(|word| source.has(word));
            self.settings.iter().rfind(has).map_or(1, Source::line)
        };
        let error = |words: &[&str], message: String| Err(FileError { line: line_of(words), column: 1, message });
        let scheduled = setup.scheduled();
        if scheduled > MAX_SCHEDULED {
            let message = format!("a run takes at most 8 calls and events, and this file has {scheduled}: remove some");
            return error(&["clients", "flood"], message);
        }
        if setup.line.queue.is_some() && setup.line.rate.is_none() {
            return error(&["queue"], "queue needs rate: frames wait only before a line with a limited rate".into());
        }
        if setup.line.black_hole && setup.line.router_mtu.is_none() {
            let message = "black-hole needs router-mtu: the size of the packets that get through";
            return error(&["black-hole"], message.into());
        }
        match setup.check() {
            Ok(()) => Ok(()),
            Err(why) => error(&["window-scale"], format!("{why}")),
        }
    }

    /// Returns the seed of the run.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Returns the steps and messages of the programs. A set-up borrows them.
    pub fn parts(&self) -> Parts<'_> {
        Parts::new(self)
    }

    /// Returns the line number of the file's fault with index `index`.
    pub fn fault_line(&self, index: usize) -> Option<usize> {
        let is_fault = |source: &&Source| source.words().peek() == Some("fault");
        self.settings.iter().filter(is_fault).nth(index).map(Source::line)
    }

    /// Returns the file's expectations, for a wire with this latency.
    pub fn expectations(&self, latency: Duration) -> Expectations {
        // The lines are valid, because the parser of the file has already parsed them for the default latency.
        Expectations::parse_for(&self.expectations, latency, values::duration).unwrap_or_default()
    }

    /// Returns whether the file contains an expectation.
    pub fn expects(&self) -> bool {
        !self.expectations.trim().is_empty()
    }
}

/// Reads a file line by line.
struct Parser {
    experiment: Experiment,
    varied: Vec<Varied>,
    seed_is_given: bool,
    /// The program that the server runs and whether it uses UDP.
    runs: Option<(crate::app::App, bool)>,
    /// The strings in the line above that can be translated.
    above: Vec<String>,
    /// The number of expectations so far.
    expectations: usize,
    /// The number of faults so far.
    faults: usize,
    /// The number of calls and events so far.
    scheduled: usize,
}

impl Parser {
    /// Parses a line and adds its content to the experiment.
    fn parse_line(&mut self, source: &Source) -> Result<(), FileError> {
        let mut words = source.words();
        let Some(first) = words.peek() else { return Ok(()) };
        let experiment = &mut self.experiment;
        let above = core::mem::replace(&mut self.above, chinese::texts(source));
        match first {
            "title" => {
                words.next();
                if !experiment.title.is_empty() {
                    return Err(words.error("the file has a title already"));
                }
                experiment.title = words.quoted()?;
                words.end()
            }
            "text" => {
                words.next();
                experiment.text.push(words.quoted()?);
                words.end()
            }
            "seed" => self.seed(words),
            "vary" => self.vary(words),
            "fault" if self.faults == MAX_FAULTS => {
                Err(words.error(format!("a run takes at most {MAX_FAULTS} faults: remove one")))
            }
            "clients" | "fault" | "flood" | "host" | "hosts" | "limit" | "network" => {
                settings::check(words)?;
                self.faults += usize::from(first == "fault");
                experiment.settings.push(source.clone());
                Ok(())
            }
            "client" | "server" => {
                let program = program::head(words, &mut self.runs)?;
                self.count_scheduled(&source.words(), program.calls())?;
                self.experiment.actions.push(Action::Program(program));
                Ok(())
            }
            "abort" | "close" | "half-close" | "read" | "send" | "wait" => match experiment.actions.last_mut() {
                Some(Action::Program(program)) => program.step(words),
                _ => Err(words.error(format!(
                    "'{first}' is a step of a program: put it below a line such as 'server listens 7000'"
                ))),
            },
            "at" => self.event(words),
            "expect" => {
                if self.expectations == MAX_EXPECTATIONS {
                    let message = format!("a file has at most {MAX_EXPECTATIONS} expectations: remove one");
                    return Err(words.error(message));
                }
                words.next();
                check_expectation(&words, words.rest())?;
                self.expectations += 1;
                experiment.expectations.push_str(words.rest());
                Ok(())
            }
            "question" if experiment.questions.len() == MAX_QUESTIONS => {
                Err(words.error(format!("a file has at most {MAX_QUESTIONS} questions: remove one")))
            }
            "question" => {
                let question = question::head(words)?;
                experiment.questions.push(question);
                Ok(())
            }
            "zh" => {
                experiment.chinese.extend(chinese::pairs(words, above)?);
                Ok(())
            }
            "answer" | "hint" | "points" => match experiment.questions.last_mut() {
                Some(question) => question.clauses(words),
                None => Err(words.error(format!("'{first}' belongs to a question: put it below the question's line"))),
            },
            _ => Err(words.unfit(FIRST)),
        }
    }

    /// Parses `seed N`. A seed that the caller has given takes precedence.
    fn seed(&mut self, mut words: Words<'_>) -> Result<(), FileError> {
        // Skip `seed`.
        words.next();
        if !self.varied.is_empty() {
            return Err(words.error("the seed must come before the first 'vary', which depends on it"));
        }
        let seed = words.parse("a number, as in 7", values::whole(0..=u64::MAX))?;
        if !self.seed_is_given {
            self.experiment.seed = seed;
        }
        words.end()
    }

    /// Parses `vary NAME from FIRST to LAST`. The seed selects the number.
    fn vary(&mut self, mut words: Words<'_>) -> Result<(), FileError> {
        const NUMBER: &str = "a number up to 1000000000";
        const MOST_VARIED: usize = 64;
        // Skip `vary`.
        words.next();
        let is_name = |name: &str| {
            name.starts_with(|c: char| c.is_ascii_alphabetic())
                && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        };
        if words.peek().is_some_and(|name| self.varied.iter().any(|varied| varied.name == name)) {
            return Err(words.error("this name is in use already"));
        }
        if self.varied.len() == MOST_VARIED {
            return Err(words.error(format!("a file varies at most {MOST_VARIED} numbers")));
        }
        let name = words.parse("a name of letters and digits", |name| is_name(name).then(|| name.to_owned()))?;
        keyword(&mut words, "from")?;
        let first = words.parse(NUMBER, values::whole(0..=1_000_000_000))?;
        keyword(&mut words, "to")?;
        let last = words.parse("a number from the first one to 1000000000", values::whole(first..=1_000_000_000))?;
        words.end()?;
        let mut random = Random::new(self.experiment.seed);
        // The n-th `vary` line uses the n-th random number of the seed.
        let drawn = (0..=self.varied.len()).map(|_| random.next()).last().unwrap_or_default();
        self.varied.push(Varied { name, number: first + drawn % (last - first + 1) });
        Ok(())
    }

    /// Parses `at TIME cut|reboot HOST`, or `at TIME [step N] inject HOST SEGMENT`.
    fn event(&mut self, mut words: Words<'_>) -> Result<(), FileError> {
        self.count_scheduled(&words, 1)?;
        // Skip `at`.
        words.next();
        let (at, step) = inject::time(&mut words)?;
        if words.take("inject") {
            let (line, forged) = (words.line(), inject::segment(words)?);
            self.experiment.actions.push(Action::Inject { line, at, after: step.unwrap_or(0), forged });
            return Ok(());
        }
        if step.is_some() {
            return Err(words.unfit("inject"));
        }
        let what = words.parse("cut, reboot or inject", |word| match word {
            "cut" => Some(HostEvent::Cut),
            "reboot" => Some(HostEvent::Reboot),
            _ => None,
        })?;
        let host = words.parse(SIDES, side)?;
        words.end()?;
        self.experiment.actions.push(Action::Event { at, host, what });
        Ok(())
    }

    /// Counts `count` more calls or events, and fails if there are too many.
    fn count_scheduled(&mut self, words: &Words<'_>, count: usize) -> Result<(), FileError> {
        self.scheduled += count;
        if self.scheduled <= MAX_SCHEDULED {
            return Ok(());
        }
        Err(words.error(format!("a run takes at most {MAX_SCHEDULED} calls and events in all: remove one")))
    }
}

/// Checks that a file's text is not too long, and has no control characters except tabs. Other control characters could
/// disturb a terminal.
fn check_text(text: &str) -> Result<(), FileError> {
    let error = |line, column, message: String| Err(FileError { line, column, message });
    if text.len() > MAX_FILE_BYTES {
        return error(1, 1, format!("the file is longer than 1 MiB ({MAX_FILE_BYTES} bytes)"));
    }
    for (index, line) in text.lines().enumerate() {
        if index == MAX_FILE_LINES {
            return error(index + 1, 1, format!("the file has more than {MAX_FILE_LINES} lines"));
        }
        if let Some(column) = line.chars().position(|c| c.is_control() && c != '\t') {
            return error(index + 1, column + 1, "a control character: write \\n, \\r or \\t in a text".into());
        }
    }
    Ok(())
}

/// Checks the expectation that forms the rest of a line.
fn check_expectation(words: &Words<'_>, expectation: &str) -> Result<(), FileError> {
    if expectation.is_empty() || words.peek().is_none() {
        return Err(words.missing("an expectation, as in 'server retransmits synack 1 within 3s'"));
    }
    match Expectations::parse(expectation, values::duration) {
        // Only errors matter here. `Experiment::expectations` parses the text again, with the latency of the run.
        Ok(_) => Ok(()),
        Err(ExpectError { column, word, expected, .. }) => Err(words.unfit_at(column, &word, expected)),
    }
}

/// Returns the host with this name.
fn side(name: &str) -> Option<usize> {
    ["client", "server"].iter().position(|side| *side == name)
}

/// Reads the next word, which must be `word`.
fn keyword(words: &mut Words<'_>, word: &str) -> Result<(), FileError> {
    if words.take(word) { Ok(()) } else { Err(words.peek().map_or_else(|| words.missing(word), |_| words.unfit(word))) }
}
