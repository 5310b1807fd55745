//! `smolstep resolve`: looks up the addresses of a name.

use std::time::Duration;

use clap::Args;

use super::address::Lookup;
use super::console::Stdio;
use super::error::Failure;
use super::link::{LinkArgs, Side};
use super::output::say_line;
use super::stop::Stop;
use super::tcp_queries::WithQuery;
use super::values::positive;
use super::watch::Watch;
use crate::host::{Clock, HeapPool, Sizes};
use crate::names::WithResolver;
use crate::stack::{Io, Stack};

/// Look up the IPv6 and IPv4 addresses of a name
#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:
  smolstep resolve host.example --tap tap0 --dns 192.168.69.100
  smolstep resolve host.example --tap tap0 --dhcp")]
pub struct ResolveArgs {
    /// The name to look up
    #[arg(value_name = "NAME")]
    pub name: String,
    #[command(flatten)]
    pub link: LinkArgs,
    /// Give up after TIME
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = positive)]
    pub timeout: Duration,
}

/// Memory for a resolver. The UDP port holds several queries and replies. The TCP connections receive replies that are
/// too long for UDP.
const SIZES: Sizes = Sizes { connections: 4, receive: 65_537, send: 512, ports: 1, datagrams: 16, payload: 16_384 };

/// Runs `smolstep resolve`: prints each address of the name on a line.
///
/// # Errors
/// The error's message is one line for the user.
pub fn resolve(args: &ResolveArgs) -> Result<(), Failure> {
    let link = args.link.link(Side::Client)?;
    let device = link.open()?;
    let clock = Clock::start();
    let watch = Watch::new(&link, &device, &clock, args.link.pcap.as_deref())?;
    let mut stop = Stop::on_signals().map_err(Failure::run)?;
    let mut io = Io { device, console: Stdio::new(), probe: watch };
    let mut pool = HeapPool::new(SIZES);
    let mut stack: Stack<'_, WithQuery<()>, WithResolver<()>> =
        link.stack(&mut io.device, pool.memory(), clock.now(), |_| {})?;
    let lookup = Lookup { link: &link, patience: args.timeout, thorough: true };
    let found = lookup.all_addresses(&args.name, &mut stack, &mut io, &clock, &mut stop);
    // Even if the lookup has failed, release the lease and complete the capture.
    stack.release_lease(clock.now(), &mut io);
    io.probe.finish()?;
    found?.into_iter().try_for_each(say_line)
}
