//! Shows a run: as a ladder, a table, pictures, JSON or a capture, with explanations.

mod capture;
mod diagram;
mod entry;
mod explain;
pub(crate) mod json;
mod ladder;
mod states;
pub(crate) mod svg;
mod text;

pub use capture::LabCapture;
pub use diagram::write_states_svg;
pub use entry::{Entry, Ring, What};
pub use explain::{Explanation, explain, transition};
pub use json::write_json;
pub use ladder::Ladder;
pub use states::{OTHERS, Other, STEPS, Taken, Visited};
pub use svg::{SVG_ROWS, write_ladder_svg};
