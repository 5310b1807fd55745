//! Parses questions: the text, the way to the right answer, a hint and the points.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::values::{self, whole};
use super::words::{FileError, Words};
use super::{SIDES, check_expectation, keyword, side};
#[cfg(feature = "session")]
use crate::lab::lang::Lang;
use crate::lab::{Kind, Moment};

/// The maximum number of options in a choice, and of items in an order. Each is shown with a letter.
pub(super) const MOST_OPTIONS: usize = 26;

/// A question that a file asks its reader.
#[derive(Clone, Debug)]
pub struct Question {
    /// The line's number in the file.
    pub line: usize,
    /// The text.
    pub text: String,
    /// How the right answer is found.
    pub answer: Answer,
    /// A hint for the reader.
    pub hint: Option<String>,
    /// The points for a right answer.
    pub points: u32,
}

/// How the right answer to a question is found.
#[derive(Clone, Debug)]
pub enum Answer {
    /// One of several options.
    Choice {
        /// The index of the right option.
        right: usize,
        /// The options, in the order of the file.
        options: Vec<String>,
    },
    /// The number of frames that a host sends.
    Count(Count),
    /// A field of a frame.
    Field(Field, FrameRef),
    /// Faults that the reader chooses so that this expectation is met.
    Make(String),
    /// The question has no answer yet. A parsed file has no such question.
    Missing,
    /// A number, and the largest difference between this number and a right answer.
    Number {
        /// The right number.
        number: u64,
        /// The largest difference, which is 0 if the answer must be exact.
        within: u64,
    },
    /// The items in the right order.
    Order(Vec<String>),
    /// The state of a host.
    State {
        /// The host.
        host: usize,
        /// The time.
        when: When,
    },
}

/// The frames that a question counts.
#[derive(Clone, Copy, Debug)]
pub struct Count {
    pub(super) host: usize,
    /// Whether only retransmissions are counted.
    pub(super) again: bool,
    pub(super) kind: Kind,
    pub(super) from: Option<Moment>,
    pub(super) until: Option<Moment>,
}

/// A field of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// The acknowledgement number, relative as in the ladder.
    Ack,
    /// The flags.
    Flags,
    /// The number of payload bytes.
    Len,
    /// The sequence number, relative as in the ladder.
    Seq,
    /// The time at which the frame was sent, in milliseconds since the start.
    Time,
    /// The window field.
    Win,
}

const FIELDS: [(&str, Field); 6] = [
    ("seq", Field::Seq),
    ("ack", Field::Ack),
    ("len", Field::Len),
    ("win", Field::Win),
    ("flags", Field::Flags),
    ("time", Field::Time),
];

/// A frame that a question is about.
#[derive(Clone, Copy, Debug)]
pub enum FrameRef {
    /// The number of the frame.
    Number(u32),
    /// The n-th frame of a kind that a host sends.
    Nth {
        /// The sender.
        host: usize,
        /// The kind.
        kind: Kind,
        /// The number, from 1.
        nth: u32,
    },
}

/// The time at which the question asks for a state.
#[derive(Clone, Copy, Debug)]
pub enum When {
    /// After the host has sent or processed a frame.
    After(FrameRef),
    /// At a time since the start.
    At(Moment),
    /// At the end of the run.
    End,
}

impl Answer {
    /// Returns whether the question has no answer yet.
    pub(super) fn is_missing(&self) -> bool {
        matches!(self, Answer::Missing)
    }

