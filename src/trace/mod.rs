//! What is made of a stack's events and frames: captures, log lines, and what the lab shows.

mod capture;
mod diagram;
mod entry;
mod explain;
mod fields;
mod flow;
mod icmp;
pub(crate) mod json;
mod lab_capture;
mod ladder;
mod log;
mod pcapng;
mod states;
mod summary;
pub(crate) mod svg;
mod text;

pub use self::log::LogProbe;
pub use capture::Capture;
pub use diagram::write_states_svg;
pub use entry::{Entry, Ring, What};
pub use explain::{Explanation, explain, transition};
pub use fields::Fields;
pub use flow::{Cause, Flow, Side};
pub use json::write_json;
pub use lab_capture::LabCapture;
pub use ladder::Ladder;
#[cfg(feature = "std")]
pub use pcapng::IoSink;
pub use pcapng::{Frame, InterfaceId, LinkType, SNAP_LEN, Sink, TEXT, Writer};
pub use states::{OTHERS, Other, STEPS, Taken, Visited};
pub use summary::{Carries, Ends, Segment, Summary};
pub use svg::{SVG_ROWS, write_ladder_svg};
