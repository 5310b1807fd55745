//! The Linux TAP (Ethernet) and TUN (IP) device.
//!
//! A TAP is a virtual network card of the kernel. This program is at the other end of the card's cable. The program
//! reads the kernel's frames from a file, and writes frames for the kernel to the same file. [`TunTap::open`] attaches
//! to an existing TAP or TUN. [`create`] makes a new TAP or TUN, for the sandbox and the tests.

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
