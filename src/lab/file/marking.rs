//! Finds the right answers to a file's questions in its run, and marks the answers of a reader.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use smoltcp::time::Duration;
use smoltcp::wire::TcpSeqNumber;

use super::Experiment;
use super::inject::{self, Injection};
use super::question::{Answer, Count, Field, FrameRef, Question, When};
use super::values::duration;
use crate::lab::expect::Expectations;
use crate::lab::show::What;
use crate::lab::tokens::clip;
use crate::lab::wire::Random;
use crate::lab::{Fault, Faults, MAX_SCHEDULED, Moment, START, Snapshot, figure};
use crate::trace::{Cause, Segment, Summary};

/// The right answers to the questions of an experiment, from its run.
#[derive(Clone, Debug)]
pub struct Key<'e> {
    experiment: &'e Experiment,
    latency: Duration,
    found: Vec<Found>,
}

/// What the run has shown so far about the answer to a question.
#[derive(Clone, Debug, Default)]
struct Found {
    /// The number of frames so far that fit the question.
    count: u32,
    /// The number of the frame whose field or state the question asks for.
    frame: Option<u32>,
    /// The step after which the host's state is the answer.
    step: Option<u32>,
    /// The right answer, if the run has shown it.
    answer: Option<String>,
}

/// The result of marking an answer.
#[derive(Clone, Debug)]
pub enum Marked {
    /// The answer is right.
    Right,
    /// The answer is right if a run of the exercise, with these faults and segments added, meets the expectations.
    Run {
        /// The faults.
        faults: Vec<Fault>,
        /// The forged segments.
        injected: Vec<Injection>,
        /// The expectations.
        expectations: Expectations,
    },
    /// The answer is wrong.
    Wrong,
    /// The answer is invalid. The text says what would be valid.
    Invalid(String),
}

impl<'e> Key<'e> {
    /// Makes the key of an experiment, before its run on a wire with this latency.
    pub fn new(experiment: &'e Experiment, latency: Duration) -> Self {
        Key { experiment, latency, found: experiment.questions.iter().map(|_| Found::default()).collect() }
    }

    /// Processes an entry of the run: stores what it shows about the answer to each question.
    pub fn see(&mut self, snapshot: &Snapshot) {
        let latency = self.latency;
        for (question, found) in self.experiment.questions.iter().zip(&mut self.found) {
            found.see(&question.answer, snapshot, latency);
        }
    }

    /// Returns the right answer to question `index`. Returns `None` if there is no such question, or if the run does
    /// not contain the frame in question.
    ///
    /// If the question asks the reader to make something happen, the answer returned is the expectation.
    pub fn right(&self, index: usize) -> Option<String> {
        let (question, found) = (self.experiment.questions.get(index)?, self.found.get(index)?);
        match &question.answer {
            Answer::Choice { right, .. } => {
                let position = self.shown_order(index).iter().position(|option| option == right)?;
                Some(letter(position).to_string())
            }
            Answer::Order(items) => {
                let shown = self.shown_order(index);
                // The letter under which each item is shown, in the order of the file, which is the right order.
                let letters = (0..items.len()).filter_map(|item| shown.iter().position(|other| *other == item));
                Some(letters.map(|position| letter(position).to_string()).collect::<Vec<_>>().join(" "))
            }
            Answer::Count(_) => Some(found.count.to_string()),
            Answer::Make(expectation) => Some(expectation.clone()),
            Answer::Number { number, .. } => Some(number.to_string()),
            Answer::Field(..) | Answer::State { .. } | Answer::Missing => found.answer.clone(),
        }
    }

    /// Returns the options of question `index` with their letters, in the order in which they are shown. The seed
    /// determines the order. Returns an empty list for a question without options.
    pub fn options(&self, index: usize) -> Vec<(char, &'e str)> {
        let Some(Question { answer: Answer::Choice { options, .. } | Answer::Order(options), .. }) =
            self.experiment.questions.get(index)
        else {
            return Vec::new();
        };
        let shown = self.shown_order(index).into_iter().enumerate();
        shown.filter_map(|(position, option)| Some((letter(position), options.get(option)?.as_str()))).collect()
    }

    /// Returns the indices of a question's options, in the order in which they are shown.
    fn shown_order(&self, index: usize) -> Vec<usize> {
        let count = match self.experiment.questions.get(index).map(|question| &question.answer) {
            Some(Answer::Choice { options, .. } | Answer::Order(options)) => options.len(),
            _ => 0,
        };
        // Shuffle the options (Fisher and Yates). Each question has its own random numbers.
        let mut random = Random::new(self.experiment.seed().wrapping_add(index as u64));
        let mut order: Vec<usize> = (0..count).collect();
        for position in (1..count).rev() {
            order.swap(position, (random.next() % (position as u64 + 1)) as usize);
        }
        order
    }

    /// Returns the expectations of question `index`, if the question asks the reader to make something happen.
    pub fn expectations(&self, index: usize) -> Option<Expectations> {
        match &self.experiment.questions.get(index)?.answer {
            Answer::Make(expectation) => Some(self.parsed(expectation)),
            _ => None,
        }
    }

