//! `smolstep get`: fetches a URL over HTTP and writes the body to a file or to standard output.

pub(super) mod destination;
mod fetch;
mod sink;
mod target;
mod waiting;

use std::cell::RefCell;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::address::Lookup;
use super::console::Stdio;
use super::error::Failure;
use super::link::{Link, LinkArgs, Side};
use super::race::{Race, Runner};
use super::stop::Stop;
use super::tcp::TcpArgs;
use super::tcp_queries::WithQuery;
use super::values::positive;
use super::watch::Watch;
use crate::app::http_client::Get;
use crate::host::{Clock, Sizes};
use crate::names::WithResolver;
use crate::phy::linux::TunTap;
use crate::stack::{ConnectionId, Io, Stack};
use destination::Destination;
use sink::Sink;
use target::Target;
use waiting::Waiting;

/// Fetch a URL with HTTP/1.1
#[derive(Args, Clone, Debug)]
#[command(after_help = "A status such as 404 is not an error: the body is written, with a warning.

Examples:
  smolstep get http://192.168.69.100:8000/page.html -o page.html --tap tap0
  smolstep get -i -L http://host.example/ --tap tap0 --dhcp")]
pub struct GetArgs {
    /// The URL to fetch: http://HOST[:PORT]/PATH [default port: 80]
    #[arg(value_name = "URL")]
    pub url: String,
    #[command(flatten)]
    pub link: LinkArgs,
    #[command(flatten)]
    pub tcp: TcpArgs,
    /// Write the body to FILE, once all of it has arrived [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Write the header before the body
    #[arg(short, long)]
    pub include: bool,
    /// Follow redirects, at most 10
    #[arg(short = 'L', long = "location")]
    pub follow: bool,
    /// Give up when the lookup, the connection, the header or a pause in the body takes longer than TIME
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = positive)]
    pub timeout: Duration,
}

/// The largest number of redirects to follow.
const REDIRECTS: usize = 10;

/// The longest response header that is accepted, in bytes.
const HEAD: usize = 16_384;

/// Memory for one connection to each address of a host. Also has room for connections of earlier requests that are
/// still closing.
const SIZES: Sizes =
    Sizes { connections: 32, receive: 262_144, send: 16_384, ports: 1, datagrams: 64, payload: 131_072 };

type Fetch<'t> = Get<String, &'t RefCell<Sink>, HEAD>;
type Fetching<'s, 't> = Stack<'s, WithQuery<Runner<'t, Fetch<'t>>>, WithResolver<()>>;
type Around = Io<TunTap, Stdio, Watch<'static>>;

/// Runs `smolstep get`.
///
/// # Errors
/// The error's message is one line for the user.
pub fn get(args: &GetArgs) -> Result<(), Failure> {
    let link = args.link.link(Side::Client)?;
    let target = Target::parse(&args.url, &link.name)?;
    if std::env::var_os("RUST_LOG").is_none() {
        // Log lines below level warn would disturb the output.
        log::set_max_level(log::LevelFilter::Warn);
    }
    // Signals are caught before a temporary file exists, so that no signal leaves the file behind.
    let stop = Stop::on_signals().map_err(Failure::run)?;
    let device = link.open()?;
    let sink = RefCell::new(Sink::new(Destination::open(args.output.as_deref())?, args.include, args.follow));
    let clock = Clock::start();
    let watch = Watch::new(&link, &device, &clock, args.link.pcap.as_deref())?;
    let waiting = Waiting::new(stop, &sink)?;
    let race = Race::default();
    let closing = Vec::new();
    let mut getter = Getter {
        link: &link,
        tcp: args.tcp,
        sink: &sink,
        race: &race,
        patience: args.timeout,
        clock,
        waiting,
        closing,
    };
    let mut io = Io { device, console: Stdio::new(), probe: watch };
    let result = getter.run(target, &mut io);
    let captured = io.probe.finish();
    // The getter borrows the sink, which `finish` consumes.
    drop(getter);
    // After a failure, `finish` is not called, so an existing file keeps its content.
    result?;
    sink.into_inner().finish()?;
    captured
}

/// The state shared by all requests of one `smolstep get`.
struct Getter<'g> {
    link: &'g Link,
    tcp: TcpArgs,
    sink: &'g RefCell<Sink>,
    race: &'g Race,
    patience: Duration,
    clock: Clock,
    waiting: Waiting<'g>,
    /// Connections that are no longer needed but might still be closing.
    closing: Vec<ConnectionId>,
}

impl<'g> Getter<'g> {
    /// Creates the stack, fetches the target, follows redirects, and releases the DHCP lease.
    fn run(&mut self, mut target: Target, io: &mut Around) -> Result<(), Failure> {
        let mut pool = self.tcp.pool(SIZES)?;
        let mut stack: Fetching<'_, 'g> =
            self.link.stack(&mut io.device, pool.memory(), self.clock.now(), |config| {
                self.tcp.configure(&mut config.tcp);
                // After a complete response, do not wait up to a minute for the server's final acknowledgement.
                config.tcp.linger = smoltcp::time::Duration::from_secs(3);
            })?;
        let result = self.follow(&mut target, &mut stack, io);
        stack.release_lease(self.clock.now(), io);
        result
    }

    /// Fetches `target`. Replaces `target` with the location of a redirect, and fetches that, at most [`REDIRECTS`]
    /// times.
    fn follow(&mut self, target: &mut Target, stack: &mut Fetching<'_, 'g>, io: &mut Around) -> Result<(), Failure> {
        // One request for the first target, and one for each redirect.
        for _ in 0..=REDIRECTS {
            self.fetch(target, stack, io)?;
            match self.sink.borrow_mut().take_redirect() {
                None => return Ok(()),
                Some(location) => *target = target.redirected(&location)?,
            }
        }
        Err(Failure::run(format_args!("more than {REDIRECTS} redirects, the last of them to {target}")))
    }

    /// Returns the addresses of the target's host, in order of preference.
    fn addresses(
        &mut self,
        target: &Target,
        stack: &mut Fetching<'_, 'g>,
        io: &mut Around,
    ) -> Result<Vec<IpAddr>, Failure> {
        let lookup = Lookup { link: self.link, patience: self.patience, thorough: false };
        lookup.addresses(target.host(), stack, io, &self.clock, self.waiting.stop())
    }
}
