//! The experiment of a session, and its runs.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::{Value, json};

use super::recording::{MOST_STEPS, Recording, Summary};
use super::request::{Problem, Request, clip};
use super::settings;
use super::source::Source;
use crate::lab::Setup;
use crate::lab::file::{Experiment, Key, Parts, Question};
use crate::lab::lang::Lang;
use crate::lab::run::{ByHand, HostLab, MAX_BY_HAND, Run, Stepped};

/// The maximum number of runs: one for each letter.
const MOST_RUNS: usize = 26;

/// An experiment, and its runs.
pub(super) struct Opened {
    pub(super) lang: Lang,
    name: String,
    pub(super) text: String,
    pub(super) experiment: Experiment,
    /// The runs by name. Run `a` always exists.
    runs: BTreeMap<char, Branch>,
    /// The number of uses of recordings so far.
    uses: u64,
    /// The maximum number of bytes that all recordings take together.
    room: usize,
}

/// A run: its manual changes and its recording.
pub(super) struct Branch {
    /// The run from which this run branches off and the last step that both share.
    from: Option<(char, u32)>,
    pub(super) by_hand: Vec<ByHand>,
    summary: Summary,
    /// The recording, or `None` if its memory was needed for another recording.
    recording: Option<Recording>,
    /// The value of [`Opened::uses`] when the recording was last used.
    used: u64,
}

impl Opened {
    /// Opens the experiment that the command `new` asks for, and records its run. Recordings take at most `room` bytes.
    pub(super) fn new(request: &Request, room: usize) -> Result<Self, Problem> {
        let lang = request.lang()?;
        let Source { name, text } = Source::of(request)?;
        let seed = request.optional_number("seed")?;
        // Parse the text without the settings first, so that errors name a line and column of the text that the caller
        // knows.
        Experiment::parse(&text, seed)?;
        let text = settings::apply(&text, &request.object("settings")?, seed)?;
        // The text now contains the seed.
        let experiment = Experiment::parse(&text, None).map_err(|error| Problem::from(error).without_position())?;
        let mut opened = Opened { lang, name, text, experiment, runs: BTreeMap::new(), uses: 0, room };
        let by_hand = Vec::new();
        let recorded = opened.record(&by_hand)?;
        // Run `a` branches off no other run.
        opened.keep('a', None, by_hand, recorded);
        Ok(opened)
    }

    /// Returns the answer to `new`: a JSON object that describes the experiment and its run `a`.
    pub(super) fn json(&self) -> Result<Value, Problem> {
        let parts = self.experiment.parts();
        let setup = setup(&parts)?;
        let key = Key::new(&self.experiment, setup.line.latency);
        let question = |(index, question): (usize, &Question)| {
            let mut value = json!({
                "number": index + 1,
                "text": self.own_text(&question.text),
                "kind": question.answer.kind(),
                "form": question.answer.form(self.lang),
                "points": question.points,
                "hint": question.hint.is_some(),
            });
            let options: Vec<&str> = key.options(index).into_iter().map(|(_, option)| self.own_text(option)).collect();
            if !options.is_empty() {
                value["options"] = options.into();
            }
            value
        };
        Ok(json!({
            "title": self.own_text(&self.experiment.title),
            "text": self.experiment.text.iter().map(|text| self.own_text(text)).collect::<Vec<_>>(),
            "lab": self.text,
            "name": self.name,
            "seed": self.experiment.seed(),
            "settings": settings::in_force(&setup),
            "questions": self.experiment.questions.iter().enumerate().map(question).collect::<Vec<_>>(),
            "expectations": self.experiment.expects(),
            "run": self.run_json('a'),
        }))
    }

    /// Returns `text`, a string from the experiment's file, in the language of the session.
    pub(super) fn own_text<'t>(&'t self, text: &'t str) -> &'t str {
        self.experiment.in_lang(text, self.lang)
    }

    /// Returns the JSON object that describes run `name`, or `null` if there is no such run.
    pub(super) fn run_json(&self, name: char) -> Value {
        let Some(branch) = self.runs.get(&name) else { return Value::Null };
        let mut value = branch.summary.json();
        value["name"] = name.to_string().into();
        value["by_hand"] = branch.by_hand.iter().map(|by_hand| by_hand.text(self.lang)).collect();
        if let Some((parent, after)) = branch.from {
            value["parent"] = parent.to_string().into();
            value["after"] = after.into();
        }
        value
    }

