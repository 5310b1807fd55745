//! The Linux TAP (Ethernet) and TUN (IP) device.
//!
//! A TAP is a network card of the kernel whose cable ends in this program. Frames that the kernel sends on it are read from a
//! file; frames written to the file arrive at the kernel. [`TunTap::open`] attaches to an existing TAP or TUN. [`create`]
//! makes a new one, for the sandbox and the tests.

mod carrier;
mod ioctl;
mod join;
mod offload;
mod open;
mod port;
mod tuntap;

#[doc(hidden)]
pub use offload::complete;
#[doc(hidden)]
pub use open::create;
pub use open::{Kind, OpenError};
pub use tuntap::{Fault, TunTap};
#[doc(hidden)]
pub use tuntap::{MAX_EXTRA, Ready};
