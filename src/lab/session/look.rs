//! The commands that only look at a run or at the experiment: `why`, `until`, `table`, `hint`, `mark` and `terms`.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use serde_json::{Map, Value, json};

use super::experiment::Opened;
use super::request::{Problem, Request, clip};
use crate::lab::file::{Answer, Question, duration};
use crate::lab::lang::Lang;
use crate::lab::messages::in_lang;
use crate::lab::run::marks::{self, Verdict};
use crate::lab::run::{Goal, Run, Stepped};
use crate::lab::show;
use crate::lab::terms::TERMS;

/// Explains an entry. The answer has no members if the entry needs no explanation.
pub(super) fn why(opened: &mut Opened, request: &Request) -> Result<Value, Problem> {
    let (run, lang) = (opened.run_name(request)?, opened.lang);
    let index = request.number("entry")?;
    let entries = &opened.recording(run)?.entries;
    let Some(recorded) = entries.get(index as usize) else {
        return Err(Problem::new(format!("there is no entry {index}: the run has {}", entries.len())));
    };
    let mut answer = Map::new();
    if let Some(explanation) = show::explain(&recorded.snapshot) {
        // The sentence that says how an RFC differs from this stack is a member of its own.
        let (text, differs) = explanation.text_and_difference(lang);
        let mut text = String::from(text);
        // If the congestion window was reduced, add a sentence with the numbers. Writing to a string cannot fail.
        let _ = explanation.write_reduction(&mut text, lang);
        answer.insert("text".into(), text.into());
        if let Some(differs) = differs {
            answer.insert("differs".into(), differs.into());
        }
        if !explanation.rfc.is_empty() {
            answer.insert("rfc".into(), explanation.rfc.into());
            answer.insert("url".into(), url(explanation.rfc).into());
        }
    }
    Ok(answer.into())
}

/// Returns the URL of a section of an RFC. `rfc` has the form `RFC 9293 section 3.5`.
fn url(rfc: &str) -> String {
    let (document, section) = rfc.split_once(" section ").map_or((rfc, None), |(rfc, section)| (rfc, Some(section)));
    let number = document.trim_start_matches("RFC ");
    let anchor = section.map_or(String::new(), |section| format!("#section-{section}"));
    format!("https://www.rfc-editor.org/rfc/rfc{number}{anchor}")
}

/// Finds the first step after the given step in which an event happens. The answer has no members if there is no such
/// step.
pub(super) fn until(opened: &mut Opened, request: &Request) -> Result<Value, Problem> {
    let (run, step, word) = (opened.run_name(request)?, request.number("step")?, request.text("goal")?);
    let goal = Goal::parse(word, duration).map_err(|_| {
        Problem::new(format!(
            "'{}' should be a state, as in ESTABLISHED or client=ESTABLISHED; a frame, as in syn, data or packet; or loss, \
             state, time=2s or step=40",
            clip(word)
        ))
    })?;
    let last = opened.last_step(run);
    let reached = opened.with_lab(opened.by_hand(run), step, |lab, run| {
        let run = Run { until: Some(goal), ..run.clone() };
        Ok(loop {
            match run.step(lab, &mut |_, _| {}) {
                Stepped::There => break Some(lab.steps()),
                Stepped::On => {}
                Stepped::End | Stepped::Limit => break None,
            }
        })
    })?;
    // A recording has a memory limit, so it can be shorter than this run. A step after its end does not count.
    Ok(reached.filter(|reached| *reached <= last).map_or(json!({}), |reached| json!({ "step": reached })))
}

/// Shows the whole state of both sides after a step.
pub(super) fn table(opened: &mut Opened, request: &Request) -> Result<Value, Problem> {
    let (run, step, lang) = (opened.run_name(request)?, request.number("step")?, opened.lang);
    opened.with_lab(opened.by_hand(run), step, |lab, _| Ok(json!({ "text": show::table(lab, lang).join("\n") })))
}

/// Carries out `hint`: returns the hint that a question offers.
pub(super) fn hint(opened: &mut Opened, request: &Request) -> Result<Value, Problem> {
    let (_, question) = question(opened, request)?;
    let none = || Problem::new(opened.lang.pick("there is no hint", "没有提示"));
    let hint = question.hint.as_deref().ok_or_else(none)?;
    Ok(json!({ "text": opened.own_text(hint) }))
}

/// Marks an answer, or the manual changes in a run if the command contains no answer.
pub(super) fn mark(opened: &mut Opened, request: &Request) -> Result<Value, Problem> {
    let (index, question) = question(opened, request)?;
    let (lang, experiment) = (opened.lang, &opened.experiment);
    // The caller does not know the text with the settings, so errors have no position.
    let in_file = |error| Problem::from(error).without_position();
    let key = marks::key(experiment).map_err(in_file)?;
    let verdict = match request.optional_text("answer")? {
        Some(answer) => marks::verdict(experiment, &key, index, answer).map_err(in_file)?,
        // Manual changes answer only a question that asks the reader to make something happen.
        None if !matches!(question.answer, Answer::Make(_)) => Verdict::Missing,
        None => {
            let by_hand = opened.by_hand(opened.run_name(request)?);
            if by_hand.is_empty() {
                Verdict::Invalid(
                    lang.pick(
                        "nothing was done by hand in this run: drop a frame first",
                        "这次运行还没有任何改动：请先丢弃一个帧",
                    )
                    .into(),
                )
            } else {
                marks::verdict_by_hand(experiment, &key, index, by_hand).map_err(in_file)?.unwrap_or(Verdict::Missing)
            }
        }
    };
    let (name, message) = match verdict {
        Verdict::Invalid(why) => ("invalid", in_lang(&why, lang)),
        Verdict::Missing => ("invalid", lang.pick("the answer is missing", "没有答案").into()),
        Verdict::Right => ("right", lang.pick("right", "正确").into()),
        Verdict::Wrong => ("wrong", lang.pick("wrong: try again", "错误：请再试一次").into()),
    };
    let points = if name == "right" { question.points } else { 0 };
    Ok(json!({ "verdict": name, "message": message, "points": points, "of": question.points }))
}

/// Returns the question that a command is about, preceded by its index.
fn question<'o>(opened: &'o Opened, request: &Request) -> Result<(usize, &'o Question), Problem> {
    let number = request.number("question")?;
    let questions = &opened.experiment.questions;
    let index = (number as usize).checked_sub(1);
    index
        .and_then(|index| Some((index, questions.get(index)?)))
        .ok_or_else(|| Problem::new(format!("there is no question {number}: the experiment has {}", questions.len())))
}

/// Returns the glossary.
pub(super) fn terms(lang: Lang) -> Value {
    let term = |term: &crate::lab::terms::Term| json!({ "name": term.name(lang), "text": term.text(lang), "rfc": term.rfc, "url": url(term.rfc) });
    json!({ "terms": TERMS.iter().map(term).collect::<Vec<_>>() })
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use super::*;

    #[test]
    fn a_section_has_an_address() {
        assert_eq!(url("RFC 9293 section 3.5"), "https://www.rfc-editor.org/rfc/rfc9293#section-3.5");
        assert_eq!(url("RFC 826"), "https://www.rfc-editor.org/rfc/rfc826");
    }
}
