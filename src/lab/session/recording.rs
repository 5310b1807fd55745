//! A recorded run: its entries, the changes of both sides' [`Control`], and its result.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::mem::size_of;

use serde_json::{Value, json};

use super::entries::{Entries, Recorded};
use super::request::Problem;
use crate::lab::file::Experiment;
use crate::lab::run::{ControlChanges, Run, Stepped};
use crate::stack::Control;

/// The maximum number of steps in a run.
pub(super) const MOST_STEPS: u32 = 200_000;

/// The maximum number of entries in a run.
const MOST_ENTRIES: usize = 400_000;

/// The maximum number of bytes that the entries of a run take, unless the session has less memory.
pub(super) const MOST_BYTES: usize = 128 << 20;

/// A recorded run.
pub(super) struct Recording {
    pub(super) entries: Entries,
    /// The number of bytes that the entries take.
    pub(super) bytes: usize,
}

/// The results of a run, which are kept even if the entries are dropped.
pub(super) struct Summary {
    pub(super) steps: u32,
    entries: usize,
    micros: u64,
    is_over: bool,
    failed: Vec<String>,
    /// The lines of the faults that matched no frame, and of the forged segments that were not sent.
    unmet: Vec<usize>,
    printed: [String; 2],
    /// The line, the text and the result of each expectation.
    expectations: Vec<(usize, String, bool)>,
    /// The number of connections that the entries belong to, or 1 if there is none.
    lanes: u32,
}

impl Recording {
    /// Records a run of an experiment, and summarises it. The entries take at most `most_bytes` bytes.
    pub(super) fn of(run: &Run<'_>, experiment: &Experiment, most_bytes: usize) -> Result<(Self, Summary), Problem> {
        Self::record_limited(run, experiment, MOST_ENTRIES, most_bytes)
    }

    /// Records and summarises a run. Stops after the step in which it reaches `most` entries or `most_bytes` bytes.
    fn record_limited(
        run: &Run<'_>,
        experiment: &Experiment,
        most: usize,
        most_bytes: usize,
    ) -> Result<(Self, Summary), Problem> {
        let mut expectations = experiment.expectations(run.setup.line.latency);
        let (mut entries, mut bytes, mut lanes) = (Entries::default(), 0, 1);
        let mut changes = ControlChanges::default();
        let ended = run.record_while(None, &mut |snapshot, lab| {
            expectations.see(snapshot, lab.wire.last_received());
            let mut snapshot = *snapshot;
            // An entry without a connection gets the lane of the most recent connection.
            let lane = lab.lane_of(&snapshot);
            snapshot.lane.number = Some(lane);
            let changed = changes.after(&snapshot, lab).map(|control| control.map(Box::new));
            bytes += size_of::<Recorded>() + changed.iter().flatten().count() * size_of::<Control>();
            lanes = lanes.max(lane + 1);
            entries.push(Recorded { snapshot, holds: changed });
            // The run continues until it reaches one of the limits.
            entries.len() < most && bytes < most_bytes
        })?;
        let summary = Summary {
            steps: ended.steps,
            entries: entries.len(),
            micros: ended.time.total_micros(),
            is_over: ended.last == Stepped::End,
            unmet: ended
                .unmet
                .into_iter()
                .filter_map(|index| experiment.fault_line(index))
                .chain(ended.unforged)
                .collect(),
            failed: ended.failed.into_iter().map(|failed| failed.why).collect(),
            printed: ended.printed.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
            expectations: expectations.verdicts().map(|(line, text, holds)| (line, text.into(), holds)).collect(),
            lanes,
        };
        Ok((Recording { entries, bytes }, summary))
    }
}

impl Summary {
    /// Returns the members of the JSON object that describes a run.
    pub(super) fn json(&self) -> Value {
        let expectations = self.expectations.iter();
        let expectations: Vec<_> =
            expectations.map(|(line, text, holds)| json!({ "line": line, "text": text, "holds": holds })).collect();
        json!({
            "steps": self.steps,
            "entries": self.entries,
            "time_us": self.micros,
            "end": if self.is_over { "over" } else { "limit" },
            "failed": self.failed,
            "unmet": self.unmet,
            "printed": self.printed,
            "expectations": expectations,
            "lanes": self.lanes,
        })
    }
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use super::*;

    #[test]
    fn a_recording_is_bounded() {
        let experiment = crate::lab::scenarios::find("slow-start").unwrap().experiment();
        let parts = experiment.parts();
        let setup = parts.setup().unwrap();
        let record = |most, bytes| Recording::record_limited(&Run::new(&setup), &experiment, most, bytes).unwrap();
        let (all, summary) = record(MOST_ENTRIES, MOST_BYTES);
        assert!(summary.is_over && all.entries.len() == summary.entries && all.bytes < 1 << 20, "{}", all.bytes);
        for (most, bytes) in [(20, MOST_BYTES), (MOST_ENTRIES, all.bytes / 4)] {
            let (part, summary) = record(most, bytes);
            // A recording stops after the step that reaches its limit, so it can exceed the limit a little.
            assert!(!summary.is_over && summary.steps > 0 && part.entries.len() < all.entries.len() / 2);
            let same = part.entries.iter().zip(all.entries.iter()).all(|(one, other)| one.snapshot == other.snapshot);
            assert!(same && part.bytes <= all.bytes / 3);
        }
        // With all its entries, the longest run takes as much memory as the limit allows.
        assert!(size_of::<Recorded>() <= 320, "{}", size_of::<Recorded>());
    }
}
