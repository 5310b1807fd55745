//! TCP and UDP servers and clients on smoltcp, `no_std` and without a heap.
//!
//! The servers and clients run in memory, on a Linux TAP or TUN, and on any smoltcp device.
//!
//! A TCP program implements [`stack::Session`], and each connection gets a clone of the program. A UDP server
//! implements [`stack::Responder`]. This session sends back the data that it receives:
//!
//! ```
//! use smolstep::smoltcp::socket::tcp::Socket;
//! use smolstep::stack::{Context, Next, Session};
//!
//! #[derive(Clone)]
//! struct Echo;
//!
//! impl Session for Echo {
//!     fn poll(&mut self, socket: &mut Socket<'_>, cx: &mut Context<'_>) -> Next {
//!         // Data that does not fit into the send buffer stays in the receive buffer, which slows down the peer.
//!         let room = (socket.send_capacity() - socket.send_queue()).min(cx.scratch.len());
//!         let len = socket.recv_slice(&mut cx.scratch[..room]).unwrap_or(0);
//!         let _ = socket.send_slice(&cx.scratch[..len]);
//!         if socket.may_recv() { Next::Wait } else { Next::Close }
//!     }
//! }
//! # fn is_a_program(_: impl Session + Clone) {}
//! # is_a_program(Echo);
//! ```
//!
//! The folder `examples/` shows a session in memory, on a TAP and in static memory, each in under 50 lines.
//! `examples/own_board` contains all files of a board.
//!
//! # The invariant
//!
//! [`Stack::step`](stack::Stack::step) does one bounded piece of work and returns a [`Step`](stack::Step) that
//! describes the work. [`Stack::poll`](stack::Stack::poll) calls `step` until no work is left or its budget is spent,
//! and returns the next deadline. The caller passes the current time. Only `host`, `board`, `cli` and the Linux devices
//! read a clock, an environment variable or a file. The servers, the tests and the lab all call `step`, so the lab
//! steps through the same code that a server runs.
//!
//! In an async task, [`run`] calls `poll` whenever the device has a received frame or room to send, and at each
//! deadline.
//!
//! # Layers
//!
//! Each module uses only the modules above it in this table:
//!
//! | module | contents |
//! |---|---|
//! | [`phy`] | devices: cable and loopback without a heap, Linux TAP and TUN; the check that every device must pass |
//! | [`stack`] | the poll loop, and the traits that programs implement |
//! | [`names`] | connections by host name: resolver, dialler |
//! | [`app`] | the programs, each using one smoltcp socket, and their list `APPS` |
//! | [`trace`] | captures and log lines, created from events and frames |
//! | [`lab`] | two stacks on a cable, with a virtual clock; scenarios and faults |
//! | `board` | one file for each board: memory map, console, controller; firmware (one feature per board, no `std`) |
//! | `host` | support for an operating system: heap memory, a clock, a seed, a loop that waits (feature `std`) |
//! | `cli` | the program `smolstep`, not part of the library (feature `cli`) |
//!
//! # Features
//!
//! Features name environments and protocols. Without features, the crate is `no_std` and uses no heap.
//!
//! | feature | adds |
//! |---|---|
//! | `alloc` | the lab's files: scenarios, expectations and packetdrill scripts; implies `ethernet` |
//! | `std` | `host` and `phy::linux`; implies `alloc`, `dhcp`, `fragments`, `ipv6`, `ping`, `recovery` and `slaac` |
//! | `session` | a session of the lab for a page: commands and answers in JSON; implies `fragments` |
//! | `cli` (default) | the program `smolstep`; implies `std` and `session`. Library users set `default-features = false` |
//! | `dhcp` | an IPv4 address from a DHCP server; the check that no other host uses the stack's addresses |
//! | `ipv6` | IPv6 |
//! | `fragments` | IP fragments, IPv6 extension headers, frames tagged with VLAN 0; implies `ipv6` and `recovery` |
//! | `recovery` | congestion control: `stack::Congestion` |
//! | `slaac` | IPv6 addresses created from the prefixes that routers advertise; implies `dhcp` and `ipv6` |
//! | `ping` | sends ICMP echo requests. The stack answers received echo requests even without this feature |
//! | `defmt` | log lines through defmt too; `defmt::Format` for events and errors |
//! | `embassy` | an adapter for embassy-net's drivers; implies `ethernet` |
//! | `ethernet` | smoltcp's feature `medium-ethernet`, so that `phy` uses smoltcp's types; `dhcp` and `ipv6` imply it |
//! | `board` | the loop and the processors of boards, without `std`: see `docs/porting.md` |
//! | `firmware` | `board` with a panic handler, a fault handler and an interrupt table |
//! | `mps2-an385` and others | the firmware of a board: see the list in `Cargo.toml`; implies `firmware` |
#![cfg_attr(not(feature = "std"), no_std)]

#[cfg(feature = "alloc")]
extern crate alloc;
// The module for browsers needs an allocator, which std provides for this target.
#[cfg(all(feature = "session", target_arch = "wasm32"))]
extern crate std;

pub use smoltcp;
pub use stack::run::{run, run_until};

pub mod app;
#[cfg(all(target_os = "none", feature = "board"))]
pub mod board;
pub mod lab;
pub mod names;
pub mod phy;
pub mod stack;
pub mod trace;

#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;
#[cfg(feature = "std")]
pub mod host;

#[cfg(all(test, feature = "std"))]
mod testing;

/// Compiles the code in the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;

/// Compiles the code in the porting guide.
#[cfg(doctest)]
#[doc = include_str!("../docs/porting.md")]
pub struct PortingGuide;