    /// Parses an expectation for the latency of the run. The expectation is valid, because the parser of the file has
    /// checked it.
    fn parsed(&self, expectation: &str) -> Expectations {
        Expectations::parse_for(expectation, self.latency, duration).unwrap_or_default()
    }

    /// Marks an answer to question `index`. If the answer consists of faults, the caller must run the exercise with
    /// them: see [`Marked::Run`]. In all other answers, case does not matter.
    pub fn mark(&self, index: usize, answer: &str) -> Marked {
        let answer = answer.trim();
        let Some(question) = self.experiment.questions.get(index) else {
            return Marked::Invalid(format!("there is no question {}", index + 1));
        };
        let is_right = match &question.answer {
            Answer::Make(expectation) => return marked_by_run(answer, self.parsed(expectation)),
            Answer::Number { number, within } => match answer.parse::<u64>() {
                Ok(given) => given.abs_diff(*number) <= *within,
                Err(_) => return invalid(answer, "a whole number"),
            },
            Answer::Count(_) | Answer::Field(Field::Ack | Field::Len | Field::Seq | Field::Time | Field::Win, _) => {
                match answer.parse::<u64>() {
                    Ok(given) => self.right(index).is_some_and(|right| right == given.to_string()),
                    Err(_) => return invalid(answer, "a whole number"),
                }
            }
            Answer::Field(Field::Flags, _) => {
                let flags = |text: &str| {
                    let mut flags: Vec<String> = text.split([',', ' ', '+']).map(str::to_ascii_uppercase).collect();
                    flags.retain(|flag| !flag.is_empty());
                    flags.sort();
                    flags
                };
                self.right(index).is_some_and(|right| flags(&right) == flags(answer))
            }
            Answer::State { .. } => {
                let name = answer.to_ascii_uppercase().replace(['_', ' '], "-");
                if figure::state(&name).is_none() {
                    return invalid(answer, "a TCP state, as in SYN-SENT");
                }
                self.right(index).is_some_and(|right| right == name)
            }
            Answer::Choice { right, options } => {
                let shown = self.options(index);
                match letters(answer, shown.len()).as_deref() {
                    Some([position]) => self.shown_order(index).get(*position) == Some(right),
                    // The text of an option is accepted as well as its letter.
                    _ if options.iter().any(|option| option.eq_ignore_ascii_case(answer)) => {
                        options.get(*right).is_some_and(|right| right.eq_ignore_ascii_case(answer))
                    }
                    _ => return invalid(answer, "one letter, as in a"),
                }
            }
            Answer::Order(items) => match letters(answer, items.len()) {
                Some(positions) => {
                    let right = letters(&self.right(index).unwrap_or_default(), items.len());
                    right == Some(positions)
                }
                None => return invalid(answer, "the letters in the right order, as in b a c"),
            },
            // No parsed experiment has a question without an answer.
            Answer::Missing => false,
        };
        if is_right { Marked::Right } else { Marked::Wrong }
    }
}

/// Returns the result for an answer that cannot be parsed.
fn invalid(answer: &str, expected: &str) -> Marked {
    match answer {
        "" => Marked::Invalid(format!("the answer is missing: {expected}")),
        _ => Marked::Invalid(format!("'{}' should be {expected}", clip(answer))),
    }
}

/// Parses an answer that consists of faults and forged segments, separated by semicolons. Returns the run that shows
/// whether the answer is right.
fn marked_by_run(answer: &str, expectations: Expectations) -> Marked {
    let (mut faults, mut injected) = (Vec::new(), Vec::new());
    // A run keeps its faults in a list of limited length. This list shows whether all faults of the answer fit.
    let mut list_of_run = Faults::default();
    for words in answer.split(';').map(str::trim).filter(|words| !words.is_empty()) {
        if words.split_whitespace().next() == Some("at") {
            match inject::in_answer(words) {
                Ok(_) if injected.len() == MAX_SCHEDULED => {
                    return Marked::Invalid(format!("a run takes at most {MAX_SCHEDULED} calls and events"));
                }
                Ok(injection) => injected.push(injection),
                Err(error) => return Marked::Invalid(error.message),
            }
            continue;
        }
        // In a file, the line of a fault begins with `fault`. In an answer, this word is optional.
        match Fault::parse(words.strip_prefix("fault ").unwrap_or(words), duration) {
            Ok(fault) => {
                let fits = list_of_run.add(fault);
                if !fits {
                    return Marked::Invalid(format!("a run takes at most {} faults", list_of_run.len()));
                }
                faults.push(fault);
            }
            Err(error) => return Marked::Invalid(error.to_string()),
        }
    }
    if faults.is_empty() && injected.is_empty() {
        return invalid("", "a fault, as in 'drop server synack 1'");
    }
    Marked::Run { faults, injected, expectations }
}

/// Returns the letter that names the option at `position`.
fn letter(position: usize) -> char {
    char::from(b'a' + (position % 26) as u8)
}

