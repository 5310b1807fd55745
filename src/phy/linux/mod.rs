//! The Linux TAP (Ethernet) and TUN (IP) device.
//!
//! A TAP is a network card of the kernel's whose cable ends in this program: what the kernel sends on it is read from a
//! file, what is written to the file arrives at the kernel. [`TunTap::open`] attaches to one that exists;
//! [`create`] makes one, for the sandbox and the tests.

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
pub use tuntap::{Fault, MAX_EXTRA, Ready, TunTap};
