//! Turns the events and frames of any stack into log lines, captures and header fields.

mod capture;
mod fields;
mod flow;
mod icmp;
mod log;
mod pcapng;
mod summary;

pub use self::log::LogProbe;
pub use capture::Capture;
pub use fields::Fields;
pub use flow::{Cause, Flow, Side};
#[cfg(feature = "std")]
pub use pcapng::IoSink;
pub use pcapng::{Frame, InterfaceId, LinkType, SNAP_LEN, Sink, TEXT, Writer};
pub use summary::{Carries, Ends, Segment, Summary};
