//! Turns the events and frames of any stack into log lines, captures and header fields.

mod capture;
mod fields;
mod flow;
mod icmp;
pub(crate) mod json;
mod log;
mod pcapng;
mod summary;

pub use self::log::LogProbe;
pub use capture::Capture;
pub use fields::Fields;
pub use flow::{Cause, Flow, Side};
pub use json::write_event;
#[cfg(feature = "std")]
pub use pcapng::IoSink;
pub(crate) use pcapng::TEXT;
pub use pcapng::{Frame, InterfaceId, LinkType, Sink, Writer};
pub use summary::{Carries, Ends, Segment, Summary};
