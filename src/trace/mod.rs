//! Turns the events and frames of any stack into log lines, captures and header fields.

mod capture;
#[cfg(feature = "ethernet")]
mod fields;
mod flow;
mod icmp;
pub(crate) mod json;
mod log;
mod pcapng;
mod summary;

pub use self::log::LogProbe;
pub use capture::Capture;
#[cfg(feature = "ethernet")]
#[doc(hidden)]
pub use fields::Fields;
#[cfg(feature = "session")]
pub(crate) use fields::{Field, each_field};
#[doc(hidden)]
pub use flow::Mark;
pub use flow::{Cause, Flow, Side};
#[doc(hidden)]
pub use json::write_event;
#[doc(hidden)]
pub use pcapng::InterfaceId;
#[cfg(feature = "std")]
pub use pcapng::IoSink;
pub(crate) use pcapng::TEXT;
pub use pcapng::{Frame, LinkType, Sink, Writer};
pub use summary::{Carries, Ends, Segment, Summary};
