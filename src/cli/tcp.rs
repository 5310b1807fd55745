//! `--socket-buffer`, `--congestion` and `--nagle`: the options for all TCP connections.

use clap::{Args, ValueEnum};

use super::error::Failure;
use crate::host::{HeapPool, Sizes};
use crate::stack::{self, TcpOptions};

/// The options for all TCP connections.
#[derive(Args, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[group(skip)]
pub struct TcpArgs {
    /// Size of each connection's receive buffer and of its send buffer, from 4K to 16M [default: 256K and 1M, and less
    /// for more than 1024 connections; get has a send buffer of 16K]
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub socket_buffer: Option<usize>,
    /// How a sender slows down after loss [default: cubic]
    #[arg(long, value_enum, value_name = "WHICH")]
    pub congestion: Option<Congestion>,
    /// Hold a small segment back until earlier segments are acknowledged (Nagle's algorithm)
    #[arg(long)]
    pub nagle: bool,
}

/// How a sender reacts to loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Congestion {
    /// Ignore loss; use this only on a private link
    None,
    /// Halve the window (RFC 5681)
    Reno,
    /// Reduce the window less than reno does, and restore it sooner (RFC 9438)
    Cubic,
}

impl From<Congestion> for stack::Congestion {
    /// Converts the option's value. The command line has its own enum, because the stack also compiles without clap.
    fn from(congestion: Congestion) -> Self {
        match congestion {
            Congestion::None => stack::Congestion::None,
            Congestion::Reno => stack::Congestion::Reno,
            Congestion::Cubic => stack::Congestion::Cubic,
        }
    }
}

/// The maximum total size of all default receive buffers, in bytes. With many connections, each default buffer is
/// therefore smaller.
const RECEIVE_IN_ALL: usize = 256 << 20;
/// The maximum total size of all default send buffers, in bytes. With many connections, each default buffer is
/// therefore smaller.
const SEND_IN_ALL: usize = 1 << 30;

/// The smallest size to which a default buffer is reduced, in bytes, even if all buffers then exceed their maximum
/// total size. This is the largest window without scaling.
const LEAST: usize = 65_535;

impl TcpArgs {
    /// Allocates memory for `sizes` with the requested socket buffers. To save memory, default buffers are smaller for
    /// more than 1,024 connections.
    ///
    /// # Errors
    /// Fails with a usage error if the memory is not available.
    pub fn pool<'a, S, U>(&self, sizes: Sizes) -> Result<HeapPool<'a, S, U>, Failure> {
        // An equal share of `all` bytes for each connection, but not less than the minimum. `max(1)` avoids a division
        // by 0.
        let share = |all: usize| (all / sizes.connections.max(1)).max(LEAST);
        let (receive, send) = match self.socket_buffer {
            Some(size) => (size, size),
            None => (sizes.receive.min(share(RECEIVE_IN_ALL)), sizes.send.min(share(SEND_IN_ALL))),
        };
        // If the system has too little memory, the send buffers become as small as the receive buffers.
        let allocate = |send| HeapPool::try_new(Sizes { receive, send, ..sizes });
        allocate(send).or_else(|| allocate(send.min(receive))).ok_or_else(|| {
            Failure::usage(format_args!(
                "no memory for {} connections with socket buffers of {receive} bytes: lower --max-connections or \
                 --socket-buffer",
                sizes.connections
            ))
        })
    }

    /// Sets the options of every connection.
    pub fn configure(&self, options: &mut TcpOptions) {
        options.congestion = self.congestion.map_or(stack::Congestion::Cubic, Into::into);
        options.nagle = self.nagle;
    }
}

/// The range of a socket buffer, in bytes. The upper limit bounds the memory of a connection. RFC 7323 section 2.3
/// would allow windows of almost 1 GiB.
const SIZES: core::ops::RangeInclusive<usize> = 4096..=16 << 20;

/// Parses a size in bytes, in KiB with the suffix K, or in MiB with the suffix M.
fn size(text: &str) -> Result<usize, &'static str> {
    let (number, unit) = match text.strip_suffix(['K', 'k']) {
        Some(number) => (number, 1 << 10),
        None => text.strip_suffix(['M', 'm']).map_or((text, 1), |number| (number, 1 << 20)),
    };
    let size = number.parse::<usize>().ok().and_then(|number| number.checked_mul(unit));
    size.filter(|size| SIZES.contains(size)).ok_or("it must be a size from 4K to 16M, as in 256K")
}
