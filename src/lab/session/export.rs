//! The command `export`: a file that makes the same run, with the manual changes as faults and forged segments.

use alloc::borrow::ToOwned;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use serde_json::{Value, json};

use super::experiment::Opened;
use super::request::{Problem, Request};
use crate::lab::file::Experiment;
use crate::lab::run::{ByHand, Change, HostLab, Run};
use crate::lab::show::What;
use crate::lab::{Fault, Kind, Progress, START, Verdict};
use crate::trace::Summary;

/// The kinds of frames, the rarest first. A frame that fits several kinds is named by the first of them.
const KINDS: [Kind; 8] = [Kind::SynAck, Kind::Syn, Kind::Rst, Kind::Fin, Kind::Data, Kind::Udp, Kind::Ack, Kind::Any];

/// Carries out `export`: returns the text of a file that makes the same run.
pub(super) fn export(opened: &mut Opened, request: &Request) -> Result<Value, Problem> {
    let run = opened.run_name(request)?;
    let by_hand = opened.by_hand(run);
    if by_hand.is_empty() {
        return Ok(json!({ "lab": opened.text }));
    }
    let new_lines = opened.with_run(by_hand, |run| Lines::of(run))?;
    let mut lines: Vec<String> = opened.text.lines().map(ToOwned::to_owned).collect();
    // Only the first fault that applies to a frame has an effect, so the manual changes come before the file's faults.
    let is_fault = |line: &String| line.split_whitespace().next() == Some("fault");
    let index = lines.iter().position(is_fault).unwrap_or(lines.len());
    lines.splice(index..index, new_lines);
    // The last line must end with a newline too.
    lines.push(String::new());
    let text = lines.join("\n");
    Experiment::parse(&text, None).map_err(|error| {
        let line = text.lines().nth(error.line.saturating_sub(1)).unwrap_or_default();
        Problem::new(format!("no file can make this run: '{line}': {}", error.message))
    })?;
    Ok(json!({ "lab": text }))
}

/// Finds the lines for the manual changes while the run is repeated.
struct Lines<'r> {
    by_hand: &'r [ByHand],
    /// For each host, the number of frames of each kind so far.
    counts: [[u32; KINDS.len()]; 2],
    /// The fault of each frame that was changed, by the frame's number.
    faults: BTreeMap<u32, Fault>,
    /// If one of the changes cannot be written as a line of the file, the reason why.
    problem: Option<Problem>,
}

impl<'r> Lines<'r> {
    /// Returns the lines with which a file makes the same changes as the user made by hand in `run`.
    fn of(run: &'r Run<'_>) -> Result<Vec<String>, Problem> {
        let mut found =
            Lines { by_hand: &run.by_hand, counts: Default::default(), faults: BTreeMap::new(), problem: None };
        let mut injected = Vec::new();
        if run.by_hand.iter().any(|made| made.after == 0 && matches!(made.what, Change::Segment(..))) {
            let why = "a segment was put on the wire before the first step, and a file cannot do so";
            found.problem = Some(Problem::new(why));
        }
        run.with_lab(|lab| {
            // Repeat the run as `Run::step` does: a step, then the manual changes after this step.
            loop {
                let progress = lab.step();
                found.take_entries(lab);
                found.list_injected(lab, &mut injected);
                run.intervene(lab);
                found.take_entries(lab);
                let is_over = lab.steps() >= run.setup.steps || lab.elapsed() > run.setup.limit;
                if progress == Progress::End || is_over {
                    break;
                }
            }
        })?;
        match found.problem {
            Some(problem) => Err(problem),
            None => Ok(found.faults.values().map(|fault| format!("fault {fault}")).chain(injected).collect()),
        }
    }

    /// Adds the lines for the segments that are put on the wire after the current step.
    fn list_injected(&self, lab: &HostLab<'_>, lines: &mut Vec<String>) {
        for made in self.by_hand.iter().filter(|made| made.after == lab.steps()) {
            if let Change::Segment(to, _, text) = &made.what {
                let from = if *to == 0 { "server" } else { "client" };
                // The step matters, because other work of the same microsecond might have come before the segment.
                let (micros, step) = ((lab.now() - START).total_micros(), made.after);
                lines.push(format!("at {micros}us step {step} inject {from} {text}"));
            }
        }
    }

    /// Takes the entries of a step. Counts the sent frames, and finds the faults for those that are changed manually.
    fn take_entries(&mut self, lab: &mut HostLab<'_>) {
        while let Some(entry) = lab.entries.pop() {
            if let What::Sent { frame, summary, verdict, .. } = entry.what {
                let kind = self.count(entry.host, &summary);
                let mut faults = self.by_hand.iter().filter_map(|made| made.fault_of(frame)).peekable();
                if faults.peek().is_none() {
                    continue;
                }
                // The file's own fault comes first, then the manual changes of this frame.
                let joined = faults.try_fold(verdict, combine);
                match (kind, joined) {
                    (Some((kind, nth)), Some(verdict)) => {
                        let fault = Fault { verdict, sender: entry.host, kind, nth: Some(nth) };
                        self.faults.insert(frame, fault);
                    }
                    (None, _) => {
                        let why = "no fault of a file can name it: it is not an IP packet, or no host has sent it";
                        self.problem = Some(Problem::new(format!("frame {frame} was changed by hand, but {why}")));
                    }
                    (_, None) => {
                        let why = "no single fault of a file does the same: change it only once";
                        self.problem = Some(Problem::new(format!("frame {frame} was changed several times: {why}")));
                    }
                }
            }
        }
    }

    /// Counts a frame of host `host` for each kind that it fits. Returns the rarest of these kinds, and the frame's
    /// number among the host's frames of that kind. Returns `None` for a frame that fits no kind, or that no host has
    /// sent.
    fn count(&mut self, host: usize, summary: &Summary) -> Option<(Kind, u32)> {
        let counts = self.counts.get_mut(host)?;
        let mut found = None;
        // `KINDS` begins with the rarest kind, so the first kind that matches is the rarest.
        for (kind, count) in KINDS.into_iter().zip(counts).filter(|(kind, _)| kind.matches(summary)) {
            *count += 1;
            found = found.or(Some((kind, *count)));
        }
        found
    }
}

/// Returns the single fault that has the same effect as `first` and then `second`, if there is one.
fn combine(first: Verdict, second: Verdict) -> Option<Verdict> {
    match (first, second) {
        (Verdict::Deliver, second) => Some(second),
        (_, Verdict::Drop) => Some(Verdict::Drop),
        (Verdict::Delay(first), Verdict::Delay(second)) => Some(Verdict::Delay(first + second)),
        // A frame that is damaged already is not changed again.
        (Verdict::Corrupt, Verdict::Corrupt) => Some(Verdict::Corrupt),
        _ => None,
    }
}
