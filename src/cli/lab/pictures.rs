//! The pictures of a run: the ladder, on one or more pages, graphs, and the state diagram.

use std::path::{Path, PathBuf};

use smoltcp::time::Duration;

use super::args::{GraphFile, LabArgs};
use super::output_file::{Text, is_stdout};
use crate::cli::error::Failure;
use crate::lab::lang::Lang;
use crate::lab::run::HostLab;
use crate::lab::show::{Entry, Graph, Ladder, PICTURE_ROWS, Picture, Visited, What, write_states_svg};
use crate::lab::{START, Snapshot};
use crate::stack::Event;

/// The part of a run that pictures show.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    from: Duration,
    to: Duration,
}

impl Part {
    /// Returns the part that the command line gives.
    pub fn of(args: &LabArgs) -> Self {
        let longest = Duration::from_micros(u64::MAX);
        Part { from: args.from.map_or(Duration::ZERO, Into::into), to: args.to.map_or(longest, Into::into) }
    }

    /// Returns whether the part has begun, and has not ended.
    pub fn contains(&self, entry: &Entry) -> bool {
        let at = entry.at - START;
        self.from <= at && at <= self.to
    }

    fn is_before(&self, entry: &Entry) -> bool {
        entry.at - START < self.from
    }
}

/// The ladder that selects the entries to draw. The ladder's width and colour do not affect the selection.
const LADDER: Ladder = Ladder { width: Ladder::WIDEST, ascii: false, color: false, lang: Lang::En };

/// The SVG file of the ladder, and the entries to draw.
pub struct Svg {
    file: Text,
    path: PathBuf,
    part: Part,
    /// Whether to leave out frames that find hardware addresses.
    frames: bool,
    lang: Lang,
    /// The frames in flight at the start of the part.
    early: Vec<Snapshot>,
    rows: Vec<Snapshot>,
    is_cut: bool,
}

impl Svg {
    /// Empties the file.
    ///
    /// # Errors
    /// Fails if the file cannot be written.
    pub fn create(path: &Path, args: &LabArgs) -> Result<Self, Failure> {
        Ok(Svg {
            file: Text::create(path)?,
            path: path.into(),
            part: Part::of(args),
            frames: args.frames,
            lang: args.lang(),
            early: Vec::new(),
            rows: Vec::new(),
            is_cut: false,
        })
    }

    /// Processes an entry.
    pub fn take(&mut self, snapshot: &Snapshot) {
        let what = &snapshot.entry.what;
        let is_state = matches!(what, What::Stack(Event::State { .. } | Event::Connecting { .. }));
        let is_hidden = matches!(what, What::Clock) || (self.frames && what.is_background());
        if is_hidden || !(is_state || LADDER.row(snapshot).is_some()) {
            return;
        }
        match what {
            What::Sent { .. } if self.part.is_before(&snapshot.entry) => self.early.push(*snapshot),
            What::Arrived { frame, .. } if self.part.is_before(&snapshot.entry) => {
                let is_other = |s: &Snapshot| !matches!(s.entry.what, What::Sent { frame: sent, .. } if sent == *frame);
                self.early.retain(is_other);
            }
            _ if !self.part.contains(&snapshot.entry) => {}
            _ if self.rows.len() < PICTURE_ROWS => self.rows.push(*snapshot),
            _ => self.is_cut = true,
        }
        // Frames that never arrive would stay.
        if self.early.len() > crate::lab::IN_FLIGHT {
            self.early.remove(0);
        }
    }

    /// Draws the picture. Pages after the first are in files of their own: `NAME-2.svg` and so on.
    ///
    /// # Errors
    /// Fails if a file cannot be written.
    pub fn finish(self) -> Result<(), Failure> {
        let Svg { mut file, path, part, lang, early, rows, is_cut, .. } = self;
        let rows = [early, rows].concat();
        let picture = Picture::new(&rows, part.from, is_cut, lang);
        // `Text` keeps a write error until `finish`.
        if is_stdout(&path) {
            let _ = picture.write_all(&mut file);
            return file.finish();
        }
        let _ = picture.write(&mut file, 0);
        file.finish()?;
        for page in 1..picture.pages() {
            let mut file = Text::create(&numbered(&path, page + 1))?;
            let _ = picture.write(&mut file, page);
            file.finish()?;
        }
        Ok(())
    }
}

/// The SVG file of a graph.
pub struct GraphOutput {
    file: Text,
    part: Part,
    graph: Graph,
}

impl GraphOutput {
    /// Empties the file.
    ///
    /// # Errors
    /// Fails if the file cannot be written.
    pub fn create(asked: &GraphFile, args: &LabArgs) -> Result<Self, Failure> {
        Ok(GraphOutput {
            file: Text::create(&asked.path)?,
            part: Part::of(args),
            graph: Graph::new(asked.kind, args.lang()),
        })
    }

    /// Processes an entry.
    pub fn take(&mut self, snapshot: &Snapshot) {
        if self.part.contains(&snapshot.entry) {
            self.graph.note(snapshot);
        }
    }

    /// Processes what the ends of all connections keep after an entry.
    pub fn take_control(&mut self, snapshot: &Snapshot, lab: &HostLab<'_>) {
        if self.graph.needs_control() && self.part.contains(&snapshot.entry) {
            for (tuple, control) in [0, 1].into_iter().flat_map(|host| lab.control(host)) {
                self.graph.note_control(snapshot.entry.at, &tuple, &control);
            }
        }
    }

    /// Draws the graph.
    ///
    /// # Errors
    /// Fails if the file cannot be written.
    pub fn finish(mut self) -> Result<(), Failure> {
        // `Text` keeps a write error until `finish`.
        let _ = self.graph.write(&mut self.file);
        self.file.finish()
    }
}

/// The SVG file of the state diagram, and the transitions that the run has visited.
pub struct States {
    file: Text,
    visited: Visited,
    lang: Lang,
}

impl States {
    /// Empties the file.
    ///
    /// # Errors
    /// Fails if the file cannot be written.
    pub fn create(path: &Path, args: &LabArgs) -> Result<Self, Failure> {
        Ok(States { file: Text::create(path)?, visited: Visited::default(), lang: args.lang() })
    }

    /// Processes an entry.
    pub fn take(&mut self, snapshot: &Snapshot) {
        self.visited.note(snapshot);
    }

    /// Draws the diagram.
    ///
    /// # Errors
    /// Fails if the file cannot be written.
    pub fn finish(mut self) -> Result<(), Failure> {
        // `Text` keeps a write error until `finish`.
        let _ = write_states_svg(&mut self.file, &self.visited, self.lang);
        self.file.finish()
    }
}

/// Returns the name of a page's file, as in `NAME-2.svg`.
fn numbered(path: &Path, page: usize) -> PathBuf {
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(format!("-{page}."));
    name.push(path.extension().unwrap_or_default());
    path.with_file_name(name)
}
