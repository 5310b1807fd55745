//! Runs an experiment to find the right answers to its questions, and marks answers.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::{ByHand, HostLab, Run};
use crate::lab::file::{Experiment, FileError, Injection, Key, Marked};
use crate::lab::{MAX_FAULTS, MAX_SCHEDULED, Scheduled, Snapshot, StartError};

/// The verdict on an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The answer is invalid. The text says what would be valid.
    Invalid(String),
    /// There is no answer.
    Missing,
    Right,
    Wrong,
}

/// Runs an experiment, and returns the right answers to its questions.
///
/// # Errors
/// Fails if the run does not contain a frame that a question is about. Also fails if a question asks the reader to make
/// something happen that happens anyway.
pub fn key(experiment: &Experiment) -> Result<Key<'_>, FileError> {
    let error = |line, message: String| FileError { line, column: 1, message };
    let parts = experiment.parts();
    let setup = parts.setup()?;
    let mut key = Key::new(experiment, setup.line.latency);
    // The line and the expectations of each question that asks the reader to make something happen.
    let questions = experiment.questions.iter().enumerate();
    let to_make = questions.filter_map(|(index, question)| Some((question.line, key.expectations(index)?)));
    let mut to_make: Vec<_> = to_make.collect();
    let ended = Run::new(&setup).record(None, &mut |snapshot, lab| {
        key.see(snapshot);
        to_make.iter_mut().for_each(|(_, expectations)| expectations.see(snapshot, lab.wire.last_received()));
    });
    ended.map_err(|why| not_started(&why))?;
    // If the run meets a question's expectations by itself, the reader has nothing to do.
    if let Some((line, _)) = to_make.iter().find(|(_, expectations)| expectations.result().is_ok()) {
        let what = "the expectation is met without further faults, so the question asks nothing";
        return Err(error(*line, what.into()));
    }
    let unknown = experiment.questions.iter().enumerate().find(|(index, _)| key.right(*index).is_none());
    if let Some((_, question)) = unknown {
        let seed = experiment.seed();
        return Err(error(question.line, format!("with seed {seed}, the run has no such frame or field")));
    }
    Ok(key)
}

/// Marks an answer to question `index`. If the answer consists of faults and forged segments, runs the experiment with
/// them and checks what the question expects.
///
/// # Errors
/// Fails if the run cannot start.
pub fn verdict(experiment: &Experiment, key: &Key<'_>, index: usize, answer: &str) -> Result<Verdict, FileError> {
    Ok(match key.mark(index, answer) {
        Marked::Invalid(why) => Verdict::Invalid(why),
        Marked::Right => Verdict::Right,
        Marked::Wrong => Verdict::Wrong,
        Marked::Run { faults, injected, mut expectations } => {
            let parts = experiment.parts();
            let mut setup = parts.setup()?;
            // Only the first fault that applies to a frame has an effect. As in an exported file, the reader's faults come
            // before those of the exercise.
            let all_fit = faults.into_iter().rev().all(|fault| setup.faults.add_first(fault));
            if !all_fit {
                let what = format!("a run takes at most {MAX_FAULTS} faults, including the faults of the exercise");
                return Ok(Verdict::Invalid(what));
            }
            for Injection { at, after, forged } in injected {
                // The verdict does not need the number of the segment.
                let has_room = setup.agenda.push((at, Scheduled::Forge { number: 0, after, forged })).is_ok();
                if !has_room || setup.scheduled() > MAX_SCHEDULED {
                    let what = "a run takes at most 8 calls and events, including those of the exercise";
                    return Ok(Verdict::Invalid(what.into()));
                }
            }
            let see = &mut |snapshot: &Snapshot, lab: &HostLab<'_>| {
                expectations.see(snapshot, lab.wire.last_received());
            };
            Run::new(&setup).record(None, see).map_err(|why| not_started(&why))?;
            if expectations.result().is_ok() { Verdict::Right } else { Verdict::Wrong }
        }
    })
}

/// Uses the reader's manual changes as the answer to question `index`, and marks this answer. Returns `None` if the
/// question does not ask the reader to make something happen.
///
/// # Errors
/// Fails if the run cannot start.
pub fn verdict_by_hand(
    experiment: &Experiment,
    key: &Key<'_>,
    index: usize,
    by_hand: &[ByHand],
) -> Result<Option<Verdict>, FileError> {
    let Some(mut expectations) = key.expectations(index) else { return Ok(None) };
    let parts = experiment.parts();
    let setup = parts.setup()?;
    let run = Run { by_hand: by_hand.to_vec(), ..Run::new(&setup) };
    let ended = run.record(None, &mut |snapshot, lab| expectations.see(snapshot, lab.wire.last_received()));
    ended.map_err(|why| not_started(&why))?;
    Ok(Some(if expectations.result().is_ok() { Verdict::Right } else { Verdict::Wrong }))
}

/// Converts the error from a run that could not start.
fn not_started(why: &StartError) -> FileError {
    FileError { line: 1, column: 1, message: format!("{why}") }
}
