//! Parses a file of answers: a line `seed S`, and then a line `N: ANSWER` for each answered question.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::Write;

use super::words::{FileError, Source};
use super::{check_text, values};
use crate::lab::tokens::clip;

/// A reader's answers to the questions in a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    /// The seed of the experiment that the reader saw.
    pub seed: u64,
    /// The number of each answered question, from 1, and the answer.
    pub answers: Vec<(usize, String)>,
}

impl Answers {
    /// Parses the text of a file of answers. `questions` is the number of questions.
    ///
    /// # Errors
    /// [`FileError`] names the line, the column and the wrong word.
    pub fn parse(text: &str, questions: usize) -> Result<Self, FileError> {
        check_text(text)?;
        let mut seed = None;
        let mut answers: Vec<(usize, String)> = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let source = Source::new(index + 1, line, &[]);
            let mut words = source.words();
            let Some(first) = words.peek() else { continue };
            // The first line that is neither empty nor a comment names the seed.
            if seed.is_none() {
                if !words.take("seed") {
                    return Err(words.unfit("the seed of the exercise, as in 'seed 7', before the first answer"));
                }
                seed = Some(words.parse("a number, as in 7", values::whole(0..=u64::MAX))?);
                words.end()?;
                continue;
            }
            const NUMBER: &str = "a question's number and a colon, as in '3: 1461'";
            let (number, answer) = line.trim().split_once(':').ok_or_else(|| words.unfit(NUMBER))?;
            let number: usize = number.trim().parse().map_err(|_| words.unfit(NUMBER))?;
            if number == 0 || number > questions {
                return Err(words.error(format!("there is no question {number}: the file has {questions}")));
            }
            if answers.iter().any(|(other, _)| *other == number) {
                return Err(words.error(format!("question {number} is answered twice, here with '{}'", clip(first))));
            }
            answers.push((number, answer.trim().to_string()));
        }
        let missing = || FileError { line: 1, column: 1, message: "the file has no line 'seed S'".into() };
        Ok(Answers { seed: seed.ok_or_else(missing)?, answers })
    }

    /// Returns the answer to question `number`, if there is one.
    pub fn to(&self, number: usize) -> Option<&str> {
        self.answers.iter().find(|(other, _)| *other == number).map(|(_, answer)| answer.as_str())
    }

    /// Returns the text of an answer file that contains these answers.
    pub fn text(&self) -> String {
        let mut text = format!("seed {}\n", self.seed);
        for (number, answer) in &self.answers {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{number}: {answer}");
        }
        text
    }
}
