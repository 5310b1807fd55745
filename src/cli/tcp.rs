//! `--socket-buffer` and `--congestion`: how TCP is run on the host.

use clap::{Args, ValueEnum};
use smoltcp::socket::tcp::CongestionControl;

use super::error::Failure;
use crate::host::{HeapPool, Sizes};

/// How TCP is run, where the defaults do not do.
#[derive(Args, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[group(skip)]
pub struct TcpArgs {
    /// Size of each connection's receive buffer and of its send buffer, from 4K to 16M [default: 256K, less above 1024
    /// connections; get sends from 16K]
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub socket_buffer: Option<usize>,
    /// How a sender slows down after loss [default: reno]
    #[arg(long, value_enum, value_name = "WHICH")]
    pub congestion: Option<Congestion>,
}

/// How a sender reacts to loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Congestion {
    /// Not at all, for a link of your own
    None,
    /// To half the window (RFC 5681)
    Reno,
    /// By less than reno, and back to the old window sooner (RFC 9438)
    Cubic,
}

/// What the buffers of all connections take each way, in bytes, before they become smaller than the default.
const IN_ALL: usize = 256 << 20;

/// Where sharing [`IN_ALL`] ends, in bytes: what a window can be without scaling.
const LEAST: usize = 65_535;

impl TcpArgs {
    /// Memory of these sizes with the socket buffers asked for; else with its own, less above 1,024 connections.
    ///
    /// # Errors
    /// A usage error where there is no memory for that.
    pub fn pool<'a, S, U>(&self, sizes: Sizes) -> Result<HeapPool<'a, S, U>, Failure> {
        let share = (IN_ALL / sizes.connections.max(1)).max(LEAST);
        let (receive, send) = match self.socket_buffer {
            Some(size) => (size, size),
            None => (sizes.receive.min(share), sizes.send.min(share)),
        };
        HeapPool::try_new(Sizes { receive, send, ..sizes }).ok_or_else(|| {
            Failure::usage(format_args!(
                "no memory for {} connections with socket buffers of {receive} bytes: lower --max-connections or \
                 --socket-buffer",
                sizes.connections
            ))
        })
    }

    /// The congestion control of every connection.
    pub fn congestion(&self) -> CongestionControl {
        match self.congestion {
            Some(Congestion::None) => CongestionControl::None,
            None | Some(Congestion::Reno) => CongestionControl::Reno,
            Some(Congestion::Cubic) => CongestionControl::Cubic,
        }
    }
}

/// The least and the most that a socket buffer can be, in bytes. Above the most, no window reaches (RFC 7323 section 2.3).
const SIZES: core::ops::RangeInclusive<usize> = 4096..=16 << 20;

/// A size in bytes, or in KiB or MiB with K or M behind it.
fn size(text: &str) -> Result<usize, &'static str> {
    let (number, unit) = match text.strip_suffix(['K', 'k']) {
        Some(number) => (number, 1 << 10),
        None => text.strip_suffix(['M', 'm']).map_or((text, 1), |number| (number, 1 << 20)),
    };
    let size = number.parse::<usize>().ok().and_then(|number| number.checked_mul(unit));
    size.filter(|size| SIZES.contains(size)).ok_or("it is a size from 4K to 16M, as in 256K")
}
