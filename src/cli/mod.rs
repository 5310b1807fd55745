//! The `smolstep` program: its command line, console and sandbox.
//!
//! Each command is in its own file, together with its options. The file commands.rs parses the command line and runs
//! the command. The options that commands share are in link.rs.

mod addr_text;
mod address;
mod call;
mod commands;
mod completions;
mod console;
mod doctor;
mod editor;
mod error;
mod events;
mod exchange;
mod get;
mod kernel;
mod lab;
mod lines;
mod link;
mod listening;
mod live;
mod local;
mod mac;
mod man;
pub mod netlink;
mod output;
mod ping;
mod programs;
mod race;
pub mod replay;
mod resolve;
mod sandbox;
mod serve;
mod shell;
mod stop;
mod suggest;
mod tcp;
mod tcp_queries;
mod timer;
mod tour;
mod usage;
mod values;
mod watch;
mod words;
mod zone;

pub use address::{Lookup, settle};
pub use commands::run;
pub use console::Stdio;
pub use error::Failure;
pub use link::{Link, LinkArgs, Side};
pub use output::start_log;
pub use stop::Stop;
pub use tcp::{Congestion, TcpArgs};
pub use watch::{Watch, create_capture};
