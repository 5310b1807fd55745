//! What needs an operating system: the command line, the console, the loop that waits, the sandbox.

mod address;
mod call;
pub mod capture;
mod cli;
pub mod clock;
mod console;
mod doctor;
mod drive;
mod error;
mod exchange;
mod get;
mod kernel;
mod lab;
mod link;
mod live;
mod memory;
pub mod netlink;
mod ping;
pub mod play;
mod resolve;
mod sandbox;
mod serve;
mod stop;
mod tour;
mod watch;

pub use address::{Lookup, settle};
pub use cli::run;
pub use console::Stdio;
pub use drive::{Ended, drive};
pub use error::Failure;
pub use link::{Link, LinkArgs, Side, seed};
pub use memory::{HeapPool, Sizes};
pub use stop::Stop;
pub use watch::Watch;
