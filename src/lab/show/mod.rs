//! Shows a run as a ladder diagram, a table, a picture, JSON or a capture, with explanations.

mod capture;
mod diagram;
mod entry;
mod explain;
mod json;
mod ladder;
mod states;
pub(crate) mod svg;
mod text;

#[doc(hidden)]
pub use capture::LabCapture;
#[doc(hidden)]
pub use diagram::write_states_svg;
pub use entry::{Entry, Ring, Transfer, What};
#[doc(hidden)]
pub use explain::{Explanation, explain};
#[doc(hidden)]
pub use json::write_json;
#[cfg(feature = "recovery")]
#[doc(hidden)]
pub use json::write_json_with;
pub use ladder::Ladder;
#[doc(hidden)]
pub use states::Visited;
#[doc(hidden)]
pub use svg::SVG_ROWS;
#[doc(hidden)]
pub use svg::write_ladder_svg;
#[cfg(feature = "cli")]
pub(crate) use text::Span;
