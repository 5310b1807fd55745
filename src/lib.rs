//! TCP and UDP servers and clients on smoltcp, `no_std` and without a heap: in memory, on a Linux TAP or TUN, and wherever a
//! smoltcp device is.
//!
//! **One invariant.** [`stack::Stack::step`] does one bounded piece of work and says what it did;
//! [`Stack::poll`](stack::Stack::poll) is `step` until nothing is left, and returns the next deadline. Time is an argument, a
//! deadline is a result: only [`host`], [`cli`] and the Linux devices touch a clock, an environment variable or a file. The servers and the
//! tests all drive this one function, so what is stepped through is what serves.
//!
//! The layers are the modules; each uses only those above it in this list:
//!
//! | module | what is in it |
//! |---|---|
//! | [`phy`] | devices: cable and loopback without a heap, Linux TAP and TUN; the check that every device must pass |
//! | [`stack`] | the poll loop, and the traits that a program is written to |
//! | [`names`] | from a host's name to its addresses |
//! | [`app`] | what the programs say, each against one smoltcp socket |
//! | [`trace`] | what is made of events and frames: captures, log lines |
//! | [`lab`] | two stacks on a cable, a virtual clock; scenarios and faults |
//! | `board` | one file a board: memory map, console, controller; firmware (a feature each, without `std`) |
//! | [`host`] | the library on an operating system: heap memory, clock, the loop (feature `std`) |
//! | [`cli`] | the program: the command line, the console, the sandbox (feature `std`) |
//!
//! Features `dhcp`, `slaac` and `ping` are for what their names say, and `std` implies them. Feature `embassy` adds an adapter for
//! embassy-net's drivers; `docs/porting.md` leads to a board of one's own.
//!
//! A program is a [`stack::Session`], one for each TCP connection, or a [`stack::Responder`] on a UDP port. See `examples/` for each
//! of these in under 50 lines.
#![cfg_attr(not(feature = "std"), no_std)]

pub use smoltcp;

pub mod app;
#[cfg(all(target_os = "none", feature = "board"))]
pub mod board;
pub mod lab;
pub mod names;
pub mod phy;
pub mod stack;
pub mod trace;

#[cfg(feature = "std")]
pub mod cli;
#[cfg(feature = "std")]
pub mod host;

#[cfg(test)]
mod testing;

/// Compiles the code in the porting guide.
#[cfg(doctest)]
#[doc = include_str!("../docs/porting.md")]
pub struct PortingGuide;