    /// Returns the answer to `runs`: the JSON objects of all runs.
    pub(super) fn runs_json(&self) -> Value {
        json!({ "runs": self.runs.keys().map(|name| self.run_json(*name)).collect::<Vec<_>>() })
    }

    /// Returns the name of the run that a command is about: `a`, unless the command names another run.
    pub(super) fn run_name(&self, request: &Request) -> Result<char, Problem> {
        let name = request.optional_text("run")?.unwrap_or("a");
        let mut letters = name.chars();
        match (letters.next(), letters.next()) {
            (Some(letter), None) if self.runs.contains_key(&letter) => Ok(letter),
            _ => {
                let names: Vec<String> = self.runs.keys().map(char::to_string).collect();
                Err(Problem::new(format!("there is no run '{}': there are {}", clip(name), names.join(", "))))
            }
        }
    }

    /// Returns the manual changes in a run.
    pub(super) fn by_hand(&self, name: char) -> &[ByHand] {
        self.runs.get(&name).map_or(&[], |branch| &branch.by_hand)
    }

    /// Returns the number of the last step of run `name`.
    pub(super) fn last_step(&self, name: char) -> u32 {
        self.runs.get(&name).map_or(0, |branch| branch.summary.steps)
    }

    /// Calls `act` with a run that makes these manual changes.
    pub(super) fn with_run<T>(
        &self,
        by_hand: &[ByHand],
        act: impl FnOnce(&Run<'_>) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        let parts = self.experiment.parts();
        let setup = setup(&parts)?;
        act(&Run { by_hand: by_hand.to_vec(), ..Run::new(&setup) })
    }

    /// Calls `act` with the lab in its state after step `step` of a run. Fails if the run has no such step.
    pub(super) fn with_lab<T>(
        &self,
        by_hand: &[ByHand],
        step: u32,
        act: impl FnOnce(&mut HostLab<'_>, &Run<'_>) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        self.with_run(by_hand, |run| {
            run.with_lab(|lab| {
                // Repeat the run up to step `step`, or until it ends or reaches a limit.
                while lab.steps() < step && run.step(lab, &mut |_, _| {}) == Stepped::On {}
                if lab.steps() < step {
                    return Err(Problem::new(match self.lang {
                        Lang::En => format!("there is no step {step}: the run has {}", lab.steps()),
                        Lang::Zh => format!("没有第 {step} 步：这次运行共 {} 步", lab.steps()),
                    }));
                }
                act(lab, run)
            })?
        })
    }

    /// Makes a run that repeats run `parent` up to the step of the change `by_hand`, and then makes this change.
    /// Records the new run, and returns its name.
    pub(super) fn branch(&mut self, parent: char, by_hand: ByHand) -> Result<char, Problem> {
        let Some(name) = ('a'..='z').take(MOST_RUNS).find(|name| !self.runs.contains_key(name)) else {
            return Err(Problem::new(match self.lang {
                Lang::En => format!("there can be {MOST_RUNS} runs: remove one of them"),
                Lang::Zh => format!("最多有 {MOST_RUNS} 次运行：请先删除其中一次"),
            }));
        };
        // Later changes of run `parent` are left out, because the new run goes another way after this change.
        let after = by_hand.after;
        let mut all: Vec<ByHand> = self.by_hand(parent).iter().filter(|made| made.after <= after).cloned().collect();
        if all.len() >= MAX_BY_HAND {
            return Err(Problem::new(match self.lang {
                Lang::En => format!("too many changes: a run takes {MAX_BY_HAND}"),
                Lang::Zh => format!("改动太多：一次运行最多 {MAX_BY_HAND} 处"),
            }));
        }
        all.push(by_hand);
        let recorded = self.record(&all)?;
        self.keep(name, Some((parent, after)), all, recorded);
        Ok(name)
    }

    /// Removes a run. Runs that branch off it are kept. Run `a` cannot be removed.
    pub(super) fn remove(&mut self, name: char) -> Result<(), Problem> {
        if name == 'a' {
            return Err(Problem::new(self.lang.pick("run a stays: the others branch off it", "运行 a 不能删除")));
        }
        self.runs.remove(&name);
        Ok(())
    }

    /// Returns the recording of run `name`. If the recording has been dropped to free memory, first repeats the run
    /// with the same manual changes to record it again.
    pub(super) fn recording(&mut self, name: char) -> Result<&Recording, Problem> {
        let is_missing = self.runs.get(&name).is_some_and(|run| run.recording.is_none());
        if is_missing {
            let manual_changes = self.by_hand(name);
            let (recording, _) = self.record(manual_changes)?;
            if let Some(run) = self.runs.get_mut(&name) {
                run.recording = Some(recording);
            }
        }
        self.make_room_for(name);
        let recording = self.runs.get(&name).and_then(|run| run.recording.as_ref());
        recording.ok_or_else(|| Problem::new("the run is gone: open the experiment again"))
    }

    /// Records a run with these manual changes.
    fn record(&self, by_hand: &[ByHand]) -> Result<(Recording, Summary), Problem> {
        self.with_run(by_hand, |run| Recording::of(run, &self.experiment, self.room))
    }

    /// Stores a run and its recording. If all recordings together take too much memory, drops those of other runs.
    /// `from` is the run from which this run branches off, with the last step that both share.
    fn keep(
        &mut self,
        name: char,
        from: Option<(char, u32)>,
        by_hand: Vec<ByHand>,
        (recording, summary): (Recording, Summary),
    ) {
        self.runs.insert(name, Branch { from, by_hand, summary, recording: Some(recording), used: 0 });
        self.make_room_for(name);
    }

    /// Notes that the recording of run `name` is used now. If all recordings together take too much memory, drops the
    /// least recently used ones, but never this one.
    fn make_room_for(&mut self, name: char) {
        self.uses += 1;
        if let Some(run) = self.runs.get_mut(&name) {
            run.used = self.uses;
        }
        let size = |run: &Branch| run.recording.as_ref().map_or(0, |recording| recording.bytes);
        while self.runs.values().map(size).sum::<usize>() > self.room {
            let others = self.runs.iter_mut().filter(|(other, run)| **other != name && run.recording.is_some());
            let Some((_, oldest)) = others.min_by_key(|(_, run)| run.used) else { break };
            oldest.recording = None;
        }
    }
}

/// Returns the set-up of an experiment's run, with at most [`MOST_STEPS`] steps. Fails if nothing would happen in the
/// run.
fn setup<'p>(parts: &'p Parts<'_>) -> Result<Setup<'p>, Problem> {
    let mut setup = parts.setup()?;
    if !setup.starts() {
        return Err(Problem::new(
            "nothing happens in this file: add a program that calls or sends, such as 'client calls 7000'",
        ));
    }
    setup.steps = setup.steps.min(MOST_STEPS);
    Ok(setup)
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use super::super::recording::MOST_BYTES;
    use super::*;
    use crate::lab::Verdict;
    use crate::lab::run::Change;

    /// If there is not enough memory for all recordings, only the recording that was last used is kept, and the others
    /// are made again when they are needed.
    #[test]
    fn recordings_share_a_bounded_memory() {
        let request = Request::parse(r#"{"do":"new","scenario":"handshake"}"#).unwrap();
        let mut opened = Opened::new(&request, MOST_BYTES).unwrap();
        let one = opened.recording('a').unwrap().bytes;
        // Room for two recordings.
        opened.room = 2 * one + one / 2;
        for _ in 0..5 {
            // Every new run, from b to f, makes the same change to run a.
            opened.branch('a', ByHand { after: 9, what: Change::Frame(4, Verdict::Drop) }).unwrap();
            let kept = opened.runs.values().filter_map(|branch| branch.recording.as_ref());
            assert!(kept.map(|recording| recording.bytes).sum::<usize>() <= opened.room);
        }
        assert!(opened.runs[&'a'].recording.is_none() && opened.runs[&'f'].recording.is_some());
        assert_eq!(opened.recording('a').unwrap().bytes, one);
        // Room for one recording.
        opened.room = one + one / 2;
        assert_eq!(opened.recording('f').unwrap().entries.len(), opened.recording('b').unwrap().entries.len());
        assert_eq!(opened.runs.values().filter(|branch| branch.recording.is_some()).count(), 1);
    }
}
