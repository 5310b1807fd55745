//! Selects the entries that a picture of a run shows.

use alloc::vec::Vec;

use smoltcp::time::Duration;

use super::PICTURE_ROWS;
use crate::lab::lang::Lang;
use crate::lab::show::{Entry, Ladder, Picture, What};
use crate::lab::{IN_FLIGHT, START, Snapshot};
use crate::stack::Event;

/// The part of a run that pictures show.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    from: Duration,
    to: Duration,
}

impl Part {
    /// Returns the part between two times since the start of the run. If a time is `None`, the part has no limit on
    /// that side.
    pub fn new(from: Option<Duration>, to: Option<Duration>) -> Self {
        Part { from: from.unwrap_or(Duration::ZERO), to: to.unwrap_or(Duration::from_micros(u64::MAX)) }
    }

    /// Returns whether an entry is in this part.
    pub fn contains(&self, entry: &Entry) -> bool {
        let at = entry.at - START;
        self.from <= at && at <= self.to
    }

    /// Returns whether an entry is before this part.
    fn is_before(&self, entry: &Entry) -> bool {
        entry.at - START < self.from
    }
}

/// What a picture shows besides frames, state changes and the work of programs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Extras {
    /// Frames that find hardware addresses.
    pub background: bool,
    /// Steps in which only the clock advances.
    pub clock: bool,
    /// The TCP options of a segment.
    pub options: bool,
    /// Sequence numbers as they are in the frame, and not relative to the initial ones.
    pub raw: bool,
}

/// The ladder that selects the entries to draw. The ladder's width and colour do not affect the selection.
const LADDER: Ladder = Ladder { width: Ladder::WIDEST, ascii: false, color: false, lang: Lang::En };

/// The entries to draw.
pub struct PictureRows {
    part: Part,
    extras: Extras,
    /// The frames that are already in flight when the drawn part of the run begins.
    early: Vec<Snapshot>,
    rows: Vec<Snapshot>,
    /// Whether there was no room for a row.
    is_cut: bool,
}

impl PictureRows {
    /// Makes an empty list for a part of a run.
    pub fn new(part: Part, extras: Extras) -> Self {
        PictureRows { part, extras, early: Vec::new(), rows: Vec::new(), is_cut: false }
    }

    /// Keeps an entry if the picture shows it. If there is no room for the entry, the picture is cut there.
    pub fn take(&mut self, snapshot: &Snapshot) {
        let what = &snapshot.entry.what;
        // The ladder has no line for these entries, but the picture shows the new state.
        let is_state = matches!(what, What::Stack(Event::State { .. } | Event::Connecting { .. }));
        let Extras { background, clock, raw, .. } = self.extras;
        let is_hidden = if matches!(what, What::Clock) { !clock } else { !background && what.is_background() };
        if is_hidden || !(is_state || LADDER.row(snapshot).is_some()) {
            return;
        }
        // Without initial sequence numbers, labels contain the numbers of the frame.
        let kept = if raw { Snapshot { isn: [None; 2], ..*snapshot } } else { *snapshot };
        match what {
            // Before the part begins, a frame is kept only while it is in flight.
            What::Sent { .. } if self.part.is_before(&snapshot.entry) => self.early.push(kept),
            What::Arrived { frame, .. } if self.part.is_before(&snapshot.entry) => {
                let is_other = |s: &Snapshot| !matches!(s.entry.what, What::Sent { frame: sent, .. } if sent == *frame);
                self.early.retain(is_other);
            }
            _ if !self.part.contains(&snapshot.entry) => {}
            _ if self.rows.len() < PICTURE_ROWS => self.rows.push(kept),
            _ => self.is_cut = true,
        }
        // Frames that never arrive would stay in the list, so drop the oldest frame.
        if self.early.len() > IN_FLIGHT {
            self.early.remove(0);
        }
    }

    /// Returns the picture, with words in a language.
    pub fn picture(self, lang: Lang) -> Picture {
        let PictureRows { part, extras, early, rows, is_cut } = self;
        Picture::with_options(&[early, rows].concat(), part.from, is_cut, lang, extras.options)
    }
}
