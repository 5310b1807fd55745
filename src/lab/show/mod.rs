//! Shows a run as a ladder diagram, a table, a picture, JSON or a capture, with explanations.

mod capture;
#[cfg(feature = "alloc")]
mod diagram;
mod entry;
mod explain;
#[cfg(all(feature = "alloc", feature = "recovery"))]
mod graph;
mod json;
mod ladder;
#[cfg(feature = "alloc")]
mod picture;
mod states;
#[cfg(feature = "alloc")]
pub(crate) mod svg;
#[cfg(feature = "session")]
mod table;
mod text;
mod words;

#[doc(hidden)]
pub use capture::LabCapture;
#[cfg(feature = "alloc")]
#[doc(hidden)]
pub use diagram::write_states_svg;
pub use entry::{Entry, Ring, Transfer, What};
#[doc(hidden)]
pub use explain::{Explanation, explain};
#[cfg(feature = "session")]
pub(crate) use graph::Plot;
#[cfg(all(feature = "alloc", feature = "recovery"))]
#[doc(hidden)]
pub use graph::{Graph, GraphKind};
#[doc(hidden)]
pub use json::write_json;
#[cfg(feature = "session")]
pub(crate) use json::write_json_and;
#[cfg(feature = "recovery")]
#[doc(hidden)]
pub use json::write_json_with;
pub use ladder::Ladder;
#[cfg(feature = "session")]
pub(crate) use picture::{Extras, Part, PictureRows};
#[cfg(feature = "alloc")]
#[doc(hidden)]
pub use picture::{PICTURE_ROWS, Picture};
#[doc(hidden)]
pub use states::Visited;
#[cfg(feature = "session")]
pub(crate) use table::table;
#[cfg(feature = "cli")]
pub(crate) use table::{or_dash, span};
#[cfg(feature = "cli")]
pub(crate) use text::{Span, since};
#[cfg(feature = "session")]
pub(crate) use words::{In, host_name};