/// Parses letters such as `b a c`, `b,a,c` or `bac`, and returns the positions of their options among `count` options.
/// Returns `None` if the text is empty, or contains anything that is not the letter of an option.
fn letters(text: &str, count: usize) -> Option<Vec<usize>> {
    let letters = text.chars().filter(|c| !c.is_whitespace() && *c != ',');
    let position = |c: char| {
        let position = usize::from(u8::try_from(c.to_ascii_lowercase()).ok()?.checked_sub(b'a')?);
        (position < count).then_some(position)
    };
    letters.map(position).collect::<Option<Vec<usize>>>().filter(|positions| !positions.is_empty())
}

impl Found {
    /// Processes an entry of the run. Counts the frames that fit the question, and stores the right answer.
    fn see(&mut self, answer: &Answer, snapshot: &Snapshot, latency: Duration) {
        let entry = snapshot.entry;
        match (answer, entry.what) {
            (Answer::Count(count), What::Sent { summary, cause, .. }) => {
                self.count += u32::from(count.fits(entry.host, entry.at - START, &summary, cause, latency));
            }
            (Answer::Field(field, of), What::Sent { frame, summary, .. }) => {
                let is_wanted = self.count_frame(*of, entry.host, frame, &summary);
                if is_wanted && self.answer.is_none() {
                    self.answer = match field {
                        Field::Time => Some((entry.at - START).total_millis().to_string()),
                        _ => summary.segment().and_then(|segment| field.of(&segment, snapshot.isn)),
                    };
                }
            }
            (Answer::State { host, when: When::After(of) }, what) => {
                // The answer is the state of `host` after it has sent the frame or, if the other host sends it, has
                // received it.
                let reached = match what {
                    What::Sent { frame, summary, .. } => {
                        let is_wanted = self.count_frame(*of, entry.host, frame, &summary);
                        is_wanted && entry.host == *host
                    }
                    What::Arrived { frame, .. } => self.frame == Some(frame) && entry.host == *host,
                    _ => false,
                };
                if reached && self.step.is_none() {
                    self.step = Some(entry.step);
                }
                // Every entry of a step contains the states after that step.
                if self.step == Some(entry.step) {
                    self.answer = snapshot.states.get(*host).map(ToString::to_string);
                }
            }
            // The last entry up to this moment decides, so a later entry replaces the answer of an earlier one.
            (Answer::State { host, when: When::At(moment) }, _) if entry.at - START <= moment.on(latency) => {
                self.answer = snapshot.states.get(*host).map(ToString::to_string);
            }
            // The last entry of the run decides.
            (Answer::State { host, when: When::End }, _) => {
                self.answer = snapshot.states.get(*host).map(ToString::to_string);
            }
            _ => {}
        }
    }

    /// Counts a sent frame, if its kind and sender fit the question. If the question is about this frame, stores the
    /// frame's number and returns true.
    fn count_frame(&mut self, of: FrameRef, sender: usize, number: u32, summary: &Summary) -> bool {
        let is_wanted = match of {
            FrameRef::Number(wanted) => wanted == number,
            FrameRef::Nth { host, kind, nth } => {
                let fits = host == sender && kind.matches(summary);
                self.count += u32::from(fits);
                fits && self.count == nth
            }
        };
        if is_wanted {
            self.frame = Some(number);
        }
        is_wanted
    }
}

impl Count {
    /// Returns whether a frame is one of the frames to count. `host` has sent it at the time `at` since the start of
    /// the run. A frame at the time `self.from` is counted, and one at `self.until` is not.
    fn fits(&self, host: usize, at: Duration, summary: &Summary, cause: Option<Cause>, latency: Duration) -> bool {
        let on = |moment: Moment| moment.on(latency);
        self.host == host
            && self.kind.matches(summary)
            && (!self.again || cause.is_some_and(Cause::is_again))
            && self.from.is_none_or(|from| on(from) <= at)
            && self.until.is_none_or(|until| at < on(until))
    }
}

impl Field {
    /// Returns the field of a segment as the ladder writes it. `isn` contains the initial sequence numbers of the
    /// segment's sender and receiver. Returns `None` for the acknowledgement number of a segment without ACK, and for
    /// the time.
    fn of(self, segment: &Segment, isn: [Option<TcpSeqNumber>; 2]) -> Option<String> {
        let [sender_isn, receiver_isn] = isn;
        // smoltcp stores a sequence number as an `i32`, but the ladder shows it without a sign.
        let since =
            |number: TcpSeqNumber, isn: Option<TcpSeqNumber>| number.0.wrapping_sub(isn.map_or(0, |isn| isn.0)) as u32;
        Some(match self {
            Field::Ack => since(segment.ack?, receiver_isn).to_string(),
            Field::Flags => segment.flags().to_string(),
            Field::Len => segment.len.to_string(),
            Field::Seq => since(segment.seq, sender_isn).to_string(),
            // The time is not in the segment.
            Field::Time => return None,
            Field::Win => segment.window.to_string(),
        })
    }
}
