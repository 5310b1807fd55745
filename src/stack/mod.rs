//! The poll loop.

mod console;
mod event;
mod session;

pub use console::{Console, Input, Quiet};
pub use event::{ConnectionId, Direction, Drop, Event, Io, Probe, Step, Tuple};
pub use session::{Answer, Context, End, MESSAGE, Next, Respond, Responder, Session, UdpSession};
