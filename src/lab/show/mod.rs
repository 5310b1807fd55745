//! Shows a run: as a ladder, a table, pictures, JSON or a capture, with explanations.

mod capture;
mod diagram;
mod entry;
mod explain;
mod json;
mod ladder;
mod states;
pub(crate) mod svg;
mod text;

pub use capture::LabCapture;
pub use diagram::write_states_svg;
pub use entry::{Entry, Ring, What};
pub use explain::{Explanation, explain};
pub use json::write_json;
pub use ladder::Ladder;
pub use states::Visited;
#[doc(hidden)]
pub use svg::SVG_ROWS;
pub use svg::write_ladder_svg;