    /// Returns the name of the kind of answer, for machine-readable output.
    #[cfg(feature = "session")]
    pub(crate) fn kind(&self) -> &'static str {
        // No parsed experiment has a question with the answer `Missing`.
        match self {
            Answer::Choice { .. } => "choice",
            Answer::Count(_) | Answer::Number { .. } | Answer::Missing => "number",
            Answer::Field(..) => "field",
            Answer::Make(_) => "make",
            Answer::Order(_) => "order",
            Answer::State { .. } => "state",
        }
    }

    /// Describes how an answer is written, in the language `lang`. No parsed experiment has a question with the answer
    /// `Missing`.
    #[cfg(feature = "session")]
    pub(crate) fn form(&self, lang: Lang) -> &'static str {
        match self {
            Answer::Choice { .. } => lang.pick("one letter", "一个字母"),
            Answer::Count(_) | Answer::Number { .. } | Answer::Missing => lang.pick("a number", "一个数"),
            Answer::Field(Field::Time, _) => {
                lang.pick("whole milliseconds since the start", "从开始起的毫秒数，取整数")
            }
            Answer::Field(..) => lang.pick("the field's value, as the ladder shows it", "字段的值，如图中所示"),
            Answer::Make(_) => lang.pick(
                "one or more faults, as in 'drop client udp 1; delay 300ms server ack 2'",
                "一个或多个故障，如 'drop client udp 1; delay 300ms server ack 2'",
            ),
            Answer::Order(_) => lang.pick("the letters in the right order", "按正确顺序排列的字母"),
            Answer::State { .. } => lang.pick("a TCP state", "一个 TCP 状态"),
        }
    }
}

/// The points of a question for which the file does not set any.
const POINTS: u32 = 1;

/// The maximum number of points of a question.
const MOST_POINTS: u64 = 1000;

/// Parses a line that begins with `question`.
pub(super) fn head(mut words: Words<'_>) -> Result<Question, FileError> {
    // Skip `question`.
    words.next();
    let text = words.quoted()?;
    let mut question = Question { line: words.line(), text, answer: Answer::Missing, hint: None, points: POINTS };
    question.clauses(words)?;
    Ok(question)
}

impl Question {
    /// Parses the rest of a question: `answer ...`, `hint TEXT` and `points N`, on its line or below it.
    pub(super) fn clauses(&mut self, mut words: Words<'_>) -> Result<(), FileError> {
        loop {
            match words.peek() {
                None => return Ok(()),
                Some("answer") if !self.answer.is_missing() => {
                    return Err(words.error("the question has an answer already"));
                }
                Some("answer") => {
                    words.next();
                    self.answer = answer(&mut words)?;
                }
                Some("hint") => {
                    words.next();
                    self.hint = Some(words.quoted()?);
                }
                Some("points") => {
                    words.next();
                    let points = words.parse("a number of points from 1 to 1000", whole(1..=MOST_POINTS))?;
                    self.points = u32::try_from(points).unwrap_or(POINTS);
                }
                Some(_) => return Err(words.unfit("answer, hint or points")),
            }
        }
    }
}

const ANSWERS: &str = "field, number, count, state, choice, order or make";

/// Parses the kind of an answer and its details, after `answer`.
fn answer(words: &mut Words<'_>) -> Result<Answer, FileError> {
    let Some(kind) = words.peek() else { return Err(words.missing(ANSWERS)) };
    if !["choice", "count", "field", "make", "number", "order", "state"].contains(&kind) {
        return Err(words.unfit(ANSWERS));
    }
    words.next();
    Ok(match kind {
        "choice" => choice(words)?,
        "count" => count(words)?,
        "field" => {
            let named = |word: &str| FIELDS.into_iter().find(|(name, _)| *name == word).map(|(_, field)| field);
            let field = words.parse("seq, ack, len, win, flags or time", named)?;
            keyword(words, "of")?;
            Answer::Field(field, frame(words)?)
        }
        "make" => {
            // The column of an error is counted from the start of the expectation, so keep the words from there.
            let before = words.clone();
            let expectation = words.until(&["hint", "points"]);
            check_expectation(&before, expectation)?;
            Answer::Make(expectation.to_owned())
        }
        "number" => {
            let number = words.parse("a whole number", whole(0..=u64::MAX))?;
            let mut within = 0;
            if words.take("within") {
                within = words.parse("a whole number", whole(0..=u64::MAX))?;
            }
            Answer::Number { number, within }
        }
        "order" => {
            let mut items = Vec::new();
            // An order has at least two items.
            while words.is_quoted() || items.len() < 2 {
                check_option(words, &items)?;
                items.push(words.quoted()?);
            }
            Answer::Order(items)
        }
        // The remaining kind is `state`.
        _ => {
            keyword(words, "of")?;
            let host = words.parse(SIDES, side)?;
            const WHEN: &str = "after a frame, as in 'after frame 9'; at a time, as in 'at 2s'; or 'at end'";
            let when = match words.peek() {
                Some("after") => {
                    words.next();
                    When::After(frame(words)?)
                }
                Some("at") => {
                    words.next();
                    if words.take("end") { When::End } else { When::At(words.parse(values::MOMENT, values::moment)?) }
                }
                Some(_) => return Err(words.unfit(WHEN)),
                None => return Err(words.missing(WHEN)),
            };
            Answer::State { host, when }
        }
    })
}

