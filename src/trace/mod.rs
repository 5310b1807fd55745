//! What is made of a stack's events and frames: captures and log lines.

mod capture;
mod log;
mod pcapng;
mod summary;

pub use self::log::LogProbe;
pub use capture::Capture;
#[cfg(feature = "std")]
pub use pcapng::IoSink;
pub use pcapng::{Frame, InterfaceId, LinkType, SNAP_LEN, Sink, TEXT, Writer};
pub use summary::{Segment, Summary};
