//! The pictures of a run: the ladder, on one or more pages, graphs, and the state diagram.

use std::path::{Path, PathBuf};

use super::args::{GraphFile, LabArgs};
use super::output_file::{Text, is_stdout};
use crate::cli::error::Failure;
use crate::lab::Snapshot;
use crate::lab::lang::Lang;
use crate::lab::run::HostLab;
use crate::lab::show::{Extras, Graph, Part, PictureRows, Visited, write_states_svg};

/// Returns the part of a run that `--from` and `--to` select.
pub fn part(args: &LabArgs) -> Part {
    Part::new(args.from.map(Into::into), args.to.map(Into::into))
}

/// The SVG file of the ladder and the entries to draw.
pub struct Svg {
    file: Text,
    path: PathBuf,
    lang: Lang,
    rows: PictureRows,
}

impl Svg {
    /// Empties the file, and begins a picture of the part of the run that the command line selects.
    ///
    /// # Errors
    /// Fails if the file cannot be written.
    pub fn create(path: &Path, args: &LabArgs) -> Result<Self, Failure> {
        let rows = PictureRows::new(part(args), Extras { background: !args.frames, ..Extras::default() });
        Ok(Svg { file: Text::create(path)?, path: path.into(), lang: args.lang(), rows })
    }

    /// Adds an entry to the picture, if it is one of the entries that the picture shows.
    pub fn take(&mut self, snapshot: &Snapshot) {
        self.rows.take(snapshot);
    }

    /// Draws the picture. Pages after the first are in files of their own: `NAME-2.svg` and so on.
    ///
    /// # Errors
    /// Fails if a file cannot be written.
    pub fn finish(self) -> Result<(), Failure> {
        let Svg { mut file, path, lang, rows } = self;
        let picture = rows.picture(lang);
        // In the following, `Text` keeps a write error until `finish`.
        if is_stdout(&path) {
            // Standard output gets all pages as one drawing.
            let _ = picture.write_all(&mut file);
            return file.finish();
        }
        let _ = picture.write(&mut file, 0);
        file.finish()?;
        // Pages count from 0, and the names of their files count from 1.
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
    /// Empties the file, and begins a graph of the part of the run that the command line selects.
    ///
    /// # Errors
    /// Fails if the file cannot be written.
    pub fn create(asked: &GraphFile, args: &LabArgs) -> Result<Self, Failure> {
        Ok(GraphOutput {
            file: Text::create(&asked.path)?,
            part: part(args),
            graph: Graph::new(asked.kind, args.lang()),
        })
    }

    /// Adds an entry to the graph, if the entry is in the selected part of the run.
    pub fn take(&mut self, snapshot: &Snapshot) {
        if self.part.contains(&snapshot.entry) {
            self.graph.note(snapshot);
        }
    }

    /// Adds the state of each connection after an entry, such as its congestion window.
    pub fn take_control(&mut self, snapshot: &Snapshot, lab: &HostLab<'_>) {
        if self.part.contains(&snapshot.entry) {
            self.graph.note_controls(snapshot, lab);
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
    /// Empties the file, and begins a diagram without visited transitions.
    ///
    /// # Errors
    /// Fails if the file cannot be written.
    pub fn create(path: &Path, args: &LabArgs) -> Result<Self, Failure> {
        Ok(States { file: Text::create(path)?, visited: Visited::default(), lang: args.lang() })
    }

    /// Records the change of state that an entry reports, if any.
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