/// Parses the options of a choice: one `right TEXT` and at least one `wrong TEXT`, in any order.
fn choice(words: &mut Words<'_>) -> Result<Answer, FileError> {
    const OPTION: &str = "right or wrong, and a text";
    let (mut options, mut right) = (Vec::new(), None);
    loop {
        match words.peek() {
            Some("right") if right.is_some() => return Err(words.error("only one option can be right")),
            Some("right") => right = Some(options.len()),
            Some("wrong") => {}
            // After two or more options, `hint`, `points` or the end of the line ends the choice.
            Some("hint" | "points") | None if options.len() >= 2 => break,
            Some(_) => return Err(words.unfit(OPTION)),
            None => return Err(words.missing(OPTION)),
        }
        words.next();
        check_option(words, &options)?;
        options.push(words.quoted()?);
    }
    match right {
        Some(right) => Ok(Answer::Choice { right, options }),
        None => Err(words.error("no option is right: write 'right' before one of the texts")),
    }
}

/// Checks that there is room for one more option and that the next text differs from the options so far.
fn check_option(words: &Words<'_>, options: &[String]) -> Result<(), FileError> {
    if options.len() == MOST_OPTIONS {
        return Err(words.error(format!("a question has at most {MOST_OPTIONS} options")));
    }
    match words.clone().quoted() {
        Ok(text) if options.contains(&text) => Err(words.error("this text is in the question twice")),
        // If the text is invalid, the caller reports the error when it reads the text.
        _ => Ok(()),
    }
}

/// Parses the description of the frames to count: `SENDER [retransmits] KIND [from TIME] [until TIME]`.
fn count(words: &mut Words<'_>) -> Result<Answer, FileError> {
    let host = words.parse(SIDES, side)?;
    let again = words.take("retransmits");
    let kind = words.parse(KINDS, Kind::named)?;
    let mut count = Count { host, again, kind, from: None, until: None };
    loop {
        let bound = match words.peek() {
            Some("from") => &mut count.from,
            Some("until") => &mut count.until,
            _ => return Ok(Answer::Count(count)),
        };
        words.next();
        *bound = Some(words.parse(values::MOMENT, values::moment)?);
    }
}

const KINDS: &str = "syn, synack, ack, data, fin, rst, udp or any";

/// Parses `frame N` or `SENDER KIND N`.
fn frame(words: &mut Words<'_>) -> Result<FrameRef, FileError> {
    const NUMBER: &str = "a number from 1";
    let number = |word: &str| word.parse().ok().filter(|number| *number > 0);
    if words.take("frame") {
        return Ok(FrameRef::Number(words.parse(NUMBER, number)?));
    }
    let host = words.parse("frame and a number, or a sender, a kind and a number, as in 'client data 2'", side)?;
    let kind = words.parse(KINDS, Kind::named)?;
    Ok(FrameRef::Nth { host, kind, nth: words.parse(NUMBER, number)? })
}
