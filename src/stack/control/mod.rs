//! The control block of a connection: what the stack adds to smoltcp's TCP.
#![allow(dead_code, unused_imports, reason = "the control block that uses the window is a later commit")]

mod congestion;
mod cubic;

pub use congestion::Congestion;
pub(in crate::stack) use congestion::Window;
